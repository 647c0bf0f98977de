"""What each event does to a locker in each state (spec/rules.md 4.1)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policy.locker_model import (
    Assign,
    Claim,
    ConfirmEmpty,
    Event,
    Extend,
    ForceEnd,
    Log,
    NotSeenOpen,
    Open,
    PinReset,
    Pulsed,
    Restarted,
    Return,
    SeenOpen,
    SetAside,
    StaffOpen,
    Tick,
)
from policy.lockers import step
from tests.policy.lifecycles.cabinet import AFTER, LOCKERS, O1, SETTINGS, spell, spell_state, when

# Event, what it does per state ("else": in all others). A cell is the state after, "=" for a
# locker that is exactly as before, and all effects in their order: an answer's result, reset,
# pulse, +log, !alarm, -alarm.
TABLE: dict[str, tuple[Event, dict[str, str]]] = {
    "assign": (
        Assign("c", replace(O1, id="O2", member="N")),
        {"FREE": "IN_USE OK", "else": "= LOCKER_OCCUPIED"},
    ),
    "open": (
        Open("c", Claim("M")),
        {
            "IN_USE": "= OK pulse",
            "WAITING": "= LOCKER_EXPIRED",
            "OUT_OF_ORDER": "= LOCKER_OUT_OF_ORDER",
            "else": "= LOCKER_NOT_ASSIGNED",
        },
    ),
    "return": (
        Return("c", Claim("M")),
        {
            "IN_USE": "RESETTING reset",
            "WAITING": "= LOCKER_EXPIRED",
            "OUT_OF_ORDER": "= LOCKER_OUT_OF_ORDER",
            "else": "= LOCKER_NOT_ASSIGNED",
        },
    ),
    "extend": (
        Extend("c", "O1", AFTER + timedelta(days=1)),
        {
            "IN_USE": "IN_USE OK",
            "WAITING": "IN_USE OK",
            "OUT_OF_ORDER": "= LOCKER_OUT_OF_ORDER",
            "else": "= STALE_COMMAND",
        },
    ),
    "force end": (
        ForceEnd("c", "O1"),
        {
            "IN_USE": "RESETTING reset",
            "WAITING": "RESETTING reset",
            "OUT_OF_ORDER": "= LOCKER_OUT_OF_ORDER",
            "else": "= STALE_COMMAND",
        },
    ),
    "staff open": (
        StaffOpen("c", "boss", "O1"),
        {
            "FREE": "= STALE_COMMAND",
            "SET_ASIDE": "= STALE_COMMAND",
            "else": "= +staff_opened OK pulse",
        },
    ),
    "staff open what nobody has": (
        StaffOpen("c", "boss", None),
        {
            "FREE": "= LOCKER_NOT_ASSIGNED",
            "SET_ASIDE": "= +staff_opened OK pulse",
            "else": "= STALE_COMMAND",
        },
    ),
    "confirm empty": (
        ConfirmEmpty("c", "boss", "O1"),
        {
            "FREE": "= STALE_COMMAND",
            "SET_ASIDE": "= STALE_COMMAND",
            "STUCK": "FREE +confirmed_empty -LOCKER_STUCK OK",
            "OUT_OF_ORDER": "FREE +confirmed_empty OK",
            "else": "= LOCKER_OCCUPIED",
        },
    ),
    "confirm empty what nobody has": (
        ConfirmEmpty("c", "boss", None),
        {
            "FREE": "= +confirmed_empty OK",
            "SET_ASIDE": "FREE +confirmed_empty OK",
            "else": "= STALE_COMMAND",
        },
    ),
    "set aside": (
        SetAside("c", "boss", "O1"),
        {
            "FREE": "= STALE_COMMAND",
            "SET_ASIDE": "= STALE_COMMAND",
            "STUCK": "OUT_OF_ORDER +set_aside -LOCKER_STUCK OK",
            "OUT_OF_ORDER": "= +set_aside OK",
            "else": "= LOCKER_OCCUPIED",
        },
    ),
    "set aside what nobody has": (
        SetAside("c", "boss", None),
        {
            "FREE": "SET_ASIDE +set_aside OK",
            "SET_ASIDE": "= +set_aside OK",
            "else": "= STALE_COMMAND",
        },
    ),
    "PIN reset": (
        PinReset("c0", confirmed=True),
        {"RESETTING": "PULSING +release_pulse OK pulse/10", "else": "="},
    ),
    "PIN not reset": (
        PinReset("c0", confirmed=False),
        {
            "RESETTING": "IN_USE +pin_reset_failed !PIN_RESET_FAILED PIN_RESET_FAILED",
            "else": "=",
        },
    ),
    "another's PIN reset": (PinReset("c9", confirmed=True), {"else": "="}),
    "pulsed": (Pulsed("c0", done=True), {"else": "="}),
    "not pulsed": (
        Pulsed("c0", done=False),
        {
            "PULSING": "STUCK +stuck !LOCKER_STUCK",
            "RESETTING": "=",
            "STUCK": "=",
            "else": "= !LOCK_FAULT",
        },
    ),
    "another not pulsed": (Pulsed("c9", done=False), {"else": "= !LOCK_FAULT"}),
    "seen open": (SeenOpen(), {"PULSING": "FREE +forced_end", "else": "="}),
    "not seen open": (
        NotSeenOpen("c0"),
        {"PULSING": "STUCK +stuck !LOCKER_STUCK", "else": "="},
    ),
    "another not seen open": (NotSeenOpen("c9"), {"else": "="}),
    "restarted": (
        Restarted(),
        {
            "RESETTING": "IN_USE +pin_reset_failed !PIN_RESET_FAILED PIN_RESET_FAILED",
            "PULSING": "STUCK +stuck !LOCKER_STUCK",
            "STUCK": "= !LOCKER_STUCK",
            "else": "=",
        },
    ),
    "tick": (Tick(), {"else": "="}),
}
PAIRS = [
    pytest.param(state, event, cells.get(state, cells["else"]), id=f"{name} when {state}")
    for name, (event, cells) in TABLE.items()
    for state in LOCKERS
]


@pytest.mark.parametrize(("state", "event", "cell"), PAIRS)
def test_step(state: str, event: Event, cell: str) -> None:
    before = LOCKERS[state]
    after, effects = step(before, event, when(state), SETTINGS, reports_door=True)
    expected, *words = cell.split()
    assert spell(effects) == words
    holder = before.occupancy.id if before.occupancy else None
    staff = event.staff if isinstance(event, StaffOpen | ConfirmEmpty | SetAside) else None
    for log in (effect for effect in effects if isinstance(effect, Log)):
        assert (log.occupancy, log.about) == (holder, staff)
    if expected == "=":
        assert after == before
    else:
        assert spell_state(after) == expected


def test_every_event_is_in_the_table() -> None:
    assert {type(event) for event, _ in TABLE.values()} == set(Event.__args__)


@pytest.mark.parametrize("state", LOCKERS)
def test_a_board_that_cannot_report_frees_after_the_pulse(state: str) -> None:
    before = LOCKERS[state]
    pulsed, effects = step(
        before, Pulsed("c0", done=True), when(state), SETTINGS, reports_door=False
    )
    assert (pulsed == LOCKERS["FREE"]) is (state in ("PULSING", "FREE"))
    assert spell(effects) == (["+forced_end"] if state == "PULSING" else [])
    assert step(before, SeenOpen(), when(state), SETTINGS, reports_door=False) == (before, ())
