"""Verify an audit without the program that wrote it: `python verify_audit.py FILE --key KEY ...`.

This one file is all that is needed, with Python and its `cryptography` package. It reads what
`edged audit export --lines` writes on a device, and what the cloud gives of its copy: a line is a
record, exactly as it was hashed, or the envelope of a checkpoint (cloud_link/README.md). It finds
every record that was changed, deleted, inserted or moved, and an end that was cut off before the
last checkpoint; a checkpoint that is kept elsewhere (`--reach`) shows a cut behind that too.

Exit codes: 0 all records are in place and signed for; 1 something is not as it was written;
2 the command line is wrong; 3 in place, but the records at the end are signed for by nobody.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

CHECKPOINT: Final = "application/vnd.edged.checkpoint.v1+json"
FIELDS: Final = frozenset({"v", "tenant", "device", "epoch", "seq", "head", "at", "rules", "trust"})
LINE_BYTES: Final = 256 * 1024
"""The longest line: an envelope of the contract."""
KEY_BYTES: Final = 32
GENESIS: Final = "00" * 32
"""What the first record names as the hash of the one before."""
SPELLER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
"""Spells a record in its one form."""


class Fault(Exception):
    """Something is not as it was written; the text says what."""


@dataclass
class Seen:
    """What checkpoints say: the hash of each record that one speaks of, and of which device."""

    heads: dict[int, str] = field(default_factory=dict)
    devices: set[tuple[str, str]] = field(default_factory=set)
    count: int = 0

    def add(self, payload: dict[str, Any]) -> None:
        """Take a checkpoint whose signature holds. Raises Fault: it speaks against another."""
        seq, head = payload["seq"], payload["head"]
        self.count += 1
        self.devices.add((payload["tenant"], payload["device"]))
        if self.heads.setdefault(seq, head) != head:
            raise Fault(f"two checkpoints name different records {seq}")
        if len(self.devices) > 1:
            raise Fault(f"checkpoints of several devices: {sorted(self.devices)}")


@dataclass(frozen=True)
class Verified:
    """Every record from `first` to `last` is in its place; `signed`: up to where it is signed."""

    first: int
    last: int
    head: str
    signed: int


def verify(lines: Iterable[bytes], keys: Iterable[bytes], reach: Iterable[bytes] = ()) -> Verified:
    """Verify records and checkpoints; `keys` are public keys, 32 bytes each.

    `lines` is read twice. `reach`: envelopes of checkpoints that are kept elsewhere.

    Raises:
        Fault: The first thing that is wrong.
    """
    return _chain(_records(lines), _checkpoints(lines, list(keys), list(reach)))


def _checkpoints(lines: Iterable[bytes], keys: list[bytes], reach: list[bytes]) -> Seen:
    seen = Seen()
    for number, line in enumerate(lines, start=1):
        if _is_envelope(line):
            seen.add(_open(line, keys, f"line {number}"))
    for line in reach:
        seen.add(_open(line, keys, "the checkpoint to reach"))
    return seen


def _records(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give every record with the number of its line, as the bytes that were hashed."""
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            raise Fault(f"line {number}: does not end, or is too long")
        if not _is_envelope(line):
            yield number, line[:-1]


def _chain(records: Iterable[tuple[int, bytes]], seen: Seen) -> Verified:
    first, seq, head = 0, 0, GENESIS
    for number, record in records:
        body = _read(record, f"line {number}")
        if not first:
            first = body["seq"]
            seq, head = first - 1, GENESIS if first == 1 else seen.heads.get(first - 1, "")
            if not head:
                raise Fault(f"it begins at record {first}, and nobody signed for that")
        if (body["seq"], body["prev"]) != (seq + 1, head):
            raise Fault(f"line {number}: is not record {seq + 1}, which follows here")
        seq, head = seq + 1, hashlib.sha256(record).hexdigest()
        if seen.heads.get(seq, head) != head:
            raise Fault(f"line {number}: record {seq} is not the one that was signed for")
    before = [one for one in seen.heads if one < first - 1]
    beyond = [one for one in seen.heads if one > seq]
    if beyond:
        raise Fault(f"record {max(beyond)} was signed for, and the end is record {seq}")
    if before:
        raise Fault(f"record {min(before)} was signed for, and the begin is record {first}")
    return Verified(first, seq, head, max(seen.heads, default=0))


def _read(record: bytes, where: str) -> dict[str, Any]:
    """Read a record, which has one spelling only."""
    try:
        body: dict[str, Any] = json.loads(record)
        if (
            isinstance(body["seq"], int)
            and isinstance(body["prev"], str)
            and SPELLER.encode(body).encode() == record
        ):
            return body
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise Fault(f"{where}: is no record")


def _is_envelope(line: bytes) -> bool:
    """Tell an envelope, which begins with its first key; no record has such a key."""
    return line.startswith(b'{"payload')


def _open(line: bytes, keys: list[bytes], where: str) -> dict[str, Any]:
    """Read the checkpoint in an envelope that one of the keys has signed (DSSE v1)."""
    try:
        envelope = json.loads(line)
        kind, text = envelope["payloadType"], envelope["payload"]
        payload = base64.b64decode(text, validate=True)
        signatures = [base64.b64decode(s["sig"], validate=True) for s in envelope["signatures"]]
        said = json.loads(payload)
        whole = set(envelope) == {"payloadType", "payload", "signatures"} and set(said) == FIELDS
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Fault(f"{where}: is no envelope") from None
    if kind != CHECKPOINT or not whole:
        raise Fault(f"{where}: is no envelope of a checkpoint")
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    if not any(_holds(key, signature, signed) for key in keys for signature in signatures):
        raise Fault(f"{where}: none of the keys has signed it")
    return dict(said)


def _holds(key: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _key(text: str) -> bytes:
    """Read a public key: 64 hex digits, base64 of 32 bytes, or the path of a PEM file."""
    for read in (bytes.fromhex, base64.b64decode):
        with suppress(ValueError):
            if len(key := read(text)) == KEY_BYTES:
                return key
    try:
        found = load_pem_public_key(Path(text).read_bytes())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"no key: {error}") from None
    if not isinstance(found, Ed25519PublicKey):
        raise argparse.ArgumentTypeError("no Ed25519 key")
    return found.public_bytes_raw()


class _Lines(Iterable[bytes]):
    """The lines of a file, read anew each time: an audit need not fit into memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        """Give the lines, with their ends; what is too long comes without one."""
        with self._path.open("rb") as file:
            while line := file.readline(LINE_BYTES):
                yield line


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a file, say what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description="Verify an audit of edged.")
    parser.add_argument("file", type=Path, help="the audit, in lines")
    parser.add_argument(
        "--key",
        type=_key,
        action="append",
        required=True,
        metavar="KEY",
        help="a public key that signs: hex, base64, or a PEM file; may be repeated",
    )
    parser.add_argument(
        "--reach",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="an envelope of a checkpoint that is kept elsewhere",
    )
    asked = parser.parse_args(arguments)
    try:
        found = verify(_Lines(asked.file), asked.key, [path.read_bytes() for path in asked.reach])
    except (Fault, OSError) as fault:
        sys.stdout.write(f"BROKEN: {fault}\n")
        return 1
    unsigned = found.last - found.signed
    text = f"records {found.first} to {found.last} are in their place; the last is {found.head}\n"
    sys.stdout.write(text)
    if unsigned:
        sys.stdout.write(f"OPEN END: nobody signed for the last {unsigned} of them\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
