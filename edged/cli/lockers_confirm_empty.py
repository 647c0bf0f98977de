"""`edged lockers confirm-empty`."""

from edged.cli.locker_options import AnyUse, Command, Locker, Staff, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_confirm_empty(
    locker: Locker,
    staff: Staff,
    occupancy: AnyUse = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say that a stuck locker, or one out of order, is empty and works."""
    order = {"locker": locker, "staff": staff, "occupancy": occupancy}
    give(config, "confirm_empty", command, as_json=as_json, **order)
