"""Rule sets in parts, made from the contract's text and not with the code that reads them."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import zstandard

from cloud_link.wire import Manifest
from hil.site.rules import sample_rules
from tests.edged.cloud.chain import spell
from tests.edged.fakes import NOON
from tests.edged.rig import DOORS, ISSUER

Document = dict[str, Any]


def document(version: int, **changes: Any) -> Document:
    """The sample rules."""
    made: Document = dict(
        sample_rules(ISSUER, NOON - timedelta(hours=1), DOORS, version=version) | changes
    )
    return made


def in_parts(whole: Document, count: int = 4, vectors: list[Any] | None = None) -> dict[str, bytes]:
    """Cut a rules file into parts."""
    base = {key: value for key, value in whole.items() if key != "members"}
    made = {"base": spell(base)}
    shares: list[Document] = [{} for _ in range(count)]
    for name, member in whole["members"].items():
        bits = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
        shares[bits >> (256 - (count - 1).bit_length()) if count > 1 else 0][name] = member
    made |= {f"members/{number}": spell(share) for number, share in enumerate(shares)}
    if vectors is not None:
        made["vectors"] = spell(vectors)
    return made


def fingerprint(whole: Mapping[str, Any]) -> str:
    base = {key: value for key, value in whole.items() if key != "members"}
    digest = hashlib.sha256(spell(base))
    for name in sorted(whole["members"]):
        digest.update(b"\n" + name.encode() + spell(whole["members"][name]))
    return digest.hexdigest()


def manifest(
    whole: Document, parts: Mapping[str, bytes], *, confirm_s: int = 0, **other: Any
) -> Manifest:
    entries = [
        {
            "name": name,
            "sha256": hashlib.sha256(plain).hexdigest(),
            "bytes": len(plain),
            "packed": len(pack(plain)),
        }
        for name, plain in parts.items()
    ]
    said = {
        "tenant": "acme",
        "device": "S1",
        "version": whole["version"],
        "fingerprint": fingerprint(whole),
        "issued_at": "2026-11-04T02:00:00.000Z",
        "confirm_s": confirm_s,
        "parts": entries,
    }
    return Manifest.model_validate(said | other)


def pack(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(plain)


def put(parts: Mapping[str, bytes], folder: Path) -> None:
    """Put parts where the fetched ones are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for plain in parts.values():
        digest = hashlib.sha256(plain).hexdigest()
        (folder / f"{digest}.zst").write_bytes(pack(plain))
