"""`edged network`."""

from pathlib import Path
from typing import Annotated

import typer

from edged import limits
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def network(
    file: Annotated[
        Path, typer.Argument(help="What is wanted (edged/network); - is standard input.")
    ],
    within: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds for the broker to answer over it.")
    ] = limits.NETWORK_REACH_S,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Change this device's network by NetworkManager; it stays if the broker answers over it."""
    import asyncio

    from edged.clock import SystemClock
    from edged.network.change import change, reaching, unhurried
    from edged.network.manager import NetworkManager
    from edged.network.wish import read

    found, clock, wish = settings(config), SystemClock(), read(file)
    reach = reaching(found, knows_time=clock.now().trusted)
    work = change(wish, NetworkManager(), reach, clock, within)
    show(asyncio.run(unhurried(work)), as_json=as_json)
