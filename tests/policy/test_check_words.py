"""What faults of the rules say to whoever wrote them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from policy.check import Fault, Names, check_member, check_rules, check_staff
from policy.model import (
    BandGrant,
    Door,
    IssuerKey,
    KeyRole,
    Plan,
    PlanType,
    Qualifier,
    Staff,
    StaffRole,
    Ticket,
    TicketType,
)
from tests.policy.worlds import BOOKING, CONTRACT, ENTRANCE, MEMBER, NEW_YEAR, STORE, rules_of

GOOD = rules_of()
TICKET = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
PERSON = Staff("W1", b"staff--1", frozenset({StaffRole.OPEN}), stores=frozenset({"S1"}))


BARE = Plan(
    "P1",
    PlanType.SCHOOL,
    restrict=False,
    ticket_required=True,
    exempt=True,
    early_min=1,
    stores=frozenset({"S9"}),
    booking_bands=(BandGrant("DAY", 1),),
)
MIXED = replace(BARE, restrict=True, exempt=False, exempt_programs=frozenset({"YOGA"}))
DEVICE = replace(
    ENTRANCE,
    store="S9",
    door="F9",
    qualify=frozenset({Qualifier.ROOM}),
    qualify_plans=frozenset({"P9"}),
)
LOST = replace(
    GOOD,
    tenant="",
    doors={"F1": Door("F1", "S9", open_bands=(BandGrant("DAY"),), interlock="trap")},
    stores={"S1": replace(STORE, handle=b"")},
    staff={"W1": replace(PERSON, stores=frozenset({"S9"}))},
    devices={"D1": DEVICE},
    keys={1: IssuerKey(1, KeyRole.MEMBER, b"")},
)
SOMEBODY = replace(
    MEMBER,
    handle=b"",
    contracts=(replace(CONTRACT, plan="P9"),),
    tickets=(replace(TICKET, stores=frozenset({"S9"})),),
    bookings=(replace(BOOKING, store="S9"),),
)
NO_STORE, NO_PLAN = "the rules have no store 'S9'", "the rules have no plan 'P9'"


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (
            lambda: check_rules(rules_of(BARE)),
            [
                "a plan without entry limits has nothing to exempt from",
                "a plan without entry limits has no hours to tolerate",
                NO_STORE,
                "here a band has no limit",
            ],
        ),
        (
            lambda: check_rules(rules_of(MIXED)),
            [
                "a school plan has no entry limits",
                "a plan has entry limits or needs a ticket, not both",
                "programs are listed, but the exemption is off",
                NO_STORE,
                "here a band has no limit",
            ],
        ),
        (
            lambda: check_rules(LOST),
            [
                "a tenant's id is 1 to 64 printable ASCII characters",
                "0 bytes, not 8",
                NO_STORE,
                "a door of an interlock can't stand open: its partners would never open",
                NO_STORE,
                NO_PLAN,
                "the device asks for a booking of its room and names none",
                "the rules have no door 'F9'",
                "0 bytes, not 32",
                NO_STORE,
            ],
        ),
        (lambda: check_member(GOOD, SOMEBODY), ["0 bytes, not 8", NO_PLAN, NO_STORE, NO_STORE]),
        (
            lambda: check_staff(GOOD, replace(PERSON, handle=b"", stores=frozenset({"S9"}))),
            ["0 bytes, not 8", NO_STORE],
        ),
    ],
)
def test_a_fault_is_told_in_a_sentence(check: Callable[[], list[Fault]], told: list[str]) -> None:
    assert [fault.message for fault in check()] == told


def test_what_could_not_be_read_is_known_to_staff_too() -> None:
    rules = replace(GOOD, staff={"W1": replace(PERSON, stores=frozenset({"S9"}))})
    assert [fault.message for fault in check_rules(rules)] == [NO_STORE]
    assert check_rules(rules, Names(stores=frozenset({"S9"}))) == []
