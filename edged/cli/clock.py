"""`edged clock`."""

from collections.abc import Mapping

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show

_MEANINGS: Mapping[str, str] = {
    "UNSET": "it was never set",
    "RESTORED": "it came back with the system and nothing has confirmed it; it may be hours slow",
    "SYNCED": "confirmed since the start",
    "HOLDOVER": "was confirmed, and runs by itself since",
    "SUSPECT": "its sources disagree, or it was stepped",
}


def clock(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say what time the daemon takes it to be, by whose word, and how sure that is."""
    from edged.control.client import ask
    from edged.control.wire import Verb

    told = ask(settings(config).control_socket, Verb.STATUS)["clock"]
    found = dict(told) if isinstance(told, Mapping) else {}
    if not as_json:
        found["meaning"] = _MEANINGS.get(str(found.get("state")), "")
    show(found, as_json=as_json)
