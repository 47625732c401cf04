"""`coolrun schema`: a JSON Schema of definitions, by which editors complete and check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        "schema",
        help="print a JSON Schema of definitions, for editors",
        handler=show,
        description="Print a JSON Schema of definitions: the keys and settings that the loaded "
        "plugins have.\nEditors complete, explain and check by it.",
        examples=("coolrun schema > coolrun.schema.json",),
    )


def show(config: Config) -> int:
    """Print the schema and return 0."""
    import json

    from coolrun.schema import document_schema

    print(json.dumps(document_schema(config.parser), indent=2, ensure_ascii=False, default=str))
    return 0
