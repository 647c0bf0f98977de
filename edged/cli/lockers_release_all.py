"""`edged lockers release-all`."""

from typing import Annotated

import typer

from edged.cli.locker_options import Command, Staff, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_release_all(
    bank: Annotated[str, typer.Argument(help="The bank, as in the settings.")],
    staff: Staff,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Release every locker of a bank, one after the other: for an evacuation."""
    give(config, "release_all", command, as_json=as_json, bank=bank, staff=staff)
