"""Rule sets as a cloud publishes them: of the same version always the same bytes."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloud_link.wire import Manifest
from hil.byzantine.cloud import fingerprint, packed
from hil.byzantine.tenant import instant, made_key, spelt
from hil.issuer.codes import Issuer
from hil.site.rules import TENANT, sample_rules

AT: Final = datetime(2026, 11, 4, 3, tzinfo=UTC)
DEVICE: Final = "S1"
_ISSUER: Final = Issuer(TENANT, 1, made_key("crash").private_bytes_raw())
_DOORS: Final = {"front": {"front-in": "IN", "front-out": "OUT"}}


def document(version: int) -> dict[str, Any]:
    """Write a rules file; of each version other members are suspended."""
    whole = sample_rules(_ISSUER, AT, _DOORS, version=version)
    chosen = sorted(whole["members"])[version % len(whole["members"])]
    whole["members"][chosen]["suspended"] = True
    return whole


def parts(version: int) -> Mapping[str, bytes]:
    """Cut it into parts: the fewest that there can be."""
    whole = document(version)
    members = whole.pop("members")
    return {"base": spelt(whole), "members/0": spelt(members)}


def frames(version: int) -> Mapping[str, bytes]:
    """Give what is sent of each part, by its hash."""
    return {hashlib.sha256(one).hexdigest(): packed(one) for one in parts(version).values()}


def manifest(version: int, confirm_s: int) -> Manifest:
    """Say what a set is made of."""
    cut = parts(version)
    entries = [
        {
            "name": name,
            "sha256": hashlib.sha256(plain).hexdigest(),
            "bytes": len(plain),
            "packed": len(packed(plain)),
        }
        for name, plain in cut.items()
    ]
    said = {
        "tenant": TENANT,
        "device": DEVICE,
        "version": version,
        "fingerprint": fingerprint(cut),
        "issued_at": instant(AT),
        "confirm_s": confirm_s,
        "parts": entries,
    }
    return Manifest.model_validate(said)


def spelled(version: int) -> bytes:
    """Spell a rules file."""
    return json.dumps(document(version)).encode()


def known() -> list[str]:
    """Name the members that are in every set."""
    return sorted(document(1)["members"])
