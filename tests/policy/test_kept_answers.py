"""A refusal that is kept for the next is given to nobody to whom another one is due."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from policy.model import (
    BandGrant,
    Contract,
    DayRule,
    Device,
    Gender,
    HolidayRule,
    Member,
    Mode,
    Plan,
    Qualifier,
    Reason,
    Rules,
    Ticket,
    TicketType,
    Verdict,
)
from tests.policy.worlds import (
    BOOKING,
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    MEMBER,
    NEW_YEAR,
    NOON,
    TODAY,
    at,
    enter,
    rules_of,
)

NIGHT = at(20)
TUESDAYS = Plan("P2", bands=(BandGrant("DAY", None, DayRule(frozenset({1}), HolidayRule.NONE)),))
FREE = Plan("P3", restrict=False)
TICKET = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
NOW = replace(BOOKING, start=NIGHT, end=NIGHT + timedelta(hours=1))


def having(*contracts: Contract) -> Member:
    return replace(MEMBER, contracts=contracts)


def by(plan: str, name: str = "C1", end: date | None = None) -> Contract:
    return Contract(name, plan, NEW_YEAR, end)


# At 12:00 only P2 keeps everybody out, by its weekdays; at 20:00 P1 does too, by its hours.
PEOPLE = {
    "plain": MEMBER,
    "another": having(by("P1", "C9")),
    "stopped": replace(MEMBER, suspended=True),
    "a woman": replace(MEMBER, gender=Gender.F),
    "ended": having(by("P1", end=date(2026, 11, 3))),
    "tomorrow": having(replace(CONTRACT, start=TODAY + timedelta(days=1))),
    "paused": having(replace(CONTRACT, paused=((TODAY, TODAY),))),
    "on Tuesdays": having(by("P2")),
    "on Tuesdays, ended": having(by("P2", end=date(2026, 11, 3))),
    "two contracts": having(CONTRACT, by("P3", "C2")),
    "two that are shut": having(CONTRACT, by("P2", "C2")),
    "a ticket": replace(MEMBER, tickets=(TICKET,)),
    "a ticket, used up": replace(MEMBER, tickets=(replace(TICKET, remaining=0),)),
    "a booking": replace(having(by("gone")), bookings=(NOW,)),
    "a booking beside a plan": replace(MEMBER, bookings=(NOW,)),
    "no contract": having(),
    "an unknown plan": having(by("gone")),
}
DEVICES = {
    "for all": ENTRANCE,
    "for women": replace(ENTRANCE, gender=Gender.F),
    "of seats": replace(ENTRANCE, qualify=frozenset({Qualifier.SEAT, Qualifier.PLAN})),
    "of a room": replace(ENTRANCE, qualify=frozenset({Qualifier.ROOM}), room="R1"),
    "of keys": replace(ENTRANCE, mode=Mode.KEY_SCHEDULE),
    "at the desk": replace(ENTRANCE, mode=Mode.APP),
}


def rules() -> Rules:
    return rules_of(DAY_PLAN, TUESDAYS, FREE)


@pytest.mark.parametrize("now", [NOON, NIGHT])
@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_whoever_came_before_changes_nothing(device: Device, now: datetime) -> None:
    alone = {name: enter(rules(), device, member, (), now) for name, member in PEOPLE.items()}
    for before in PEOPLE.values():
        asked = rules()
        enter(asked, device, before, (), now)
        again = {name: enter(asked, device, member, (), now) for name, member in PEOPLE.items()}
        assert again == alone


def test_whoever_holds_a_seat_or_a_room_comes_in_after_whoever_does_not() -> None:
    for device in (DEVICES["of seats"], DEVICES["of a room"]):
        asked = rules()
        assert enter(asked, device, MEMBER, (), NIGHT).verdict is Verdict.DENY
        held = enter(asked, device, MEMBER, (), NIGHT, seat_refusal=None, room_refusal=None)
        assert held.verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(CONTRACT, id="long ago, without end"),
        pytest.param(replace(CONTRACT, start=TODAY), id="from today on"),
        pytest.param(replace(CONTRACT, end=TODAY), id="until today"),
    ],
)
def test_the_refusal_of_shut_bands_is_kept(contract: Contract) -> None:
    asked = rules()
    first = enter(asked, ENTRANCE, MEMBER, (), NIGHT)
    assert first.reason is Reason.OUT_OF_BAND
    assert enter(asked, ENTRANCE, having(contract), (), NIGHT) is first
    later = enter(asked, ENTRANCE, MEMBER, (), NIGHT + timedelta(days=1))
    assert later is not first


def test_it_is_kept_by_whoever_has_nothing_but_the_plan() -> None:
    for member in (PEOPLE["a ticket, used up"], PEOPLE["two that are shut"]):
        asked = rules()
        told = enter(asked, ENTRANCE, member, (), NIGHT)
        assert enter(asked, ENTRANCE, MEMBER, (), NIGHT) is not told
    ended, asked = PEOPLE["on Tuesdays, ended"], rules()
    assert enter(asked, ENTRANCE, PEOPLE["on Tuesdays"], (), NOON).reason is (
        Reason.WEEKDAY_NOT_ALLOWED
    )
    assert enter(asked, ENTRANCE, ended, (), NOON).reason is Reason.CONTRACT_ENDED
