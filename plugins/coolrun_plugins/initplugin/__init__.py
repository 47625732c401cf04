"""`coolrun init-plugin NAME`: a plugin of one's own, as a package with a passing test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        "init-plugin",
        help="make a plugin package with a passing test",
        handler=init_plugin,
        description="Make a small plugin as a package of its own, to install, test and change.",
        examples=("coolrun init-plugin hello", "coolrun init-plugin our-cluster"),
    )
    parser.add_option(
        "name",
        command="init-plugin",
        metavar="NAME",
        help="what people call it; the package is coolrun-NAME, in a folder of that name",
    )


def init_plugin(config: Config) -> int:
    """Write the package, and return 0."""
    from coolrun_plugins.initplugin.package import Package, write

    package = Package.named(config.option("name"), config)
    for path in write(package, config.cwd):
        print(f"wrote {path}")
    print(f"next: cd {package.distribution}")
    print("      pip install -e '.[testing]'    (then `coolrun plugins` lists it)")
    print("      pytest")
    return 0
