"""`edged lockers list`."""

from typing import Annotated

import typer

from edged.cli.locker_options import every
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config
from edged.cli.show import facts, show


def lockers_list(
    member: Annotated[str | None, typer.Option(help="Only what this member holds.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List every locker and the use of it."""
    for locker in every(config):
        if member is not None and locker.get("member") != member:
            continue
        if as_json:
            show(locker, as_json=True)
        else:
            typer.echo(facts(locker))
