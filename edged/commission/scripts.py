"""The steps as machines: what each asks of the world, and what it makes of the replies. Pure.

Whatever is replied, a script ends; and whoever froze the daemon thaws it before it ends.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Final

from edged.commission import limits, plan
from edged.commission.findings import Grade
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
    Script,
    Seen,
    Signal,
    Step,
    Thaw,
    Verdict,
    Watch,
)
from edged.settings.model import LockType, Settings

_NO_REST: Final = "the door does not come to rest: look at its contact, and close it"
_YES, _NO, _NONE, _GO, _SKIP = "yes", "no", "none", "go", "skip"


def begin(step: Step, settings: Settings) -> Script:
    """Make the machine of a step, which begins by asking whether it is to be skipped, and why."""
    if step.kind is Kind.CHECK:
        yield from _running(step)
        return (yield from _check(step))
    text = f"{_TITLES[step.kind]}: {step.subject}. {_BEFORE[step.kind]}".rstrip()
    if (yield Ask(f"{step.key}/begin", text, (_GO, _SKIP), _GO)).said == _SKIP:
        why = (yield Ask(f"{step.key}/why", "Why is it skipped?")).said
        return Outcome(Verdict.SKIPPED, why or "no reason was given")
    if not (yield from _running(step)):
        return _failed("the daemon does not answer: systemctl start edged")
    if step.kind in _AT_REST and not (yield from _rests(step)):
        return _failed(_NO_REST)
    return (yield from _SCRIPTS[step.kind](step, settings))


def _running(step: Step) -> Generator[Request, Reply, bool]:
    key, text = f"{step.key}/running", "Start the daemon: systemctl start edged"
    return bool((yield Watch(key, text, Signal.RUNNING, limits.DAEMON_S)).heard)


def _rests(step: Step) -> Generator[Request, Reply, bool]:
    door, wait = step.subject, limits.INSTALLER_S
    text = f"Close {door}, and let it lock."
    return bool((yield Watch(f"{step.key}/rest", text, Signal.AT_REST, wait, door)).heard)


def _passed(why: str) -> Outcome:
    return Outcome(Verdict.PASSED, why)


def _failed(why: str) -> Outcome:
    return Outcome(Verdict.FAILED, why)


def _check(step: Step) -> Script:
    found = (yield Examine(step.subject)).findings
    bad = [f"{one.said} ({one.todo})" for one in found if one.grade is Grade.FAIL]
    said = "; ".join(one.said for one in found)
    return _failed("; ".join(bad)) if bad or not found else _passed(said)


def _board(step: Step, settings: Settings) -> Script:
    board = plan.boards(settings)[step.subject]
    name = board.locker
    before = (yield Look()).lockers
    if name not in before:
        return _failed(f"the daemon has no locker {name}")
    if held := sorted(other for other, seen in before.items() if seen.held):
        # Wires, addresses or ports may be swapped: any of them may open in its place.
        return _failed(f"lockers may be in use ({', '.join(held)}): once more when none is")
    free = before[name].free
    if free:  # so that nobody is given it meanwhile
        said = (yield OrderLocker(name, "set_aside")).said
        if said != "OK":
            return _failed(f"{name} can't be set aside: {said}")
    said = (yield OrderLocker(name, "staff_open")).said
    if said != "OK":
        return _failed(f"the order was not taken: {said}")
    after = (yield Look()).lockers
    text = f"{name} was ordered to open: which locker did?"
    opened = (yield Ask(f"{step.key}/which", text, (name, "another", _NONE))).said
    outcome = _opened(board, opened, before, after)
    if free and outcome.verdict is Verdict.PASSED:
        text = f"Close {name}, which was free: is it empty?"
        if (yield Ask(f"{step.key}/empty", text, (_YES, _NO))).said == _YES:
            yield OrderLocker(name, "confirm_empty")
    return outcome


def _opened(
    board: plan.Board, opened: str, before: Mapping[str, Seen], after: Mapping[str, Seen]
) -> Outcome:
    """Judge by one locker that was seen to open what its bit means."""
    name = board.locker
    if opened == _NONE:
        return _failed(f"{name} did not open: look at its wire and at the board's supply")
    if opened != name:
        return _failed(f"another locker than {name} opened: wires or numbers are swapped")
    if not board.tells:
        return _passed("it opened; this board says nothing of its doors")
    moved = {one for one in before if one in after and before[one].open is not after[one].open}
    seen = sorted(one for one in moved if one == name or after[one].open)  # others may be closed
    if seen != [name]:
        said = ", ".join(seen) or "none"
        return _failed(f"{name} opened, and what the boards saw move is {said}")
    if not before[name].open:
        return _passed("it opened, and its board said so")
    if board.closed_bit is None:
        return _failed(f"its board says that {name} is open while it is closed")
    return _failed(f"the polarity is wrong: hook_closed_bit = {1 - board.closed_bit}")


def _lock(step: Step, settings: Settings) -> Script:
    door = step.subject
    said = (yield Release(door)).said
    if said != "OK":
        return _failed(f"the order was not taken: {said}")
    text = f"The lock of {door} was ordered to let go: which door's did?"
    moved = (yield Ask(f"{step.key}/which", text, (*settings.doors, _NONE))).said
    if moved == door:
        return _passed("its bolt moved")
    if moved == _NONE:
        return _failed("no bolt moved: look at the relay, the wire and the lock's supply")
    return _failed(f"the bolt of {moved} moved: the locks of {door} and {moved} are swapped")


def _secure(step: Step, _: Settings) -> Script:
    text = f"Pull {step.subject} from outside, as it is: does it stay shut?"
    if (yield Ask(f"{step.key}/shut", text, (_YES, _NO))).said == _YES:
        return _passed("it stays shut")
    return _failed("it opens although nobody was let in: active_low, the lock's type or its supply")


def _contact(step: Step, _: Settings) -> Script:
    door = step.subject
    seen = (yield Look()).open
    if door not in seen:
        return _failed("its contact says nothing: look at its wire")
    if seen[door]:
        return _failed("it says open while the door is closed: the contact is the wrong way round")
    if not (yield from _rests(step)):
        return _failed(_NO_REST)
    said = (yield Release(door)).said
    if said != "OK":
        return _failed(f"the order was not taken: {said}")
    wait = limits.INSTALLER_S
    heard = (yield Watch(f"{step.key}/open", f"Open {door}.", Signal.CONTACT, wait)).heard
    if not heard:
        return _failed("it was not heard when the door was opened: look at its wire")
    told = yield Watch(f"{step.key}/close", f"Close {door}.", Signal.CONTACT, wait)
    if heard != (door,):
        return _failed(f"the contact of {', '.join(heard)} moved: it is swapped with this one")
    if told.heard != (door,):
        return _failed("it was not heard when the door was closed")
    return _passed("it said when the door opened and when it closed")


def _button(step: Step, _: Settings) -> Script:
    door, text = step.subject, f"Press the exit button of {step.subject}."
    heard = (yield Watch(f"{step.key}/press", text, Signal.BUTTON, limits.INSTALLER_S)).heard
    if not heard:
        return _failed("it was not heard: look at its wire, and at normally")
    if heard != (door,):
        return _failed(f"the button of {', '.join(heard)} was heard: it is swapped with this one")
    text = f"Does {door} open from inside now?"
    if (yield Ask(f"{step.key}/open", text, (_YES, _NO))).said == _YES:
        return _passed("it was heard, and the door opened")
    return _failed("it was heard, and the door did not open")


def _frozen(step: Step, settings: Settings) -> Script:
    door, way = step.subject, plan.way_out(settings.doors[step.subject])
    problem = (yield Freeze()).said
    if problem:
        return _failed(f"the daemon could not be frozen: {problem}")
    text = (
        f"The daemon is frozen. Within {limits.FROZEN_S} s, get out at {door} {way}: did it open?"
    )
    asked = Ask(f"{step.key}/out", text, (_YES, _NO), within_s=limits.FROZEN_S)
    opened = (yield asked).said == _YES
    problem = (yield Thaw()).said
    if not opened:
        return _failed("nobody gets out without the daemon: wire the way out in hardware")
    if problem:
        return _failed(f"the daemon was not frozen until the answer: {problem}; once more, quicker")
    return _passed(f"the door opened from inside {way} while the daemon was frozen")


def _dark(step: Step, settings: Settings) -> Script:
    door, way = step.subject, plan.way_out(settings.doors[step.subject])
    text = (
        f"Take the power from this device and from the lock of {door}, get out {way}, and give the"
        f" power back (if this ends with it, begin again). Did {door} open?"
    )
    if (yield Ask(f"{step.key}/out", text, (_YES, _NO))).said == _YES:
        return _passed(f"the door opened from inside {way} while the power was off")
    return _failed("nobody gets out without power: wire the way out in hardware")


def _reader(step: Step, _: Settings) -> Script:
    reader, text = step.subject, f"Show a code to {step.subject}; whose does not matter."
    heard = (yield Watch(f"{step.key}/show", text, Signal.CODE, limits.INSTALLER_S)).heard
    if heard == (reader,):
        return _passed("it read a code")
    if heard:
        return _failed(f"{', '.join(heard)} read it: the two are swapped")
    return _failed("it read nothing: look at its plug, and at edged readers detect --watch")


def _fire(step: Step, settings: Settings) -> Script:
    text, wait = "Have the fire panel give fire.", limits.INSTALLER_S
    if not (yield Watch(f"{step.key}/fire", text, Signal.FIRE, wait)).heard:
        return _failed("it was not heard: look at its wire, and at normally")
    magnets = [name for name, door in settings.doors.items() if door.type is LockType.MAGNET]
    let_go = _YES
    if magnets:
        text = f"Does every magnet let go ({', '.join(magnets)})?"
        let_go = (yield Ask(f"{step.key}/magnets", text, (_YES, _NO))).said
    yield Ask(f"{step.key}/over", "Reset the fire panel. Is it done?", (_YES,))
    said = (yield ResetFire()).said
    if let_go != _YES:
        return _failed("a magnet holds while there is a fire: wire the panel into its supply")
    if said != "OK":
        return _failed(f"the fire can't be reset: {said}")
    return _passed("it was heard, every magnet let go, and it could be reset")


def _power_cut(step: Step, _: Settings) -> Script:
    if (yield Boots()).said == "same":
        text = (
            "Pull the plug of this device, put it back, and begin again when it is up:"
            " edged commission. Is it done?"
        )
        yield Ask(f"{step.key}/cut", text, (_YES,))
        if (yield Boots()).said == "same":
            return _failed("there was no power cut: the computer was not started anew")
    found = (yield Examine("journal")).findings
    if not found or any(one.grade is Grade.FAIL for one in found):
        return _failed("; ".join(one.said for one in found) or "the audit was not looked at")
    return _passed(f"it came back by itself; {found[0].said}")


_SCRIPTS: Final[Mapping[Kind, Callable[[Step, Settings], Script]]] = {
    Kind.BOARD: _board,
    Kind.LOCK: _lock,
    Kind.SECURE: _secure,
    Kind.CONTACT: _contact,
    Kind.BUTTON: _button,
    Kind.FROZEN: _frozen,
    Kind.DARK: _dark,
    Kind.READER: _reader,
    Kind.FIRE: _fire,
    Kind.POWER_CUT: _power_cut,
}
_TITLES: Final[Mapping[Kind, str]] = {
    Kind.BOARD: "Locker board",
    Kind.LOCK: "Lock",
    Kind.SECURE: "Shut",
    Kind.CONTACT: "Contact",
    Kind.BUTTON: "Exit button",
    Kind.FROZEN: "Way out without the daemon",
    Kind.DARK: "Way out without power",
    Kind.READER: "Reader",
    Kind.FIRE: "Fire",
    Kind.POWER_CUT: "Power cut",
}
_AT_REST: Final = frozenset({Kind.SECURE, Kind.BUTTON, Kind.FROZEN, Kind.DARK})
"""Steps that prove nothing at a door that is still released."""
_AT_THE_DOOR: Final = "Stand there, with the door closed."
_BEFORE: Final[Mapping[Kind, str]] = {
    Kind.BOARD: "Close all its lockers; one will open.",
    Kind.LOCK: _AT_THE_DOOR,
    Kind.SECURE: _AT_THE_DOOR,
    Kind.CONTACT: f"{_AT_THE_DOOR} It will be let go once: open it then.",
    Kind.BUTTON: "Go inside, with the door closed.",
    Kind.FROZEN: "Go inside, with the door closed; nobody comes in meanwhile.",
    Kind.DARK: "Go inside, with the door closed.",
    Kind.READER: "Have any code at hand.",
    Kind.FIRE: "Tell everybody that it is a test.",
    Kind.POWER_CUT: "Pull the plug, without stopping anything before.",
}
