from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from edged.core import events, login
from edged.core.alarm_words import AlarmName
from edged.core.events import Body, Kind, LockerCommand, Presented, Stamp
from edged.core.seating import SeatChange
from edged.store.record import GENESIS, seal
from policy.locker_model import LockerWord, Log, Occupancy
from policy.loyalty import CancelEarn, Earn
from policy.model import (
    Decision,
    Device,
    Reason,
    Rules,
    RuleSettings,
    Side,
    StaffRole,
    Store,
    UsageKey,
    Verdict,
    Warn,
)
from policy.seats import Io, Notice, Seat, Stepped

AT = datetime(2026, 11, 3, 15, 30, 0, 123_999, tzinfo=UTC)
STAMP = Stamp(AT, "SYNCED")
DEVICE = Device("front-in", "S1", Side.IN, "front")
RULES = Rules(
    "acme",
    7,
    AT,
    RuleSettings(),
    {"S1": Store("S1", ZoneInfo("Asia/Tokyo"), {})},
    plans={},
    doors={},
    devices={},
    keys={},
)
PRESENTED = Presented("E1", "M1", "aiko")
SEAT = SeatChange("S1", "9", "aiko", "P1", None, AT)
KEYS = (
    UsageKey("C1", "LATE", date(2026, 11, 3)),
    UsageKey("C1", "FULL", date(2026, 11, 4), "S1"),
)
ALLOWED = Decision(
    Verdict.ALLOW,
    Reason.OK,
    "plan:C1",
    "LATE",
    date(2026, 11, 3),
    keys=KEYS,
    new_keys=KEYS,
    warnings=(Warn.PAYMENT_UNPAID,),
)


def test_an_instant_is_spelled_in_utc_to_the_millisecond() -> None:
    assert events.stamp_text(AT) == "2026-11-03T15:30:00.123Z"
    assert events.stamp_text(AT.astimezone(timezone(timedelta(hours=9)))) == events.stamp_text(AT)
    assert datetime.fromisoformat(events.stamp_text(AT)) == AT.replace(microsecond=123_000)


@pytest.mark.threat("B7")
def test_a_passage_says_all_that_was_decided() -> None:
    assert events.passage(STAMP, RULES, DEVICE, PRESENTED, ALLOWED) == {
        "kind": "passage",
        "event_id": "E1",
        "device": "front-in",
        "door": "front",
        "side": "IN",
        "mode": "LOCK_QR",
        "member": "aiko",
        "code_kind": "M1",
        "occurred_at": "2026-11-03T15:30:00.123Z",
        "local_time": "2026-11-04T00:30:00+09:00",
        "service_date": "2026-11-03",
        "decision": "ALLOW",
        "reason": "OK",
        "via": "plan:C1",
        "band": "LATE",
        "usage_keys": ["C1/LATE/2026-11-03", "C1/FULL/2026-11-04/S1"],
        "delta": 2,
        "warnings": ["WARN_PAYMENT_UNPAID"],
        "rules_version": 7,
        "clock": "SYNCED",
        "recorded_first": True,
    }


def test_a_refusal_or_a_leaving_has_the_same_words() -> None:
    device = replace(DEVICE, side=Side.OUT, door=None)
    body = events.passage(
        STAMP, RULES, device, PRESENTED, Decision(Verdict.DENY, Reason.OUT_OF_BAND)
    )
    assert body.keys() == events.passage(STAMP, RULES, DEVICE, PRESENTED, ALLOWED).keys()
    assert (body["side"], body["door"], body["recorded_first"]) == ("OUT", None, False)
    assert (body["service_date"], body["via"], body["delta"], body["usage_keys"]) == (
        None,
        None,
        0,
        [],
    )


def test_what_is_seldom_is_said_only_where_it_is_so() -> None:
    presented = replace(PRESENTED, code_kind=None, member=None, gap=True)
    again = UsageKey("C1", "OLD", date(2026, 11, 3))
    seldom = ALLOWED._replace(keys=(again, *KEYS), checks_in="B1", unsettled=True)
    body = events.passage(STAMP, RULES, DEVICE, presented, seldom)
    assert body == {
        **events.passage(STAMP, RULES, DEVICE, PRESENTED, ALLOWED),
        "code_kind": None,
        "member": None,
        "recorded_first": False,
        "kept_keys": ["C1/OLD/2026-11-03"],
        "checks_in": "B1",
        "unsettled": True,
        "gap": True,
    }


def test_staff_are_no_members() -> None:
    presented = replace(PRESENTED, code_kind="T2", member=None, staff="W1")
    said = events.passage(STAMP, RULES, DEVICE, presented, ALLOWED)
    assert (said["member"], said["staff"]) == (None, "W1")
    assert "staff" not in events.passage(STAMP, RULES, DEVICE, PRESENTED, ALLOWED)


OTHERS: list[tuple[Body, dict[str, object]]] = [
    (
        events.outcome(STAMP, "front", "E1", "DOOR_OPENED"),
        {"kind": "outcome", "door": "front", "event_id": "E1", "outcome": "DOOR_OPENED"},
    ),
    (
        events.exit_button(STAMP, "front", "E2"),
        {"kind": "exit_button", "door": "front", "event_id": "E2"},
    ),
    (
        events.alarm(
            STAMP,
            events.AlarmTold("front", AlarmName.DOOR_FORCED, "2026-11-04T03:00:00.000Z"),
            raised=True,
        ),
        {
            "kind": "alarm",
            "source": "front",
            "alarm": "DOOR_FORCED",
            "severity": "alarm",
            "cause": None,
            "since": "2026-11-04T03:00:00.000Z",
            "raised": True,
        },
    ),
    (
        events.summed(STAMP, "front", "TAMPER", 7, raised=False),
        {"kind": "summed", "source": "front", "what": "TAMPER", "count": 7, "raised": False},
    ),
    (
        events.hold(STAMP, "front", "schedule", began=True),
        {"kind": "hold", "door": "front", "why": "schedule", "began": True},
    ),
    (
        events.command(STAMP, events.DoorCommand("C1", "open", "kim", "front"), "OK"),
        {
            "kind": "command",
            "command": "C1",
            "verb": "open",
            "target": "front",
            "by": "kim",
            "result": "OK",
        },
    ),
    (
        events.refused(STAMP, "front-in", {"CODE_UNREADABLE": 3}, AT),
        {
            "kind": "refused",
            "device": "front-in",
            "counts": {"CODE_UNREADABLE": 3},
            "since": "2026-11-03T15:30:00.123Z",
        },
    ),
    (
        events.gap(STAMP, 5, AT),
        {"kind": "gap", "lost": 5, "since": "2026-11-03T15:30:00.123Z"},
    ),
    (
        events.started(STAMP, "S1-FRONT", "1.2.3", clean=False),
        {"kind": "started", "device": "S1-FRONT", "release": "1.2.3", "clean": False},
    ),
    (
        events.seat(STAMP, "E3", "desk", SEAT, Stepped(Seat("9"), None, Reason.OK)),
        {
            "kind": "seat_check_out",
            "event_id": "E3",
            "device": "desk",
            "store": "S1",
            "seat": "9",
            "member": "aiko",
            "product": "P1",
            "io": None,
            "since": "2026-11-03T15:30:00.123Z",
            "notice": None,
        },
    ),
    (
        events.seat(
            STAMP,
            "E3",
            "desk",
            replace(SEAT, io=Io.IN),
            Stepped(Seat("9"), None, Reason.OK, Notice.CHECK_IN),
        ),
        {
            "kind": "seat_check_in",
            "event_id": "E3",
            "device": "desk",
            "store": "S1",
            "seat": "9",
            "member": "aiko",
            "product": "P1",
            "io": "IN",
            "since": "2026-11-03T15:30:00.123Z",
            "notice": "CHECK_IN",
        },
    ),
    (
        events.visit_point(STAMP, "E4", DEVICE, "aiko", date(2026, 11, 4)),
        {
            "kind": "visit_point",
            "event_id": "E4",
            "device": "front-in",
            "store": "S1",
            "member": "aiko",
            "service_date": "2026-11-04",
        },
    ),
    (
        events.loyalty_earn(STAMP, Earn("L1", "aiko", 4_500)),
        {"kind": "loyalty_earn", "operation": "L1", "member": "aiko", "amount": 4_500},
    ),
    (
        events.loyalty_earn_cancel(STAMP, CancelEarn("L1")),
        {"kind": "loyalty_earn_cancel", "operation": "L1"},
    ),
    (
        events.locker(STAMP, "L7", Log(LockerWord.EXPIRED, "O1")),
        {
            "kind": "locker",
            "locker": "L7",
            "word": "expired",
            "occupancy": "O1",
            "about": None,
            "before_end": False,
        },
    ),
    (
        events.locker_command(STAMP, LockerCommand("K1", "L7", "open", "aiko"), None, "OK"),
        {
            "kind": "locker_command",
            "command": "K1",
            "locker": "L7",
            "verb": "open",
            "by": "aiko",
            "device": None,
            "occupancy": None,
            "member": None,
            "end": None,
            "result": "OK",
        },
    ),
    (
        events.locker_command(
            STAMP, LockerCommand("K1", "L7", "open", "aiko"), Occupancy("O1", "aiko", AT, AT), "OK"
        ),
        {
            "kind": "locker_command",
            "command": "K1",
            "locker": "L7",
            "verb": "open",
            "by": "aiko",
            "device": None,
            "occupancy": "O1",
            "member": "aiko",
            "end": "2026-11-03T15:30:00.123Z",
            "result": "OK",
        },
    ),
    (
        events.master_release(
            STAMP, LockerCommand("K1", "hall", "release_all", "S9"), "hall", lockers=4
        ),
        {"kind": "master_release", "command": "K1", "bank": "hall", "by": "S9", "lockers": 4},
    ),
    (
        events.master_released(
            STAMP,
            LockerCommand("K1", "hall", "release_all", "S9"),
            "hall",
            released=3,
            failed=("L2",),
        ),
        {
            "kind": "master_released",
            "command": "K1",
            "bank": "hall",
            "by": "S9",
            "released": 3,
            "failed": ["L2"],
        },
    ),
    (
        events.clock(STAMP, "RESTORED", "ntp", 250),
        {"kind": "clock", "before": "RESTORED", "source": "ntp", "error_ms": 250},
    ),
    (
        events.rolled_back(STAMP, "00aa", 9, 4, "00bb"),
        {"kind": "rolled_back", "epoch": "00aa", "acked": 9, "last": 4, "began": "00bb"},
    ),
    (
        events.not_taken(STAMP, {"forged": 3}, STAMP.at),
        {"kind": "not_taken", "counts": {"forged": 3}, "since": "2026-11-03T15:30:00.123Z"},
    ),
    (
        events.restored(STAMP, STAMP.at, {"lockers": 60}, ["PINs"]),
        {
            "kind": "restored",
            "as_of": "2026-11-03T15:30:00.123Z",
            "counts": {"lockers": 60},
            "unknown": ["PINs"],
        },
    ),
    (
        login.record(
            STAMP, login.Told("e", "front-in", "10.0.0.7"), "kim", StaffRole.OPERATE, "SHOWN"
        ),
        {
            "kind": "login",
            "event_id": "e",
            "device": "front-in",
            "origin": "10.0.0.7",
            "staff": "kim",
            "role": "operate",
            "result": "SHOWN",
        },
    ),
    (
        events.rules_refused(STAMP, 8, "vectors: 1 of 3"),
        {"kind": "rules_refused", "version": 8, "why": "vectors: 1 of 3"},
    ),
    (events.stopped(STAMP, "S1-FRONT"), {"kind": "stopped", "device": "S1-FRONT"}),
    (
        events.settings_active(STAMP, "ab12", ["fire"]),
        {"kind": "settings_active", "fingerprint": "ab12", "changed": ["fire"]},
    ),
    (
        events.rules_active(STAMP, 7, "ab12"),
        {"kind": "rules_active", "version": 7, "fingerprint": "ab12"},
    ),
]


@pytest.mark.parametrize(("body", "says"), OTHERS, ids=[str(says["kind"]) for _, says in OTHERS])
def test_every_record_says_when_and_how_sure_of_it(body: Body, says: dict[str, object]) -> None:
    assert body == {**says, "occurred_at": "2026-11-03T15:30:00.123Z", "clock": "SYNCED"}


def test_every_kind_is_known_here_and_can_be_sealed() -> None:
    bodies = [events.passage(STAMP, RULES, DEVICE, PRESENTED, ALLOWED), *(one for one, _ in OTHERS)]
    assert {body["kind"] for body in bodies} == set(Kind)
    for body in bodies:
        assert seal(body, 1, GENESIS).seq == 1
