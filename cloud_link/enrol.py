"""The life of a device's identity at the broker: begun by a claim, renewed, given up. Pure.

Two slots hold a TLS key and its certificate each. One of them is in use, the other is filled
beside it, and takes its place once the cloud was heard through it. Each event is kept (one write)
after what it says is on the disk, so that a cut at any moment leaves a state from which `due` says
how to go on; whatever is done twice has one effect, because the cloud knows an exchange by its
request.

Source: README.md "Enrolment" and "Renewal".
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

from cloud_link import limits


class Phase(StrEnum):
    """Where in its life the identity is."""

    FACTORY = "FACTORY"
    CLAIMED = "CLAIMED"
    """There is a request, and no key yet."""
    ENROLLING = "ENROLLING"
    """There is a key; the cloud is asked for its certificate, or that was not tried yet."""
    ACTIVE = "ACTIVE"
    RENEWING = "RENEWING"
    """As ACTIVE, with the next certificate on its way."""
    RETIRED = "RETIRED"
    """Given up: nothing of it is left, or is to be left."""


class Slot(StrEnum):
    """Where a key and its certificate lie."""

    A = "a"
    B = "b"


class Made(StrEnum):
    """What the pending slot holds."""

    NOTHING = "nothing"
    KEY = "key"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Identity:
    """What is kept.

    `current`: the slot that connects. `pending`: the one that is being filled, as far as `made`
    says, by the exchange `request` (32 hex digits). `claim`: the claim's key, kept until the
    exchange is over. `trust`: the SHA-256 of the trust document that the installer named instead.
    """

    phase: Phase = Phase.FACTORY
    current: Slot | None = None
    pending: Slot | None = None
    made: Made = Made.NOTHING
    request: str = ""
    claim: bytes | None = field(default=None, repr=False)
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """An installer wants this device enrolled, by a claim or by somebody who adopts it."""

    request: str
    claim: bytes | None = field(default=None, repr=False)
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Aged:
    """The certificate has lived so long that the next one is due."""

    request: str


@dataclass(frozen=True, slots=True)
class KeyMade:
    """The key of the pending slot is on the disk."""


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate of this exchange is on the disk, and whom to trust too."""

    request: str


@dataclass(frozen=True, slots=True)
class Proven:
    """A fresh pulse was heard over a connection that this slot made."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Retired:
    """The device is given up."""


Event: TypeAlias = Claimed | Aged | KeyMade | Certified | Proven | Retired


class Work(StrEnum):
    """What has to be done next, with the pending slot."""

    REST = "rest"
    MAKE_KEY = "make key"
    ASK = "ask"
    PROVE = "prove"
    ERASE = "erase"
    """All that the device knows."""


def step(identity: Identity, event: Event) -> Identity:
    """Return the identity after an event; what does not fit, or comes again, changes nothing."""
    match event:
        case Claimed(request, claim, trust):
            begun = _pending(identity, request)
            return replace(begun, phase=Phase.CLAIMED, claim=claim, trust=trust)
        case Aged(request) if identity.phase is Phase.ACTIVE:
            return replace(_pending(identity, request), phase=Phase.RENEWING)
        case KeyMade() if due(identity) is Work.MAKE_KEY:
            claimed = identity.phase is Phase.CLAIMED
            phase = Phase.ENROLLING if claimed else identity.phase
            return replace(identity, phase=phase, made=Made.KEY)
        case Certified(request) if due(identity) is Work.ASK and request == identity.request:
            return replace(identity, made=Made.CERTIFICATE)
        case Proven(slot) if due(identity) is Work.PROVE and slot is identity.pending:
            return Identity(Phase.ACTIVE, current=slot)
        case Retired():
            return Identity(Phase.RETIRED)
        case _:
            return identity


def due(identity: Identity) -> Work:
    """Say what has to be done next; it may have been done already, and be done again."""
    if identity.phase is Phase.RETIRED:
        return Work.ERASE
    if identity.pending is None:
        return Work.REST
    match identity.made:
        case Made.NOTHING:
            return Work.MAKE_KEY
        case Made.KEY:
            return Work.ASK
        case Made.CERTIFICATE:
            return Work.PROVE


def connects(identity: Identity, lost: int) -> Slot | None:
    """Say which slot connects after `lost` connections in a row that brought no fresh pulse.

    While one has to be proven they take turns: a certificate that is no good keeps nobody off.
    """
    if due(identity) is not Work.PROVE or (identity.current is not None and lost % 2):
        return identity.current
    return identity.pending


def leftovers(identity: Identity) -> frozenset[Slot]:
    """Return the slots that hold nothing which counts: what lies there is to be deleted."""
    return frozenset(Slot) - {identity.current, identity.pending}


def renewal_at(begins: datetime, ends: datetime, certificate: bytes) -> datetime:
    """Return when a certificate is to be renewed: before two thirds of its life are over.

    By up to a fifteenth of its life, so that a chain that was set up in a day does not come
    together. Drawn from the certificate: a restart draws the same again.
    """
    drawn = int.from_bytes(sha256(certificate).digest()[:4])
    life = ends - begins
    return begins + life * 2 / 3 - life * (drawn / 2**32) / limits.RENEWAL_SPREAD


def _pending(identity: Identity, request: str) -> Identity:
    """Begin to fill the slot that is not in use."""
    free = Slot.B if identity.current is Slot.A else Slot.A
    return Identity(identity.phase, identity.current, free, Made.NOTHING, request)
