"""`edged lockers open`."""

from typing import Annotated

import typer

from edged.cli.locker_options import AnyUse, Command, Locker, PinFile, give, pin
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_open(
    locker: Locker,
    occupancy: AnyUse = None,
    member: Annotated[str | None, typer.Option(help="For the owner.")] = None,
    pin_file: PinFile = None,
    staff: Annotated[str | None, typer.Option(help="For the staff, instead of the owner.")] = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Open a locker: for its owner, or for the staff to look inside."""
    if staff is None:
        order = {"occupancy": occupancy, "member": member, "pin": pin(pin_file)}
    else:
        order = {"occupancy": occupancy, "staff": staff}
    do = "open" if staff is None else "staff_open"
    give(config, do, command, as_json=as_json, locker=locker, **order)
