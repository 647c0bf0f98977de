from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from edged.store.errors import StoreFailed
from edged.whatif import plain
from edged.whatif.replay import Replay
from tests.edged.whatif import club

SINCE = date(2026, 11, 1)
NO_TICKET = club.changed("members", "M1", "tickets", to=[])


def limited(limit: int | None) -> dict[str, Any]:
    """The rules without the ticket and with another limit of DAY."""
    band = {"kind": "DAY", "weekdays": "1111110", "holiday": "NONE"}
    return club.changed("plans", "P1", "bands", to=[{**band, "limit": limit}], of=NO_TICKET)


def replayed(
    journal: Path, rules: Mapping[str, Any], *writes: club.Write, since: date = SINCE
) -> tuple[list[tuple[int, str, str]], Replay]:
    """The entries that come out otherwise: seq and both reasons."""
    club.write_journal(journal, *writes)
    replay = Replay(club.rule_set(rules), journal, since)
    found = [plain.difference(one) for one in replay.differences()]
    return [(f["seq"], f["before"]["reason"], f["after"]["reason"]) for f in found], replay


def test_the_rules_of_then_change_nothing(journal: Path) -> None:
    found, replay = replayed(
        journal,
        NO_TICKET,
        club.passage("2026-11-02T12:00", "e1"),
        club.passage("2026-11-02T13:00", "e2", usage_keys=[], delta=0),
        club.refused("2026-11-08T12:00", "e3", "WEEKDAY_NOT_ALLOWED"),
        club.passage("2026-11-08T12:30", "e4", side="OUT", device="front-out", usage_keys=[]),
    )
    assert (found, replay.asked, replay.left_out) == ([], 3, 0)


def test_what_a_booking_code_opened_is_not_asked_of_the_rules(journal: Path) -> None:
    found, replay = replayed(
        journal,
        limited(0),
        club.passage("2026-11-02T12:00", "e1", code_kind="B1", via="booking:B", usage_keys=[]),
    )
    assert (found, replay.asked, replay.left_out) == ([], 0, 1)


def test_a_lower_limit_refuses_what_came_after_it(journal: Path) -> None:
    found, _ = replayed(
        journal,
        limited(1),
        club.passage("2026-11-02T12:00", "e1"),
        club.passage("2026-11-02T13:00", "e2", usage_keys=[], delta=0),
        club.passage("2026-11-04T12:00", "e3"),
        club.passage("2026-12-01T12:00", "e4"),
    )
    assert found == [(3, "OK", "QUOTA_EXHAUSTED")]


def test_what_the_lock_did_not_do_was_not_used(journal: Path) -> None:
    found, _ = replayed(
        journal,
        limited(1),
        club.passage("2026-11-02T12:00", "e1"),
        club.outcome("e1", "LOCK_FAULT"),
        club.passage("2026-11-04T12:00", "e2"),
        club.outcome("e2", "DOOR_NOT_OPENED"),
        club.passage("2026-11-05T12:00", "e3"),
    )
    assert found == [(5, "OK", "QUOTA_EXHAUSTED")]


def test_what_was_withdrawn_was_not_used(journal: Path) -> None:
    found, _ = replayed(
        journal,
        limited(1),
        club.passage("2026-11-02T12:00", "e1"),
        club.outcome("e1", "DOOR_NOT_OPENED", withdrawn=True),
        club.passage("2026-11-04T12:00", "e2"),
        club.outcome("e2", "DOOR_OPENED"),
        club.passage("2026-11-05T12:00", "e3"),
    )
    assert found == [(5, "OK", "QUOTA_EXHAUSTED")]


def test_a_later_entry_keeps_what_the_lock_took_back(journal: Path) -> None:
    found, _ = replayed(
        journal,
        limited(1),
        club.passage("2026-11-02T12:00", "e1"),
        club.passage(
            "2026-11-02T12:01", "e2", usage_keys=[], delta=0, kept_keys=["C1/DAY/2026-11-02"]
        ),
        club.outcome("e1", "LOCK_FAULT"),
        club.passage("2026-11-04T12:00", "e3"),
    )
    assert found == [(4, "OK", "QUOTA_EXHAUSTED")]


def test_earlier_records_count_though_they_are_not_asked_about(journal: Path) -> None:
    found, replay = replayed(
        journal,
        limited(1),
        club.passage("2026-11-02T12:00", "e1"),
        club.passage("2026-11-04T12:00", "e2"),
        since=date(2026, 11, 4),
    )
    assert (found, replay.asked) == ([(2, "OK", "QUOTA_EXHAUSTED")], 1)


def test_a_refusal_may_become_a_yes(journal: Path) -> None:
    found, _ = replayed(
        journal,
        limited(None),
        club.passage("2026-11-02T12:00", "e1"),
        club.refused("2026-11-04T12:00", "e2", "QUOTA_EXHAUSTED"),
    )
    assert found == [(2, "QUOTA_EXHAUSTED", "OK")]


@pytest.mark.parametrize("reason", ["CODE_EXPIRED", "CODE_REVOKED", "RECORD_FAILED"])
def test_what_no_rules_decided_is_left_out(journal: Path, reason: str) -> None:
    found, replay = replayed(journal, NO_TICKET, club.refused("2026-11-04T12:00", "e1", reason))
    assert (found, replay.asked, replay.left_out) == ([], 0, 1)


@pytest.mark.parametrize("said", [{"reason": "STAFF", "via": "staff:P1"}, {"member": None}])
def test_staff_and_foreign_codes_are_left_out(journal: Path, said: dict[str, Any]) -> None:
    entry = club.passage("2026-11-04T12:00", "e1", **{"usage_keys": [], "delta": 0, **said})
    found, replay = replayed(journal, limited(0), entry)
    assert (found, replay.left_out) == ([], 1)


def test_who_was_not_known_then_is_found_by_handle(journal: Path) -> None:
    found, _ = replayed(
        journal,
        NO_TICKET,
        club.refused("2026-11-04T12:00", "e1", "MEMBER_NOT_SYNCED", member="0102030405060708"),
        club.refused("2026-11-04T12:00", "e2", "MEMBER_NOT_SYNCED", member="0" * 16),
    )
    assert found == [(1, "MEMBER_NOT_SYNCED", "OK")]


def test_a_lockdown_stays_one(journal: Path) -> None:
    found, replay = replayed(journal, NO_TICKET, club.refused("2026-11-04T12:00", "e1", "LOCKDOWN"))
    assert (found, replay.asked) == ([], 1)


def test_a_clock_that_nobody_believed_is_not_believed(journal: Path) -> None:
    entry = club.passage(
        "2026-11-08T12:00", "e1", clock="RESTORED", via=None, band=None, usage_keys=[], delta=0
    )
    assert replayed(journal, NO_TICKET, entry)[0] == []
    denying = {**NO_TICKET, "settings": {"clock_policy": "deny"}}
    assert replayed(journal.with_name("other.db"), denying, entry)[0] == [
        (1, "OK", "CLOCK_UNTRUSTED")
    ]


def test_who_is_inside_is_known_to_passback(journal: Path) -> None:
    strict = {**NO_TICKET, "settings": {"anti_passback": "hard"}}
    again = {"usage_keys": [], "delta": 0}
    found, _ = replayed(
        journal,
        strict,
        club.passage("2026-11-04T12:00", "e1"),
        club.passage("2026-11-04T12:30", "e2", **again),
        club.passage("2026-11-04T13:00", "e3", side="OUT", device="front-out", **again),
        club.passage("2026-11-04T13:30", "e4", **again),
    )
    assert found == [(2, "OK", "ANTI_PASSBACK")]


def test_who_did_not_come_in_is_not_inside(journal: Path) -> None:
    strict = {**NO_TICKET, "settings": {"anti_passback": "hard"}}
    again = {"usage_keys": [], "delta": 0}
    found, _ = replayed(
        journal,
        strict,
        club.passage("2026-11-04T12:00", "e1"),
        club.outcome("e1", "DOOR_NOT_OPENED"),
        club.passage("2026-11-04T12:30", "e2", **again),
        club.passage("2026-11-04T13:00", "e3", side="OUT", device="front-out", **again),
        club.outcome("e2", "DOOR_NOT_OPENED"),
        club.passage("2026-11-04T13:30", "e4", **again),
        club.outcome("e4", "DOOR_OPENED"),
        club.passage("2026-11-04T14:00", "e5", **again),
    )
    assert found == [(8, "OK", "ANTI_PASSBACK")]


def test_what_a_counter_gives_is_not_asked_and_nobody_is_inside_by_it(journal: Path) -> None:
    desk = {"store": "S1", "side": "IN", "mode": "APP", "loyalty": True}
    rules = club.changed("devices", "desk", to=desk, of=limited(None))
    told: dict[str, Any] = {"device": "desk", "via": "loyalty", "band": None, "usage_keys": []}
    found, replay = replayed(
        journal,
        {**rules, "settings": {"anti_passback": "hard"}},
        club.passage("2026-11-08T12:00", "e1", **told),
        club.passage("2026-11-09T12:30", "e2"),
    )
    assert (found, replay.asked, replay.left_out) == ([], 1, 1)


def test_whom_a_failed_disk_let_in_is_left_out_and_has_no_visit(journal: Path) -> None:
    told: dict[str, Any] = {"via": None, "band": None, "usage_keys": [], "gap": True}
    found, replay = replayed(
        journal,
        {**NO_TICKET, "settings": {"anti_passback": "hard"}},
        club.passage("2026-11-04T12:00", "e1", **told),
        club.passage("2026-11-04T12:30", "e2"),
    )
    assert (found, replay.asked, replay.left_out) == ([], 1, 1)


@pytest.mark.parametrize(("owner", "count"), [("T1", 0), ("T2", 1)])
def test_the_instant_of_a_ticket_s_entry_tells_nothing_apart(
    journal: Path, owner: str, count: int
) -> None:
    """It is that of the earliest time that it may have been."""
    rules = club.changed("members", "M1", "contracts", to=[])
    rules = {**rules, "settings": {"ticket_dedupe": "entry"}}
    key = f"{owner}/*@20261104T025959.900000Z/2026-11-04"
    told: dict[str, Any] = {"via": f"ticket:{owner}", "band": None, "usage_keys": [key]}
    found, replay = replayed(journal, rules, club.passage("2026-11-04T12:00", "e1", **told))
    assert (len(found), replay.asked) == (count, 1)


def test_a_device_that_is_gone_lets_nobody_in(journal: Path) -> None:
    entry = club.passage("2026-11-04T12:00", "e1", device="gone")
    assert replayed(journal, NO_TICKET, entry)[0] == [(1, "OK", "DEVICE_DISABLED")]


@pytest.mark.parametrize(
    "wrong", [{"reason": "NO_SUCH"}, {"usage_keys": ["C1"]}, {"local_time": None}]
)
def test_a_record_that_cannot_be_read_is_named(journal: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(StoreFailed, match="record 1: "):
        replayed(journal, NO_TICKET, club.passage("2026-11-04T12:00", "e1", **wrong))
