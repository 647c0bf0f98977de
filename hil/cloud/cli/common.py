"""What every command needs: the folder, the database, and one way to answer."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from hil.cloud import folder, spelling, trusts
from hil.cloud.folder import Folder
from hil.cloud.keys import Role
from hil.cloud.store import Store

FolderPath = Annotated[
    Path, typer.Option("--folder", envvar="EDGED_CLOUD", help="The cloud's folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of plain text.")]
By = Annotated[str, typer.Option(help="Who asks; stands in the device's audit.")]
Device = Annotated[str, typer.Argument(help="The device's name.")]

HERE = Path("cloud")


class Refused(Exception):
    """What was asked for can't be done. The text says why."""


@contextmanager
def opened(path: Path, *, reading: bool = False) -> Iterator[tuple[Folder, Connection]]:
    """Open a cloud's folder and one transaction in its database."""
    found = folder.load(path)
    store = Store(found.database)
    try:
        with store.reading() if reading else store.transaction() as db:
            yield found, db
    finally:
        store.close()


def signing(found: Folder, db: Connection, role: Role) -> Ed25519PrivateKey:
    """Return the key of a role."""
    return found.keys.signing(trusts.newest(db), spelling.now())[role]


def user() -> str:
    """Return who is at the keyboard, as the system says."""
    return os.environ.get("USER", "operator")


def tell(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Answer with one object, or with a line for people."""
    typer.echo(json.dumps(value) if as_json else text)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Answer with one JSON object a line, or with aligned columns."""
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    cells = [list(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    for line in cells:
        words = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(words).rstrip())


def _cell(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, list):
        return ",".join(map(_cell, value))
    return json.dumps(value) if isinstance(value, dict | bool) else str(value)
