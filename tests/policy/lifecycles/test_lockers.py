"""Lockers: ends, claims, checks and moves (spec/rules.md 4.1)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from policy.locker_model import (
    Answer,
    Assign,
    Claim,
    Effects,
    Event,
    Extend,
    ForceEnd,
    Locker,
    LockerRefusal,
    LockerState,
    LockerWord,
    Log,
    Move,
    Open,
    PinReset,
    ResetPin,
    Return,
    SeenOpen,
    Tick,
)
from policy.lockers import due, move, step
from policy.model import OpenWhenExpired, Reason, RuleSettings
from tests.policy.lifecycles.cabinet import (
    AFTER,
    BEFORE,
    END,
    IN_USE,
    LOCKERS,
    O1,
    PIN,
    SETTINGS,
    START,
    spell,
    spell_state,
)


def at_end(event: Event, locker: Locker = IN_USE, at: datetime = END) -> tuple[str, list[str]]:
    after, effects = step(locker, event, at, SETTINGS, reports_door=True)
    return spell_state(after), spell(effects)


def test_the_log_of_an_end_names_the_use() -> None:
    _, effects = step(IN_USE, Tick(), END, SETTINGS, reports_door=True)
    assert effects == (Log(LockerWord.EXPIRED, "O1"),)


def test_the_end_makes_it_wait_at_the_instant() -> None:
    assert at_end(Tick(), at=END - timedelta(microseconds=1)) == ("IN_USE", [])
    assert at_end(Tick()) == ("WAITING", ["+expired"])
    assert at_end(Open("c", Claim("M"))) == ("WAITING", ["+expired", "LOCKER_EXPIRED"])


def test_a_use_that_is_over_when_it_begins_waits_at_once() -> None:
    event = Assign("c", replace(O1, end=START))
    assert at_end(event, Locker("L7")) == ("WAITING", ["OK", "+expired"])
    assert at_end(Extend("c", "O1", BEFORE), at=BEFORE) == ("WAITING", ["OK", "+expired"])


def test_a_failed_reset_finds_the_end_that_passed_meanwhile() -> None:
    words = ["+pin_reset_failed", "!PIN_RESET_FAILED", "PIN_RESET_FAILED", "+expired"]
    assert at_end(PinReset("c0", confirmed=False), LOCKERS["RESETTING"]) == ("WAITING", words)


def test_it_wants_a_tick_at_its_end_only_while_in_use() -> None:
    wanted = {state: due(locker) for state, locker in LOCKERS.items()}
    assert {state for state, at in wanted.items() if at is not None} == {"IN_USE"}
    assert wanted["IN_USE"] == END


def answer(locker: Locker, event: Event, at: datetime, settings: RuleSettings) -> str:
    _, effects = step(locker, event, at, settings, reports_door=True)
    (result,) = [e.result.value for e in effects if isinstance(e, Answer)]
    return result


@pytest.mark.parametrize(
    ("claim", "result"),
    [
        (Claim("M"), "OK"),
        (Claim("M", PIN), "OK"),
        (Claim(pin_hash=PIN), "OK"),
        (Claim("M", PIN, "O1"), "OK"),
        (Claim(), "LOCKER_NOT_YOURS"),
        (Claim("N"), "LOCKER_NOT_YOURS"),
        (Claim("N", PIN), "LOCKER_NOT_YOURS"),
        (Claim("M", b"another"), "LOCKER_BAD_PIN"),
        (Claim(pin_hash=b""), "LOCKER_BAD_PIN"),
        (Claim("M", occupancy="O2"), "STALE_COMMAND"),
    ],
)
def test_who_may_open(claim: Claim, result: str) -> None:
    assert answer(IN_USE, Open("c", claim), START, SETTINGS) == result


def test_no_pin_opens_a_locker_without_one() -> None:
    bare = replace(IN_USE, occupancy=replace(O1, pin_hash=None))
    assert answer(bare, Open("c", Claim(pin_hash=b"")), START, SETTINGS) == "LOCKER_BAD_PIN"


def test_it_does_not_open_before_its_start() -> None:
    early = START - timedelta(microseconds=1)
    assert answer(IN_USE, Open("c", Claim("M")), early, SETTINGS) == "LOCKER_NOT_STARTED"


@pytest.mark.parametrize(
    ("when_expired", "results"),
    [
        (OpenWhenExpired.OFF, ["LOCKER_EXPIRED", "LOCKER_EXPIRED"]),
        (OpenWhenExpired.ONCE, ["OK", "LOCKER_EXPIRED"]),
        (OpenWhenExpired.ON, ["OK", "OK"]),
    ],
)
def test_opening_after_the_end(when_expired: OpenWhenExpired, results: list[str]) -> None:
    settings = RuleSettings(locker_open_when_expired=when_expired)
    locker, told = LOCKERS["WAITING"], []
    for _ in results:
        told.append(answer(locker, Open("c", Claim("M")), AFTER, settings))
        locker, _ = step(locker, Open("c", Claim("M")), AFTER, settings, reports_door=True)
        assert locker.state is LockerState.WAITING
    assert told == results


def test_an_extension_gives_the_late_opening_back() -> None:
    settings = RuleSettings(locker_open_when_expired=OpenWhenExpired.ONCE)
    used = replace(LOCKERS["WAITING"], occupancy=replace(O1, opened_late=True))
    longer, _ = step(
        used, Extend("c", "O1", AFTER + timedelta(days=1)), AFTER, settings, reports_door=True
    )
    later = AFTER + timedelta(days=2)
    assert answer(longer, Open("c", Claim("M")), later, settings) == "OK"


@pytest.mark.parametrize(
    ("needs_check", "from_afar", "checked", "refused"),
    [
        (True, True, False, True),
        (True, True, True, False),
        (True, False, False, False),
        (False, True, False, False),
    ],
)
def test_an_ending_from_afar_may_need_a_check(
    needs_check: bool, from_afar: bool, checked: bool, refused: bool
) -> None:
    settings = RuleSettings(force_end_needs_check=needs_check)
    event = ForceEnd("c", "O1", from_afar=from_afar, contents_checked=checked)
    after, effects = step(IN_USE, event, BEFORE, settings, reports_door=True)
    wanted = Answer("c", LockerRefusal.CONTENTS_NOT_CHECKED) if refused else ResetPin("c")
    assert effects == (wanted,)
    assert (after == IN_USE) is refused


def test_the_log_says_whether_a_use_was_ended_before_its_end() -> None:
    force_end, give_back = ForceEnd("c", "O1"), Return("c", Claim("M"))
    for end, word, at, before_end in (
        (force_end, LockerWord.FORCED_END, BEFORE, True),
        (force_end, LockerWord.FORCED_END, END, False),
        (force_end, LockerWord.FORCED_END, AFTER, False),
        (give_back, LockerWord.RETURNED, BEFORE, True),
    ):
        locker = IN_USE
        effects: Effects = ()
        for event in (end, PinReset("c", confirmed=True), SeenOpen()):
            locker, effects = step(locker, event, at, SETTINGS, reports_door=True)
        assert effects == (Log(word, "O1", before_end=before_end),)


def test_the_pin_is_gone_before_the_bolt_moves() -> None:
    after, _ = step(
        LOCKERS["RESETTING"], PinReset("c0", confirmed=True), BEFORE, SETTINGS, reports_door=True
    )
    assert after.occupancy is not None
    assert after.occupancy.pin_hash is None


def test_no_pin_is_ever_shown() -> None:
    shown = [O1, IN_USE, Claim("M", PIN), Move("c", "O1", PIN), Assign("c", O1)]
    assert not [value for value in shown if "1234" in repr(value)]


TARGETS = {**LOCKERS, "FREE": Locker("L8")}
MOVE = Move("c", "O1", b"new")


@pytest.mark.parametrize(
    ("source", "target", "result"),
    [
        ("WAITING", "FREE", Reason.LOCKER_EXPIRED),
        ("WAITING", "IN_USE", Reason.LOCKER_OCCUPIED),
        ("FREE", "FREE", Reason.STALE_COMMAND),
        ("RESETTING", "FREE", Reason.STALE_COMMAND),
        ("PULSING", "FREE", Reason.STALE_COMMAND),
        ("STUCK", "FREE", Reason.STALE_COMMAND),
        ("OUT_OF_ORDER", "FREE", Reason.LOCKER_OUT_OF_ORDER),
        ("SET_ASIDE", "FREE", Reason.STALE_COMMAND),
        *[("IN_USE", state, Reason.LOCKER_OCCUPIED) for state in LOCKERS if state != "FREE"],
    ],
)
def test_a_refused_move_changes_neither(source: str, target: str, result: Reason) -> None:
    here, there = LOCKERS[source], TARGETS[target]
    moved = move(here, there, MOVE, BEFORE)
    assert moved == ((here, (Answer("c", result),)), (there, ()))


def test_a_move_is_bound_to_its_occupancy() -> None:
    moved = move(IN_USE, TARGETS["FREE"], replace(MOVE, occupancy="O9"), BEFORE)
    assert moved == ((IN_USE, (Answer("c", Reason.STALE_COMMAND),)), (TARGETS["FREE"], ()))


def test_a_move_takes_the_use_along_and_releases_here() -> None:
    (here, asked), (there, logged) = move(IN_USE, TARGETS["FREE"], MOVE, BEFORE)
    held = replace(O1, pin_hash=b"new", moved_from="L7")
    assert there == Locker("L8", LockerState.IN_USE, held)
    assert logged == (Log(LockerWord.MOVED_FROM, "O1", about="L7"),)
    assert asked == (ResetPin("c"),)
    here, _ = step(here, PinReset("c", confirmed=True), BEFORE, SETTINGS, reports_door=True)
    freed = step(here, SeenOpen(), BEFORE, SETTINGS, reports_door=True)
    assert freed == (Locker("L7"), (Log(LockerWord.MOVED_TO, "O1", "L8", before_end=True),))


def test_a_move_whose_old_pin_stays_leaves_the_member_both() -> None:
    (here, _), (there, _) = move(IN_USE, TARGETS["FREE"], MOVE, BEFORE)
    here, _ = step(here, PinReset("c", confirmed=False), BEFORE, SETTINGS, reports_door=True)
    assert here == IN_USE
    assert answer(there, Open("c", Claim("M", b"new")), BEFORE, SETTINGS) == "OK"
