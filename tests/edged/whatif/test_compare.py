import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from edged.clock import SystemClock
from edged.errors import NotFound
from edged.whatif import plain, sources
from edged.whatif.compare import Asked, Changed, Comparison
from edged.whatif.journal import Uses
from tests.edged.whatif import club

MONDAY = date(2026, 11, 16)
WEEK = Asked(7, MONDAY, "front-in")
NO_TICKET = club.changed("members", "M1", "tickets", to=[])
NIGHTLESS = NO_TICKET["plans"]["P1"]["bands"][::2]


def draft(*path: str, to: object) -> dict[str, Any]:
    """The rules without the ticket, with another value in one place."""
    return club.changed(*path, to=to, of=NO_TICKET)


def compared(
    new: Mapping[str, Any],
    old: Mapping[str, Any] = NO_TICKET,
    asked: Asked = WEEK,
    uses: Uses | None = None,
) -> tuple[list[Changed], Comparison]:
    before, after = (sources.of_file(club.rule_set(rules)) for rules in (old, new))
    clock = SystemClock(wall=lambda: datetime(2026, 11, 16, 3, tzinfo=UTC))
    comparison = Comparison(before, after, uses or Uses(None), asked, clock)

    async def all_changes() -> list[Changed]:
        return [one async for one in comparison.changes(comparison.names)]

    return asyncio.run(all_changes()), comparison


def told(found: list[Changed]) -> list[tuple[str, str, str, str, str]]:
    """Who, what, from when, and both reasons."""
    return [
        (
            one["member"],
            one["access"],
            one["from"][5:16],
            one["before"]["reason"],
            one["after"]["reason"],
        )
        for one in map(plain.changed, found)
    ]


def test_the_same_rules_change_nothing() -> None:
    found, comparison = compared({**NO_TICKET, "version": 9})
    assert found == []
    assert plain.tally(comparison.tally) == {
        "members": 3,
        "changed": 0,
        "gained": 0,
        "lost": 0,
        "counted": 0,
        "reasons": [],
    }


def test_a_band_that_is_gone_is_access_lost() -> None:
    found, comparison = compared(draft("plans", "P1", "bands", to=NIGHTLESS))
    assert told(found) == [
        ("M1", "lost", "11-17T18:00", "OK", "OUT_OF_BAND"),
        ("M1", "lost", "11-17T22:00", "OK", "WEEKDAY_NOT_ALLOWED"),
        ("M1", "lost", "11-19T18:00", "OK", "OUT_OF_BAND"),
        ("M1", "lost", "11-19T22:00", "OK", "WEEKDAY_NOT_ALLOWED"),
    ]
    assert plain.tally(comparison.tally)["reasons"] == [
        {"before": "OK", "after": "OUT_OF_BAND", "changes": 2},
        {"before": "OK", "after": "WEEKDAY_NOT_ALLOWED", "changes": 2},
    ]
    assert (comparison.tally.changed, comparison.tally.kinds["lost"]) == (1, 4)


def test_the_other_way_round_it_is_gained() -> None:
    found, _ = compared(NO_TICKET, draft("plans", "P1", "bands", to=NIGHTLESS))
    assert [one.kind for one in found] == 4 * ["gained"]


def test_another_count_is_a_change() -> None:
    swapped = [{**band, "kind": "DAY2"} if band["kind"] == "DAY" else band for band in BANDS]
    rules = draft("plans", "P1", "bands", to=swapped)
    rules["stores"]["S1"]["bands"]["DAY2"] = "10:00-17:00"
    found, _ = compared(rules)
    assert {(one.kind, one.change.after.band) for one in found} == {("counted", "DAY2")}
    assert len(found) == 6


BANDS = club.RULES["plans"]["P1"]["bands"]


@pytest.mark.parametrize(
    ("path", "to"),
    [
        pytest.param(("settings",), {"closed_days_block_bookings": False}, id="settings alone"),
        pytest.param(("stores", "S2", "bands"), {}, id="another store"),
        pytest.param(("plans", "OTHER"), {"restrict": False}, id="a plan that nobody has"),
        pytest.param(("devices", "back-in"), {"store": "S2", "side": "IN"}, id="a device"),
    ],
)
def test_what_does_not_touch_a_member_changes_nothing(path: tuple[str, ...], to: object) -> None:
    assert compared(draft(*path, to=to))[0] == []


@pytest.mark.parametrize(
    ("path", "to", "members"),
    [
        pytest.param(("settings",), {"stale_policy": "normal", "overlap": "all"}, set(), id="none"),
        pytest.param(("stores", "S1", "closed"), ["2026-11-18"], {"M1", "M2"}, id="a closed date"),
        pytest.param(("stores", "S1", "bands", "DAY"), "11:00-17:00", {"M1"}, id="hours"),
        pytest.param(("plans", "FREE"), {"restrict": True}, {"M2"}, id="a plan"),
        pytest.param(("devices", "front-in", "enabled"), False, {"M1", "M2"}, id="the device"),
        pytest.param(("devices", "front-in", "gender"), "F", {"M1", "M2"}, id="its gender"),
        pytest.param(("members", "M2", "suspended"), True, {"M2"}, id="a member"),
    ],
)
def test_who_is_touched_is_found(path: tuple[str, ...], to: object, members: set[str]) -> None:
    found, comparison = compared(draft(*path, to=to))
    assert {one.member for one in found} == members
    assert comparison.tally.members == 3


def test_who_is_known_to_one_side_only_is_compared() -> None:
    fewer = {**NO_TICKET, "members": {"M1": NO_TICKET["members"]["M1"]}}
    assert {(m, a) for m, a, *_ in told(compared(fewer)[0])} == {("M2", "lost")}
    assert {(m, a) for m, a, *_ in told(compared(NO_TICKET, fewer)[0])} == {("M2", "gained")}


def test_a_device_of_one_side_only_lets_nobody_in_on_the_other() -> None:
    rules = draft("devices", "back-in", to={"store": "S1", "side": "IN"})
    found, _ = compared(rules, asked=Asked(1, MONDAY, "back-in"))
    assert {(who, before) for who, _, _, before, _ in told(found)} == {
        ("M1", "DEVICE_DISABLED"),
        ("M2", "DEVICE_DISABLED"),
    }


def test_what_was_used_counts(uses_of: Callable[..., Uses]) -> None:
    uses = uses_of(club.used("2026-11-02", "e1"), club.used("2026-11-04", "e2"))
    stricter = [{**BANDS[0], "limit": 2}, *BANDS[1:]]
    rules = draft("plans", "P1", "bands", to=stricter)
    assert compared(rules)[0] == []
    found, _ = compared(rules, uses=uses)
    assert {(access, after) for _, access, _, _, after in told(found)} == {
        ("lost", "QUOTA_EXHAUSTED")
    }


def test_without_a_date_it_begins_today() -> None:
    found, _ = compared(draft("plans", "FREE", to={}), asked=Asked(2, None, "front"))
    assert [plain.changed(one)["from"][:10] for one in found] == ["2026-11-16"]
    assert found[-1].change.end == datetime(2026, 11, 17, 15, tzinfo=UTC)


@pytest.mark.parametrize("name", ["front-out", "nowhere"])
def test_what_is_no_entrance_is_not_found(name: str) -> None:
    with pytest.raises(NotFound, match=name):
        compared(NO_TICKET, asked=Asked(1, MONDAY, name))


def test_members_who_are_alike_keep_their_own_names() -> None:
    contracts = {"M4": ["C4a", "C4b"], "M5": ["C5b", "C5a"]}
    twins = {
        name: {
            "handle": f"{n:016x}",
            "contracts": [
                {"id": one, "plan": plan, "start": "2026-01-01"}
                for one, plan in zip(ids, ["P1", "P2"], strict=True)
            ],
        }
        for n, (name, ids) in enumerate(contracts.items())
    }
    nights = {"bands": [{"kind": "DAY", "limit": 0}, {"kind": "NIGHT", "limit": 2}]}
    old = club.changed("members", to=twins, of=club.changed("plans", "P2", to=nights))
    new = club.changed("plans", "P1", "bands", to=NIGHTLESS, of=old)
    found, comparison = compared(new, old)
    one, two = ([c for c in found if c.member == name] for name in contracts)
    assert len(one) == len(two) > 0
    assert {c.change.before.via for c in one} == {"plan:C4a"}
    assert {c.change.after.via for c in one} == {"plan:C4b"}
    assert {c.change.before.via for c in two} == {"plan:C5b"}
    assert {key.owner for c in two for key in c.change.after.counted} == {"C5a"}
    assert [plain.changed(c)["from"] for c in one] == [plain.changed(c)["from"] for c in two]
    assert comparison.tally.changed == 2
