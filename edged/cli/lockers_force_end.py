"""`edged lockers force-end`."""

from typing import Annotated

import typer

from edged.cli.locker_options import Command, Locker, Staff, Use, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_force_end(
    locker: Locker,
    occupancy: Use,
    staff: Staff,
    from_afar: Annotated[bool, typer.Option("--from-afar", help="Nobody stands at it.")] = False,
    contents_checked: Annotated[
        bool, typer.Option("--contents-checked", help="Somebody has looked inside.")
    ] = False,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """End a use: reset the PIN, release the locker, free it once it was seen open."""
    give(
        config,
        "force_end",
        command,
        as_json=as_json,
        locker=locker,
        staff=staff,
        occupancy=occupancy,
        from_afar=from_afar,
        contents_checked=contents_checked,
    )
