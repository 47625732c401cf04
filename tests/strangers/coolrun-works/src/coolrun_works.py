"""A stranger's plugin: a command, a key, a setting, a function for expressions, every observer."""

from __future__ import annotations

from collections.abc import Callable

from coolrun import Config, Experiment, Parser, hookimpl


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command("greet", help="say hello", handler=greet, examples=("coolrun greet --loud",))
    parser.add_option("--loud", command="greet", action="store_true", help="shout")
    parser.add_key("Mood", type="text", help="how the experiment feels", runs=True)
    parser.add_setting("politeness", type=int, default=1, help="how polite to be")


def greet(config: Config) -> int:
    print("HELLO" if config.option("loud") else "hello")
    return 0


def double(value: float) -> float:
    return 2 * value


def opaque() -> object:
    return object()


@hookimpl
def coolrun_names() -> dict[str, object]:
    return {"double": double, "opaque": opaque}


@hookimpl
def coolrun_execute(
    experiment: Experiment, parameters: dict[str, object]
) -> Callable[[], None] | None:
    if "Mood" not in experiment:
        return None
    return lambda: parameters.update(FELT=experiment["Mood"])


@hookimpl
def coolrun_post_run() -> None:
    raise RuntimeError("observers never stop anything")
