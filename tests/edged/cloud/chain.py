"""An audit and its checkpoints, made without the journal."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CLOUD = Ed25519PrivateKey.from_private_bytes(b"\x21" * 32)
KEY = CLOUD.public_key().public_bytes_raw()


def spell(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def records(count: int, first: int = 1, prev: str = "00" * 32) -> list[bytes]:
    """Records that follow each other, without their line ends."""
    made = []
    for seq in range(first, first + count):
        made.append(spell({"kind": "passage", "member": f"M{seq}", "seq": seq, "prev": prev}))
        prev = hashlib.sha256(made[-1]).hexdigest()
    return made


def checkpoint(seq: int, head: str, signer: Ed25519PrivateKey = CLOUD, **other: Any) -> bytes:
    """The envelope of a checkpoint, signed as the contract says."""
    said = {"v": 1, "tenant": "acme", "device": "S1", "epoch": "0123456789abcdef", "seq": seq}
    said |= {"head": head, "at": "2026-11-28T15:30:00.000Z", "rules": 3, "trust": 1}
    return envelope(said | other, signer)


def envelope(said: object, signer: Ed25519PrivateKey = CLOUD) -> bytes:
    kind, payload = "application/vnd.edged.checkpoint.v1+json", spell(said)
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    key = signer.public_key().public_bytes_raw()
    signature = {
        "keyid": hashlib.sha256(key).hexdigest(),
        "sig": base64.b64encode(signer.sign(message)).decode(),
    }
    text = base64.b64encode(payload).decode()
    return spell({"payloadType": kind, "payload": text, "signatures": [signature]})


def signed(made: Sequence[bytes], *, every: int, first: int = 1) -> Iterator[bytes]:
    """The lines of an export: a checkpoint behind every so many records, and at the end."""
    for seq, record in enumerate(made, start=first):
        yield record + b"\n"
        if seq % every == 0 or seq == first + len(made) - 1:
            yield checkpoint(seq, hashlib.sha256(record).hexdigest()) + b"\n"
