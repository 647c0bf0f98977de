"""What goes down to a device: what it asked for, and what its report shows to be missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from hil.cloud import (
    archive,
    commands,
    devices,
    dsse,
    occupancy,
    parts,
    rulesets,
    study,
    trusts,
    usage,
)
from hil.cloud.keys import Role
from hil.cloud.payloads import AskPart, AskPulse, AskRestore, Report
from hil.cloud.spelling import canonical, instant
from hil.cloud.tables import part


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a device: the kind is the last word of its topic."""

    device: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Feed:
    """The cloud's voice within one transaction."""

    db: Connection
    tenant: str
    keys: Mapping[Role, Ed25519PrivateKey]

    def asked(self, ask: AskPulse | AskPart | AskRestore, at: datetime) -> Iterator[Message]:
        """Answer what a device asked."""
        match ask:
            case AskPulse():
                yield self.pulse(ask, at)
            case AskPart():
                wanted = select(part.c.frame).where(part.c.sha256 == ask.sha256)
                frame = self.db.execute(wanted).scalar()
                if frame is not None and ask.from_ < len(frame):
                    data = parts.piece(ask.sha256, frame, ask.from_, ask.bytes)
                    yield Message(ask.device, "part", data)
            case AskRestore():
                study.study_all(self.db, ask.device, at)
                told = occupancy.restore(self.db, self.tenant, ask.device, ask.nonce, at)
                yield self._signed("restore", Role.ACKS, told)

    def after_report(self, report: Report, at: datetime) -> Iterator[Message]:
        """Send whatever a report shows to be missing."""
        name = report.device
        for envelope in trusts.after(self.db, report.trust):
            yield Message(name, "trust", envelope)
        version = rulesets.due(self.db, name)
        if version not in {0, report.rules.version}:
            yield self.manifest(name, version)
        yield from self.usage(name, report.usage.position, at)
        for envelope in commands.unanswered(self.db, name, at):
            yield Message(name, "command", envelope)

    def pulse(self, ask: AskPulse, at: datetime) -> Message:
        """Say the time, and the newest of everything."""
        said = devices.said_last(self.db, ask.device)
        epoch = said["epoch"] if said is not None else ""
        head = archive.newest_head(self.db, ask.device, epoch)
        cosigned = None
        if head is not None:
            cosigned = {"epoch": epoch, "seq": head["seq"], "head": head["hash"].hex()}
        pulse = {"v": 1, "tenant": self.tenant, "device": ask.device, "nonce": ask.nonce}
        newest = {"trust": trusts.version(self.db), "usage": usage.newest(self.db)}
        rules = {"rules": rulesets.due(self.db, ask.device)}
        told = {**pulse, **newest, **rules, "at": instant(at), "cosigned": cosigned}
        return self._signed("pulse", Role.TIME, told)

    def manifest(self, name: str, version: int) -> Message:
        """Name the rule set that a device is to have."""
        told = rulesets.manifest(self.db, self.tenant, name, version)
        return self._signed("manifest", Role.RULES, told)

    def usage(self, name: str, position: int, at: datetime) -> Iterator[Message]:
        """Send what was used up since a position."""
        for told in usage.messages(self.db, self.tenant, name, position, at):
            yield self._signed("usage", Role.ACKS, told)

    def _signed(self, kind: str, role: Role, told: dict[str, Any]) -> Message:
        topic = "rules" if kind == "manifest" else kind
        data = dsse.seal(kind, canonical(told), self.keys[role])
        return Message(told["device"], topic, data)
