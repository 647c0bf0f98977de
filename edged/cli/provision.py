"""`edged provision`."""

import re
import sys
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import facts, show

Claim = Annotated[
    str | None, typer.Option(help="The claim for this device; - reads it from standard input.")
]
Trust = Annotated[
    str | None, typer.Option(help="Without a claim: SHA-256 of the tenant's first trust document.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Another identity, in place of the one that there is.")
]


def provision(
    claim: Claim = None,
    trust: Trust = None,
    config: Config = DEFAULT_CONFIG,
    again: Again = False,
    as_json: AsJson = False,
) -> None:
    """Enrol this device with its cloud, while the daemon is stopped; goes on where it was cut."""
    import asyncio
    from functools import partial

    from edged.clock import SystemClock
    from edged.identity import provision as work
    from edged.identity.registry import MqttRegistry

    if trust is not None and not re.fullmatch("[0-9a-f]{64}", trust):
        raise typer.BadParameter("--trust: 64 hex digits in small letters")

    def tell(step: str, **said: object) -> None:
        if as_json:
            show({"step": step, **said}, as_json=True)
        else:
            typer.echo(f"{step:<10} {facts(said)}".rstrip())

    found, clock = settings(config), SystemClock()
    code = _typed() if claim == "-" else claim
    meet = partial(MqttRegistry, found, clock, tell)
    wish = work.Wish(code, trust, again)
    asyncio.run(work.provision(found, clock, wish, meet, tell))


def _typed() -> str:
    """Read a claim that stands on no command line."""
    if sys.stdin.isatty():
        return str(typer.prompt("Claim", err=True))
    return sys.stdin.readline()
