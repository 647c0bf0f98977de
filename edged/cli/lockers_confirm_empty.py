"""`edged lockers confirm-empty`."""

from typing import Annotated

import typer

from edged.cli.locker_options import AnyUse, Command, Staff, every, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_confirm_empty(
    staff: Staff,
    locker: Annotated[str | None, typer.Argument(help="A locker's id.")] = None,
    bank: Annotated[
        str | None,
        typer.Option("--all", metavar="BANK", help="Instead: all lockers of a bank that are new."),
    ] = None,
    occupancy: AnyUse = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say that a locker that is stuck, out of order or new is empty and works."""
    if (locker is None) is (bank is None):
        raise typer.BadParameter("name a locker, or a bank with --all")
    if bank is not None and (occupancy or command):
        raise typer.BadParameter("--all goes with no --occupancy and no --command")
    new = (one["locker"] for one in every(config) if one["bank"] == bank and one["new"])
    for name in [*new] if locker is None else [locker]:
        order = {"locker": name, "staff": staff, "occupancy": occupancy}
        give(config, "confirm_empty", command, as_json=as_json, **order)
