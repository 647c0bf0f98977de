"""An honest cloud for one device, small and in memory; written from the contract's text.

It is pure but for its clock: what a device says goes in, what the cloud answers comes out.
"""

import hashlib
import json
import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.byzantine.tenant import Tenant, instant, opened, seal, spelt

Message = tuple[str, bytes]
"""The KIND of a topic, and what is sent there."""

Parts = Mapping[str, bytes]
"""Parts of a rule set by name."""

PAGE = 500
FIRST_PREV = bytes(32).hex()


def packed(plain: bytes) -> bytes:
    """Compress a part or a batch."""
    return zstandard.ZstdCompressor(level=3).compress(plain)


def fingerprint(parts: Parts) -> str:
    """Work out the fingerprint of a set: the base, then each member in the order of ids."""
    members: dict[str, Any] = {}
    for name, plain in parts.items():
        if name.startswith("members/"):
            members |= json.loads(plain)
    whole = hashlib.sha256(parts["base"])
    for member in sorted(members):
        whole.update(b"\n" + member.encode() + spelt(members[member]))
    return whole.hexdigest()


@dataclass(slots=True)
class Issued:
    """A command as it was issued."""

    message: bytes
    verb: str
    issued_at: datetime
    expires_at: datetime
    nonce: str | None


@dataclass(slots=True)
class Cloud:
    """What a tenant's cloud knows of one device, and what it wants of it."""

    tenant: Tenant
    device: str
    device_key: Ed25519PrivateKey
    now: Callable[[], datetime]
    trusts: list[bytes] = field(default_factory=list)
    records: dict[tuple[str, int], bytes] = field(default_factory=dict)
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    acks: dict[str, bytes] = field(default_factory=dict)
    rules: dict[int, tuple[bytes, dict[str, bytes], Mapping[str, bytes]]] = field(
        default_factory=dict
    )
    wanted: int = 0
    uses: list[tuple[str, ...]] = field(default_factory=list)
    commands: dict[str, Issued] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    pieces: int = 0
    alarms: list[str] = field(default_factory=list)
    restorable: Mapping[str, Any] = field(
        default_factory=lambda: {"lockers": [], "seats": [], "unknown": []}
    )

    def __post_init__(self) -> None:
        """Begin with one trust document, for the installer to pin."""
        self.trusts.append(self.tenant.trust(1, self.now()))

    def hear(self, kind: str, data: bytes) -> list[Message]:
        """Take what came on `up/KIND`; return what is sent down for it."""
        try:
            if kind == "audit":
                return self._batch(data)
            said, payload = opened(data, self.device_key)
        except (ValueError, KeyError, InvalidSignature, zstandard.ZstdError):
            self.alarms.append("unreadable")
            return []
        if said != kind:
            return []
        match kind:
            case "report":
                self.reports.append(payload)
                return self._due(payload)
            case "ask":
                return self._answer(payload)
            case "state":
                self.states.append(payload)
            case _:
                self.results.append(payload)
        return []

    def command(
        self, verb: str, args: Mapping[str, object], *, life_s: float = 10, nonce: str | None = None
    ) -> Message:
        """Issue a command."""
        at, identity = self.now(), str(uuid.uuid4())
        until = at + timedelta(seconds=life_s)
        message = self.tenant.said(
            "command",
            self.device,
            id=identity,
            verb=verb,
            args=dict(args),
            by="staff-1",
            issued_at=instant(at),
            expires_at=instant(until),
            nonce=nonce,
        )
        self.commands[identity] = Issued(message, verb, at, until, nonce)
        return "command", message

    def publish(self, parts: Parts, *, confirm_s: int = 0) -> Message:
        """Publish a set of rules as the next version."""
        self.wanted += 1
        entries = [
            {
                "name": name,
                "sha256": hashlib.sha256(plain).hexdigest(),
                "bytes": len(plain),
                "packed": len(packed(plain)),
            }
            for name, plain in parts.items()
        ]
        manifest = self.tenant.said(
            "manifest",
            self.device,
            version=self.wanted,
            fingerprint=fingerprint(parts),
            issued_at=instant(self.now()),
            confirm_s=confirm_s,
            parts=entries,
        )
        frames = {hashlib.sha256(plain).hexdigest(): packed(plain) for plain in parts.values()}
        self.rules[self.wanted] = manifest, frames, parts
        return "rules", manifest

    def rotate(self, trust: bytes) -> Message:
        """Publish a later trust document."""
        self.trusts.append(trust)
        return "trust", trust

    def use(self, *entry: str) -> Message:
        """Learn of a use, or of one that is withdrawn (an event alone)."""
        self.uses.append(entry)
        return self._usage(len(self.uses) - 1)

    def _batch(self, data: bytes) -> list[Message]:
        reader = zstandard.ZstdDecompressor()
        lines = reader.decompress(data, max_output_size=1 << 20).split(b"\n")[:-1]
        kind, checkpoint = opened(lines[0], self.device_key)
        if kind != "checkpoint" or len(lines) > 201:
            return []
        epoch, last = checkpoint["epoch"], checkpoint["seq"]
        first = last - len(lines) + 2
        records = dict(enumerate(lines[1:], start=first))
        for seq, record in records.items():
            prev = json.loads(record)["prev"]
            before = records.get(seq - 1) or self.records.get((epoch, seq - 1))
            if before is not None and prev != hashlib.sha256(before).hexdigest():
                return []
        if hashlib.sha256(lines[-1]).hexdigest() != checkpoint["head"]:
            return []
        have, _ = self.heads.get(epoch, (first - 1, ""))
        forks = any(self.records.get((epoch, seq), one) != one for seq, one in records.items())
        if forks:
            self.alarms.append("fork")
        if forks or first > have + 1:
            return [("ack", self.acks[epoch])] if epoch in self.acks else []
        self.records |= {(epoch, seq): one for seq, one in records.items()}
        ack = seal("checkpoint", spelt(checkpoint), self.tenant.by_role["acks"])
        if last > have or epoch not in self.acks:
            self.heads[epoch] = last, checkpoint["head"]
            self.acks[epoch] = ack
        return [("ack", ack)]

    def _due(self, report: Mapping[str, Any]) -> list[Message]:
        """Send again whatever a report shows to be missing."""
        due: list[Message] = [("trust", trust) for trust in self.trusts[report["trust"] :]]
        if self.wanted and report["rules"]["version"] != self.wanted:
            due.append(("rules", self.rules[self.wanted][0]))
        if report["usage"]["position"] < len(self.uses):
            due.append(self._usage(report["usage"]["position"]))
        return due

    def _answer(self, ask: Mapping[str, Any]) -> list[Message]:
        match ask["want"]:
            case "pulse":
                self.nonces.append(ask["nonce"])
                return [("pulse", self._pulse(ask["nonce"]))]
            case "restore":
                self.nonces.append(ask["nonce"])
                members = {"nonce": ask["nonce"], "as_of": instant(self.now())}
                restore = self.tenant.said("restore", self.device, **members, **self.restorable)
                return [("restore", restore)]
            case _:
                return self._piece(ask)

    def _piece(self, ask: Mapping[str, Any]) -> list[Message]:
        for _, frames, _ in self.rules.values():
            if ask["sha256"] in frames:
                self.pieces += 1
                piece = frames[ask["sha256"]][ask["from"] : ask["from"] + ask["bytes"]]
                head = struct.pack(">32sI", bytes.fromhex(ask["sha256"]), ask["from"])
                return [("part", head + piece)]
        return []

    def _pulse(self, nonce: str) -> bytes:
        epoch = self.reports[-1]["epoch"] if self.reports else ""
        has = self.heads.get(epoch)
        return self.tenant.said(
            "pulse",
            self.device,
            nonce=nonce,
            at=instant(self.now()),
            rules=self.wanted,
            trust=len(self.trusts),
            usage=len(self.uses),
            cosigned={"epoch": epoch, "seq": has[0], "head": has[1]} if has else None,
        )

    def _usage(self, position: int) -> Message:
        page = self.uses[position : position + PAGE]
        to = position + len(page)
        return "usage", self.tenant.said(
            "usage",
            self.device,
            from_=position,
            to=to,
            as_of=instant(self.now()),
            more=to < len(self.uses),
            add=[list(entry) for entry in page if len(entry) > 1],
            withdraw=[entry[0] for entry in page if len(entry) == 1],
        )
