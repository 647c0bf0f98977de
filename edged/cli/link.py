"""`edged link`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def link(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Ask the daemon how its link to the cloud is: connected, last heard, what waits."""
    from edged.control.client import ask
    from edged.control.wire import Verb
    from edged.errors import NotFound

    found = ask(settings(config).control_socket, Verb.STATUS)["link"]
    if not isinstance(found, dict):
        raise NotFound("the settings name no cloud")
    show(found, as_json=as_json)
