"""What is asked of the rules and what they answer: the nouns of one decision.

`policy.model` passes them on. What every decision builds is a named tuple, which is as immutable
as a frozen dataclass and is built in a quarter of the time; what every decision reads is a
`value`, whose fields are read in a quarter of the time that a named tuple's take.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple, TypeVar, dataclass_transform

from policy.usage_keys import NO_USE, Usage, UsageKey
from policy.words import Reason, Verdict, Warn

Fact = str | int | float | bool | None
_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def value(cls: type[_T]) -> type[_T]:
    """Make a slotted dataclass that the type checker holds to be frozen.

    At run time it is not, for a frozen one takes six times as long to build.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Visit(NamedTuple):
    """A member inside a store: since when, and until when leaving raises no warning.

    `until` None = no end (spec/rules.md 2.4, 3.4).
    """

    store: str
    since: datetime
    until: datetime | None
    device: str
    via: str
    band: str | None


@value
class Scene:
    """What a decision depends on beside the rules, the device and the member.

    `at`: an aware UTC instant of the years 2 to 9998. `used`: the usage keys of the member's
    contracts and tickets that `policy.usage.asked` names; more are harmless. `visit`: the
    member's open visit at the device's store. `clock_trusted` False: the time can't be told
    (spec/rules.md 3.7). `rules_age_h`: hours since the rules were issued, not negative.
    `lockdown`: nobody comes in but staff who may. `seat_refusal`: what spec/rules.md 4.2 says
    of the member's seat here; `room_refusal`: the same of 4.3 for the device's room. None
    there = let in by it.
    """

    at: datetime
    used: Usage = NO_USE
    visit: Visit | None = None
    clock_trusted: bool = True
    rules_age_h: float = 0.0
    lockdown: bool = False
    seat_refusal: Reason | None = Reason.SEAT_NOT_ASSIGNED
    room_refusal: Reason | None = Reason.NOT_A_REGISTERED_USER


class Check(NamedTuple):
    """One line of a decision's trace: the check's name, whether it held, the facts it used."""

    name: str
    passed: bool
    facts: Mapping[str, Fact] = MappingProxyType({})


class Decision(NamedTuple):
    """The answer to one request, with all that has to be recorded and done.

    `via`: plan:CONTRACT, booking:ID, ticket:ID, key:BAND, key:contract, key:booking, seat,
    room, staff:ID or record; None for a refusal, and where somebody is let in without the
    rules (spec/rules.md 3.7).
    `keys`: the usage keys that this entry supports. `new_keys`: those of them that were not
    there before; only they change a count.
    `visit`: the visit that an entry makes or replaces; None: leave it alone.
    `checks_in`: the booking that this entry marks as attended.
    `unsettled`: the cloud has to settle whether and as what this entry counts.
    `trace`: the checks that led here, in the order in which they were made.
    """

    verdict: Verdict
    reason: Reason
    via: str | None = None
    band: str | None = None
    service_date: date | None = None
    keys: tuple[UsageKey, ...] = ()
    new_keys: tuple[UsageKey, ...] = ()
    warnings: tuple[Warn, ...] = ()
    visit: Visit | None = None
    checks_in: str | None = None
    unsettled: bool = False
    trace: tuple[Check, ...] = ()
