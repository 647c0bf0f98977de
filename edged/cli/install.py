"""`edged install`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import AsJson
from edged.cli.show import show


def install(
    root: Annotated[Path, typer.Option(metavar="DIR", help="The system's root.")] = Path("/"),
    as_json: AsJson = False,
) -> None:
    """Write units, users, folders and device names for the environment that this runs in."""
    from edged import installation

    written = list(map(str, installation.install(Path(sys.prefix), root)))
    show({"written": written, "next": list(installation.NEXT)}, as_json=as_json)
