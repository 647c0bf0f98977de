"""`edged identity`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def identity(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show who this device is to its cloud: serial, key, and how long its certificate lasts."""
    from edged.identity.provision import told

    show(told(settings(config)), as_json=as_json)
