"""`edged fire reset`."""

from edged.cli.door_options import By, Command, give
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def fire_reset(
    by: By = None,
    command: Command = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """End a latched fire; refused while the fire input is active or lost."""
    give(config, "fire_reset", by, command, as_json=as_json)
