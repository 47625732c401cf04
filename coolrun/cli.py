"""The composition root: plugins -> parser -> handler -> exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun.arguments import build_parser, split_arguments
from coolrun.config import Config
from coolrun.declarations import DEFAULT_COMMAND, Command, Parser
from coolrun.errors import CoolrunError, ExitCode, UsageError
from coolrun.main import plan_of, run
from coolrun.plugins import PluginManager

if TYPE_CHECKING:
    from coolrun.planning import Plan

BUILTINS = "coolrun_plugins"
# What is wrong with the machine, and not with this program.
MACHINE = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "EFBIG")
)


class HelpAsked(Exception):
    """Instead of doing anything the person wants to read this text."""


def main(argv: Sequence[str]) -> int:
    """Run one command line and return the exit code. Errors become one screen of words."""
    if os.name == "nt":
        print("coolrun needs Linux or macOS; on Windows it runs inside WSL 2", file=sys.stderr)
        return ExitCode.USAGE
    config = None
    try:
        try:
            config = configure(argv)
        except HelpAsked as asked:
            print(asked, flush=True)
            return ExitCode.OK
        code = int(config.command.handler(config))
        config.close()
        sys.stdout.flush()
        return code
    except CoolrunError as error:
        _print_error(str(error))
        return error.exit_code
    except BrokenPipeError:
        # The reader has gone, as in `coolrun --dry | head`; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.ENDED
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and error.errno in MACHINE:
            where = f" ({str(error.filename)!r})" if error.filename else ""
            _print_error(f"the machine does not let us go on: {error.strerror}{where}")
            return ExitCode.INTERNAL
        import traceback

        # The one place for what nobody expected: the whole of it is needed to mend it.
        traceback.print_exception(error)
        _print_error(_unexpected(error, config))
        return ExitCode.INTERNAL
    finally:
        if config is not None:
            _flush_notices(config.pluginmanager)
            _close(config)


def _unexpected(error: BaseException, config: Config | None) -> str:
    from coolrun.owners import owner_of

    owner = None if config is None else owner_of(error, config.pluginmanager)
    if owner is not None:
        cure = f"mend it, or leave it out: -p no:{owner}"
        return f"plugin {owner!r} failed: {type(error).__name__}: {error}\n  {cure}"
    return f"internal error: {type(error).__name__}: {error}\n  this is a bug of coolrun"


def _close(config: Config) -> None:
    """Give everything back after something else has failed, which is told already."""
    try:
        config.close()
    except OSError as error:
        _print_error(f"the machine does not let us tidy up: {error.strerror}")


def configure(argv: Sequence[str]) -> Config:
    """Load the plugins and read the command line.

    Raises:
        UsageError: the command line is wrong.
        HelpAsked: it asks for the help.
    """
    words, named, trace = _early(argv)
    pluginmanager = PluginManager()
    parser = Parser()
    _declare_core(parser, pluginmanager)
    _load(pluginmanager, named)
    pluginmanager.add_options(parser)
    command = parser.commands[DEFAULT_COMMAND]
    if words and words[0] in parser.commands:
        command = parser.commands[words.pop(0)]
    _refuse_blocked(words, command, pluginmanager.declared_by_blocked(BUILTINS))
    if {"-h", "--help"} & set(words[: words.index("--")] if "--" in words else words):
        raise HelpAsked(_help(parser, command))
    from pathlib import Path

    config = Config(argv, Path.cwd(), parser, pluginmanager, command=command)
    _read_options(config, words)
    if trace:
        _trace(config)
    pluginmanager.configure(config)
    if pluginmanager.hook.coolrun_notice.get_hookimpls():
        for notice in pluginmanager.notices:
            config.warn(notice)
        pluginmanager.notices.clear()
    return config


def plan(path: str | os.PathLike[str], args: Sequence[str] = ()) -> Plan:
    """Read, expand and evaluate a definition, and launch nothing.

    Args:
        path: the definition file.
        args: what would stand on the command line, such as `+lr=0.1`.

    Returns:
        the plan: `experiments` (each a mapping of its final values), `skipped` (reasons by
        position) and `settings`.

    Raises:
        CoolrunError: the definition is wrong; the message says where and what to do.
    """
    config = configure(["--exp", os.fspath(path), *args])
    try:
        return plan_of(config)
    finally:
        config.close()


def _declare_core(parser: Parser, pluginmanager: PluginManager) -> None:
    """The one command that the core has, and its own options."""

    def launcher(value: object) -> object:
        if value is not None and value not in list(parser.launchers):
            known = ", ".join(map(repr, parser.launchers)) or "none"
            raise ValueError(f"launchers that are there: {known}{pluginmanager.left_out()}")
        return value

    parser.add_command(
        DEFAULT_COMMAND,
        help="run the experiments of a definition",
        handler=run,
        description="Run the experiments of a definition file.",
        examples=(
            "coolrun --exp experiment.yaml",
            "coolrun --exp experiment.yaml --dry",
            "coolrun --exp experiment.yaml +lr=0.1",
        ),
        passes_arguments=True,
        runs=True,
    )
    parser.add_option(
        "--exp",
        metavar="FILE",
        default=None,
        help="the definition (default: experiment.yaml in this folder)",
    )
    parser.add_setting(
        "max_experiments",
        type=positive,
        default=100_000,
        help="refuse a definition that expands to more experiments than this",
        schema={"type": "integer", "minimum": 1},
    )
    parser.add_setting(
        "launcher",
        type=launcher,
        default=None,
        help="what starts the runs; null: processes of this machine",
        schema=lambda: {"enum": [*parser.launchers, None]},
    )


def positive(value: object) -> int:
    """A positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("expected a positive whole number")
    return value


def _early(argv: Sequence[str]) -> tuple[list[str], list[str], bool]:
    """What has to be known before plugins are loaded: `-p NAME` and `--trace-hooks`."""
    words, named, trace = list[str](), list[str](), False
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += [word, *rest]
            break
        if word == "-p":
            if not rest:
                raise UsageError("-p needs the name of a plugin", cure="-p NAME or -p no:NAME")
            named.append(rest.pop(0))
        elif word == "--trace-hooks":
            trace = True
        else:
            words.append(word)
    return words, named, trace


def _load(pluginmanager: PluginManager, named: Sequence[str]) -> None:
    from coolrun_plugins import BUILTIN

    names = [*named, *(n.strip() for n in os.environ.get("COOLRUN_PLUGINS", "").split(","))]
    blocked = [name[3:] for name in names if name.startswith("no:")]
    wanted = [name for name in names if name and not name.startswith("no:")]
    pluginmanager.load_builtins(BUILTIN, BUILTINS, blocked)
    pluginmanager.load_named(wanted, blocked)
    if not os.environ.get("COOLRUN_DISABLE_PLUGIN_AUTOLOAD"):
        pluginmanager.load_entry_points(blocked)
    unknown = [name for name in blocked if name not in pluginmanager.infos]
    for name in unknown:
        near = pluginmanager.near(name).strip()
        text = f"-p no:{name}: there is no plugin of that name"
        pluginmanager.notices.append(f"{text}; {near}" if near else text)


def _refuse_blocked(words: Sequence[str], command: Command, blocked: Parser) -> None:
    """What a blocked plugin would have done must not be taken for the user's own argument."""
    ours = list(words[: words.index("--")] if "--" in words else words)
    owners = {f: o.plugin for o in blocked.options if o.command == command.name for f in o.flags}
    owners.update({c.name: c.plugin for c in blocked.commands.values() if ours[:1] == [c.name]})
    for word in ours:
        owner = owners.get(word.partition("=")[0])
        if owner is not None:
            raise UsageError(
                f"{word!r} belongs to the plugin {owner!r}, which is blocked",
                cure=f"do without `-p no:{owner}`, "
                "or write it after `--` if your own program is to have it",
            )


def _read_options(config: Config, words: Sequence[str]) -> None:
    command, parser = config.command, config.parser
    built = build_parser(parser, command)
    if command.argument_files:
        from coolrun.argument_files import expanded

        words = expanded(words, config.cwd)
    if not command.passes_arguments:
        config.options = built.parse_args(list(words))
        return
    ours, theirs, strange, overrides = split_arguments(words, parser, command)
    config.options = built.parse_args(ours)
    config.module_arguments, config.strange_arguments = theirs, strange
    config.overrides = overrides
    _warn_about_near_words(config, set(ours))


def _warn_about_near_words(config: Config, ours: set[str]) -> None:
    """What is passed on may be a misspelt flag or command of ours."""
    strange = [w for w in config.module_arguments if w.startswith("--") and w not in ours]
    first = config.strange_arguments[0] if config.strange_arguments else "-"
    if not strange and first.startswith("-"):
        return
    from difflib import get_close_matches

    def note(word: str, meant: str) -> None:
        text = f"{word!r} is passed on to your program; did you mean {meant}?"
        config.pluginmanager.notices.append(text)

    if first.endswith((".yaml", ".yml")) and config.option("exp") is None:
        note(first, f"--exp {first}")
        return
    flags = [
        f
        for o in config.parser.options
        if o.command == config.command.name
        for f in o.flags
        if f.startswith("--")
    ]
    command = get_close_matches(first, config.parser.commands, n=1, cutoff=0.6)
    if f"--{first}" in flags:
        note(first, f"--{first}")
    elif command:
        note(first, f"`coolrun {command[0]}`")
    for word in strange:
        flag = word.split("=")[0]
        longer = [f for f in flags if flag.startswith(f"{f}-")]  # --dry-run
        near = longer or get_close_matches(flag, flags, n=1, cutoff=0.75)
        if flag == "--version":
            note(word, "`coolrun --version`")
        elif near and near[0] != flag:
            note(word, near[0])


def _help(parser: Parser, command: Command) -> str:
    text = build_parser(parser, command).format_help()
    if command.name != DEFAULT_COMMAND:
        return text.rstrip()
    width = max(len(name) for name in parser.commands)
    commands = "\n".join(
        f"  {name:<{width}}  {c.help}"
        for name, c in parser.commands.items()
        if name != command.name
    )
    return (
        f"{text}\ncommands (`coolrun COMMAND --help` for more):\n{commands}\n\n"
        "arguments of other kinds:\n"
        "  +key.sub=value     change the default config; an experiment's own value still wins\n"
        "  ++key.sub=value    change every experiment as well\n"
        "  -p NAME, -p no:NAME  load or leave out a plugin\n"
        "  --trace-hooks      print every hook call\n"
        "  --version          print the version\n"
        "  anything else is passed on to your own module, as is what follows `--`"
    )


def _trace(config: Config) -> None:
    def before(hook: str, implementations: Sequence[object], arguments: object) -> None:
        names = ", ".join(getattr(i, "plugin_name", "?") for i in reversed(implementations))
        if names:
            print(f"hook {hook}: {names}", file=sys.stderr)

    def after(outcome: object, hook: str, implementations: object, arguments: object) -> None:
        failure = getattr(outcome, "exception", None)
        if failure is not None:
            import traceback

            traceback.print_exception(failure)

    config.add_cleanup(config.pluginmanager.add_hookcall_monitoring(before, after))


def _print_error(text: str) -> None:
    from coolrun.display import visible
    from coolrun.streams import write

    head, *rest = [visible(line) for line in text.split("\n")]
    red, plain = ("\033[31m", "\033[0m") if _colour() else ("", "")
    write(sys.stderr, "\n".join([f"{red}error:{plain} {head}", *rest, ""]))


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _flush_notices(pluginmanager: PluginManager) -> None:
    """Nobody listened, or it is about listeners: say it here rather than lose it."""
    from coolrun.display import visible_lines
    from coolrun.streams import write

    for notice in pluginmanager.notices:
        write(sys.stderr, f"note: {visible_lines(notice)}\n")
    pluginmanager.notices.clear()
