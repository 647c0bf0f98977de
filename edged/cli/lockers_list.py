"""`edged lockers list`."""

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import facts, show


def lockers_list(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List every locker and the use of it."""
    from edged.control.client import ask
    from edged.control.wire import Verb

    socket, after, more = settings(config).control_socket, "", True
    while more:
        page = ask(socket, Verb.LOCKERS, after=after)
        found, more = page["lockers"], bool(page["more"])
        for locker in found if isinstance(found, list) else ():
            after = locker["locker"]
            if as_json:
                show(locker, as_json=True)
            else:
                typer.echo(facts(locker))
