"""`coolrun plugins`: what is loaded, blocked or broken, and what each plugin does."""

from __future__ import annotations

from coolrun import Config, Parser, hookimpl

WIDTH = 100  # columns of the list


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
        import json

        print(json.dumps(rows, indent=2))
        return 0
    from tabulate import tabulate

    from coolrun.display import shortened

    lines = [[str(r["name"]), str(r["version"] or r["origin"]), str(r["state"])] for r in rows]
    room = WIDTH - sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))
    for line, row in zip(lines, rows, strict=True):
        line.append(shortened(str(row["reason"] or row["help"]), max(room, 20)))
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
        "launchers": [x.name for x in parser.launchers.values() if x.plugin == name],
    }


def _help(plugin: object) -> str:
    """The first line of what a plugin says about itself, without quotes and full stop."""
    lines = (getattr(plugin, "__doc__", None) or "").strip().splitlines()
    return lines[0].replace("`", "").removesuffix(".") if lines else ""
