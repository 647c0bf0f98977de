"""`edged audit export`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, Config, journal


def audit_export(
    csv: Annotated[Path, typer.Option(metavar="FILE", help="Where to; - is standard output.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write the whole audit as a table."""
    from edged.store.audit import export_csv

    path = journal(config)
    to = sys.stdout.fileno() if str(csv) == "-" else csv
    with open(to, "w", newline="", encoding="utf-8", closefd=to is csv) as out:
        export_csv(path, out)
