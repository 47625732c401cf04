"""`coolrun plugins`: what is loaded, blocked or broken, and what each plugin does."""

from __future__ import annotations

import json

from coolrun import Config, Parser, hookimpl

ROOM = 64  # columns for what a plugin does


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        "plugins",
        help="list the plugins, what they do and why one is missing",
        handler=show,
        examples=("coolrun plugins", "coolrun -p no:solve plugins", "coolrun plugins --json"),
    )
    parser.add_option("--json", command="plugins", action="store_true", help="for programs")


def show(config: Config) -> int:
    """Print the list and return 0."""
    rows = [_row(name, config) for name in config.pluginmanager.infos]
    if config.option("json"):
        print(json.dumps(rows, indent=2))
        return 0
    from tabulate import tabulate

    from coolrun.display import shortened

    lines = [
        [r["name"], r["version"] or r["origin"], r["state"], shortened(_told(r), ROOM)]
        for r in rows
    ]
    print(tabulate(lines, headers=["plugin", "from", "state", "what it does"], tablefmt="simple"))
    return 0


def _row(name: str, config: Config) -> dict[str, object]:
    manager, parser = config.pluginmanager, config.parser
    info = manager.infos[name]
    return {
        "name": name,
        "origin": info.origin,
        "version": info.version,
        "state": info.state,
        "reason": info.reason,
        "help": _help(manager.get_plugin(name)),
        "milliseconds": round(info.milliseconds, 2),
        "hooks": manager.hooks_of(name),
        "commands": [c.name for c in parser.commands.values() if c.plugin == name],
        "keys": [k.name for k in parser.keys.values() if k.plugin == name],
        "settings": [s.name for s in parser.settings.values() if s.plugin == name],
        "words": [w.name for w in parser.words.values() if w.plugin == name],
    }


def _told(row: dict[str, object]) -> str:
    return str(row["reason"] or row["help"])


def _help(plugin: object) -> str:
    """The first line of what a plugin says about itself, without quotes and full stop."""
    lines = (getattr(plugin, "__doc__", None) or "").strip().splitlines()
    return lines[0].replace("`", "").removesuffix(".") if lines else ""
