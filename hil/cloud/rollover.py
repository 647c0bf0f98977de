"""Another authority for the broker, beside the old one until every device has heard of it.

The old authority vouches for the next, by a certificate that the broker shows behind its own: so
a device that was off all the while still knows the broker by the old one, and hears of the rest.
Each step may be cut, and be done again.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hil.cloud import pki
from hil.cloud.pki import Authority

NEXT: Final = "next"
"""The folder of the next authority, until it certifies."""


def held(folder: Path) -> list[x509.Certificate]:
    """Return the authorities that count. Raises OSError, ValueError: there is none."""
    return x509.load_pem_x509_certificates((folder / "ca.crt").read_bytes())


def coming(folder: Path, at: datetime) -> Authority:
    """Return the next authority, made at the first time.

    Raises:
        ValueError: The one before has not been dropped.
    """
    if len(held(folder)) > 1:
        raise ValueError("authority: one after the other: `switch`, then `drop`")
    return pki.authority(folder / NEXT, at, f"edged test authority {secrets.token_hex(4)}")


def prepare(folder: Path, new: Authority, at: datetime) -> bool:
    """Let the next authority count too: `ca.crt` has both.

    Returns whether the old one vouches for it; else who is off during the change stays outside.
    """
    old = pki.authority(folder, at)
    voucher = old.voucher(new.certificate, at)
    if voucher is not None:
        _write(folder / NEXT / "voucher.crt", voucher)
    _write(folder / "ca.crt", old.certificate, new.certificate)
    return voucher is not None


def switch(folder: Path, at: datetime) -> Sequence[str]:
    """Let the next authority certify: the broker and the workers now, devices as they renew.

    Returns who was certified.

    Raises:
        ValueError: There is no next one, or it does not count yet.
    """
    both = held(folder)
    if len(both) == 1 or not (folder / NEXT).exists():
        raise ValueError("authority: there is no next one: `prepare`")
    if (folder / NEXT / "ca.key").exists():
        (folder / NEXT / "ca.key").replace(folder / "ca.key")
    now = pki.authority(folder, at)
    names = sorted(file.stem for file in folder.glob("cloud-*.crt"))
    for name in names:
        now.client(name, at)
    if (folder / "broker.crt").exists():
        now.broker(_hosts(folder / "broker.crt"), at)
        voucher = folder / NEXT / "voucher.crt"
        if voucher.exists():
            chain = (folder / "broker.crt").read_bytes() + voucher.read_bytes()
            (folder / "broker.crt").write_bytes(chain)
        names.append("broker")
    for file in (folder / NEXT).iterdir():
        file.unlink()
    (folder / NEXT).rmdir()
    return names


def remaining(folder: Path, at: datetime) -> Authority:
    """Return the authority that certifies, once the next has taken its place.

    Raises:
        ValueError: None has.
    """
    if len(held(folder)) == 1 or (folder / NEXT).exists():
        raise ValueError("authority: nothing to drop: `prepare`, then `switch`")
    return pki.authority(folder, at)


def drop(folder: Path, left: Authority) -> None:
    """Let no other authority count any more."""
    _write(folder / "ca.crt", left.certificate)


def _hosts(certificate: Path) -> list[str]:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(one.value) for one in names]


def _write(file: Path, *certificates: x509.Certificate) -> None:
    """Write them in one step: the broker or a worker may be starting."""
    new = file.with_suffix(".new")
    new.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    new.replace(file)
