"""`edged watch`."""

from contextlib import suppress

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import live_line, show


def watch(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show what happens from now on, until Ctrl-C."""
    from edged.clock import SystemClock
    from edged.control.client import follow

    clock = SystemClock()
    with suppress(KeyboardInterrupt):
        for said in follow(settings(config).control_socket):
            if as_json:
                show(said, as_json=True)
            else:
                typer.echo(f"{clock.now().at.astimezone():%H:%M:%S} {live_line(said)}")
