"""`edged lockers assign`."""

from typing import Annotated

import typer

from edged.cli.locker_options import Command, End, Locker, PinFile, Staff, give, pin
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_assign(
    locker: Locker,
    member: Annotated[str, typer.Option(help="Whose it is from now on.")],
    end: End,
    staff: Staff,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="Default: now.")] = None,
    product: Annotated[str | None, typer.Option(help="What was bought.")] = None,
    occupancy: Annotated[
        str | None, typer.Option(help="The id of this use. Default: a new one.")
    ] = None,
    pin_file: PinFile = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give a free locker to a member."""
    import uuid

    give(
        config,
        "assign",
        command,
        as_json=as_json,
        locker=locker,
        staff=staff,
        occupancy=occupancy or str(uuid.uuid4()),
        member=member,
        start=start,
        end=end,
        product=product,
        pin=pin(pin_file),
    )
