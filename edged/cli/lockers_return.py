"""`edged lockers return`."""

from typing import Annotated

import typer

from edged.cli.locker_options import Command, Locker, PinFile, Use, give, pin
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_return(
    locker: Locker,
    occupancy: Use,
    member: Annotated[str | None, typer.Option(help="The owner.")] = None,
    pin_file: PinFile = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let the owner give a locker back before its end."""
    order = {"locker": locker, "occupancy": occupancy, "member": member, "pin": pin(pin_file)}
    give(config, "return", command, as_json=as_json, **order)
