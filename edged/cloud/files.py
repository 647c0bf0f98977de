"""Small files that are written whole or not at all: the trust, the device's key, a trial."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from edged.errors import Untrusted
from edged.store.connection import sync_folder


def write_whole(path: Path, data: bytes) -> None:
    """Put a file (0600) in place of the one before, in one step, on the disk when this returns.

    It is the user's whose folder it lies in: what root wrote the daemon could not read.
    """
    _make_folder(path.parent)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(descriptor)
    _hand_over(new)
    new.replace(path)
    sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700)
        _hand_over(folder)


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def trust_file(state_dir: Path) -> Path:
    """Name the file of the trust document that counts; where it is, the device is provisioned."""
    return state_dir / "cloud" / "trust.json"


def device_key_file(state_dir: Path) -> Path:
    """Name the file of this device's key."""
    return state_dir / "cloud" / "device-key.pem"


def device_key(state_dir: Path) -> Ed25519PrivateKey:
    """Read this device's key, made at the first time: it never leaves the device.

    Raises:
        Untrusted: The file is no such key, or others may read it.
        OSError: It can't be read or written.
    """
    path = device_key_file(state_dir)
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_whole(path, pem)
        return made
    if path.stat().st_mode & 0o077:
        raise Untrusted(f"{path} is open to others: chmod 600 {path}")
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise Untrusted(f"{path} holds no Ed25519 key")
    return found
