"""Ports that runs have for themselves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import coolrun
from coolrun import Busy, CoolrunError, Experiment, Lease, Run
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun_plugins import ports

WORK = """
    import os
    import socket
    from pathlib import Path

    from coolrun.testing.waiting import wait_for

    NAMES = ("MASTER_ADDR", "MASTER_PORT", "COOLRUN_PORT")

    def tell(exp):
        exp.SEEN = {name: os.environ[name] for name in NAMES if name in os.environ}

    def meet(exp):
        # All of them listen at the same moment.
        place = Path(exp.place)
        with socket.create_server(("", int(os.environ["MASTER_PORT"]))):
            (place / os.environ["COOLRUN_TOKEN"]).touch()
            wait_for(lambda: len(list(place.iterdir())) == exp.number)
        exp.PORT = os.environ["COOLRUN_PORT"]

    def hold(exp):
        Path(exp.place, "port").write_text(os.environ["COOLRUN_PORT"])
        wait_for(Path(exp.place, "go").exists)
    """


def a_run(environment: dict[str, str] | None = None, **values: Any) -> Run:
    return Run("s", Experiment(values), 1, "t", Path("folder"), environment=environment or {})


@pytest.fixture(autouse=True)
def _nothing_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def given_to(run: Run) -> dict[str, str]:
    lease = ports.coolrun_pre_launch(run)
    if lease is None:
        return {}
    assert lease.release is not None
    lease.release()
    return dict(lease.environment)


@pytest.mark.parametrize(
    ("values", "visible", "gets_one"),
    [
        ({}, None, False),
        ({"Gpus": 1}, "3", False),
        ({"Gpus": 0}, "", False),
        ({"Gpus": 2}, None, True),
        ({}, "2,3", True),
        ({"FreePort": True}, None, True),
        ({"FreePort": True, "Gpus": 0}, "", True),
        ({"FreePort": False, "Gpus": 2}, "0,1", False),
        ({"FreePort": None, "Gpus": 2}, "0,1", True),
    ],
)
def test_runs_on_several_gpus_and_those_that_ask_get_a_port(
    values: dict[str, Any], visible: str | None, gets_one: bool
) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    given = given_to(a_run(environment, **values))
    assert bool(given) == gets_one
    if given:
        assert given["MASTER_PORT"] == given["COOLRUN_PORT"]
        assert int(given["COOLRUN_PORT"]) in ports.PORTS
        assert given["MASTER_ADDR"] == "127.0.0.1"


def test_values_of_the_users_own_win(monkeypatch: pytest.MonkeyPatch) -> None:
    given = given_to(a_run({"MASTER_PORT": "1234"}, FreePort=True))
    assert given.keys() == {"MASTER_ADDR", "COOLRUN_PORT"}
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    given = given_to(a_run(FreePort=True))
    assert given.keys() == {"MASTER_PORT", "COOLRUN_PORT"}


def test_a_run_finds_its_port_in_its_environment(project: Project) -> None:
    files = {
        "work.py": WORK,
        "experiment.yaml": """
            Module: work:tell
            ---
            FreePort: true
            ---
            {}
            ---
            FreePort: true
            Env: {MASTER_PORT: 4321, MASTER_ADDR: node1}
            """,
    }
    done = project(files).run()
    one, none, own = (record["SEEN"] for record in done.records)
    assert one["MASTER_PORT"] == one["COOLRUN_PORT"]
    assert one["MASTER_ADDR"] == "127.0.0.1"
    assert none == {}
    assert own["MASTER_PORT"] == "4321"
    assert own["MASTER_ADDR"] == "node1"


def test_two_sessions_at_once_never_give_the_same_port(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    text = f"""
        Module: work:meet
        Global: {{jobs: 3, repeat: 3}}
        FreePort: true
        place: {place}
        number: 6
        ---
        {{}}
        """
    project({"work.py": WORK, "experiment.yaml": text})
    sessions = []
    for _ in range(2):
        command, environment, trace = project.command()
        process = subprocess.Popen(
            command,
            cwd=project.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        sessions.append((process, trace))
    for process, _ in sessions:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out
    texts = "".join(
        log.read_text() for log in project.path.glob(".coolrun/sessions/*/runs/*/results.jsonl")
    )
    found = [line for line in texts.splitlines() if line.startswith('["set","PORT"')]
    assert len(found) == len(set(found)) == 6


def test_a_port_stays_taken_as_long_as_the_run_lives(project: Project, tmp_path: Path) -> None:
    text = f"Module: work:hold\nFreePort: true\nplace: {tmp_path}\n---\n{{}}\n"
    command, environment, _ = project({"work.py": WORK, "experiment.yaml": text}).command()
    with subprocess.Popen(command, cwd=project.path, env=environment) as runner:
        file = tmp_path / "port"
        port = int(wait_for(lambda: file.exists() and file.read_text()))
        assert ports.lease_port([port]) is None
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
        assert ports.lease_port([port]) is None
        (tmp_path / "go").touch()
        leased = wait_for(lambda: ports.lease_port([port]))
        assert leased is not None
        os.close(leased[1])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_port_on_which_somebody_listens_is_passed_over(
    listener: socket.socket, tmp_path: Path
) -> None:
    assert ports.lease_port([listener.getsockname()[1]], str(tmp_path)) is None


def test_a_port_that_was_given_back_can_be_had_again(tmp_path: Path) -> None:
    some = ports.PORTS[-3:]
    first = ports.lease_port(some, str(tmp_path))
    second = ports.lease_port(some, str(tmp_path))
    assert first is not None
    assert second is not None
    assert first[0] != second[0]
    os.close(first[1])
    again = ports.lease_port(some, str(tmp_path))
    assert again is not None
    assert again[0] == first[0]
    os.close(again[1])
    os.close(second[1])


def test_what_is_no_plain_file_of_a_lock_is_passed_over(tmp_path: Path) -> None:
    link, folder, pipe, plain = ports.PORTS[-4:]
    (tmp_path / f"coolrun-port-{link}.lock").symlink_to(tmp_path / "elsewhere")
    (tmp_path / f"coolrun-port-{folder}.lock").mkdir(mode=0o000)
    os.mkfifo(tmp_path / f"coolrun-port-{pipe}.lock")
    leased = ports.lease_port([link, plain], str(tmp_path))
    assert leased is not None
    assert leased[0] == plain
    os.close(leased[1])
    assert not (tmp_path / "elsewhere").exists()
    for odd in (folder, pipe):  # whatever it is, nobody waits for it
        found = ports.lease_port([odd], str(tmp_path))
        if found is not None:
            os.close(found[1])


def test_the_file_of_a_lock_can_be_opened_by_everybody(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        leased = ports.lease_port(ports.PORTS[-1:], str(tmp_path))
    finally:
        os.umask(before)
    assert leased is not None
    assert os.fstat(leased[1]).st_mode & 0o777 == 0o644
    os.close(leased[1])


def test_a_run_waits_where_no_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "lease_port", lambda: None)
    with pytest.raises(Busy, match="no port from 28500 to 29499 is free"):
        ports.coolrun_pre_launch(a_run(FreePort=True))


def test_the_lease_hands_on_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = ports.coolrun_pre_launch(a_run(FreePort=True))
    assert isinstance(lease, Lease)
    assert lease.release is not None
    (lock,) = lease.descriptors
    assert ports.lease_port([int(lease.environment["COOLRUN_PORT"])]) is None
    lease.release()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lock)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("maybe", "FreePort is 'maybe' (expected true or false)"),
        ("29500", "a port of your own goes into Env: {MASTER_PORT: ...}"),
        ("[true]", "FreePort is [True]"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(
    tmp_path: Path, value: str, words: str
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\n---\nFreePort: {value}\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert words in str(caught.value)
    assert "experiment.yaml:3:" in str(caught.value)


def test_an_awaited_wish_is_checked_at_launch(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    exp.X = 'soon'\n",
        "experiment.yaml": "Module: work\n---\n{}\n---\nFreePort: await E[0].X\n",
    }
    done = project(files).run()
    assert [record["STATUS"] for record in done.records] == ["done", "blocked"]
    assert "key 'FreePort': FreePort is 'soon'" in done.records[1]["FAILURE"]
