"""What the link is given. The daemon's shell implements it over its journal and its rules."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_link.verify import Why
from cloud_link.wire import Buffer, Command, Manifest, Part, RefusedRules, Restore, Usage


@dataclass(frozen=True, slots=True)
class Device:
    """Who speaks. `boot`: 16 hex digits, others at each start; `release` of the software."""

    tenant: str
    name: str
    key: Ed25519PrivateKey
    boot: str
    release: str


class Reading(Protocol):
    """A reading of the clock. The true time lies in [earliest, latest]; None: no upper bound."""

    @property
    def at(self) -> datetime:
        """The likeliest time, in UTC."""

    @property
    def earliest(self) -> datetime:
        """It is not before this."""

    @property
    def latest(self) -> datetime | None:
        """It is not after this."""

    @property
    def state(self) -> str:
        """UNSET, RESTORED, SYNCED, HOLDOVER or SUSPECT (ARCHITECTURE, Time)."""

    @property
    def trusted(self) -> bool:
        """SYNCED or HOLDOVER."""


class Clock(Protocol):
    """Time, as the daemon sees it. Ages and waits go by the monotonic clock only."""

    def now(self) -> Reading:
        """Read the time of day."""

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment; never steps."""

    async def sleep_ms(self, for_ms: int) -> None:
        """Wait; 0 gives way once."""


class Chance(Protocol):
    """Randomness. What others must not guess comes from the system."""

    def nonce(self) -> str:
        """Return 32 hex digits that nobody can guess."""

    def below_ms(self, bound_ms: int) -> int:
        """Return a whole number from 0 to `bound_ms`, each as likely."""


class LinkLost(ConnectionError):
    """There is no connection, or none any more; the text says why.

    Raised by a call that sends, it never means "not sent": the broker may have it all the same.
    """


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as the broker handed it over. Nothing about it is true yet."""

    topic: str
    payload: bytes
    retained: bool


class Connection(Protocol):
    """A connection to the broker that is up, or was."""

    async def receive(self) -> Incoming:
        """Wait for the next message of this device's own topics. Raises LinkLost."""

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the broker and wait a while for its receipt, which proves nothing.

        Raises LinkLost.
        """

    def overflowed(self) -> int:
        """Return how many messages came faster than they were received, and were dropped."""


class Transport(Protocol):
    """Makes connections (transport.py); one at a time."""

    def connect(self, will: bytes) -> AbstractAsyncContextManager[Connection]:
        """Connect and subscribe; `will` is what the broker retains for us when we are gone.

        Entering raises LinkLost.
        """


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the journal stands: `head` is the hash of record `seq`, `cosigned` the cursor.

    `epoch`: 16 hex digits, another one for every journal that does not continue its past.
    `fresh`: the journal began empty and no restore was asked for yet.
    """

    epoch: str
    seq: int
    head: bytes
    cosigned: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class RulesHeld:
    """The active rules, 0 and "" when there are none. `trial`: not confirmed yet.

    `refused`: what was refused or reverted and why, newest first, at most `limits.REFUSED`.
    """

    version: int
    fingerprint: str
    trial: bool
    refused: Sequence[RefusedRules] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: `result` is a word of the contract, `more` plain JSON values."""

    result: str
    more: Mapping[str, Any] = field(default_factory=dict)


class Taken(StrEnum):
    """What became of an acknowledgement."""

    MOVED = "moved"
    KNOWN = "known"
    CONFLICT = "conflict"
    """The head is not ours, or there is no such record: the disk was rolled back, or it lies."""


class Renewal(Protocol):
    """The certificates by which this device connects: the next one, when it is due."""

    async def wanted(self) -> tuple[str, bytes]:
        """Wait until a certificate is to be asked for; return the request and its CSR (DER)."""

    async def renewed(self, request: str, certificate: str) -> bool:
        """Keep a certificate, on the disk when this returns; False: it is not what was asked for.

        The next connection is made with it.
        """

    def fresh(self) -> None:
        """Take that a fresh pulse came over the connection of now."""


class Outbox(Protocol):
    """The journal as it is sent. Every call may wait for the disk; none is on the scan path."""

    async def standing(self) -> Standing:
        """Tell where the journal stands."""

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a record with a number above `seq`."""

    async def records(self, after: int, limit: int, max_bytes: int) -> Sequence[bytes]:
        """Return the canonical bytes of the records from `after + 1` on, at least one if any."""

    async def acknowledged(self, epoch: str, seq: int, head: bytes, envelope: bytes) -> Taken:
        """Move the cursor, and keep the cosignature before long: a crash may move it back.

        What is of another epoch is KNOWN.
        """

    async def rolled_back(self, epoch: str, seq: int) -> None:
        """Begin a new epoch, and record why: `seq` of `epoch` was acknowledged, we lack it."""

    async def buffer(self) -> Buffer:
        """Tell what waits to be acknowledged, and for how many days more there is room."""


class Inbox(Protocol):
    """Where goes what was verified: signature, role, tenant, device, age.

    Everything else is the implementer's to check; each call has one effect however often it
    comes. A call that began is finished, whatever becomes of the connection.
    """

    def trust(self) -> bytes:
        """Return the envelope of the trust document that counts: the pinned one, or a later."""

    async def trusted(self, envelope: bytes) -> None:
        """Keep a later trust document, on the disk when this returns."""

    async def command(
        self, command: Command, *, expired: str | None, until_ms: int | None
    ) -> Answer:
        """Carry out a command and record it, or refuse it as `expired` says (EXPIRED, NOT_YET).

        A release has to move before `until_ms` of the monotonic clock, or nothing moves: whatever
        it waits for, its end is looked at behind that.
        A copy's answer is the first one's, also where the copy has expired. A `lockdown` that
        was issued before one that was taken is EXPIRED, or who withholds it could end a newer one.
        At most `limits.COMMANDS_AT_ONCE` calls are under way.
        """

    async def usage(self, usage: Usage) -> int:
        """Merge what others used; return the position afterwards, which never falls."""

    async def usage_position(self) -> tuple[int, datetime | None]:
        """Return the position in the stream, and how old what is known is."""

    async def restore(self, restore: Restore) -> None:
        """Fill in what this journal has never seen, and record it; it is not `fresh` any more."""

    async def manifest(self, manifest: Manifest) -> Sequence[str]:
        """Return the SHA-256 (hex) of the parts that are not held whole yet."""

    def part_file(self, sha256: str) -> Path:
        """Return where the part's packed frame is kept while it grows; may exist in part."""

    async def part_whole(self, part: Part) -> None:
        """Keep `part_file` as the whole part: its frame was unpacked and has the right hash."""

    async def activate(self, manifest: Manifest) -> str | None:
        """Verify all parts, build, test, swap. None when active, else why it was refused."""

    async def confirmed(self, version: int) -> None:
        """A fresh pulse named the version that is on trial."""

    def rules(self) -> RulesHeld:
        """Tell which rules are active."""

    async def highest_named(self, version: int) -> int:
        """Keep the highest version that a fresh pulse named, and return it."""

    async def rejected(self, why: Why, times: int) -> None:
        """Record that something came `times` times which is not the cloud's word to us."""

    def heard(self, at: datetime, error_ms: int) -> None:
        """Take the cloud's signed time, read with this error; called for each fresh pulse."""

    def alarms(self) -> Sequence[str]:
        """Return the names of what is wrong now, for the report."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All that the link is given to reach the world. `renewal` None: by files of an installer."""

    clock: Clock
    chance: Chance
    transport: Transport
    outbox: Outbox
    inbox: Inbox
    renewal: Renewal | None = None
