"""Laws about time, about what was done before, and about doubt: the engine over many worlds."""

import os
import subprocess
import sys
from copy import deepcopy
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from policy.model import Decision, Reason, Warn
from tests.oracle.asked import (
    contracts,
    decided,
    denied,
    dice,
    entries,
    gist,
    plain,
    plainly,
    rows,
)
from tests.oracle.engine import Engine
from tests.oracle.times import Data, instant, minutes, occurrence, shifted, spelled, wall


@pytest.mark.threat("B3")
def test_a_time_matters_only_by_what_began_and_ended_before_it() -> None:
    """Between two neighbouring edges of a world the answer is one and the same."""
    compared = 0
    for made in rows()[::3]:
        world = made["world"]
        for asked in entries(made)[:4]:
            step = {name: asked[name] for name in ("op", "device", "member")}
            store = world["stores"][world["devices"][asked["device"]]["store"]]
            edges = _edges(world, world["devices"][asked["device"]], store, asked["at"][:10])
            for begin, end in pairwise(edges):
                inside = (begin, begin + (end - begin) / 3, end - timedelta(microseconds=1))
                steps = [{**step, "at": spelled(at, store["tz"])} for at in inside]
                told = {_untimed(decision) for decision in decided(made, steps)}
                compared += 1
                assert len(told) == 1, (steps, told)
    assert compared > 1_000


def _untimed(decision: Decision) -> tuple[object, ...]:
    keys = tuple((owner, band.partition("@")[0], day) for owner, band, day, _ in decision.keys)
    return decision.verdict, decision.reason, decision.via, decision.band, keys


def _edges(world: Data, device: Data, store: Data, day: str) -> list[Any]:
    """Every instant of three days at which something begins or ends, and midnights, cutoffs."""
    tz, cutoff = store["tz"], 60 * world["settings"]["day_cutoff_hour"]
    days = [shifted(day, n) for n in range(-3, 5)]
    found = {wall(tz, each, minute)[0] for each in days for minute in (0, cutoff)}
    early_mins = {0, *(contract["plan"]["early_min"] for contract in contracts({"world": world}))}
    for kind in store["bands"]:
        for each in days:
            opens, closes = occurrence(store, kind, each) or (None, None)
            assert opens is not None
            assert closes is not None
            found |= {closes, *(opens - minutes(early) for early in early_mins)}
    for member in world["members"]:
        for booking in member["bookings"]:
            start = instant(booking["start"])
            found |= {start - minutes(device["booking_early_min"]), start, instant(booking["end"])}
    first, last = wall(tz, shifted(day, -1), 0)[0], wall(tz, shifted(day, 2), 0)[0]
    return sorted(edge for edge in found if first <= edge <= last)


CALENDAR_DAYS = 10_227  # 28 years: the same weekdays, months and leap years again


@pytest.mark.threat("B2")
def test_whole_weeks_later_the_same_answers_come() -> None:
    """Where no clock changes: 28 years, so that the months are the same ones too."""
    for made in rows():
        here = deepcopy(made)
        for store in here["world"]["stores"].values():
            store["tz"] = "Asia/Tokyo"
        later = _later(here)
        steps = entries(here), entries(later)
        for before, after in zip(decided(here, steps[0]), decided(later, steps[1]), strict=True):
            assert _later(plain(before)) == plain(after)


def _later(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {name: _later(value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [_later(value) for value in thing]
    if not isinstance(thing, str) or thing[4:5] + thing[7:8] != "--":
        return thing
    if len(thing) == len("2027-01-01"):
        return shifted(thing, CALENDAR_DAYS)
    return spelled(instant(thing) + timedelta(days=CALENDAR_DAYS), "Asia/Tokyo")


def test_stricter_bounds_of_the_time_never_lose_a_refusal_of_both_ends() -> None:
    """Unsure of the time: what both ends refuse is refused, what both let in is let in."""
    for made in rows():
        steps = plainly(made)
        for a, b in pairwise(steps):
            at = sorted((a["at"], b["at"]), key=instant)
            unsure = {**a, "at": at[0], "earliest": at[0], "latest": at[1]}
            first, last = decided(made, [{**a, "at": at[0]}, {**a, "at": at[1]}])
            (told,) = decided(made, [unsure])
            if denied(first) == denied(last):
                assert denied(told) == denied(first)
            elif not denied(told):
                assert Warn.CLOCK_UNTRUSTED in told.warnings


# What was done before


@pytest.mark.threat("A17")
def test_a_repeated_message_changes_nothing() -> None:
    for made in rows():
        once, twice = Engine(made["world"]), Engine(made["world"])
        for number, step in enumerate(made["before"] + made["steps"]):
            if step["op"] in ("scan", "read"):
                continue
            named = {**step, "event": step.get("event", f"e{number}")}
            assert once.play(named) == twice.play(named)
            if step["op"] in ("used", "merge_key", "manual_record", "retract", "lock_fault"):
                again = twice.play(named)
                assert again.get("keys_added", 0) == again.get("keys_removed", 0) == 0


@pytest.mark.threat("A17")
def test_messages_may_come_in_any_order() -> None:
    moves = ("merge_key", "manual_record", "retract", "lock_fault")
    for number, made in enumerate(rows()):
        messages = [step for step in made["steps"] if step["op"] in moves]
        asked = entries(made)
        told = []
        for order in (messages, sorted(messages, key=lambda _: dice(number).random())[::-1]):
            engine = Engine(made["world"])
            for step in [*made["before"], *order]:
                engine.play(step)
            told.append([gist(engine.decide(step)) for step in asked])
        assert told[0] == told[1]


def test_coming_in_again_adds_no_key() -> None:
    for made in rows():
        world = deepcopy(made["world"])
        world["settings"]["anti_passback"] = "soft"
        for step in entries(made):
            engine = Engine(world)
            for earlier in made["before"]:
                engine.play(earlier)
            first, second = engine.play(step), engine.play(step)
            assert second["keys_added"] == 0
            assert second["decision"] == first["decision"]


@pytest.mark.threat("B10")
def test_a_refusal_leaves_no_trace() -> None:
    for made in rows():
        for decision in decided(made, entries(made)):
            if denied(decision):
                assert not decision.keys
                assert not decision.new_keys
                assert decision.visit is None
                assert set(decision.warnings) <= {Warn.RULES_STALE}


def test_the_way_out_is_always_open() -> None:
    for made in rows():
        world = deepcopy(made["world"])
        for member in world["members"]:
            member["flags"] = ["id_suspended", "suspended", "withdrawn"]
        for device in world["devices"].values():
            device.update(enabled=False, lockdown=True, gender="F", qualify=[])
        engine = Engine(world)
        for step in made["steps"]:
            if step["op"] in ("enter", "exit"):
                told = engine.play({**step, "op": "exit"})
                assert told["decision"] == "ALLOW"


def test_old_rules_decide_as_fresh_ones_with_a_warning() -> None:
    for made in rows():
        steps = plainly(made)
        old = [{**step, "rules_age_h": 10_000, "stale_policy": "normal"} for step in steps]
        for before, after in zip(decided(made, steps), decided(made, old), strict=True):
            early = before.reason in (Reason.DEVICE_DISABLED, Reason.LOCKDOWN)
            warnings = {*before.warnings} | (set() if early else {Warn.RULES_STALE})
            assert gist(before._replace(warnings=tuple(sorted(warnings)))) == gist(after)


def test_without_the_time_nobody_is_counted() -> None:
    for made in rows():
        blind = [{**step, "clock_ok": False} for step in entries(made)]
        for decision in decided(made, blind):
            assert not decision.keys
            assert decision.visit is None


@pytest.mark.threat("B10")
def test_asking_changes_nothing() -> None:
    for made in rows():
        world, steps = deepcopy(made["world"]), entries(made)
        answers = decided(made, steps)
        assert decided(made, steps[::-1]) == answers[::-1]
        assert made["world"] == world


@pytest.mark.threat("B9")
def test_the_same_question_has_the_same_answer_whatever_the_hash_seed() -> None:
    program = (
        "import json\n"
        "from tests.oracle.differential import made_row, play\n"
        "for n in range(25):\n"
        "    for _, ours, _ in play(made_row(3, n)): print(json.dumps(ours, sort_keys=True))\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert len(told.pop()) > 10_000
