"""Sample rules with hours around the present moment: a site lives at any hour of the day."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hil.issuer.codes import Issuer

TZ = "Asia/Tokyo"
STORE = "S1"
TENANT = "acme"


@dataclass(frozen=True, slots=True)
class Person:
    """A sample member: `plan` None = no contract; `note` says what the person is there to show.

    With a code of a kind for staff, `T1` or `T2`: somebody who works there.
    """

    name: str
    plan: str | None
    note: str
    suspended: bool = False
    kind: str = "M1"

    @property
    def handle(self) -> bytes:
        """Eight bytes that mean nothing: here the name, filled up."""
        return self.name.encode().ljust(8, b".")


PEOPLE = (
    Person("aiko", "DAY8", "a plan that fits now, eight days a month"),
    Person("boram", "LATER", "a plan whose hours come later today"),
    Person("chen", "DAY1", "one day a month"),
    Person("dan", "DAY8", "stopped by the staff", suspended=True),
    Person("eun", "FREE", "no limits, and a printed code", kind="F1"),
    Person("fumi", None, "works here, with a code for minutes that opens once", kind="T1"),
    Person("goro", None, "works here, with a printed card", kind="T2"),
    Person("hana", "DAY1", "one day a month"),
)
_STAFF_KINDS = frozenset({"T1", "T2"})


def new_issuer() -> Issuer:
    """Make the tenant's member key, fresh for this site."""
    return Issuer(TENANT, 1, secrets.token_bytes(32))


def staff_issuer(issuer: Issuer) -> Issuer:
    """Return the tenant's staff key, which is told by the members' key so that one is kept."""
    seed = hashlib.sha256(b"staff" + issuer.private_key).digest()
    return Issuer(issuer.tenant, issuer.kid + 1, seed)


def code(issuer: Issuer, person: Person, now: datetime) -> str:
    """Show the person's code as it is at `now`; `issuer` has the members' key."""
    at_s, nonce = int(now.timestamp()), secrets.randbits(32)
    match person.kind:
        case "F1":
            return issuer.f1(person.handle, 1)
        case "T1":
            return staff_issuer(issuer).t1(person.handle, at_s, 10, nonce)
        case "T2":
            return staff_issuer(issuer).t2(person.handle, 1)
        case _:
            return issuer.m1(person.handle, at_s, 30, nonce)


def hours_from(now: datetime, start_in_min: int, for_min: int) -> str:
    """Spell hours that begin `start_in_min` minutes after `now` (store time), over midnight too."""
    local = now.astimezone(ZoneInfo(TZ))
    start = (local.hour * 60 + local.minute + start_in_min) % 1440
    end = start + for_min
    return f"{start // 60}:{start % 60:02}-{end // 60}:{end % 60:02}"


def service_date(now: datetime) -> date:
    """Give the service date of the band that is open at `now` (it began an hour ago)."""
    return (now - timedelta(hours=1)).astimezone(ZoneInfo(TZ)).date()


def sample_rules(
    issuer: Issuer, now: datetime, doors: dict[str, dict[str, str]], *, version: int = 1
) -> dict[str, Any]:
    """Write a rules file for these doors, each with its devices and their sides."""
    plans = {
        "DAY8": {"bands": [{"kind": "NOW", "limit": 8}], "early_min": 10, "late_min": 10},
        "DAY1": {"bands": [{"kind": "NOW", "limit": 1}]},
        "LATER": {"bands": [{"kind": "LATER"}]},
        "FREE": {"restrict": False},
    }
    keys = {"member": issuer, "staff": staff_issuer(issuer)}
    return {
        "format": "edged-rules/1",
        "tenant": TENANT,
        "version": version,
        "issued_at": now.astimezone(UTC).isoformat(),
        "keys": {
            str(key.kid): {"role": role, "public": key.public.hex()} for role, key in keys.items()
        },
        "stores": {
            STORE: {
                "tz": TZ,
                "bands": {
                    "NOW": hours_from(now, -60, 240),
                    "LATER": hours_from(now, 240, 60),
                },
            }
        },
        "plans": plans,
        "doors": {door: {"store": STORE, "pulse_ms": 2_000} for door in doors},
        "devices": {
            device: {"store": STORE, "door": door, "side": side}
            for door, devices in doors.items()
            for device, side in devices.items()
        },
        "staff": {
            person.name: {"handle": person.handle.hex(), "roles": ["open"]}
            for person in PEOPLE
            if person.kind in _STAFF_KINDS
        },
        "members": {
            person.name: _member(person) for person in PEOPLE if person.kind not in _STAFF_KINDS
        },
    }


def _member(person: Person) -> dict[str, Any]:
    contracts = [{"id": f"C-{person.name}", "plan": person.plan, "start": "2025-01-01"}]
    return {
        "handle": person.handle.hex(),
        "suspended": person.suspended,
        "contracts": contracts if person.plan else [],
    }
