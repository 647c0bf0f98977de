"""`edged passback clear`."""

from typing import Annotated

import typer

from edged.cli.door_options import By, Command, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def passback_clear(
    member: Annotated[str | None, typer.Option(help="Forget that this member is inside.")] = None,
    store: Annotated[str | None, typer.Option(help="Forget that anybody is inside there.")] = None,
    by: By = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let in whom anti-passback keeps out, because they left without a code."""
    give(config, "passback_clear", by, command, as_json=as_json, member=member, store=store)
