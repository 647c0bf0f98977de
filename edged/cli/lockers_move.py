"""`edged lockers move`."""

from typing import Annotated

import typer

from edged.cli.locker_options import Command, Locker, PinFile, Staff, Use, give, pin
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_move(
    locker: Locker,
    to: Annotated[str, typer.Argument(help="The free locker.")],
    occupancy: Use,
    staff: Staff,
    pin_file: PinFile = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Move a use to a free locker of the same bank, and release the old one."""
    order = {
        "locker": locker,
        "staff": staff,
        "occupancy": occupancy,
        "to": to,
        "pin": pin(pin_file),
    }
    give(config, "move", command, as_json=as_json, **order)
