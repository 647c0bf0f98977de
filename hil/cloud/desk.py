"""What the cloud does with each message: a group of them in one transaction, answers afterwards.

Blocking; a worker calls it from a thread of its own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hil.cloud import (
    archive,
    batches,
    commands,
    devices,
    dsse,
    limits,
    payloads,
    study,
    trusts,
)
from hil.cloud.archive import Misfit, Taken
from hil.cloud.batches import Batch
from hil.cloud.feed import Feed, Message
from hil.cloud.keys import KeyRing, Role
from hil.cloud.lessons import Refused
from hil.cloud.payloads import Renew, Report, Result, State
from hil.cloud.registrar import Registrar
from hil.cloud.spelling import Rejected
from hil.cloud.store import Store

Keys = Mapping[Role, Ed25519PrivateKey]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message from below `up/`: whose topic it came on, the kind, the bytes, and when."""

    device: str
    kind: str
    data: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch that came before the one that it follows."""

    heard: Heard
    batch: Batch


@dataclass
class Desk:
    """One worker's desk. `unread`: copies that have grown, by device and epoch."""

    tenant: str
    store: Store
    ring: KeyRing
    registrar: Registrar | None = None
    rejected: Counter[str] = field(default_factory=Counter)
    unread: dict[tuple[str, str], None] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    _keys: tuple[int, Keys] | None = None

    def handle(self, group: Sequence[Heard], at: datetime) -> list[Message]:
        """Take a group of messages; return what is to be sent, all of it durable.

        A group that the database refuses is taken one by one, so that nobody's message stands
        in the way of another's.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database refuses everything.
        """
        if len(group) <= 1:
            return self._together(group, at)
        try:
            return self._together(group, at)
        except SQLAlchemyError:
            return [message for heard in group for message in self._together([heard], at)]

    def _together(self, group: Sequence[Heard], at: datetime) -> list[Message]:
        waiting = self.waiting
        try:
            with self.store.transaction() as db:
                feed = Feed(db, self.tenant, self.keys(db, at))
                answers = [message for heard in group for message in self._one(feed, heard, at)]
                answers += self._again(feed, at)
        except BaseException:
            self.waiting = waiting
            raise
        return answers

    def catch_up(self) -> None:
        """Find what another worker, or an earlier life of this one, left unread."""
        with self.store.reading() as db:
            self.unread |= dict.fromkeys(archive.unlearned(db))

    def study(self, at: datetime) -> list[tuple[str, Refused]]:
        """Read on in one of `unread`; return what was refused at doors, by device."""
        device, epoch = next(iter(self.unread))
        with self.store.transaction() as db:
            studied = study.study(db, device, epoch, at)
        del self.unread[device, epoch]
        if not studied.done:
            self.unread[device, epoch] = None
        return [(device, refused) for refused in studied.refusals]

    def keys(self, db: Connection, at: datetime) -> Keys:
        """Return the keys to sign with, read anew when there is a newer trust document."""
        version = trusts.version(db)
        if self._keys is None or self._keys[0] != version:
            self._keys = version, self.ring.signing(trusts.newest(db), at)
        return self._keys[1]

    def _one(self, feed: Feed, heard: Heard, at: datetime) -> Iterator[Message]:
        try:
            yield from self._read(feed, heard, at)
        except Rejected as error:
            word = str(error)
            known = word in self.rejected or len(self.rejected) < limits.REJECT_WORDS
            self.rejected[word if known else "other"] += 1

    def _read(self, feed: Feed, heard: Heard, at: datetime) -> Iterator[Message]:
        key = devices.key_of(feed.db, heard.device)
        if heard.kind == "audit":
            batch = batches.unpack(heard.data, self.tenant, heard.device, key)
            yield from self._audit(feed, Waiting(heard, batch), at)
            return
        envelope = dsse.read(heard.data)
        payload = payloads.verified(envelope, heard.kind, self.tenant, heard.device, key)
        match heard.kind:
            case "report":
                report = payloads.read(Report, payload)
                if devices.reported(feed.db, report, at):
                    yield from feed.after_report(report, at)
            case "state":
                devices.stated(feed.db, payloads.read(State, payload), at)
            case "ask":
                yield from feed.asked(payloads.read_ask(payload), at)
            case "result":
                commands.settle(feed.db, payloads.read(Result, payload))
            case "renew" if self.registrar is not None:
                renew = payloads.read(Renew, payload)
                answer = self.registrar.renewed(feed.db, renew, feed.keys[Role.ACKS], at)
                yield Message(renew.device, "renewed", answer)
            case _:
                raise Rejected("unknown topic")

    def _audit(self, feed: Feed, waiting: Waiting, at: datetime) -> Iterator[Message]:
        point, first = waiting.batch.checkpoint, waiting.batch.records[0]
        late = at - waiting.heard.at >= timedelta(milliseconds=limits.HOLD_MS)
        newest = archive.newest_head(feed.db, point.device, point.epoch, lock=True)
        if newest is None and first.seq > 1 and not late and self._hold(waiting):
            return
        match archive.take(feed.db, waiting.batch, newest, feed.keys[Role.ACKS], at):
            case Taken(ack, fresh):
                if newest is None and first.seq > 1:
                    detail = f"epoch {point.epoch} begins at {first.seq}"
                    devices.raise_alarm(feed.db, point.device, devices.UNKNOWN_BEFORE, detail, at)
                if fresh:
                    self.unread[point.device, point.epoch] = None
                yield Message(point.device, "ack", ack)
                return
            case Misfit.HOLE:
                if not late and self._hold(waiting):
                    return
            case Misfit.FORK:
                detail = f"epoch {point.epoch}: two records {point.seq} or before"
                devices.raise_alarm(feed.db, point.device, devices.FORK, detail, at)
        if newest is not None:
            yield Message(point.device, "ack", bytes(newest["ack"]))

    def _hold(self, waiting: Waiting) -> bool:
        """Let a batch wait for the one before it: that is in another worker's hands."""
        if len(self.waiting) >= limits.HELD:
            return False
        self.waiting = [*self.waiting, waiting]
        return True

    def _again(self, feed: Feed, at: datetime) -> list[Message]:
        """Try what waits, the lowest first, until nothing fits any more."""
        answers: list[Message] = []
        while self.waiting:
            waiting = sorted(self.waiting, key=lambda each: each.batch.records[0].seq)
            self.waiting = []
            for each in waiting:
                answers += self._audit(feed, each, at)
            if len(self.waiting) == len(waiting):
                break
        return answers
