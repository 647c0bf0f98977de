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
    from edged.store.audit import read_newest

    for record in read_newest(journal(config), count):
        text = record.data.decode()
        typer.echo(text if as_json else record_line(json.loads(text)))
