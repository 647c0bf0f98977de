"""`edged audit export`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, Config, journal


def audit_export(
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A table; - is standard output.")
    ] = None,
    lines: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Lines that can be verified; - is standard output."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write the whole audit as a table, or as lines with the checkpoints that sign for them."""
    from edged.cloud.export import export_lines
    from edged.store.audit import export_csv

    if (csv is None) is (lines is None):
        raise typer.BadParameter("needs --csv FILE or --lines FILE")
    path = journal(config)
    if lines is not None:
        with open(_where(lines), "wb", closefd=str(lines) != "-") as raw:
            export_lines(path, raw)
    elif csv is not None:
        with open(_where(csv), "w", newline="", encoding="utf-8", closefd=str(csv) != "-") as out:
            export_csv(path, out)


def _where(file: Path) -> Path | int:
    return sys.stdout.fileno() if str(file) == "-" else file
