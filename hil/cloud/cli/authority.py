"""`authority`: another authority for the broker, step by step."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from hil.cloud import devices, keys, rollover, spelling, trusts
from hil.cloud.cli.common import HERE, AsJson, FolderPath, Refused, opened, table, tell
from hil.cloud.folder import Folder

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command()
def prepare(*, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Make the next authority, and a trust document that names it beside the old one.

    Signed by the root keys. The broker takes `ca.crt`, which has both, at its next start.
    """
    at = spelling.now()
    with opened(path) as (folder, db):
        pki = folder.certificates
        new = rollover.coming(pki, at)
        version = _announce(folder, db, [*rollover.held(pki), new.certificate])
        vouched = rollover.prepare(pki, new, at)
    text = f"trust document {version} names both; restart the broker, and look at `authority list`"
    if not vouched:
        text += "\nthe old one can't vouch for it: who is off during the change stays outside"
    tell({"trust": version, "vouched": vouched}, text, as_json=as_json)


@app.command()
def switch(*, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Let the next authority certify: broker and workers at once, devices as they renew."""
    with opened(path, reading=True) as (folder, _):
        names = rollover.switch(folder.certificates, spelling.now())
    text = f"certified anew: {', '.join(names)}; restart the broker, then the workers"
    tell({"certified": names}, text, as_json=as_json)


@app.command()
def drop(
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Though some device has not heard of the next one.")
    ] = False,
    *,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Leave the old authority out, in `ca.crt` and in a trust document.

    A broker that starts with this `ca.crt` keeps off whose certificate is of the old one.
    """
    with opened(path) as (folder, db):
        left = rollover.remaining(folder.certificates, spelling.now())
        behind = [row["device"] for row in _rows(db) if not row["heard"]]
        if behind and not anyway:
            raise Refused(f"not heard of it: {', '.join(behind)}; --anyway")
        version = _announce(folder, db, [left.certificate])
        rollover.drop(folder.certificates, left)
    text = f"trust document {version} names one authority"
    tell({"trust": version, "behind": behind}, text, as_json=as_json)


@app.command("list")
def listed(*, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Show which devices have heard of the authorities of now."""
    with opened(path, reading=True) as (_, db):
        rows = _rows(db)
    table(rows, ("device", "trust", "heard", "seen_at"), as_json=as_json)


def _announce(folder: Folder, db: Connection, held: Sequence[x509.Certificate]) -> int:
    """Publish a trust document that names these authorities; return its version."""
    before = trusts.newest(db)
    named = [one.public_bytes(Encoding.DER) for one in held]
    document = keys.naming(before, named, spelling.now())
    trusts.keep(db, document, keys.signed(folder.keys, document, before))
    return document.version


def _rows(db: Connection) -> list[dict[str, Any]]:
    """Tell of each device that is believed how far it has followed the trust documents."""
    newest, rows = trusts.version(db), []
    for row in devices.listed(db, spelling.now()):
        if row["enabled"]:
            trust = 0 if row["report"] is None else row["report"]["trust"]
            who = {"device": row["device"], "seen_at": row["seen_at"]}
            rows.append({**who, "trust": trust, "heard": trust >= newest})
    return rows
