"""`edged decommission`."""

from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def decommission(
    config: Config = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give this device up: delete its identity, its keys, the rules and the audit.

    While the daemon is stopped. What is deleted may still be read from a card with the right
    tools: destroy the card where that matters. At the cloud, disable the device.
    """
    from edged.identity.provision import belongings
    from edged.identity.provision import decommission as give_up

    found = settings(config)
    if not yes:
        typer.echo(f"This deletes, for good, below {found.state_dir}:", err=True)
        for line in belongings(found.state_dir):
            typer.echo(f"  {line}", err=True)
        typer.confirm("Give this device up?", abort=True, err=True)
    show(give_up(found), as_json=as_json)
