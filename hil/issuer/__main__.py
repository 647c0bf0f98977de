"""`python -m hil.issuer`: keys, codes and pictures at the command line (README.md)."""

import json
import secrets
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from hil.issuer.codes import ALL_STORES, ENTRANCE, Issuer, Stay
from hil.issuer.plain import hashed
from hil.issuer.qr import png as picture
from hil.issuer.qr import qr
from hil.issuer.rotating import STEP_S, Phone

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

KeyFile = Annotated[Path, typer.Option("--key", help="The private key's file, from keygen.")]
Tenant = Annotated[str, typer.Option(help="Tenant id.")]
Kid = Annotated[int, typer.Option(help="The key's number in the rules, 0..255.")]
Member = Annotated[str, typer.Option(help="The member's handle, 16 hex digits.")]
Staff = Annotated[str, typer.Option(help="The staff person's handle, 16 hex digits.")]
IssuedAt = Annotated[int | None, typer.Option(help="Unix time, s; now if left out.")]
TtlMin = Annotated[int, typer.Option(help="Life, minutes.")]
Nonce = Annotated[int | None, typer.Option(help="0..2**32 - 1; random if left out.")]
Version = Annotated[int, typer.Option(help="The code's version.")]
PngFile = Annotated[Path | None, typer.Option("--png", help="Draw the code into this file too.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of plain text.")]


@app.command()
def keygen(key: KeyFile, *, as_json: AsJson = False) -> None:
    """Make a private key in a new file that only its owner reads; print the public key."""
    key.touch(mode=0o600, exist_ok=False)
    key.write_text(secrets.token_hex(32) + "\n", "ascii")
    public = _issuer(key, "any", 0).public.hex()
    typer.echo(json.dumps({"key": str(key), "public": public}) if as_json else public)


@app.command()
def m1(
    key: KeyFile,
    tenant: Tenant,
    kid: Kid,
    member: Member,
    *,
    issued_at: IssuedAt = None,
    ttl_min: TtlMin = 30,
    nonce: Nonce = None,
    png: PngFile = None,
    as_json: AsJson = False,
) -> None:
    """Issue a member code for the phone."""
    at, number = _fresh(issued_at, nonce)
    text = _issuer(key, tenant, kid).m1(_bytes("member", member), at, ttl_min, number)
    facts = {"kind": "M1", "issued_at": at, "ttl_min": ttl_min, "nonce": number}
    _print(text, facts, png, as_json=as_json)


@app.command()
def f1(
    key: KeyFile,
    tenant: Tenant,
    kid: Kid,
    member: Member,
    *,
    version: Version = 1,
    png: PngFile = None,
    as_json: AsJson = False,
) -> None:
    """Issue a fixed member code to print."""
    text = _issuer(key, tenant, kid).f1(_bytes("member", member), version)
    _print(text, {"kind": "F1", "version": version}, png, as_json=as_json)


@app.command()
def t1(
    key: KeyFile,
    tenant: Tenant,
    kid: Kid,
    staff: Staff,
    *,
    store: Annotated[str, typer.Option(help="The store's handle; all stores if left out.")] = "",
    issued_at: IssuedAt = None,
    ttl_min: TtlMin = 30,
    nonce: Nonce = None,
    png: PngFile = None,
    as_json: AsJson = False,
) -> None:
    """Issue a staff or installer code, which works once."""
    at, number = _fresh(issued_at, nonce)
    where = _bytes("store", store) or ALL_STORES
    issuer = _issuer(key, tenant, kid)
    text = issuer.t1(_bytes("staff", staff), at, ttl_min, number, store=where)
    facts = {"kind": "T1", "issued_at": at, "ttl_min": ttl_min, "nonce": number}
    _print(text, facts, png, as_json=as_json)


@app.command()
def t2(
    key: KeyFile,
    tenant: Tenant,
    kid: Kid,
    staff: Staff,
    *,
    version: Version = 1,
    png: PngFile = None,
    as_json: AsJson = False,
) -> None:
    """Issue a fixed staff card to print."""
    text = _issuer(key, tenant, kid).t2(_bytes("staff", staff), version)
    _print(text, {"kind": "T2", "version": version}, png, as_json=as_json)


@app.command()
def b1(
    key: KeyFile,
    tenant: Tenant,
    kid: Kid,
    *,
    booking: Annotated[str, typer.Option(help="The booking's handle, 16 hex digits.")],
    user: Annotated[str, typer.Option(help="The handle of who uses it.")],
    store: Annotated[str, typer.Option(help="The store's handle.")],
    room: Annotated[str, typer.Option(help="The room's handle; the entrance if left out.")] = "",
    not_before: Annotated[int, typer.Option(help="When it begins to open: Unix time, s.")],
    duration_min: Annotated[int, typer.Option(help="How long it opens, minutes.")] = 60,
    uses: Annotated[int, typer.Option(help="How often each device takes it; 0: any.")] = 0,
    issued_at: IssuedAt = None,
    png: PngFile = None,
    as_json: AsJson = False,
) -> None:
    """Issue a booking code."""
    at, _ = _fresh(issued_at, 0)
    where = _bytes("room", room) or ENTRANCE
    stay = Stay(_bytes("booking", booking), _bytes("store", store), not_before, duration_min, where)
    text = _issuer(key, tenant, kid).b1(stay, _bytes("user", user), at, uses=uses)
    _print(text, {"kind": "B1", "issued_at": at, "uses": uses}, png, as_json=as_json)


@app.command()
def r1(
    key: Annotated[Path, typer.Option("--key", help="The member's secret, from keygen.")],
    tenant: Tenant,
    kid: Annotated[int, typer.Option(help="The key epoch, 0..255.")],
    member: Member,
    store: Annotated[int, typer.Option(help="The store's number, 0..65535.")],
    *,
    at: Annotated[
        int | None, typer.Option(help="The phone's Unix time, s; now if left out.")
    ] = None,
    png: PngFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the rotating code that a phone shows; with --json the store's key for the rules too."""
    phone = Phone(tenant, kid, _bytes("key", key.read_text("ascii")), _bytes("member", member))
    step = (int(time.time()) if at is None else at) // STEP_S
    facts = {"kind": "R1", "step": step, "store_key": phone.store_key(store).hex()}
    _print(phone.r1(store, step), facts, png, as_json=as_json)


@app.command()
def plain(
    pepper: Annotated[Path, typer.Option(help="The file with the store's pepper.")],
    text: Annotated[str, typer.Argument(help="The barcode, number or PIN.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give the hash by which the rules name a plain code."""
    found = hashed(pepper.read_text("utf-8").strip().encode(), text)
    typer.echo(json.dumps({"hash": found}) if as_json else found)


@app.command()
def png(
    text: Annotated[str, typer.Argument(help="What the code says.")],
    out: Annotated[Path, typer.Option(help="The file to draw into.")],
    *,
    scale: Annotated[int, typer.Option(min=1, max=64, help="Pixels a module.")] = 8,
    border: Annotated[int, typer.Option(min=0, max=64, help="Quiet zone, modules.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Draw any text as a QR code."""
    out.write_bytes(picture(text, scale=scale, border=border))
    facts = {"png": str(out), "version": qr(text).version, "mode": qr(text).mode}
    typer.echo(json.dumps(facts) if as_json else str(out))


def _issuer(key: Path, tenant: str, kid: int) -> Issuer:
    return Issuer(tenant, kid, _bytes("key", key.read_text("ascii")))


def _fresh(issued_at: int | None, nonce: int | None) -> tuple[int, int]:
    at = int(time.time()) if issued_at is None else issued_at
    return at, secrets.randbits(32) if nonce is None else nonce


def _bytes(field: str, digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise ValueError(f"{field}: must be hex digits") from error


def _print(text: str, facts: dict[str, object], png: Path | None, *, as_json: bool) -> None:
    if png is not None:
        png.write_bytes(picture(text))
    typer.echo(json.dumps({"text": text, **facts}) if as_json else text)


def main() -> int:
    """Run one command; 2 if it was asked for something that can't be."""
    try:
        app(prog_name="python -m hil.issuer")
    except (OSError, ValueError) as error:
        typer.echo(error, err=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
