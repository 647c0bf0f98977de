"""`edged audit show`."""

import json
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, journal
from edged.cli.show import record_line


def audit_show(
    config: Config = DEFAULT_CONFIG,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Newest records to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest records of the audit."""
    from bisect import bisect_left

    from edged.store.audit import read_records

    path = journal(config)
    last = bisect_left(range(1 << 48), 1, key=lambda seq: not read_records(path, seq, 1))
    for record in read_records(path, last - count, count):
        text = record.data.decode()
        typer.echo(text if as_json else record_line(json.loads(text)))
