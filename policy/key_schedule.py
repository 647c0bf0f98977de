"""Devices that hold keys: weekly ones of the contract, and those of bookings (spec/rules.md 3.6).

Such a device opens by the device **or** the plan. Counts are kept, limits are not enforced.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from policy import by_booking, by_ticket, usage
from policy.calendar import Occurrence, contract_refusal, day_refusal, local_date, occurrences
from policy.case import Case, allow, deny
from policy.model import (
    BandGrant,
    Contract,
    Decision,
    Device,
    GrantTiming,
    Plan,
    Reason,
    Rules,
)
from policy.timetable import Segment


@dataclass(frozen=True, slots=True)
class RepeatingKey:
    """A weekly key. `band` None: one that opens at any time, on the `weekdays` (0 = Monday)."""

    band: str | None
    weekdays: frozenset[int]


def keys(rules: Rules, device: Device, contract: Contract) -> list[RepeatingKey]:
    """Return the repeating keys of a contract at a key-schedule device.

    One key a band, with the weekdays of all its ticks; a band is never paired with the days of
    another (spec/rules.md 3.6-2, 3.6-4). What holidays do to a key, and when the contract runs,
    is judged at the door.
    """
    plan = rules.plans.get(contract.plan)
    if plan is None:
        return []
    if _permanent(device, plan):
        return [RepeatingKey(None, frozenset(range(7)))]
    return [
        RepeatingKey(band, frozenset().union(*(grant.days.weekdays for grant in grants)))
        for band, grants in _grants(device, plan).items()
    ]


def decide(case: Case) -> Decision:
    """Let in by the first contract with a key that fits, else by a booking, else by a ticket.

    Of refusals the last one met is told (spec/cases.md, settled 9); a ticket's if the plan
    needs one.
    """
    told = Reason.OUT_OF_BAND
    for contract, here, _ in case.offered:
        outcome = _by_contract(case, contract, here)
        if isinstance(outcome, Decision):
            return outcome
        told = outcome or told
    if by_booking.pause_blocks(case):
        return deny(case, told)
    booked = case.booked
    if case.check("key_booking", bool(booked), bookings=len(booked)):
        return allow(case, "key:booking", paid=booked[0].paid)
    lacking: list[Reason] = []
    granted = by_ticket.decide(case, lacking)
    if granted is None and told is Reason.TICKET_REQUIRED:
        told = next(iter(lacking), told)
    return granted or deny(case, told)


def _by_contract(case: Case, contract: Contract, here: Segment) -> Decision | Reason | None:
    """Let in by a key of the contract; else the last thing in its way, None if nothing fits."""
    plan, today = here.plan, here.today
    told: Reason | None
    if here.outside:
        told = Reason.STORE_NOT_ALLOWED
    elif plan.ticket_required:
        told = contract_refusal(contract, today) or Reason.TICKET_REQUIRED
    elif _permanent(case.device, plan):
        told = contract_refusal(contract, today)
        if told is None and today in case.store.closed:
            told = Reason.STORE_CLOSED
        if case.check("key_contract", told is None, contract=contract.id, reason=told):
            return allow(case, "key:contract")
        return told
    else:
        return _by_band(case, contract, plan)
    case.failed("key_plan", contract=contract.id, reason=told)
    return told


def _by_band(case: Case, contract: Contract, plan: Plan) -> Decision | Reason | None:
    """Of the contract's keys that fit the last one opens: booking bands stand first.

    Of its dates the earliest counts: a later one fits by early tolerance only.
    """
    told: Reason | None = None
    best: tuple[str, Occurrence] | None = None
    for kind, grants, occurrence in _fitting(case, plan):
        day = occurrence.service_date
        lacking = contract_refusal(contract, day) or _day_lacking(case, grants, day)
        key = f"{contract.id}/{kind}/{day.isoformat()}"
        case.check("key_band", lacking is None, key=key, reason=lacking)
        if lacking is not None:
            told = lacking
        elif best is None or best[0] != kind:
            best = kind, occurrence
    return told if best is None else _allow(case, contract, plan, *best)


def _day_lacking(case: Case, grants: Sequence[BandGrant], day: date) -> Reason | None:
    """Say what a date lacks for a key, which is good on the dates of all its grants."""
    if day in case.store.closed:
        return Reason.STORE_CLOSED
    good = any(day_refusal(case.store, grant.days, day) is None for grant in grants)
    return None if good else Reason.WEEKDAY_NOT_ALLOWED


def _allow(
    case: Case, contract: Contract, plan: Plan, kind: str, occurrence: Occurrence
) -> Decision:
    """Let in; a kind that is an entry band too counts, but not during an exempt booking."""
    day = occurrence.service_date
    scope = case.rules.settings.dedupe_scope
    key = usage.usage_key(scope, case.store, contract.id, kind, day)
    counts = plan.restrict and any(entry.kind == kind for entry in plan.bands)
    if counts and by_booking.exempt(case) is not None:
        counts = False
    new = counts and not usage.present(case.scene.used, key)
    until = occurrence.closes + timedelta(minutes=plan.late_min)
    counted, new_keys = (key,) if counts else (), (key,) if new else ()
    return allow(case, f"key:{kind}", kind, day, counted, new_keys, until)


def _fitting(case: Case, plan: Plan) -> Iterator[tuple[str, list[BandGrant], Occurrence]]:
    at, today = case.scene.at, local_date(case.store, case.scene.at)
    early = timedelta(minutes=plan.early_min)
    for kind, grants in _grants(case.device, plan).items():
        for occurrence in occurrences(case.store, kind, today):
            if occurrence.opens - early <= at < occurrence.closes:
                yield kind, grants, occurrence


def _grants(device: Device, plan: Plan) -> dict[str, list[BandGrant]]:
    """Return the keys' bands, each with the grants that it is the union of."""
    both = device.grant_timing is GrantTiming.CONTRACT_AND_BOOKING
    grants = (*(plan.booking_bands if both else ()), *(plan.bands if plan.restrict else ()))
    bands: dict[str, list[BandGrant]] = {}
    if not plan.ticket_required:
        for grant in grants:
            bands.setdefault(grant.kind, []).append(grant)
    return bands


def _permanent(device: Device, plan: Plan) -> bool:
    """Tell whether the plan's key opens at any time."""
    return (
        not plan.restrict
        and not plan.ticket_required
        and not plan.booking_bands
        and device.grant_timing is GrantTiming.CONTRACT_AND_BOOKING
    )
