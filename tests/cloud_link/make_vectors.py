"""`python -m tests.cloud_link.make_vectors`: writes tests/vectors/cloud.json.

Made from the contract's text, without the code that it is held against: whoever writes another
device or another cloud can use the file as it is.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hil.byzantine import pki
from hil.byzantine.tenant import (
    ROLE_OF,
    Tenant,
    base64ed,
    made_key,
    media_type,
    public,
    spelt,
    to_be_signed,
)
from hil.byzantine.tenant import seal as sealed

FILE = Path(__file__).parents[1] / "vectors" / "cloud.json"
AT = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)
NOW = "2026-11-28T15:30:00.000Z"
LATER = "2026-11-28T15:30:10.000Z"
TENANT, STRANGERS = Tenant("acme"), Tenant("other")
DEVICE = made_key("acme gate-1")
ORDER = 2**252 + 27742317777372353535851937790883648493
HASH, HEX16, HEX32 = "ab" * 32, "0123456789abcdef", "0123456789abcdef" * 2
WHO = {"v": 1, "tenant": "acme", "device": "gate-1"}

PAYLOADS: dict[str, dict[str, Any]] = {
    "pulse": {
        **WHO,
        "nonce": HEX32,
        "at": NOW,
        "rules": 7,
        "trust": 1,
        "usage": 1204,
        "cosigned": {"epoch": HEX16, "seq": 42, "head": HASH},
    },
    "manifest": {
        **WHO,
        "version": 7,
        "fingerprint": HASH,
        "issued_at": NOW,
        "confirm_s": 600,
        "parts": [
            {"name": "base", "sha256": HASH, "bytes": 4096, "packed": 900},
            {"name": "members/0", "sha256": "cd" * 32, "bytes": 2, "packed": 11},
        ],
    },
    "checkpoint": {
        **WHO,
        "epoch": HEX16,
        "seq": 42,
        "head": HASH,
        "at": NOW,
        "rules": 7,
        "trust": 1,
    },
    "usage": {
        **WHO,
        "from": 1200,
        "to": 1204,
        "as_of": NOW,
        "more": False,
        "add": [
            ["aiko", "2026-11-28", "day", "shibuya", "5c1f"],
            ["ben", "2026-11-28", "d", "", "6"],
        ],
        "withdraw": ["4b0e"],
    },
    "restore": {
        **WHO,
        "nonce": HEX32,
        "as_of": NOW,
        "lockers": [
            {"id": "A-1", "state": "FREE", "occupancy": None},
            {
                "id": "A-2",
                "state": "IN_USE",
                "occupancy": {
                    "id": "o-1",
                    "member": "aiko",
                    "start": NOW,
                    "end": LATER,
                    "product": "day",
                },
            },
        ],
        "seats": [
            {
                "store": "shibuya",
                "seat": "12",
                "member": "ben",
                "product": "hour",
                "io": "IN",
                "since": NOW,
            }
        ],
        "unknown": ["PINs"],
    },
    "command": {
        **WHO,
        "id": "0d7b1f5e-3c43-4c5e-9d0b-111111111111",
        "verb": "door_open",
        "args": {"door": "front"},
        "by": "staff-1",
        "issued_at": NOW,
        "expires_at": LATER,
        "nonce": None,
    },
    "state": {**WHO, "link": "up", "boot": HEX16, "session": 3, "at": NOW},
    "report": {
        **WHO,
        "boot": HEX16,
        "session": 3,
        "n": 1,
        "at": NOW,
        "clock": "SYNCED",
        "release": "0.1.0",
        "epoch": HEX16,
        "seq": 50,
        "cosigned": 42,
        "trust": 1,
        "rules": {
            "version": 6,
            "fingerprint": HASH,
            "trial": False,
            "refused": [{"version": 5, "why": "vector 3: ALLOW expected"}],
        },
        "usage": {"position": 1200, "as_of": None},
        "alarms": ["door_held"],
        "buffer": {"records": 8, "bytes": 4000, "days": 400},
    },
    "ask": {**WHO, "n": 1, "want": "pulse", "nonce": HEX32},
    "result": {
        **WHO,
        "id": "0d7b1f5e-3c43-4c5e-9d0b-111111111111",
        "result": "DONE",
        "at": NOW,
        "more": {},
    },
    "renew": {**WHO, "request": HEX32, "csr": base64ed(b"a request")},
    "renewed": {**WHO, "request": HEX32, "certificate": "-----BEGIN CERTIFICATE-----\n"},
}

OTHER_GOOD: list[tuple[str, str, dict[str, Any]]] = [
    (
        "ask",
        "for a part",
        {**WHO, "n": 2, "want": "part", "sha256": HASH, "from": 0, "bytes": 65536},
    ),
    ("ask", "for what a new journal lacks", {**WHO, "n": 3, "want": "restore", "nonce": HEX32}),
    (
        "pulse",
        "of a cloud that has nothing yet",
        {**PAYLOADS["pulse"], "cosigned": None, "rules": 0},
    ),
    ("command", "that answers a nonce", {**PAYLOADS["command"], "nonce": HEX32}),
]

WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("pulse", "nonce in capitals", {"nonce": HEX32.upper()}),
    ("pulse", "instant without milliseconds", {"at": "2026-11-28T15:30:00Z"}),
    ("pulse", "instant of another zone", {"at": "2026-11-28T15:30:00.000+00:00"}),
    ("pulse", "negative version", {"rules": -1}),
    ("pulse", "number beyond 2^53 - 1", {"usage": 2**53}),
    ("manifest", "version 0", {"version": 0}),
    ("manifest", "no parts", {"parts": []}),
    (
        "manifest",
        "part outside of its folder",
        {"parts": [{"name": "../base", "sha256": HASH, "bytes": 4096, "packed": 900}]},
    ),
    (
        "manifest",
        "part of more than 16 MiB",
        {"parts": [{"name": "base", "sha256": HASH, "bytes": 2**24 + 1, "packed": 900}]},
    ),
    ("manifest", "confirmation after two days", {"confirm_s": 172_800}),
    ("checkpoint", "seq 0", {"seq": 0}),
    ("checkpoint", "short head", {"head": "ab" * 31}),
    ("usage", "501 entries", {"withdraw": [str(n) for n in range(501)]}),
    ("usage", "entry of four", {"add": [["aiko", "2026-11-28", "day", "shibuya"]]}),
    ("usage", "date with a time", {"add": [["aiko", "2026-11-28T00", "day", "", "5c1f"]]}),
    (
        "restore",
        "seat that is lost",
        {"seats": [{**PAYLOADS["restore"]["seats"][0], "io": "LOST"}]},
    ),
    ("restore", "513 lockers", {"lockers": [PAYLOADS["restore"]["lockers"][0]] * 513}),
    ("command", "list as an argument", {"args": {"door": ["front"]}}),
    ("command", "no id", {"id": ""}),
    ("state", "unknown word", {"link": "asleep"}),
    ("report", "alarm that is a number", {"alarms": [7]}),
    ("ask", "unknown wish", {"want": "door"}),
    ("result", "more that is a list", {"more": []}),
    ("renew", "no request for a certificate", {"csr": ""}),
    ("renew", "request in capitals", {"request": HEX32.upper()}),
    ("renewed", "certificate of more than 16 KiB", {"certificate": "A" * 16_385}),
    ("renewed", "certificate with a tab", {"certificate": "A\tB"}),
]


def keys() -> dict[str, Any]:
    """List all keys that are used, private halves too: they are worth nothing elsewhere."""
    named = {f"root {n}": key for n, key in enumerate(TENANT.roots)}
    named |= TENANT.by_role | {"device": DEVICE, "stranger": STRANGERS.by_role["commands"]}
    return {
        name: {"private": base64ed(key.private_bytes_raw()), "public": base64ed(public(key))}
        for name, key in named.items()
    }


def signer(kind: str) -> Any:
    """Return the key that signs this kind."""
    roles = ROLE_OF | {"renewed": "acks"}
    return TENANT.by_role[roles[kind]] if kind in roles else DEVICE


def case(kind: str, name: str, envelope: bytes, *, counts: bool = False) -> dict[str, Any]:
    """Write down an envelope, and whether it counts at its reader."""
    return {"kind": kind, "name": name, "counts": counts, "envelope": envelope.decode()}


def good() -> Iterator[dict[str, Any]]:
    """Write down what counts."""
    for kind, payload in PAYLOADS.items():
        yield case(kind, "good", sealed(kind, spelt(payload), signer(kind)), counts=True)
    for kind, name, payload in OTHER_GOOD:
        yield case(kind, name, sealed(kind, spelt(payload), signer(kind)), counts=True)
    spaced = json.dumps(PAYLOADS["pulse"], indent=1).encode()
    yield case("pulse", "spelt with spaces", sealed("pulse", spaced, signer("pulse")), counts=True)
    both = sealed("pulse", spelt(PAYLOADS["pulse"]), made_key("unknown"), signer("pulse"))
    yield case("pulse", "signed by an unknown key, too", both, counts=True)


def ill_signed() -> Iterator[dict[str, Any]]:
    """Write down what nobody signed who may, for each kind."""
    for kind, payload in PAYLOADS.items():
        plain, right = spelt(payload), signer(kind)
        for name, key in {**TENANT.by_role, "root": TENANT.roots[0], "device": DEVICE}.items():
            if key is not right:
                yield case(kind, f"signed by the key of {name}", sealed(kind, plain, key))
        stranger = sealed(kind, plain, STRANGERS.by_role["commands"])
        yield case(kind, "signed by another tenant", stranger)
        other = json.loads(sealed(kind, plain, right))
        other["payload"] = base64ed(spelt({**payload, "device": "gate-2"}))
        yield case(kind, "payload exchanged", json.dumps(other).encode())
        for another in PAYLOADS:
            if another != kind:
                mixed = json.loads(sealed(another, plain, right))
                mixed["payloadType"] = media_type(kind)
                yield case(kind, f"signed as {another}", json.dumps(mixed).encode())


def ill_shaped() -> Iterator[dict[str, Any]]:
    """Write down what is rightly signed, and is not what it should be."""
    for kind, payload in PAYLOADS.items():
        for name, change in (
            ("for another device", {"device": "gate-2"}),
            ("of another tenant", {"tenant": "other"}),
            ("of a tenant with a slash", {"tenant": "acme/gate-1"}),
            ("of version 2", {"v": 2}),
            ("of version true", {"v": True}),
            ("with one member more", {"extra": 1}),
        ):
            yield case(kind, name, sealed(kind, spelt({**payload, **change}), signer(kind)))
        for member in payload:
            less = {name: value for name, value in payload.items() if name != member}
            yield case(kind, f"without {member}", sealed(kind, spelt(less), signer(kind)))
        twice = spelt(payload)[:-1] + b',"v":1}'
        yield case(kind, "v twice", sealed(kind, twice, signer(kind)))
        fraction = spelt(payload).replace(b'"v":1', b'"v":1.0')
        yield case(kind, "v as a fraction", sealed(kind, fraction, signer(kind)))
        yield case(kind, "a list", sealed(kind, b"[" + spelt(payload) + b"]", signer(kind)))
        yield case(kind, "more behind it", sealed(kind, spelt(payload) + b"{}", signer(kind)))
    for kind, name, change in WRONG:
        yield case(kind, name, sealed(kind, spelt({**PAYLOADS[kind], **change}), signer(kind)))


def ill_enveloped() -> Iterator[dict[str, Any]]:
    """Write down envelopes that are none; of a command, where it would hurt most."""
    plain, right = spelt(PAYLOADS["command"]), signer("command")
    whole = json.loads(sealed("command", plain, right))
    signature = base64.b64decode(whole["signatures"][0]["sig"])
    raised = int.from_bytes(signature[32:], "little") + ORDER
    malleable = base64ed(signature[:32] + raised.to_bytes(32, "little"))
    one = whole["signatures"][0]
    for name, change in (
        ("no signature", {"signatures": []}),
        ("nine signatures", {"signatures": [one] * 9}),
        ("S above the order", {"signatures": [{**one, "sig": malleable}]}),
        ("signature cut short", {"signatures": [{**one, "sig": one["sig"][:40]}]}),
        ("signature of zeros", {"signatures": [{**one, "sig": base64ed(bytes(64))}]}),
        ("member more in a signature", {"signatures": [{**one, "alg": "none"}]}),
        ("member more", {"extra": 1}),
        ("base64 without padding", {"payload": whole["payload"].rstrip("=") + "A"}),
        ("base64 of URLs", {"payload": whole["payload"].replace("e", "-")}),
        ("type of version 2", {"payloadType": "application/vnd.edged.command.v2+json"}),
        ("type of another product", {"payloadType": "application/json"}),
        ("payload as an object", {"payload": PAYLOADS["command"]}),
    ):
        yield case("command", name, json.dumps({**whole, **change}).encode())
    text = json.dumps(whole)
    yield case("command", "payloadType twice", (text[:-1] + ',"payloadType":"x"}').encode())
    yield case("command", "nothing", b"")
    yield case("command", "half of it", text[: len(text) // 2].encode())
    yield case("command", "very deep", b"[" * 5_000)


def trusts() -> Iterator[dict[str, Any]]:
    """Write down what may follow a trust document, and what may not."""
    held = TENANT.trust(1, AT)
    new = Tenant("acme 2").roots
    rotated = TENANT.trust(2, AT, roots=new, signers=[*TENANT.roots[:2], *new[:2]])

    def step(name: str, document: bytes, version: int) -> dict[str, Any]:
        held_text, text = held.decode(), document.decode()
        return {"name": name, "held": held_text, "envelope": text, "version_then": version}

    yield step("next version", TENANT.trust(2, AT), 2)
    yield step("versions skipped, roots unchanged", TENANT.trust(9, AT), 9)
    yield step("new roots, signed by both", rotated, 2)
    yield step("same version", TENANT.trust(1, AT, signers=TENANT.roots[1:]), 1)
    yield step("signed by one root", TENANT.trust(2, AT, signers=TENANT.roots[:1]), 1)
    one = TENANT.roots[0]
    yield step("signed twice by one root", TENANT.trust(2, AT, signers=[one, one]), 1)
    yield step("new roots alone", TENANT.trust(2, AT, roots=new, signers=new), 1)
    yield step("old roots alone", TENANT.trust(2, AT, roots=new, signers=TENANT.roots), 1)
    skipped = TENANT.trust(3, AT, roots=new, signers=[*TENANT.roots[:2], *new[:2]])
    yield step("new roots, versions skipped", skipped, 1)
    yield step("of another tenant", STRANGERS.trust(2, AT), 1)
    old, next_one = pki.named("acme authority"), pki.named("acme authority 2")
    yield step("authorities are named", TENANT.trust(2, AT, authorities=[old, next_one]), 2)
    lured = TENANT.trust(2, AT, authorities=[next_one], signers=list(TENANT.by_role.values()))
    yield step("authorities, signed by a role", lured, 1)
    leaf = pki.named("acme broker", may_certify=False)
    yield step("an authority that may certify nobody", TENANT.trust(2, AT, authorities=[leaf]), 1)
    yield step("an authority that is none", TENANT.trust(2, AT, authorities=[b"none"]), 1)
    yield step("signed by a role", TENANT.trust(2, AT, signers=list(TENANT.by_role.values())), 1)


def written() -> str:
    """Put the file together."""
    cases = [*good(), *ill_signed(), *ill_shaped(), *ill_enveloped()]
    rows = ",\n  ".join(json.dumps(one, sort_keys=True) for one in cases)
    steps = ",\n  ".join(json.dumps(one, sort_keys=True) for one in trusts())
    head = {
        "about": "Envelopes of the contract (cloud_link/README.md). Whoever reads one for device "
        "gate-1 of tenant acme, and trusts `trust`, has to find that it counts, or does not.",
        "keys": keys(),
        "trust": TENANT.trust(1, AT).decode(),
        "signed_bytes": to_be_signed("a", b"b").decode(),
    }
    text = json.dumps(head, sort_keys=True, indent=1)[:-2]
    return f'{text},\n "cases": [\n  {rows}\n ],\n "trust_steps": [\n  {steps}\n ]\n}}\n'


if __name__ == "__main__":
    FILE.write_text(written())
