"""`keys`: rotate and revoke the tenant's keys, and write down which count."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from hil.cloud import keys, spelling, trusts
from hil.cloud.cli.common import HERE, AsJson, FolderPath, opened, tell
from hil.cloud.keys import Role

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def group() -> None:
    """Rotate and revoke the tenant's keys, and write down which count."""


@app.command()
def rotate(
    role: Annotated[Role, typer.Argument(help="Whose key; root: the oldest root.")],
    *,
    keep_days: Annotated[int, typer.Option(min=0, help="Days that the old key still counts.")] = 0,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a new key and a trust document that names it; without `--keep-days` the old is revoked.

    Signed by the root keys, which must be in the folder. Workers and devices follow by themselves.
    """
    at = spelling.now()
    until = at + timedelta(days=keep_days) if keep_days else None
    with opened(path) as (folder, db):
        before = trusts.newest(db)
        document = keys.rotated(folder.keys, before, role, at, until)
        trusts.keep(db, document, keys.signed(folder.keys, document, before))
    facts = {"role": role.value, "trust": document.version}
    tell(facts, f"{role.value}: new key, trust document {document.version}", as_json=as_json)


@app.command()
def write(
    file: Annotated[Path, typer.Argument(help="Where to.")],
    *,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Write the newest trust document, for a device that hears of it in no other way."""
    with opened(path, reading=True) as (_, db):
        version = trusts.newest(db).version
        file.write_bytes(trusts.after(db, version - 1)[0])
    facts = {"trust": version, "file": str(file)}
    tell(facts, f"{file}: trust document {version}", as_json=as_json)
