import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from edged.commission.asking import BadAnswer, Machine, Terminal
from edged.commission.keeping import Walk
from edged.commission.stage import Frozen, Stage, ended_in_order
from edged.commission.words import (
    Ask,
    Boots,
    Kind,
    Look,
    OrderLocker,
    Outcome,
    Release,
    Request,
    ResetFire,
    Script,
    Seen,
    Signal,
    Step,
    Thaw,
    Verdict,
    Watch,
)
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.settings.model import Settings
from tests.edged.cli.stage import Daemon
from tests.edged.commission.walks import settings
from tests.edged.fakes import NOON

QUESTION = Ask("lock/front/which", "Which?", ("front", "none"))


@pytest.fixture
def device(tmp_path: Path) -> Settings:
    return settings(tmp_path)


class Hands:
    """Does something when told to."""

    by = "kim"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.does: Callable[[], object] = lambda: None

    def ask(self, question: Ask) -> str:
        self.told.append(question.key)
        return "yes"

    def tell(self, task: Watch) -> None:
        self.told.append(task.key)
        self.does()

    def ended(self, step: Step, outcome: Outcome) -> None:
        self.told.append(f"{step.key} {outcome.verdict}")


@contextmanager
def daemon(folder: Path, doors: Mapping[str, str]) -> Iterator[Daemon]:
    """A daemon whose doors stand like this, now."""

    async def answer(said: Mapping[str, object]) -> Mapping[str, object]:
        alarms = [{"alarm": "FIRE"}] if "fire" in doors else []
        result = "OK" if "order" in said else ""
        told = {"alarms": alarms, "doors": dict(doors), "result": result}
        return {**told, "lockers": [], "more": False}

    with Daemon(folder / "control.sock", dict.fromkeys(set(Verb) - {Verb.WATCH}, answer)) as made:
        yield made


def stage(device: Settings, tmp_path: Path, hands: Hands) -> Stage:
    config = tmp_path / "edged.toml"
    walk = Walk.resume(device.state_dir, config, NOON, anew=False)
    return Stage(config, device, hands, walk, tmp_path / "computer")


def only(request: Request) -> Script:
    """A script of one request, whose reply is its outcome's reason."""
    reply = yield request
    return Outcome(Verdict.PASSED, json.dumps([reply.said, *reply.heard, dict(reply.open)]))


def played(on: Stage, request: Request) -> list[object]:
    found: list[object] = json.loads(on.play(only(request)).why)
    return found


def test_doors_that_nobody_sees_are_not_called_closed(device: Settings, tmp_path: Path) -> None:
    doors = {"front": "FORCED", "yard": "REST, not seen: no contact", "side": "RELEASED"}
    with daemon(tmp_path, doors):
        on = stage(device, tmp_path, Hands())
        assert played(on, Look()) == ["", {"front": True, "side": False}]
        assert played(on, Release("front"))[0] == "OK"


class Boards:
    """Three lockers, L1 alone on its page. `says`: "open" or "shut", at each look to come."""

    def __init__(self, *says: str, released: bool | None = None) -> None:
        self.says = list(says)
        self.released = released
        self.orders: list[Mapping[str, object]] = []

    async def show(self, said: Mapping[str, object]) -> Mapping[str, object]:
        if said["after"] == "L1":
            held = {"locker": "L2", "state": "IN_USE", "occupancy": "O1", "open": None}
            return {"lockers": [held, {"locker": "L3", "state": None, "open": None}], "more": False}
        now = self.says.pop(0) if self.says[1:] else self.says[0]
        new = {"state": "OUT_OF_ORDER", "occupancy": None, "open": now == "open"}
        return {"lockers": [{"locker": "L1", **new}], "more": True}

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        order = said["order"]
        assert isinstance(order, Mapping)
        self.orders.append(order)
        return {"result": "OK", "released": self.released}

    @contextmanager
    def serving(self, folder: Path) -> Iterator[None]:
        async def status(_: Mapping[str, object]) -> Mapping[str, object]:
            return {"doors": {}}

        handlers: dict[Verb, Handler] = dict.fromkeys(set(Verb) - {Verb.WATCH}, status)
        handlers |= {Verb.LOCKERS: self.show, Verb.LOCKER: self.order}
        with Daemon(folder / "control.sock", handlers):
            yield


def test_what_was_closed_just_now_is_seen_closed(device: Settings, tmp_path: Path) -> None:
    boards, seen = Boards("open", "shut"), dict[str, Seen]()

    def look() -> Script:
        seen.update((yield Look()).lockers)
        return Outcome(Verdict.PASSED, "")

    with boards.serving(tmp_path):
        stage(device, tmp_path, Hands()).play(look())
    assert seen == {
        "L1": Seen(free=False, held=False, open=False),
        "L2": Seen(free=False, held=True, open=None),
        "L3": Seen(free=False, held=True, open=None),  # nothing is known of it yet
    }


@pytest.mark.parametrize(
    ("boards", "said", "left"),
    [
        (Boards("shut", "shut", "open", "open", released=True), "OK", ["open"]),
        (Boards("shut", "open", released=False), "the board did not take it", ["open"]),
        (Boards("shut", "open"), "OK", ["open"]),
    ],
)
def test_a_locker_is_ordered_as_one_that_nobody_holds_and_its_board_is_waited_for(
    device: Settings, tmp_path: Path, boards: Boards, said: str, left: list[str]
) -> None:
    with boards.serving(tmp_path):
        on = stage(device, tmp_path, Hands())
        assert played(on, OrderLocker("L1", "staff_open"))[0] == said
    (order,) = boards.orders
    told = {"locker": "L1", "do": "staff_open", "staff": "kim", "occupancy": None}
    assert {**order, "command": ""} == {**told, "command": ""}
    assert boards.says == left


def test_a_contact_is_heard_of_by_the_door_whose_it_is(device: Settings, tmp_path: Path) -> None:
    doors, hands = {"front": "REST", "yard": "REST"}, Hands()
    hands.does = lambda: doors.update(yard="FORCED")
    with daemon(tmp_path, doors):
        on = stage(device, tmp_path, hands)
        task = Watch("contact/front/open", "Open front.", Signal.CONTACT, 10)
        assert played(on, task)[1:-1] == ["yard"]
        hands.does = lambda: None
        assert played(on, Watch("k", "Open it.", Signal.CONTACT, 0.05))[1:-1] == []


def test_a_door_is_waited_for_until_it_rests(device: Settings, tmp_path: Path) -> None:
    doors, hands = {"front": "RELEASED"}, Hands()
    hands.does = lambda: doors.update(front="REST")
    task = Watch("secure/front/rest", "Close it.", Signal.AT_REST, 10, "front")
    with daemon(tmp_path, doors):
        on = stage(device, tmp_path, hands)
        assert played(on, task)[1:-1] == ["front"]
        assert hands.told == ["secure/front/rest"]
        assert played(on, task)[1:-1] == ["front"]
        assert hands.told == ["secure/front/rest"]  # it rests already: nothing is asked for


def test_a_fire_is_waited_for(device: Settings, tmp_path: Path) -> None:
    doors, hands = {"front": "REST"}, Hands()
    with daemon(tmp_path, doors):
        on = stage(device, tmp_path, hands)
        assert played(on, Watch("k", "Fire.", Signal.FIRE, 0.05))[1:-1] == []
        hands.does = lambda: doors.update(fire="on")
        assert played(on, Watch("k", "Fire.", Signal.FIRE, 10))[1:-1] == ["fire"]
        assert played(on, ResetFire())[0] == "OK"


def test_buttons_and_codes_are_heard_of_by_whose_they_are(device: Settings, tmp_path: Path) -> None:
    with daemon(tmp_path, {}) as told:
        hands = Hands()
        on = stage(device, tmp_path, hands)
        button = {"event": "door", "kind": "exit_button", "door": "yard"}
        released = {"event": "released", "door": "front"}
        hands.does = lambda: list(map(told.tell, (released, button)))
        assert played(on, Watch("k", "Press.", Signal.BUTTON, 10))[1:-1] == ["yard"]
        hands.does = lambda: told.tell({"event": "refused", "device": "front-in"})
        assert played(on, Watch("k", "Show.", Signal.CODE, 10))[1:-1] == ["front-in"]
        hands.does = lambda: None
        assert played(on, Watch("k", "Show.", Signal.CODE, 0.05))[1:-1] == []


def test_a_daemon_is_waited_for(device: Settings, tmp_path: Path) -> None:
    hands = Hands()
    on = stage(device, tmp_path, hands)
    assert played(on, Watch("k", "Start it.", Signal.RUNNING, 0.05))[1:-1] == []
    assert hands.told == ["k"]
    with daemon(tmp_path, {}):
        assert played(on, Watch("k", "Start it.", Signal.RUNNING, 1))[1:-1] == ["daemon"]


def test_the_first_start_is_noted_and_another_is_told(device: Settings, tmp_path: Path) -> None:
    boot = tmp_path / "computer/proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("boot-1\n")
    assert played(stage(device, tmp_path, Hands()), Boots())[0] == "same"
    assert played(stage(device, tmp_path, Hands()), Boots())[0] == "same"
    boot.write_text("boot-2\n")
    assert played(stage(device, tmp_path, Hands()), Boots())[0] == "other"


def test_a_frozen_process_stands_and_goes_on() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        frozen = Frozen(child.pid)
        assert frozen.stands
        frozen.close()
        state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
        child.kill()
    assert state != "T"
    assert not frozen.stands  # it is no more


def test_a_process_that_can_not_be_frozen_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.commission.stage._STOPS", 0)  # nobody looks whether it stops
    with subprocess.Popen(["sleep", "60"]) as child:
        with pytest.raises(OSError, match="does not stop"):
            Frozen(child.pid)
        state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
        child.kill()
    assert state != "T"


def test_a_script_that_breaks_off_leaves_nothing_frozen(device: Settings, tmp_path: Path) -> None:
    on = stage(device, tmp_path, Hands())
    with subprocess.Popen(["sleep", "60"]) as child:
        frozen = on._frozen = Frozen(child.pid)

        def breaks() -> Script:
            yield Look()  # nobody answers
            raise AssertionError

        with pytest.raises(Exception, match="does not answer"):
            on.play(breaks())
        assert not frozen.stands
        child.kill()
    assert played(on, Thaw())[0] == "it was not"


def test_a_signal_ends_a_walk_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ended_in_order():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_machine_is_asked_and_answers_a_line_each() -> None:
    out = io.StringIO()
    answers = io.StringIO('{"key": "lock/front/which", "answer": "front"}\n')
    machine = Machine(answers, out)
    assert machine.ask(QUESTION) == "front"
    machine.tell(Watch("k", "Do it.", Signal.CODE, 3))
    machine.ended(Step(Kind.LOCK, "front"), Outcome(Verdict.PASSED, "seen"))
    asked, told, ended = map(json.loads, out.getvalue().splitlines())
    assert asked == {"ask": "lock/front/which", "text": "Which?", "choices": ["front", "none"]}
    assert told == {"do": "k", "text": "Do it.", "for_s": 3}
    assert ended == {"step": "lock/front", "verdict": "passed", "why": "seen"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "no more answers"),
        ("front\n", "an answer is"),
        ('{"key": "lock/front/which"}\n', "an answer is"),
        ('{"key": "x", "answer": "front"}\n', "another question"),
        ('{"key": "lock/front/which", "answer": "yard"}\n', "one of front, none"),
        ('{"key": "lock/front/which", "answer": 3}\n', "characters of text"),
        ("[" * 100_000, "an answer is"),
    ],
)
def test_an_answer_that_is_none_names_its_question(line: str, why: str) -> None:
    with pytest.raises(BadAnswer, match=f"lock/front/which: .*{why}"):
        Machine(io.StringIO(line), io.StringIO()).ask(QUESTION)


def test_a_person_may_type_the_beginning_and_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yard\n\nno\n\n  because\n"))
    person = Terminal()
    assert person.ask(QUESTION) == "none"
    assert person.ask(Ask("k", "Begin?", ("go", "skip"), "go")) == "go"  # ENTER alone
    assert person.ask(Ask("k", "Why?")) == "because"
    person.tell(Watch("k", "Press it.", Signal.BUTTON, 60))
    person.ended(Step(Kind.LOCK, "front"), Outcome(Verdict.FAILED, "no \x1b[2Jbolt"))
    shown = capsys.readouterr().out
    assert "Press it. (60 s)" in shown
    assert "no \\x1b[2Jbolt" in shown
