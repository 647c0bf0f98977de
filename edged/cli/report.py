"""`edged report over-limit`."""

import sys
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.progress import track
from edged.cli.show import one_line, show
from edged.cli.when import ThatMonth


def over_limit(
    month: ThatMonth,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table for spreadsheets.")] = False,
) -> None:
    """List the limits that members exceeded in a month, as far as this device knows."""
    import asyncio

    from edged.clock import SystemClock
    from edged.whatif import ask, plain, table
    from edged.whatif.usage import COLUMNS

    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    state = ask.State(settings(config), SystemClock())
    rows = [plain.over(found) for found in asyncio.run(ask.over_limit(state, month, track))]
    if as_csv:
        table.write(sys.stdout, COLUMNS, rows)
        return
    for row in rows:
        if as_json:
            show(row, as_json=True)
        else:
            used = f"{row['count']} of {row['limit']} used, {row['excess']} too many"
            where = f"{one_line(row['contract'])} {one_line(row['band'])}"
            typer.echo(f"{one_line(row['member'])}  {where}: {used}")
    if not as_json:
        typer.echo(f"limits exceeded in {month:%Y-%m}: {len(rows)}")
