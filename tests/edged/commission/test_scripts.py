from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edged.commission import plan
from edged.commission.findings import Finding, Grade
from edged.commission.words import (
    Ask,
    Boots,
    Examine,
    Freeze,
    Kind,
    Look,
    OrderLocker,
    Outcome,
    Release,
    Reply,
    Request,
    ResetFire,
    Seen,
    Signal,
    Step,
    Thaw,
    Verdict,
    Watch,
)
from edged.settings.model import Settings
from tests.edged.commission.walks import play, settings, well


@pytest.fixture
def device(tmp_path: Path) -> Settings:
    return settings(tmp_path)


def test_the_plan_has_every_lock_reader_and_board_once(device: Settings) -> None:
    steps = [step.key for step in plan.steps(device)]
    assert len(set(steps)) == len(steps)
    boards = ["board/hall.board", "board/hall.board2"]
    assert steps[:2] == boards
    assert [key for key in steps if "/front" in key] == [
        "secure/front",
        "lock/front",
        "contact/front",
        "exit_button/front",
        "way_out_frozen/front",
        "reader/front-in",
        "way_out_dark/front",
    ]
    assert [key for key in steps if "/yard" in key] == [
        "secure/yard",
        "lock/yard",
        "way_out_frozen/yard",
        "reader/yard-in",
        "way_out_dark/yard",
    ]
    assert steps[-1] == "power_cut/S1-FRONT"
    assert "reader/desk" in steps


def test_where_all_is_right_every_step_passes(device: Settings) -> None:
    for step in plan.steps(device):
        outcome, _ = play(step, device, well())
        assert outcome.verdict is Verdict.PASSED, step.key
        assert outcome.why


def test_a_step_is_skipped_with_a_reason_before_anything_moves(device: Settings) -> None:
    def skip(request: Request) -> Reply:
        return Reply(
            said="skip"
            if isinstance(request, Ask) and not request.key.endswith("why")
            else "no ladder"
        )

    for step in plan.steps(device):
        if step.kind is Kind.CHECK:
            continue
        outcome, asked = play(step, device, skip)
        assert (outcome.verdict, outcome.why) == (Verdict.SKIPPED, "no ladder")
        assert all(isinstance(request, Ask) for request in asked)


def _ask(what: str, said: str) -> Callable[[Request], Reply | None]:
    return lambda r: Reply(said=said) if isinstance(r, Ask) and r.key.endswith(what) else None


def _heard(signal: Signal, *names: str) -> Callable[[Request], Reply | None]:
    return lambda r: Reply(heard=names) if isinstance(r, Watch) and r.signal is signal else None


def _reply(kind: type[Request], reply: Reply) -> Callable[[Request], Reply | None]:
    return lambda r: reply if isinstance(r, kind) else None


BAD_JOURNAL = Finding("journal", Grade.FAIL, "record 3: it does not follow", "ask why")


def _seen(*opens: Mapping[str, bool | None]) -> Callable[[Request], Reply | None]:
    """What boards say of lockers that are new, at each look."""
    looks = iter(opens)

    def look(request: Request) -> Reply | None:
        if not isinstance(request, Look):
            return None
        found = next(looks)
        return Reply(
            lockers={name: Seen(free=False, held=False, open=found[name]) for name in found}
        )

    return look


def _order(do: str, said: str) -> Callable[[Request], Reply | None]:
    return lambda r: Reply(said=said) if isinstance(r, OrderLocker) and r.do == do else None


FAULTS = [
    ("lock/front", _reply(Release, Reply(said="INTERLOCK")), "INTERLOCK"),
    ("lock/front", _ask("which", "yard"), "the locks of front and yard are swapped"),
    ("lock/front", _ask("which", "none"), "no bolt moved"),
    ("lock/front", _heard(Signal.RUNNING), "does not answer"),
    ("secure/front", _ask("shut", "no"), "opens although nobody was let in"),
    ("secure/front", _heard(Signal.AT_REST), "does not come to rest"),
    ("contact/front", _reply(Look, Reply()), "says nothing"),
    ("contact/front", _reply(Look, Reply(open={"front": True})), "the wrong way round"),
    ("contact/front", _heard(Signal.AT_REST), "does not come to rest"),
    ("contact/front", _reply(Release, Reply(said="LOCK_FAULT")), "LOCK_FAULT"),
    ("contact/front", _heard(Signal.CONTACT), "was not heard when the door was opened"),
    ("contact/front", _heard(Signal.CONTACT, "yard"), "the contact of yard moved"),
    ("contact/front", _heard(Signal.CONTACT, "front", "yard"), "front, yard moved"),
    ("exit_button/front", _heard(Signal.BUTTON), "was not heard"),
    ("exit_button/front", _heard(Signal.BUTTON, "yard"), "the button of yard was heard"),
    ("exit_button/front", _ask("open", "no"), "the door did not open"),
    ("way_out_frozen/yard", _reply(Freeze, Reply(said="not permitted")), "not permitted"),
    ("way_out_frozen/yard", _ask("out", "no"), "wire the way out in hardware"),
    ("way_out_frozen/yard", _reply(Thaw, Reply(said="it went on")), "was not frozen until"),
    ("way_out_frozen/yard", _heard(Signal.AT_REST), "does not come to rest"),
    ("way_out_dark/yard", _ask("out", "no"), "wire the way out in hardware"),
    ("reader/front-in", _heard(Signal.CODE), "it read nothing"),
    ("reader/front-in", _heard(Signal.CODE, "yard-in"), "yard-in read it"),
    ("fire/panel", _heard(Signal.FIRE), "was not heard"),
    ("fire/panel", _ask("magnets", "no"), "wire the panel into its supply"),
    ("fire/panel", _reply(ResetFire, Reply(said="STILL_BURNING")), "STILL_BURNING"),
    ("power_cut/S1-FRONT", _reply(Boots, Reply(said="same")), "there was no power cut"),
    ("power_cut/S1-FRONT", _reply(Examine, Reply(findings=(BAD_JOURNAL,))), "does not follow"),
    ("check/journal", _reply(Examine, Reply(findings=(BAD_JOURNAL,))), "(ask why)"),
    ("check/journal", _reply(Examine, Reply()), ""),
    ("board/hall.board", _heard(Signal.RUNNING), "does not answer"),
    ("board/hall.board", _seen({}), "has no locker L3"),
    ("board/hall.board", _order("staff_open", "the board did not take it"), "did not take it"),
    ("board/hall.board", _ask("which", "none"), "L3 did not open"),
    ("board/hall.board", _ask("which", "another"), "another locker than L3 opened"),
]


@pytest.mark.parametrize(("key", "fault", "why"), FAULTS)
def test_a_fault_is_named(
    device: Settings, key: str, fault: Callable[[Request], Reply | None], why: str
) -> None:
    kind, _, subject = key.partition("/")
    world = well()
    outcome, _ = play(Step(Kind(kind), subject), device, lambda r: fault(r) or world(r))
    assert outcome.verdict is Verdict.FAILED
    assert why in outcome.why


@pytest.mark.parametrize(
    ("board", "before", "after", "why"),
    [
        ("hall.board", {}, {}, "what the boards saw move is none"),
        ("hall.board", {}, {"L4": True}, "what the boards saw move is L4"),
        ("hall.board", {}, {"L3": True, "L4": True}, "what the boards saw move is L3, L4"),
        ("hall.board", {"L3": True}, {}, "the polarity is wrong: hook_closed_bit = 0"),
        ("hall.board2", {"L4": True}, {}, "says that L4 is open while it is closed"),
    ],
)
def test_what_the_boards_see_is_judged(
    device: Settings, board: str, before: dict[str, bool], after: dict[str, bool], why: str
) -> None:
    closed = {"L3": False, "L4": False}
    fault, world = _seen({**closed, **before}, {**closed, **after}), well()
    outcome, _ = play(Step(Kind.BOARD, board), device, lambda r: fault(r) or world(r))
    assert outcome.verdict is Verdict.FAILED
    assert why in outcome.why


def test_another_locker_that_is_closed_meanwhile_is_no_matter(device: Settings) -> None:
    fault = _seen({"L3": False, "L4": True}, {"L3": True, "L4": False})
    world = well()
    outcome, _ = play(Step(Kind.BOARD, "hall.board"), device, lambda r: fault(r) or world(r))
    assert outcome == Outcome(Verdict.PASSED, "it opened, and its board said so")


def test_a_board_that_says_nothing_of_its_doors_is_proven_by_who_sees_it(tmp_path: Path) -> None:
    blind = settings(tmp_path, board='kind = "waveshare_lockers", port = "/dev/bus", locks = 8')
    fault, world = _seen({"L3": None, "L4": None}, {"L3": None, "L4": None}), well()
    outcome, _ = play(Step(Kind.BOARD, "hall.board"), blind, lambda r: fault(r) or world(r))
    assert outcome == Outcome(Verdict.PASSED, "it opened; this board says nothing of its doors")


def orders(asked: Sequence[Request]) -> list[str]:
    return [request.do for request in asked if isinstance(request, OrderLocker)]


@pytest.mark.parametrize("whose", ["L3", "L4"])
def test_nothing_opens_while_any_locker_is_somebodys(device: Settings, whose: str) -> None:
    lockers = {
        name: Seen(free=name != whose, held=name == whose, open=False) for name in ("L3", "L4")
    }
    fault, world = _reply(Look, Reply(lockers=lockers)), well()
    outcome, asked = play(Step(Kind.BOARD, "hall.board"), device, lambda r: fault(r) or world(r))
    assert (outcome.verdict, orders(asked)) == (Verdict.FAILED, [])
    assert f"lockers may be in use ({whose})" in outcome.why


@pytest.mark.parametrize(
    ("fault", "verdict", "given"),
    [
        (_ask("none", ""), Verdict.PASSED, ["set_aside", "staff_open", "confirm_empty"]),
        (_ask("empty", "no"), Verdict.PASSED, ["set_aside", "staff_open"]),
        (_ask("which", "another"), Verdict.FAILED, ["set_aside", "staff_open"]),
        (_order("set_aside", "LOCKER_OCCUPIED"), Verdict.FAILED, ["set_aside"]),
    ],
)
def test_a_free_locker_is_nobodys_until_it_is_seen_to_be_empty(
    device: Settings,
    fault: Callable[[Request], Reply | None],
    verdict: Verdict,
    given: list[str],
) -> None:
    world = well(free=True)
    outcome, asked = play(Step(Kind.BOARD, "hall.board"), device, lambda r: fault(r) or world(r))
    assert (outcome.verdict, orders(asked)) == (verdict, given)


replies = st.builds(
    Reply,
    said=st.sampled_from(["", "yes", "no", "OK", "go", "same", "other", "none", "front", "L3"]),
    heard=st.lists(st.sampled_from(["front", "yard", "daemon", "front-in"]), max_size=2).map(tuple),
    open=st.dictionaries(st.sampled_from(["front", "yard"]), st.booleans()),
    lockers=st.dictionaries(
        st.sampled_from(["L3", "L4"]),
        st.builds(Seen, st.booleans(), st.booleans(), st.sampled_from([None, False, True])),
    ),
    findings=st.lists(
        st.builds(Finding, st.just("journal"), st.sampled_from(Grade), st.just("seen")), max_size=2
    ).map(tuple),
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_replied_a_step_ends_with_the_daemon_thawed(
    device: Settings, data: st.DataObject
) -> None:
    step = data.draw(st.sampled_from(plan.steps(device)))
    outcome, asked = play(step, device, lambda _: data.draw(replies))
    frozen = [request for request in asked if isinstance(request, Freeze)]
    thawed = [request for request in asked if isinstance(request, Thaw)]
    if thawed or outcome.verdict is Verdict.PASSED:
        assert len(frozen) == len(thawed)
    after = [two for one, two in pairwise(asked) if isinstance(one, Freeze)]
    assert all(isinstance(request, Ask) for request in after)
    assert not any(isinstance(request, Release) for request in asked) or step.kind in {
        Kind.LOCK,
        Kind.CONTACT,
    }


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.sampled_from(["no", "", "Yes", "y"]), kind=st.sampled_from([Kind.FROZEN, Kind.DARK]))
def test_no_way_out_is_proven_without_a_plain_yes(device: Settings, said: str, kind: Kind) -> None:
    fault, world = _ask("out", said), well()
    outcome, asked = play(Step(kind, "yard"), device, lambda r: fault(r) or world(r))
    assert outcome.verdict is Verdict.FAILED
    assert (Thaw() in asked) is (kind is Kind.FROZEN)
