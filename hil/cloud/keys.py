"""The tenant's private keys, a file each, and the trust documents that name them.

A trust document is signed by the threshold of the roots of the one before and of its own. Root
keys are needed for that only: keep their files elsewhere, and bring them back for a rotation.
"""

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from hil.cloud import dsse, limits
from hil.cloud.spelling import Instant, Name, One, Positive, Strict, b64, canonical, instant, unb64


class Role(StrEnum):
    """What a key may sign. ROOT signs trust documents only."""

    ROOT = "root"
    RULES = "rules"
    COMMANDS = "commands"
    ACKS = "acks"
    TIME = "time"


ROLES = (Role.RULES, Role.COMMANDS, Role.ACKS, Role.TIME)


class KeyFault(Exception):
    """A key is missing or unusable. The text names its file or role."""


class TrustedKey(Strict):
    """One key and what it is for; `until`: not beyond this instant."""

    key: str
    roles: list[Literal["rules", "commands", "acks", "time"]]
    until: Instant | None


class Trust(Strict):
    """A trust document of the cloud's own. `authorities` is left out where it names none."""

    v: One
    tenant: Name
    version: Positive
    issued_at: Instant
    threshold: Annotated[int, Field(ge=1)]
    roots: list[str]
    keys: list[TrustedKey]
    authorities: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The folder of private keys: `ID.key` holds one in hex, readable to its owner only."""

    folder: Path

    def make(self) -> bytes:
        """Make a key; return its public half.

        Raises:
            OSError: The folder can't be written.
        """
        secret = secrets.token_bytes(32)
        public = dsse.public(Ed25519PrivateKey.from_private_bytes(secret))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._file(public), flags, 0o600), "w", encoding="ascii") as file:
            file.write(secret.hex() + "\n")
        return public

    def private(self, public: bytes) -> Ed25519PrivateKey:
        """Read a private key.

        Raises:
            KeyFault: It is not here, open to others, or not the one that its name says.
        """
        file = self._file(public)
        try:
            if file.stat().st_mode & 0o077:
                raise KeyFault(f"{file}: others can read it")
            key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read_text("ascii")))
        except (OSError, ValueError) as error:
            raise KeyFault(f"{file}: {type(error).__name__}") from error
        if dsse.public(key) != public:
            raise KeyFault(f"{file}: holds another key")
        return key

    def signing(self, trust: Trust, at: datetime) -> Mapping[Role, Ed25519PrivateKey]:
        """Read the key of each role that the document names for longest and that is here.

        Raises:
            KeyFault: A role has none.
        """
        return {role: self._newest(trust, role, at) for role in ROLES}

    def roots(self, trusts: Iterable[Trust]) -> list[Ed25519PrivateKey]:
        """Read as many root keys as all of the documents' thresholds ask for, each once.

        Raises:
            KeyFault: Too few of them are here.
        """
        found: dict[bytes, Ed25519PrivateKey] = {}
        for trust in trusts:
            here = {key: self.private(key) for key in map(unb64, trust.roots) if self._has(key)}
            if len(here) < trust.threshold:
                raise KeyFault(f"{self.folder}: {len(here)} of {trust.threshold} root keys")
            found |= dict(list(here.items())[: trust.threshold])
        return list(found.values())

    def _newest(self, trust: Trust, role: Role, at: datetime) -> Ed25519PrivateKey:
        for each in reversed(trust.keys):
            key = unb64(each.key)
            ended = each.until is not None and each.until <= instant(at)
            if role.value in each.roles and not ended and self._has(key):
                return self.private(key)
        raise KeyFault(f"{self.folder}: no key of role {role.value!r}")

    def _has(self, public: bytes) -> bool:
        return self._file(public).exists()

    def _file(self, public: bytes) -> Path:
        return self.folder / f"{dsse.key_id(public)[:16]}.key"


def first(ring: KeyRing, tenant: str, roots: int, threshold: int, at: datetime) -> Trust:
    """Make all keys of a tenant and its first document.

    Raises:
        ValueError: `threshold` is not within 1..roots.
    """
    if not 1 <= threshold <= roots <= limits.SIGNATURES // 2:
        raise ValueError(f"threshold: must be 1..roots, and roots at most 4, got {threshold}")
    made = [b64(ring.make()) for _ in range(roots)]
    keys = [{"key": b64(ring.make()), "roles": [role.value], "until": None} for role in ROLES]
    head = {"v": 1, "tenant": tenant, "version": 1, "issued_at": instant(at)}
    return Trust.model_validate({**head, "threshold": threshold, "roots": made, "keys": keys})


def rotated(ring: KeyRing, trust: Trust, role: Role, at: datetime, until: datetime | None) -> Trust:
    """Make a new key for a role, or in place of the first root; return the next document.

    `until`: how long the old keys of the role still count; None: they are revoked at once.
    """
    roots, keys = list(trust.roots), [each.model_dump() for each in trust.keys]
    if role is Role.ROOT:
        roots = [*roots[1:], b64(ring.make())]
    else:
        keys = list(_without(keys, role, until))
        keys.append({"key": b64(ring.make()), "roles": [role.value], "until": None})
    return _after(trust, at, roots=roots, keys=keys)


def naming(trust: Trust, authorities: Sequence[bytes], at: datetime) -> Trust:
    """Return the next document, which names these authorities of the broker, DER."""
    return _after(trust, at, authorities=[b64(one) for one in authorities])


def signed(ring: KeyRing, trust: Trust, before: Trust | None) -> bytes:
    """Return the document's envelope, signed by its own roots and by those before.

    Raises:
        KeyFault: Too few root keys are here.
    """
    documents = [trust] if before is None else [before, trust]
    return dsse.seal(
        "trust", canonical(trust.model_dump(exclude_defaults=True)), *ring.roots(documents)
    )


def _without(
    keys: Sequence[dict[str, Any]], role: Role, until: datetime | None
) -> Iterable[dict[str, Any]]:
    for each in keys:
        if role.value not in each["roles"]:
            yield each
        elif until is not None:
            ended = each["until"]
            yield {**each, "until": min(instant(until), ended or instant(until))}


def _after(trust: Trust, at: datetime, **changed: object) -> Trust:
    head = {"version": trust.version + 1, "issued_at": instant(at)}
    return Trust.model_validate({**trust.model_dump(), **head, **changed})
