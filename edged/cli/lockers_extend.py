"""`edged lockers extend`."""

from edged.cli.locker_options import Command, End, Locker, Staff, Use, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def lockers_extend(
    locker: Locker,
    occupancy: Use,
    end: End,
    staff: Staff,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give the use of a locker another end, which may be earlier."""
    order = {"locker": locker, "staff": staff, "occupancy": occupancy, "end": end}
    give(config, "extend", command, as_json=as_json, **order)
