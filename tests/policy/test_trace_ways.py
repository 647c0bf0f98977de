"""What the ways in and the device's own conditions tell, word for word."""

from dataclasses import replace
from typing import Any

import pytest

from policy.model import (
    AntiPassback,
    BandGrant,
    DayRule,
    Device,
    Gender,
    Member,
    Plan,
    Qualifier,
    Reason,
    RuleSettings,
    Ticket,
    TicketType,
    Visit,
)
from tests.policy.test_trace import BAND, BOOKED, ENDED, FREE, GOES_ON, told
from tests.policy.worlds import (
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    MEMBER,
    NEW_YEAR,
    NOON,
    STORE,
    TODAY,
    at,
    enter,
    rules_of,
    used_on,
)

IN_BAND, NOT_IN_BAND = "+in_band plan=P1 bands=1", "-in_band plan=P1 bands=0"
DATE, DAY, SHOP = f"+contract_date {BAND}", f"+day_rule {BAND}", f"+store_open {BAND}"
QUOTA = f"+quota contract=C1 {BAND} counted=0 limit=8"
BY_PLAN = [IN_BAND, DATE, DAY, SHOP, QUOTA]
CLOSED = replace(STORE, closed=frozenset({TODAY}))
TICKET = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
NOBODY = replace(MEMBER, contracts=())
PAUSED = replace(CONTRACT, paused=((NEW_YEAR, TODAY),))


def with_ticket(ticket: Ticket) -> Member:
    return replace(NOBODY, tickets=(ticket,))


@pytest.mark.parametrize(
    ("plan", "used", "lines"),
    [
        (DAY_PLAN, (), BY_PLAN),
        (DAY_PLAN, (4,), [IN_BAND, DATE, DAY, SHOP, f"+counted_already {BAND}"]),
        (
            DAY_PLAN,
            range(5, 13),
            [IN_BAND, DATE, DAY, SHOP, f"-quota contract=C1 {BAND} counted=8 limit=8"],
        ),
        (Plan("P1", bands=(BandGrant("DAY"),)), (), [IN_BAND, DATE, DAY, SHOP]),
        (
            Plan("P1", bands=(BandGrant("DAY", 8, DayRule(frozenset({1}))),)),
            (),
            [IN_BAND, DATE, f"-day_rule {BAND} reason=WEEKDAY_NOT_ALLOWED"],
        ),
        (Plan("P1", bands=(BandGrant("LATE"),)), (), [NOT_IN_BAND]),
        (FREE, (), ["+unrestricted contract=C1 reason=-"]),
        (Plan("P1"), (), ["-bands_ticked contract=C1 reason=PLAN_NO_BANDS"]),
        (
            replace(DAY_PLAN, stores=frozenset()),
            (),
            ["-store_in_plan contract=C1 reason=STORE_NOT_ALLOWED"],
        ),
        (
            replace(FREE, ticket_required=True),
            (),
            ["-no_ticket_needed contract=C1 reason=TICKET_REQUIRED"],
        ),
    ],
)
def test_by_the_plan(plan: Plan, used: range, lines: list[str]) -> None:
    decision = enter(rules_of(plan), ENTRANCE, MEMBER, used_on(used), NOON)
    assert told(decision) == [GOES_ON, *lines]


def test_by_the_plan_on_a_closed_date() -> None:
    decision = enter(rules_of(store=CLOSED), ENTRANCE, MEMBER, (), NOON)
    closed = f"-store_open {BAND} reason=STORE_CLOSED"
    assert told(decision) == [GOES_ON, IN_BAND, DATE, DAY, closed]


ENDED_THEN = f"-contract_date contract=C1 {BAND} reason=CONTRACT_ENDED"


@pytest.mark.parametrize(
    ("plan", "member", "lines"),
    [
        (DAY_PLAN, ENDED, [IN_BAND, ENDED_THEN]),
        (FREE, ENDED, ["-unrestricted contract=C1 reason=CONTRACT_ENDED"]),
        (DAY_PLAN, with_ticket(TICKET), ["+ticket ticket=T1 key=T1/*/2026-11-04 reason=-"]),
        (
            DAY_PLAN,
            with_ticket(replace(TICKET, remaining=0)),
            ["-ticket ticket=T1 key=T1/*/2026-11-04 reason=TICKET_USED_UP"],
        ),
        (
            DAY_PLAN,
            with_ticket(replace(TICKET, bands=frozenset({"LATE"}))),
            ["-ticket ticket=T1 key=T1/*/2026-11-04 reason=TICKET_OUT_OF_BAND"],
        ),
        (DAY_PLAN, BOOKED, ["+booking_alone running=False"]),
        (
            replace(DAY_PLAN, exempt=True),
            replace(MEMBER, bookings=BOOKED.bookings),
            ["+exempt_booking contract=C1 booking=B1"],
        ),
        (
            Plan("P1", bands=(BandGrant("LATE"),)),
            replace(MEMBER, bookings=BOOKED.bookings),
            [NOT_IN_BAND, "-booking_alone running=True"],
        ),
        (DAY_PLAN, NOBODY, []),
    ],
)
def test_by_what_the_member_has(plan: Plan, member: Member, lines: list[str]) -> None:
    assert told(enter(rules_of(plan), ENTRANCE, member, (), NOON)) == [GOES_ON, *lines]


def test_a_pause_that_blocks_everything() -> None:
    settings = RuleSettings(paused_blocks_all=True)
    member = replace(MEMBER, contracts=(PAUSED,), tickets=(TICKET,))
    decision = enter(rules_of(settings=settings), ENTRANCE, member, (), NOON)
    paused = f"-contract_date contract=C1 {BAND} reason=CONTRACT_PAUSED"
    assert told(decision) == [GOES_ON, "-no_pause", IN_BAND, paused]


def asks(*qualify: Qualifier, **changed: Any) -> Device:
    return replace(ENTRANCE, qualify=frozenset(qualify), **changed)


WOMEN = replace(ENTRANCE, gender=Gender.F)
ROOM = asks(Qualifier.ROOM, room="R1")
BY_ANY = "+qualified by=any_member"


@pytest.mark.parametrize(
    ("device", "member", "scene", "lines"),
    [
        (asks(Qualifier.PLAN), MEMBER, {}, ["+qualified by=plan plan=P1", *BY_PLAN]),
        (asks(Qualifier.PLAN), ENDED, {}, ["-qualified"]),
        (
            asks(Qualifier.TICKET),
            with_ticket(TICKET),
            {},
            ["+qualified by=ticket", "+ticket ticket=T1 key=T1/*/2026-11-04 reason=-"],
        ),
        (
            asks(Qualifier.BOOKING),
            BOOKED,
            {},
            ["+qualified by=booking", "+booking_alone running=False"],
        ),
        (asks(Qualifier.STAFF), MEMBER, {}, ["-qualified"]),
        (WOMEN, MEMBER, {}, ["-gender device=F member=-"]),
        (
            WOMEN,
            replace(MEMBER, gender=Gender.F),
            {},
            ["+gender device=F member=F", BY_ANY, *BY_PLAN],
        ),
        (asks(Qualifier.SEAT), MEMBER, {"seat_refusal": None}, ["+seat reason=-"]),
        (asks(Qualifier.SEAT), MEMBER, {}, ["-seat reason=SEAT_NOT_ASSIGNED", "-qualified"]),
        (ROOM, MEMBER, {"room_refusal": None}, ["+room reason=-"]),
        (
            ROOM,
            MEMBER,
            {"room_refusal": Reason.BOOKING_UNPAID},
            ["-room reason=BOOKING_UNPAID"],
        ),
    ],
)
def test_by_the_device(
    device: Device, member: Member, scene: dict[str, Any], lines: list[str]
) -> None:
    assert told(enter(rules_of(), device, member, (), NOON, **scene)) == [GOES_ON, *lines]


def test_a_room_on_a_closed_date() -> None:
    decision = enter(rules_of(store=CLOSED), ROOM, MEMBER, (), NOON, room_refusal=None)
    assert told(decision) == [GOES_ON, "-room reason=STORE_CLOSED"]


def test_by_old_rules() -> None:
    scene: dict[str, Any] = {"rules_age_h": 73}
    old, goes_on = "-rules_fresh age_h=73", f"{GOES_ON} reason=-"
    decision = enter(rules_of(), ENTRANCE, MEMBER, (), NOON, **scene)
    assert told(decision) == [old, goes_on, *BY_PLAN]
    names = [check.name for check in decision.trace]
    assert sorted(set(names)) == sorted(names)
    stopped = enter(rules_of(), ENTRANCE, replace(MEMBER, suspended=True), (), NOON, **scene)
    assert told(stopped) == [old, "-member_not_stopped reason=MEMBER_SUSPENDED"]


def test_who_is_inside_already() -> None:
    rules = rules_of(settings=RuleSettings(anti_passback=AntiPassback.HARD))
    visit = Visit("S1", at(11), at(17), "D1", "plan:C1", "DAY")
    since = "-passback since=2026-11-04T02:00:00+00:00"
    inside = enter(rules, ENTRANCE, MEMBER, (), NOON, visit=visit)
    assert told(inside) == [GOES_ON, *BY_PLAN, since]
    assert told(enter(rules, ENTRANCE, MEMBER, (), NOON)) == [GOES_ON, *BY_PLAN, "+passback"]


@pytest.mark.parametrize(
    ("device", "member", "scene", "line"),
    [
        (replace(ENTRANCE, enabled=False), MEMBER, {}, "-device_enabled reason=DEVICE_DISABLED"),
        (replace(ENTRANCE, store="gone"), MEMBER, {}, "-device_enabled reason=DEVICE_DISABLED"),
        (
            replace(ENTRANCE, store="gone"),
            MEMBER,
            {"rules_age_h": 73},
            "-device_enabled reason=DEVICE_DISABLED",
        ),
        (ENTRANCE, MEMBER, {"lockdown": True}, "-no_lockdown reason=LOCKDOWN"),
        (
            ENTRANCE,
            replace(MEMBER, suspended=True),
            {},
            "-member_not_stopped reason=MEMBER_SUSPENDED",
        ),
    ],
)
def test_what_nobody_gets_past(
    device: Device, member: Member, scene: dict[str, Any], line: str
) -> None:
    assert told(enter(rules_of(), device, member, (), NOON, **scene)) == [line]


def test_who_has_nothing_but_a_plan_is_not_asked_what_else_a_pause_stops() -> None:
    rules = rules_of(settings=RuleSettings(paused_blocks_all=True))
    lines = told(enter(rules, ENTRANCE, MEMBER, (), NOON))
    assert lines == told(enter(rules_of(), ENTRANCE, MEMBER, (), NOON))
