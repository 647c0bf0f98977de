"""`edged check-config`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def check_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say what a settings file wires, or everything that is wrong with it."""
    found = settings(config)
    doors = {name: list(door.readers) for name, door in found.doors.items()}
    lockers = {name: list(bank.numbers) for name, bank in found.lockers.items()}
    show(
        {
            "device": found.device,
            "simulated": found.allow_simulated,
            "doors": doors,
            "lockers": lockers,
        },
        as_json=as_json,
    )
