"""`edged door open`."""

from typing import Annotated

import typer

from edged.cli.door_options import By, Command, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def door_open(
    door: Annotated[str, typer.Argument(help="The door's name in the settings.")],
    by: By = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let somebody in at a door."""
    give(config, "open", by, command, as_json=as_json, door=door)
