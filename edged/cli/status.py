"""`edged status`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Ask the daemon how it is."""
    from edged.control.client import ask
    from edged.control.wire import Verb

    show(ask(settings(config).control_socket, Verb.STATUS), as_json=as_json)
