from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edged.clock import ClockState, Instant
from edged.doors.terms import Fitting, Levels, terms
from policy.model import BandGrant, Door, ExitButton, Hours, Relock, Rules
from tests.edged.fakes import NOON
from tests.edged.rig import Rig

STRIKE = Fitting(has_contact=True, max_pulse_ms=20_000, continuous=True)
MAGNET = replace(STRIKE, magnet=True, continuous=False)
NOW = Instant(NOON, NOON, NOON, ClockState.SYNCED)
CALM = Levels()


def now() -> Instant:
    return NOW


@pytest.fixture
def rules(rig: Rig) -> Rules:
    """A door that stands open around noon."""
    found = rig.rules.rules
    assert found is not None
    door = Door("front", "S1", open_bands=(BandGrant("NOON"),))
    store = replace(found.stores["S1"], bands={"NOON": Hours(11 * 60, 13 * 60)})
    return replace(found, doors={"front": door}, stores={"S1": store})


def with_door(rules: Rules, **changes: Any) -> Rules:
    return replace(rules, doors={"front": replace(rules.doors["front"], **changes)})


def test_without_rules_a_door_has_the_defaults() -> None:
    found = terms(None, "front", STRIKE, CALM, now)
    assert (found.pulse_ms, found.extended_ms, found.held_open_ms) == (5_000, 15_000, 30_000)
    assert (found.pre_alarm_ms, found.forced_min_ms) == (10_000, 30_000)
    assert (found.relock, found.relock_delay_ms) == (Relock.OPEN, 500)
    assert (found.scheduled, found.fail_safe) == (False, False)


def test_a_magnet_is_held_again_when_the_door_closes(rules: Rules) -> None:
    found = terms(rules, "front", MAGNET, CALM, now)
    assert (found.relock, found.fail_safe) == (Relock.CLOSE, True)
    said = with_door(rules, relock=Relock.OPEN)
    assert terms(said, "front", MAGNET, CALM, now).relock is Relock.OPEN


@pytest.mark.parametrize(("ceiling_ms", "extended_ms"), [(3_000, 0), (8_000, 3_000)])
def test_the_ceiling_holds_for_those_who_have_more_time_too(
    rules: Rules, ceiling_ms: int, extended_ms: int
) -> None:
    found = terms(rules, "front", replace(STRIKE, max_pulse_ms=ceiling_ms), CALM, now)
    assert (found.pulse_ms, found.extended_ms) == (min(ceiling_ms, 5_000), extended_ms)
    assert found.extended_open_ms == 15_000


@pytest.mark.parametrize("mechanical", [True, False])
def test_a_button_only_shunts_where_a_handle_opens(rules: Rules, mechanical: bool) -> None:
    said = with_door(rules, exit_button=ExitButton.SHUNT)
    found = terms(said, "front", replace(STRIKE, mechanical=mechanical), CALM, now)
    assert found.exit_button is (ExitButton.SHUNT if mechanical else ExitButton.RELEASE)


@pytest.mark.parametrize(
    ("fitted", "scheduled"),
    [(STRIKE, True), (MAGNET, True), (replace(STRIKE, continuous=False), False)],
)
def test_only_a_lock_that_bears_it_stands_open(
    rules: Rules, fitted: Fitting, scheduled: bool
) -> None:
    assert terms(rules, "front", fitted, CALM, now).scheduled is scheduled


def test_no_hours_begin_before_it_is_known_what_held(rules: Rules) -> None:
    assert not terms(rules, "front", STRIKE, Levels(unread=True), now).scheduled


EARLY, HOUR = NOON - timedelta(hours=1), timedelta(hours=1)


@pytest.mark.fault("clock-in-doubt")
@pytest.mark.parametrize(
    ("now", "scheduled"),
    [
        (NOW, True),
        (replace(NOW, state=ClockState.HOLDOVER), True),
        (replace(NOW, state=ClockState.UNSET), False),
        (replace(NOW, state=ClockState.RESTORED), False),
        (replace(NOW, state=ClockState.SUSPECT), False),
        (replace(NOW, earliest=EARLY), True),
        (replace(NOW, earliest=EARLY - timedelta(seconds=1)), False),
        (replace(NOW, latest=NOON + HOUR), False),
        (replace(NOW, latest=None), False),
    ],
)
def test_a_clock_in_doubt_opens_nothing(rules: Rules, now: Instant, scheduled: bool) -> None:
    assert terms(rules, "front", STRIKE, CALM, lambda: now).scheduled is scheduled


def test_the_levels_are_the_devices() -> None:
    found = terms(None, "front", STRIKE, Levels(fire=True, lockdown=True), now)
    assert (found.fire, found.lockdown) == (True, True)
