"""`edged lockers set-aside`."""

from edged.cli.locker_options import AnyUse, Command, Locker, Staff, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_set_aside(
    locker: Locker,
    staff: Staff,
    occupancy: AnyUse = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take a stuck or a free locker out of order."""
    order = {"locker": locker, "staff": staff, "occupancy": occupancy}
    give(config, "set_aside", command, as_json=as_json, **order)
