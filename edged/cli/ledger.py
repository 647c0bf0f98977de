"""`edged ledger`."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.progress import track
from edged.cli.show import show
from edged.cli.when import day


def ledger(
    config: Config = DEFAULT_CONFIG,
    on: Annotated[
        date | None,
        typer.Option("--date", parser=day, metavar="DATE", help="Default: today at the store."),
    ] = None,
    csv: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to; - is standard output.")
    ] = Path("-"),
    as_json: AsJson = False,
) -> None:
    """List a day's bookings at this device's store, for staff while the line is down."""
    import asyncio

    from edged.clock import SystemClock
    from edged.whatif import ask, table
    from edged.whatif.ledger import COLUMNS

    state = ask.State(settings(config), SystemClock())
    rows = [row.plain() for row in asyncio.run(ask.bookings(state, on, track))]
    if as_json:
        for row in rows:
            show(row, as_json=True)
    elif str(csv) == "-":
        table.write(sys.stdout, COLUMNS, rows)
    else:
        with csv.open("w", newline="", encoding=table.ENCODING) as out:
            table.write(out, COLUMNS, rows)
