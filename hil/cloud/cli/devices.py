"""`device`: who belongs to the tenant, and who is absent."""

from contextlib import suppress
from typing import Annotated

import typer
from sqlalchemy import RowMapping

from hil.cloud import claims, devices, dsse, limits, registrar, spelling
from hil.cloud.cli.common import (
    HERE,
    AsJson,
    Device,
    FolderPath,
    Refused,
    opened,
    signing,
    table,
    tell,
)
from hil.cloud.keys import Role

WAITING = "WAITING"
SHORTEST = 16
"""Hex digits of a fingerprint that is compared: nobody finds a second key of these 64 bits."""

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command()
def add(
    name: Device,
    key: Annotated[
        str | None, typer.Option(help="Its public key, 64 hex digits, where it is known.")
    ] = None,
    serial: Annotated[
        str | None, typer.Option(help="Its serial: make a claim that it enrols with.")
    ] = None,
    hours: Annotated[
        int, typer.Option(min=1, max=limits.CLAIM_HOURS, help="Hours that the claim lives.")
    ] = limits.CLAIM_HOURS,
    *,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Enter a device or give it another key; or make a claim, which is shown this once."""
    if (key is None) == (serial is None):
        raise ValueError("key, serial: exactly one of them")
    if serial is not None:
        with opened(path) as (_, db):
            code = claims.give(db, name, serial, hours, spelling.now())
        tell({"device": name, "serial": serial, "claim": code}, f"{name}: {code}", as_json=as_json)
        return
    public = _public(key or "")
    with opened(path) as (_, db):
        devices.add(db, name, public, spelling.now())
    tell({"device": name, "key": public.hex()}, f"{name}: entered", as_json=as_json)


@app.command()
def adopt(
    name: Device,
    fingerprint: Annotated[
        str, typer.Option(help="Its key's, as it shows it: 16 hex digits or more.")
    ],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of the device that has this name.")
    ] = False,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Admit a device that waits without a claim; it hears of it when it asks next."""
    if len(fingerprint) < SHORTEST:
        raise ValueError(f"fingerprint: {SHORTEST} digits or more")
    with opened(path) as (folder, db):
        fits = [
            row
            for row in registrar.waiting(db)
            if row["device"] == name and dsse.key_id(row["key"]).startswith(fingerprint)
        ]
        if not fits:
            raise Refused(f"{name}: none of this key waits")
        if registrar.is_known(db, name) and not replace:
            raise Refused(f"{name}: there is such a device; --replace")
        key = signing(folder, db, Role.ACKS)
        registrar.of(folder).adopt(db, fits[-1], key, spelling.now())
    facts = {"device": name, "serial": fits[-1]["serial"], "adopted": True}
    tell(facts, f"{name}: adopted, serial {facts['serial']}", as_json=as_json)


@app.command()
def disable(name: Device, *, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Believe a device no more."""
    with opened(path) as (_, db):
        devices.disable(db, name)
    tell({"device": name, "enabled": False}, f"{name}: disabled", as_json=as_json)


@app.command("list")
def listed(*, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Show every device: connected or not, last seen, alarms (ABSENT, WAITING among them)."""
    with opened(path, reading=True) as (_, db):
        rows = devices.listed(db, spelling.now())
        rows += [_waits(row) for row in registrar.waiting(db)]
    columns = ("device", "enabled", "link", "seen_at", "alarms", "serial", "fingerprint")
    table(rows, columns, as_json=as_json)


@app.command()
def seen(name: Device, *, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Clear a device's alarms: somebody has looked."""
    with opened(path) as (_, db):
        count = devices.clear_alarms(db, name)
    tell({"device": name, "cleared": count}, f"{name}: {count} cleared", as_json=as_json)


def _public(text: str) -> bytes:
    """Read a public key as a device shows it, or in base64, as those of older releases do."""
    for read in (bytes.fromhex, spelling.unb64):
        with suppress(ValueError, spelling.Rejected):
            return read(text)
    raise ValueError("key: must be 64 hex digits")


def _waits(row: RowMapping) -> dict[str, object]:
    who = {"device": row["device"], "enabled": False, "link": None, "seen_at": row["seen_at"]}
    proof = {"serial": row["serial"], "fingerprint": dsse.key_id(row["key"])}
    return {**who, "alarms": [WAITING], **proof}
