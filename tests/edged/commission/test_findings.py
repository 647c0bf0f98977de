from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.commission import findings, limits
from edged.commission.findings import FileSeen, Finding, Grade
from edged.identity.lasting import Life
from tests.edged.fakes import NOON

OK, WARN, FAIL = Grade.OK, Grade.WARN, Grade.FAIL
MIB = 1024 * 1024
ROOT = {"root": 0}
SYNCED = {"state": "SYNCED", "source": "ntp", "error_s": 0.5}
READY = {"members": 4, "all_members": 5, "until": "2026-12-02T04:51+09:00", "stale": False}


def grades(found: Sequence[Finding]) -> list[Grade]:
    for one in found:
        assert one.said
        assert (one.grade is OK) is (one.todo == ""), one  # what is wrong says what to do
    return [one.grade for one in found]


@pytest.mark.parametrize(
    ("uid", "mode", "secret", "grade"),
    [
        (0, 0o644, False, OK),
        (0, 0o600, True, OK),
        (0, 0o640, True, OK),
        (0, 0o604, True, FAIL),
        (0, 0o664, False, FAIL),
        (0, 0o646, False, FAIL),
        (7, 0o600, True, FAIL),
    ],
)
def test_files_are_their_owners_alone(uid: int, mode: int, secret: bool, grade: Grade) -> None:
    seen = FileSeen("/etc/edged/x", uid, mode, secret)
    assert grades(list(findings.of_files([seen], ROOT))) == [grade]


@pytest.mark.parametrize(
    ("slowest_ms", "grade"),
    [
        (limits.FSYNC_P99_MS, OK),
        (limits.FSYNC_P99_MS + 1, WARN),
        (limits.FSYNC_FAIL_MS, WARN),
        (limits.FSYNC_FAIL_MS + 1, FAIL),
    ],
)
def test_a_disk_is_as_good_as_its_slowest_commits(slowest_ms: float, grade: Grade) -> None:
    found = findings.of_fsync([1.0] * (limits.FSYNC_TIMES - 1) + [slowest_ms])
    assert grades([found]) == [grade]
    assert found.said.startswith(f"fsync p50 1.0 ms, p99 {slowest_ms:.1f} ms")


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_not_exceeded_by_its_share(values: list[float], percent: int) -> None:
    found = findings.percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


@pytest.mark.parametrize(
    ("free", "grade"),
    [
        (limits.FREE_SOON_BYTES, OK),
        (limits.FREE_SOON_BYTES - 1, WARN),
        (limits.FREE_BYTES, WARN),
        (limits.FREE_BYTES - 1, FAIL),
    ],
)
def test_room_is_told_before_it_is_gone(free: int, grade: Grade) -> None:
    assert grades([findings.of_space(free, 2**40)]) == [grade]


@pytest.mark.parametrize(
    ("status", "ready", "expected"),
    [
        ({"rules": None, "faults": []}, None, [FAIL]),
        ({"rules": {"version": 3}, "faults": []}, READY, [OK]),
        ({"rules": {"version": 3}, "faults": []}, READY | {"stale": True}, [FAIL]),
        ({"rules": {"version": 3}, "faults": ["doors.x: no such door"]}, READY, [OK, FAIL]),
    ],
)
def test_rules_are_there_fresh_and_fit(
    status: Mapping[str, Any], ready: Mapping[str, Any] | None, expected: list[Grade]
) -> None:
    assert grades(list(findings.of_rules(status, ready))) == expected


@pytest.mark.parametrize(
    ("state", "grade"),
    [("SYNCED", OK), ("HOLDOVER", OK), ("RESTORED", WARN), ("SUSPECT", WARN), ("UNSET", FAIL)],
)
def test_a_clock_is_worth_what_it_says_of_itself(state: str, grade: Grade) -> None:
    status = {"clock": SYNCED | {"state": state}}
    assert grades(list(findings.of_clock(status, has_rtc=True))) == [grade, OK]
    assert grades(list(findings.of_clock(status, has_rtc=False))) == [grade, WARN]


@pytest.mark.parametrize(("weak", "grade"), [(None, OK), (False, OK), (True, FAIL)])
def test_a_weak_supply_fails(weak: bool | None, grade: Grade) -> None:
    assert grades([findings.of_power(weak)]) == [grade]


@pytest.mark.parametrize(
    ("seen", "grade"),
    [
        (None, OK),
        ((128 * MIB, 512 * MIB), OK),
        ((128 * MIB - 1, 512 * MIB), WARN),
        ((64 * MIB, 512 * MIB), WARN),
        ((64 * MIB - 1, 512 * MIB), FAIL),
    ],
)
def test_little_memory_is_told_before_there_is_none(
    seen: tuple[int, int] | None, grade: Grade
) -> None:
    assert grades([findings.of_memory(seen)]) == [grade]


@pytest.mark.parametrize(
    ("held", "grade"),
    [(None, OK), (((), ()), OK), (((), ("too hot",)), WARN), ((("too hot",), ("too hot",)), FAIL)],
)
def test_what_holds_a_computer_back_fails_now_and_warns_later(
    held: tuple[tuple[str, ...], tuple[str, ...]] | None, grade: Grade
) -> None:
    found = findings.of_throttled(held)
    assert grades([found]) == [grade]
    assert grade is OK or "too hot" in found.said


@pytest.mark.parametrize(
    ("chips", "needed", "grade"),
    [
        ({}, False, OK),
        ({}, True, FAIL),
        ({"gpiochip0": "pinctrl-bcm2711"}, True, OK),
        ({"gpiochip0": "gpio-expander"}, True, FAIL),
        ({"gpiochip0": "gpio-expander", "gpiochip4": "pinctrl-rp1"}, True, OK),
    ],
)
def test_a_header_has_the_chip_of_one(chips: dict[str, str], needed: bool, grade: Grade) -> None:
    assert grades([findings.of_chips(chips, needed=needed)]) == [grade]


@pytest.mark.parametrize(("persist", "grade"), [(None, WARN), (False, OK), (True, FAIL)])
def test_an_output_that_outlives_its_process_fails(persist: bool | None, grade: Grade) -> None:
    assert grades([findings.of_outputs(persist)]) == [grade]


def test_each_device_that_is_lost_is_named() -> None:
    status = {"devices": {"front.lock": "open", "front.contact": "lost", "front-in": "lost"}}
    found = list(findings.of_devices(status))
    assert grades(found) == [FAIL, FAIL]
    assert [one.said.split()[0] for one in found] == ["front.contact", "front-in"]
    assert grades(list(findings.of_devices({"devices": {"front.lock": "open"}}))) == [OK]


def test_an_alarm_is_as_grave_as_it_says() -> None:
    up = {"source": "front", "since": "2026-11-04T03:00:00Z"}
    forced = {**up, "alarm": "DOOR_FORCED", "severity": "alarm"}
    lost = {**up, "alarm": "DEVICE_LOST", "severity": "warning", "cause": "unplugged"}
    found = list(findings.of_alarms({"alarms": [forced, lost]}))
    assert grades(found) == [FAIL, WARN]
    assert found[1].said.endswith("unplugged")
    assert grades(list(findings.of_alarms({"alarms": []}))) == [OK]


def test_a_lost_link_is_no_fault_of_the_door() -> None:
    assert grades([findings.of_link({"connected": True, "host": "b:1"})]) == [OK]
    lost = findings.of_link({"connected": False, "host": "b:1", "why": "refused"})
    assert (grades([lost]), lost.said) == ([WARN], "b:1: refused")


@pytest.mark.parametrize(
    ("days_left", "grade"), [(90, OK), (16, OK), (15, WARN), (0, WARN), (-1, FAIL)]
)
def test_a_certificate_is_told_before_it_ends(days_left: int, grade: Grade) -> None:
    lasts = Life(NOON - timedelta(days=90 - days_left), NOON + timedelta(days=days_left))
    found = findings.of_certificate("broker", "its certificate", lasts, NOON)
    assert (found.grade, f"{lasts.ends:%Y-%m-%d}" in found.said) == (grade, True)


@given(st.lists(st.sampled_from(Grade)))
def test_nothing_is_better_than_its_worst(drawn: list[Grade]) -> None:
    found = findings.worst([Finding("x", grade, "x") for grade in drawn])
    order = list(Grade)
    assert all(order.index(one) <= order.index(found) for one in drawn)
    assert found in drawn or not drawn
