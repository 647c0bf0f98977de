"""`edged door lockdown`."""

from enum import StrEnum
from typing import Annotated

import typer

from edged.cli.door_options import By, Command, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


def door_lockdown(
    switch: Annotated[Switch, typer.Argument(help="Begin it, or end it.")],
    by: By = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let nobody in at any door, or let people in again; nobody is kept from leaving."""
    on = switch is Switch.ON
    give(config, "lockdown", by, command, as_json=as_json, on=on)
