"""The real command, and a service of Apprise's on loopback that is sent JSON."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from coolrun.testing import Project

DEFINITION = """
    Global: {apprise: true, say: ACC, jobs: 2}
    Module: work
    ---
    {Name: good, ACC: 0.9}
    ---
    {Name: bad, broken: true, Repeat: 3}
    """
WORK = """
    def main(exp):
        if exp.get("broken"):
            raise ValueError(f"no luck with {exp.REP}")
    """
SECRET = "a-password-of-mine"


class Service:
    """What was sent, and with which code it is answered."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.code = 200
        self.address = ""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            made.sent.append(json.loads(data))
            self.send_response(made.code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    made.address = f"json://me:{SECRET}@127.0.0.1:{server.server_address[1]}/in"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("COOLRUN_APPRISE_URLS", raising=False)
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def study(project: Project) -> Project:
    return project({"experiment.yaml": DEFINITION, "work.py": WORK})


def test_the_beginning_and_the_end_are_told(study: Project, service: Service) -> None:
    outcome = study.run(env={"COOLRUN_APPRISE_URLS": service.address})
    assert outcome.code == 1
    first, *_, last = service.sent
    assert first["title"] == "experiment.yaml started: 4 runs, 2 at once"
    assert last["title"].startswith("experiment.yaml finished in ")
    assert "3 failed" in last["title"]
    assert last["message"].splitlines()[1:3] == ["best:", "0.9  0 good"]
    assert "\n3 x ValueError: no luck with N (such as experiment " in last["message"]
    assert (first["type"], last["type"]) == ("info", "success")
    assert "apprise" not in outcome.err


def test_several_services_are_told_each(study: Project, service: Service) -> None:
    both = f"{service.address} {service.address}/other"
    study.run(env={"COOLRUN_APPRISE_URLS": both})
    assert len(service.sent) == 4


def test_addresses_may_stand_in_a_file(study: Project, service: Service) -> None:
    text = DEFINITION.replace("apprise: true", "apprise: addresses.txt")
    study({"experiment.yaml": text, "addresses.txt": f"# mine\n\n{service.address}\n"})
    study.run()
    assert len(service.sent) == 2
    stored = [f for f in (study.path / ".coolrun").rglob("*") if f.is_file()]
    assert not [f for f in stored if SECRET.encode() in f.read_bytes()]


@pytest.mark.parametrize("args", [[], ["--dry"]], ids=["run", "dry"])
@pytest.mark.parametrize("value", ["{}", "[{}]", "[a, {}]"])
def test_an_address_in_the_definition_is_refused_and_not_shown(
    study: Project, service: Service, value: str, args: list[str]
) -> None:
    written = value.format(f"'{service.address}'")
    study({"experiment.yaml": DEFINITION.replace("apprise: true", f"apprise: {written}")})
    outcome = study.run(*args, env={"COOLRUN_APPRISE_URLS": service.address})
    assert outcome.code == 4
    assert "experiment.yaml:1:" in outcome.err
    assert "addresses hold passwords" in outcome.err
    assert "COOLRUN_APPRISE_URLS" in outcome.err
    assert SECRET not in outcome.out + outcome.err
    assert service.sent == []


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ("", "there is no address in the environment variable COOLRUN_APPRISE_URLS"),
        (f"nothing://{SECRET}", "number 1 in the environment variable COOLRUN_APPRISE_URLS"),
        (f"json://127.0.0.1 {SECRET}", "no address such as number 2"),
    ],
    ids=["none", "unknown", "no address"],
)
def test_what_is_wrong_is_told_before_the_first_run(
    study: Project, addresses: str, words: str
) -> None:
    outcome = study.run(env={"COOLRUN_APPRISE_URLS": addresses})
    assert outcome.code == 4
    assert words in outcome.err
    assert SECRET not in outcome.err
    assert outcome.records == []


def test_a_file_that_is_not_there_is_told(study: Project) -> None:
    study({"experiment.yaml": DEFINITION.replace("apprise: true", "apprise: nowhere.txt")})
    assert "cannot read addresses from 'nowhere.txt'" in study.run().err


def test_a_dry_run_sends_nothing(study: Project, service: Service) -> None:
    assert study.run("--dry", env={"COOLRUN_APPRISE_URLS": service.address}).code == 0
    assert service.sent == []


def test_without_the_setting_nothing_is_sent(study: Project, service: Service) -> None:
    study({"experiment.yaml": DEFINITION.replace("apprise: true, ", "")})
    study.run(env={"COOLRUN_APPRISE_URLS": service.address})
    assert service.sent == []


def test_a_service_that_refuses_stops_nothing_and_is_one_line(
    study: Project, service: Service
) -> None:
    service.code = 500
    outcome = study.run(env={"COOLRUN_APPRISE_URLS": service.address})
    assert len(outcome.records) == 4
    assert outcome.err.count("apprise (JSON): 2 messages were not sent") == 1
    assert SECRET not in outcome.err


def test_it_works_with_another_plugin_blocked(study: Project, service: Service) -> None:
    environment = {"COOLRUN_APPRISE_URLS": service.address, "COOLRUN_PLUGINS": "no:slack"}
    study.run(env=environment)
    assert len(service.sent) == 2


def test_it_is_listed(project: Project) -> None:
    assert "apprise" in project.run("plugins", env={**os.environ}).out
