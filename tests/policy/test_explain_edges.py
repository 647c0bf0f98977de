"""Where what lies ahead turns: months and dates of the store, the windows of rooms."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from policy.entry import decide
from policy.explain import Left, Way, WayIn, left, way_in, way_in_to_room
from policy.model import (
    BandGrant,
    Contract,
    Hours,
    Member,
    Plan,
    RuleSettings,
    Scene,
    Usage,
    UsageKey,
)
from policy.rooms import RoomBooking, RoomStatus
from tests.policy.worlds import CONTRACT, ENTRANCE, MEMBER, STORE, at, rules_of

STORE_ALL_DAY = replace(STORE, bands={**STORE.bands, "FULL": Hours(0, 1440)})


def way(
    plan: Plan, now: datetime, member: Member = MEMBER, used: date | None = None
) -> WayIn | None:
    keys = () if used is None else (UsageKey("C1", plan.bands[0].kind, used),)
    rules, scene = rules_of(plan, store=STORE_ALL_DAY), Scene(now, Usage.of(keys))
    return way_in(rules, ENTRANCE, member, scene, decide(rules, ENTRANCE, member, scene))


@pytest.mark.parametrize(
    ("used", "now", "opens"),
    [
        pytest.param(
            date(2026, 11, 5),
            at(12, day=13),
            datetime(2026, 11, 30, 15, tzinfo=UTC),
            id="of the store",
        ),
        pytest.param(
            date(2026, 12, 5),
            datetime(2026, 12, 13, 3, tzinfo=UTC),
            datetime(2026, 12, 31, 15, tzinfo=UTC),
            id="of the next year",
        ),
    ],
)
def test_the_next_month_is_the_one_after_this(used: date, now: datetime, opens: datetime) -> None:
    once = Plan("P1", bands=(BandGrant("FULL", 1),))
    assert way(once, now, used=used) == WayIn(Way.NEXT_MONTH, opens, "plan:C1", "FULL")


def test_a_contract_that_began_today_has_begun() -> None:
    late = Plan("P1", bands=(BandGrant("LATE"),))
    member = replace(MEMBER, contracts=(Contract("C1", "P1", date(2026, 11, 4)),))
    assert way(late, at(1), member) == WayIn(Way.FROM, at(22), "plan:C1", "LATE")


START, RULE = at(16), RuleSettings()
PAID = RoomBooking("R1", "R1", START, at(17), RoomStatus.PAID, "u9", ("u1",))


@pytest.mark.parametrize(
    ("now", "end", "found"),
    [
        pytest.param(at(15, 44), at(17), True, id="a minute early"),
        pytest.param(at(15, 45), at(17), False, id="open already"),
        pytest.param(at(15, 50), at(17), False, id="open for a while"),
        pytest.param(at(15), START + timedelta(minutes=5), True, id="for some minutes only"),
    ],
)
def test_a_room_opens_before_it_begins(now: datetime, end: datetime, found: bool) -> None:
    opens = WayIn(Way.BOOKED, at(15, 45), "room", booked=START)
    told = way_in_to_room([replace(PAID, end=end)], "u1", now, RULE)
    assert told == (opens if found else None)


def test_an_id_may_have_any_sign_in_it() -> None:
    plan = Plan("P1", bands=(BandGrant("DAY", 8),))
    rules, odd = rules_of(plan), replace(MEMBER, contracts=(replace(CONTRACT, id="a:b"),))
    scene = Scene(at(12))
    assert left(rules, odd, scene, decide(rules, ENTRANCE, odd, scene)) == Left(7, 8)
    later = replace(odd, contracts=(Contract("a:b", "P1", date(2026, 11, 20)),))
    assert way(plan, at(12), later) == WayIn(Way.CONTRACT_STARTS, at(10, day=20), "plan:a:b", "DAY")
