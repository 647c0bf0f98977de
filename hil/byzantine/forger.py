"""What a broker can make up from all that it has seen, without a single key of the tenant."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hil.byzantine.cloud import Cloud, Message
from hil.byzantine.pki import named
from hil.byzantine.tenant import ROLE_OF, Tenant, base64ed, instant, made_key, seal, spelt

DOWN = ("trust", "pulse", "rules", "part", "ack", "usage", "restore", "command")
TOPIC_OF = {"manifest": "rules", "checkpoint": "ack"}

Lie = tuple[str, bytes, bool]
"""The KIND of a topic, what is sent there, and whether as retained."""


@dataclass(slots=True)
class Forger:
    """Lies, by a seed. `seen` is what the cloud said, `said` what the device did."""

    cloud: Cloud
    dice: random.Random
    seen: list[Message] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    strangers: Tenant = field(default_factory=lambda: Tenant("strangers"))

    def lie(self) -> tuple[str, Lie]:
        """Make something up; return what it is called, too."""
        ways: list[Callable[[], Lie]] = [
            self._replay,
            self._misplace,
            self._retain,
            self._reflect,
            self._flip,
            self._graft,
            self._forge,
            self._forge_by_role,
            self._for_neighbour,
            self._by_strangers,
            self._trust,
            self._noise,
            self._piece,
        ]
        way = self.dice.choice(ways)
        return way.__name__.strip("_"), way()

    def packet(self) -> bytes:
        """Make up bytes that may be no packet at all."""
        return self.dice.choice(
            (
                b"\x32\xff\xff\xff\x7f\x00\x01a",
                b"\x32\x80\x80\x10\x00\x01a" + bytes(300_000),
                b"\x32\x03\xff\xff\xff",
                b"\x00\x00",
                b"\x20\x03\x00\x87\x00",
                b"\xe0\x01\x8b",
                self.dice.randbytes(40),
            )
        )

    def _any_seen(self) -> Message:
        return self.dice.choice(self.seen) if self.seen else ("command", b"{}")

    def _replay(self) -> Lie:
        return (*self._any_seen(), False)

    def _misplace(self) -> Lie:
        return self.dice.choice(DOWN), self._any_seen()[1], False

    def _retain(self) -> Lie:
        return (*self._any_seen(), True)

    def _reflect(self) -> Lie:
        data = self.dice.choice(self.said)[1] if self.said else b""
        return self.dice.choice(DOWN), data, False

    def _flip(self) -> Lie:
        kind, data = self._any_seen()
        at = self.dice.randrange(len(data))
        changed = data[:at] + bytes([data[at] ^ self.dice.randint(1, 255)]) + data[at + 1 :]
        return kind, changed, False

    def _graft(self) -> Lie:
        """Put what we want under a signature that is another's."""
        kind, payload = self._wish()
        envelopes = [data for topic, data in self.seen if topic not in {"part", "trust"}]
        if not envelopes:
            return self._forge()
        whole = json.loads(self.dice.choice(envelopes))
        whole["payload"] = base64ed(spelt(payload))
        if self.dice.random() < 0.5:
            whole["payloadType"] = f"application/vnd.edged.{kind}.v1+json"
        return TOPIC_OF.get(kind, kind), json.dumps(whole).encode(), False

    def _forge(self) -> Lie:
        """Sign by a key of our own, and name the right one."""
        kind, payload = self._wish()
        right = json.loads(self.cloud.tenant.said(kind, "nobody"))["signatures"][0]["keyid"]
        whole = json.loads(seal(kind, spelt(payload), made_key("forger")))
        whole["signatures"][0]["keyid"] = right
        if self.dice.random() < 0.2:
            whole["signatures"][0]["sig"] = base64ed(bytes(64))
        return TOPIC_OF.get(kind, kind), json.dumps(whole).encode(), False

    def _forge_by_role(self) -> Lie:
        """Sign by a real key of the tenant that was stolen, and is of another role."""
        kind, payload = self._wish()
        keys = [key for role, key in self.cloud.tenant.by_role.items() if role != ROLE_OF[kind]]
        data = seal(kind, spelt(payload), self.dice.choice([*keys, self.cloud.tenant.roots[0]]))
        return TOPIC_OF.get(kind, kind), data, False

    def _for_neighbour(self) -> Lie:
        """Deliver here what the cloud rightly said to another device, or another tenant's did."""
        kind, payload = self._wish()
        payload |= self.dice.choice(({"device": "gate-2"}, {"tenant": "other"}))
        data = seal(kind, spelt(payload), self.cloud.tenant.by_role[ROLE_OF[kind]])
        return TOPIC_OF.get(kind, kind), data, False

    def _by_strangers(self) -> Lie:
        kind, payload = self._wish()
        data = seal(kind, spelt(payload), self.strangers.by_role[ROLE_OF[kind]])
        return TOPIC_OF.get(kind, kind), data, False

    def _trust(self) -> Lie:
        """Name our own keys and authority: signed by us, or by one root that was stolen, twice."""
        ours = Tenant("strangers")
        ours.name = self.cloud.tenant.name
        root = self.cloud.tenant.roots[0]
        signers = self.dice.choice((ours.roots, [root, root], [*ours.roots, root], []))
        version = len(self.cloud.trusts) + self.dice.choice((0, 1, 7))
        at, lure = self.cloud.now(), [named("strangers")]
        return "trust", ours.trust(max(1, version), at, signers=signers, authorities=lure), False

    def _noise(self) -> Lie:
        data = self.dice.choice(
            (
                b"",
                b"{}",
                b"[" * 10_000,
                b'{"payloadType":' + b'"a"' * 1_000,
                bytes(200_000),
                self.dice.randbytes(self.dice.randint(1, 4_000)),
            )
        )
        return self.dice.choice(DOWN), data, False

    def _piece(self) -> Lie:
        """Send other bytes in the place of a part's."""
        pieces = [data for kind, data in self.seen if kind == "part"]
        head = self.dice.choice(pieces)[:36] if pieces else bytes(36)
        return "part", head + self.dice.randbytes(self.dice.randint(0, 200)), False

    def _wish(self) -> tuple[str, dict[str, Any]]:
        """Return what a broker would like to be true."""
        who = {"v": 1, "tenant": self.cloud.tenant.name, "device": self.cloud.device}
        nonce = self.cloud.nonces[-1] if self.cloud.nonces else "0" * 32
        kind = self.dice.choice(tuple(ROLE_OF))
        match kind:
            case "command":
                members = self._command(nonce)
            case "manifest":
                members = self._manifest()
            case "pulse":
                members = self._pulse(nonce)
            case "checkpoint":
                members = {**self._head(), "at": instant(self.cloud.now()), "rules": 1, "trust": 1}
            case "usage":
                members = self._usage()
            case _:
                members = self._restore(nonce)
        return kind, {**who, **members}

    def _command(self, nonce: str) -> dict[str, Any]:
        now = self.cloud.now()
        return {
            "id": f"evil-{self.dice.getrandbits(32)}",
            "verb": self.dice.choice(("door_open", "locker_open", "fire_reset", "lockdown")),
            "args": {"door": "front"},
            "by": "staff-1",
            "issued_at": instant(now),
            "expires_at": instant(now + timedelta(seconds=9)),
            "nonce": self.dice.choice((None, nonce)),
        }

    def _manifest(self) -> dict[str, Any]:
        return {
            "version": self.cloud.wanted + self.dice.randint(0, 3) or 1,
            "fingerprint": "ab" * 32,
            "issued_at": instant(self.cloud.now()),
            "confirm_s": 0,
            "parts": [{"name": "base", "sha256": "ab" * 32, "bytes": 2, "packed": 11}],
        }

    def _pulse(self, nonce: str) -> dict[str, Any]:
        return {
            "nonce": nonce,
            "at": instant(self.cloud.now() + timedelta(days=self.dice.choice((-400, 1)))),
            "rules": self.dice.choice((0, self.cloud.wanted + 1)),
            "trust": 1,
            "usage": 0,
            "cosigned": self._head(),
        }

    def _head(self) -> dict[str, Any]:
        epoch = self.cloud.reports[-1]["epoch"] if self.cloud.reports else "0" * 16
        return {"epoch": epoch, "seq": self.dice.randint(1, 5_000), "head": "ab" * 32}

    def _usage(self) -> dict[str, Any]:
        return {
            "from": 0,
            "to": 10_000,
            "as_of": instant(self.cloud.now()),
            "more": False,
            "add": [["evil", "2026-11-28", "day", "", f"e{self.dice.getrandbits(32)}"]],
            "withdraw": [],
        }

    def _restore(self, nonce: str) -> dict[str, Any]:
        return {
            "nonce": nonce,
            "as_of": instant(self.cloud.now()),
            "lockers": [{"id": "A-1", "state": "FREE", "occupancy": None}],
            "seats": [],
            "unknown": ["evil"],
        }
