"""`edged rules show`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def rules_show(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say what the active rules hold."""
    import asyncio

    from edged.rulebook.load import active

    show(asyncio.run(active(settings(config).state_dir)), as_json=as_json)
