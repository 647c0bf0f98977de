"""`edged trust show`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def trust_show(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show whom this device trusts, and the public key that it signs with."""
    from edged.cloud.trusting import told

    show(told(settings(config)), as_json=as_json)
