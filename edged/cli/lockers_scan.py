"""`edged lockers scan`."""

from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def lockers_scan(
    kind: Annotated[str, typer.Option(help="The make of the boards, as in the settings.")],
    port: Annotated[str, typer.Option(help="A serial port, or tcp://host:port.")],
    baud: Annotated[int | None, typer.Option(help="Default: as delivered.")] = None,
    pulse: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="ADDRESS LOCK", help="Open one lock, and show which bits change."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Find the locker boards at a bus, while the daemon is stopped."""
    import asyncio
    from functools import partial

    from edged.control.client import DaemonAbsent, ask
    from edged.control.wire import Verb
    from edged.lockers import survey
    from edged.wiring import locker_bench

    try:
        ask(settings(config).control_socket, Verb.STATUS)
    except DaemonAbsent:
        pass
    else:
        raise typer.BadParameter("the daemon runs: a bus has one master, so stop it first")
    at = survey.Place(kind, port, baud)
    try:
        if pulse is None:
            asyncio.run(survey.scan(locker_bench(kind), at, partial(show, as_json=as_json)))
        else:
            found = asyncio.run(survey.try_lock(locker_bench(kind), at, *pulse))
            show(found, as_json=as_json)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
