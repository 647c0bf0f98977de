"""A device that speaks the contract and guards no door (cloud_link/README.md).

Written from the text, without the cloud's code: it is what the cloud is tested against. Its parts
are plain functions and one small state; whoever holds it does the sending.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

BATCH_RECORDS = 200
WINDOW = 4

Message = tuple[str, bytes]
"""The last word of a topic, and the payload."""


def spell(value: object) -> bytes:
    """Spell a value as JSON, keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def text_of(at: datetime) -> str:
    """Spell an instant."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def seal(kind: str, payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Sign a payload in an envelope."""
    name = f"application/vnd.edged.{kind}.v1+json"
    signature = key.sign(_preimage(name, payload))
    key_id = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()
    signatures = [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}]
    payload64 = base64.b64encode(payload).decode()
    return spell({"payloadType": name, "payload": payload64, "signatures": signatures})


def open_signed(data: bytes, kind: str, keys: Sequence[bytes], needed: int = 1) -> dict[str, Any]:
    """Verify an envelope by so many of the keys, and read its payload.

    Raises:
        cryptography.exceptions.InvalidSignature: Too few of them signed it.
        ValueError, KeyError: It is no envelope of this kind.
    """
    envelope = json.loads(data)
    name = f"application/vnd.edged.{kind}.v1+json"
    if envelope["payloadType"] != name:
        raise ValueError(f"{envelope['payloadType']} is no {kind}")
    payload = base64.b64decode(envelope["payload"], validate=True)
    by_id = {hashlib.sha256(key).hexdigest(): key for key in keys}
    signed = 0
    for each in envelope["signatures"]:
        key = by_id.pop(each["keyid"], None)
        if key is not None:
            signature = base64.b64decode(each["sig"], validate=True)
            Ed25519PublicKey.from_public_bytes(key).verify(signature, _preimage(name, payload))
            signed += 1
    if signed < needed:
        raise ValueError(f"signed by {signed} of {needed}")
    read: dict[str, Any] = json.loads(payload)
    return read


def _preimage(name: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(name), name.encode(), len(payload), payload)


@dataclass
class Tenant:
    """What a device knows of who speaks for its tenant: the newest trust document."""

    document: dict[str, Any]

    def keys(self, role: str) -> list[bytes]:
        """Return the public keys of a role."""
        named = [each["key"] for each in self.document["keys"] if role in each["roles"]]
        return [base64.b64decode(key) for key in named]

    def follow(self, data: bytes) -> None:
        """Take a newer document.

        Raises:
            cryptography.exceptions.InvalidSignature, ValueError: It does not count.
        """
        old, roots = self.document, [base64.b64decode(key) for key in self.document["roots"]]
        new = open_signed(data, "trust", roots, old["threshold"])
        if new["version"] <= old["version"]:
            return
        open_signed(data, "trust", [base64.b64decode(k) for k in new["roots"]], new["threshold"])
        self.document = new


def pinned(data: bytes) -> Tenant:
    """Take the first document as it is: whoever installs a device vouches for it."""
    document: dict[str, Any] = json.loads(base64.b64decode(json.loads(data)["payload"]))
    return Tenant(document)


@dataclass
class Journal:
    """Records in their chain, and how far the cloud has signed them."""

    records: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=lambda: [bytes(32)])
    acked: int = 0

    def write(self, body: Mapping[str, Any]) -> int:
        """Append a record; return its number, from 1."""
        number = len(self.records) + 1
        record = spell({**body, "seq": number, "prev": self.heads[-1].hex()})
        self.records.append(record)
        self.heads.append(hashlib.sha256(record).digest())
        return number


@dataclass
class Device:
    """One device: what it says, and what it makes of what it is told.

    `rules`: the newest manifest; `parts`: the frames that it holds whole, by their hash.
    """

    name: str
    key: Ed25519PrivateKey
    tenant: Tenant
    journal: Journal = field(default_factory=Journal)
    epoch: str = field(default_factory=lambda: secrets.token_hex(8))
    boot: str = field(default_factory=lambda: secrets.token_hex(8))
    session: int = 0
    manifest: dict[str, Any] | None = None
    parts: dict[str, bytes] = field(default_factory=dict)
    pulse: dict[str, Any] | None = None
    position: int = 0
    entries: set[tuple[str, ...]] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    restored: dict[str, Any] | None = None
    done: list[dict[str, Any]] = field(default_factory=list)
    acks: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    _n: int = 0
    _nonce: str = ""
    _pieces: dict[str, dict[int, bytes]] = field(default_factory=dict)

    @property
    def public(self) -> bytes:
        """The 32 bytes of its public key."""
        return self.key.public_key().public_bytes_raw()

    def state(self, link: str, at: datetime) -> Message:
        """Say whether it is connected."""
        what = {"link": link, "boot": self.boot, "session": self.session, "at": text_of(at)}
        return self._say("state", what)

    def report(self, at: datetime) -> Message:
        """Say how it is."""
        self._n += 1
        version = 0 if self.manifest is None else self.manifest["version"]
        fingerprint = "" if self.manifest is None else self.manifest["fingerprint"]
        waiting = len(self.journal.records) - self.journal.acked
        rules: dict[str, Any] = {
            "version": version,
            "fingerprint": fingerprint,
            "trial": False,
            "refused": [],
        }
        what = {
            "boot": self.boot,
            "session": self.session,
            "n": self._n,
            "at": text_of(at),
            "clock": "SYNCED",
            "release": "0",
            "epoch": self.epoch,
            "seq": len(self.journal.records),
            "cosigned": self.journal.acked,
            "trust": self.tenant.document["version"],
            "rules": rules,
            "usage": {"position": self.position, "as_of": None},
            "alarms": [],
            "buffer": {"records": waiting, "bytes": 0, "days": 0},
        }
        return self._say("report", what)

    def ask_pulse(self) -> Message:
        """Ask whether the cloud is there."""
        self._nonce = secrets.token_hex(16)
        return self._ask({"want": "pulse", "nonce": self._nonce})

    def ask_restore(self) -> Message:
        """Ask what a new journal can't know."""
        self._nonce = secrets.token_hex(16)
        return self._ask({"want": "restore", "nonce": self._nonce})

    def ask_parts(self) -> Iterator[Message]:
        """Ask for the first missing piece of each part that it does not hold."""
        for part in [] if self.manifest is None else self.manifest["parts"]:
            name = part["sha256"]
            if name not in self.parts:
                begin = sum(map(len, self._pieces.get(name, {}).values()))
                size = min(65_536, part["packed"] - begin)
                yield self._ask({"want": "part", "sha256": name, "from": begin, "bytes": size})

    def batch(self, first: int, last: int, at: datetime) -> Message:
        """Pack records `first` to `last`, both of them in."""
        what = {"epoch": self.epoch, "seq": last, "head": self.journal.heads[last].hex()}
        point = {"v": 1, "tenant": self._tenant, "device": self.name, **what}
        payload = spell({**point, "at": text_of(at), "rules": 0, "trust": 1})
        lines = [seal("checkpoint", payload, self.key), *self.journal.records[first - 1 : last]]
        packed = zstandard.ZstdCompressor(level=3).compress(b"".join(x + b"\n" for x in lines))
        return "audit", packed

    def batches(self, at: datetime) -> Iterator[Message]:
        """Pack what waits, as much as may be under way."""
        self.sent = max(self.sent, self.journal.acked)
        end = self.journal.acked + WINDOW * BATCH_RECORDS
        while self.sent < min(len(self.journal.records), end):
            last = min(self.sent + BATCH_RECORDS, len(self.journal.records))
            yield self.batch(self.sent + 1, last, at)
            self.sent = last

    def hear(self, kind: str, data: bytes, at: datetime) -> list[Message]:
        """Take what came; return what it says to that.

        Raises:
            cryptography.exceptions.InvalidSignature, ValueError, KeyError: It does not count.
        """
        match kind:
            case "ack":
                self._acked(self._open("checkpoint", "acks", data))
                return list(self.batches(at)) if self.sent else []
            case "pulse":
                pulse = self._open("pulse", "time", data)
                self.pulse = pulse if pulse["nonce"] == self._nonce else self.pulse
            case "trust":
                self.tenant.follow(data)
            case "rules":
                self.manifest = self._open("manifest", "rules", data)
                return list(self.ask_parts())
            case "part":
                return self._piece(data)
            case "usage":
                self._use(self._open("usage", "acks", data))
            case "restore":
                told = self._open("restore", "acks", data)
                self.restored = told if told["nonce"] == self._nonce else self.restored
            case "command":
                return [self._obey(self._open("command", "commands", data), at)]
            case _:
                raise ValueError(f"{kind}: unknown")
        return []

    def rules(self) -> dict[str, Any]:
        """Put the parts together: the base, and `members` with all of them."""
        whole: dict[str, Any] = {}
        members: dict[str, Any] = {}
        for part in [] if self.manifest is None else self.manifest["parts"]:
            value = json.loads(zstandard.ZstdDecompressor().decompress(self.parts[part["sha256"]]))
            if part["name"] == "base":
                whole = value
            elif part["name"].startswith("members/"):
                members |= value
        return {**whole, "members": members}

    @property
    def _tenant(self) -> str:
        return str(self.tenant.document["tenant"])

    def _open(self, kind: str, role: str, data: bytes) -> dict[str, Any]:
        payload = open_signed(data, kind, self.tenant.keys(role))
        if (payload["tenant"], payload["device"]) != (self._tenant, self.name):
            raise ValueError("of another device")
        return payload

    def _say(self, kind: str, what: Mapping[str, Any]) -> Message:
        payload = {"v": 1, "tenant": self._tenant, "device": self.name, **what}
        return kind, seal(kind, spell(payload), self.key)

    def _ask(self, what: Mapping[str, Any]) -> Message:
        self._n += 1
        return self._say("ask", {"n": self._n, **what})

    def _acked(self, point: dict[str, Any]) -> None:
        self.acks.append(point)
        known = point["epoch"] == self.epoch and point["seq"] <= len(self.journal.records)
        if known and point["head"] == self.journal.heads[point["seq"]].hex():
            self.journal.acked = max(self.journal.acked, point["seq"])

    def _piece(self, data: bytes) -> list[Message]:
        name, begin = data[:32].hex(), int.from_bytes(data[32:36], "big")
        pieces = self._pieces.setdefault(name, {})
        pieces[begin] = data[36:]
        (packed,) = {p["packed"] for p in (self.manifest or {})["parts"] if p["sha256"] == name}
        if sum(map(len, pieces.values())) < packed:
            return list(self.ask_parts())
        frame = b"".join(pieces[place] for place in sorted(pieces))
        plain = zstandard.ZstdDecompressor().decompress(frame)
        if hashlib.sha256(plain).hexdigest() != name:
            raise ValueError("part: another hash")
        self.parts[name] = frame
        return []

    def _use(self, told: dict[str, Any]) -> None:
        if told["from"] <= self.position:
            self.entries |= {tuple(entry) for entry in told["add"]}
            self.gone |= set(told["withdraw"])
            self.position = max(self.position, told["to"])

    def _obey(self, told: dict[str, Any], at: datetime) -> Message:
        self.done.append(told)
        return self._say(
            "result", {"id": told["id"], "result": "DONE", "at": text_of(at), "more": {}}
        )
