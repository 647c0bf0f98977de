"""`edged lockers confirm-empty`."""

from pathlib import Path
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
    for name in _new(config, bank) if bank is not None else [locker]:
        order = {"locker": name, "staff": staff, "occupancy": occupancy}
        give(config, "confirm_empty", command, as_json=as_json, **order)


def _new(config: Path, bank: str) -> list[object]:
    """Name the lockers of a bank that are new. Raises NotFound, StoreFailed: not known yet."""
    from edged.errors import NotFound
    from edged.store.errors import FailKind, StoreFailed

    lockers = [one for one in every(config) if one["bank"] == bank]
    if not lockers:
        raise NotFound(f"bank {bank}: there is none of that name")
    if any(one["state"] is None for one in lockers):
        raise StoreFailed(FailKind.BUSY, f"bank {bank}: the journal has not been read; try again")
    return [one["locker"] for one in lockers if one["new"]]
