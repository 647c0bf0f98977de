"""Where steps are carried out: the daemon, its process, and the installer."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from edged.commission import doctor, limits
from edged.commission.asking import Installer
from edged.commission.keeping import Walk
from edged.commission.words import (
    Ask,
    Boots,
    Examine,
    Freeze,
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
    Thaw,
    Watch,
)
from edged.control import client
from edged.control.client import DaemonAbsent, DaemonUnreachable
from edged.control.wire import Verb
from edged.lockers import survey
from edged.settings.model import Settings
from policy.locker_model import LockerState

_CLOSED: Final = frozenset({"REST", "RELEASED"})
"""The phases of a door that is not open (edged/core/door_words.py)."""
_STOPS: Final = 500
"""Looks at a process that was told to stop: five seconds, and it needs none."""
_BOOT_ID: Final = Path("proc/sys/kernel/random/boot_id")


class Frozen:
    """The daemon's process, stopped where it stands until this is closed.

    Raises:
        OSError: It can't be stopped; it goes on.
    """

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(self._process, signal.SIGSTOP)
            self._wait()
        except BaseException:  # CTRL-C too
            self.close()
            raise

    def _wait(self) -> None:
        for _ in range(_STOPS):
            if self.stands:
                return
            time.sleep(0.01)
        raise OSError("it does not stop")

    @property
    def stands(self) -> bool:
        """Whether it is stopped; False as well when it is no more."""
        try:
            return self._stat.read_text(errors="replace").rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def close(self) -> None:
        """Let it go on."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGCONT)
        os.close(self._process)


class Stage:
    """Answers the requests of scripts.

    Args:
        config: The settings file, and what it says.
        settings: The same.
        installer: Who is asked.
        walk: Keeps before which start of the computer the power cut is to be.
        root: Where the computer's own files are.
    """

    def __init__(
        self, config: Path, settings: Settings, installer: Installer, walk: Walk, root: Path
    ) -> None:
        self._subject = doctor.Subject(config, settings, root)
        self._settings = settings
        self._socket = settings.control_socket
        self._installer = installer
        self._walk = walk
        self._frozen: Frozen | None = None

    def play(self, script: Script) -> Outcome:
        """Carry a script out to its end; however it ends, nothing is frozen after it.

        Raises:
            BadAnswer, NoAnswer: An answer was none, or there was none in time.
            DaemonUnreachable, ControlRefused: The daemon ended on the way, or refuses us.
        """
        reply: Reply | None = None
        try:
            while True:
                request = next(script) if reply is None else script.send(reply)
                reply = self._answer(request)
        except StopIteration as ended:
            outcome: Outcome = ended.value
            return outcome
        finally:
            self._thaw()

    def _answer(self, request: Request) -> Reply:
        match request:
            case Ask():
                return Reply(said=self._installer.ask(request))
            case Watch():
                return Reply(heard=self._watch(request))
            case Release() | ResetFire():
                return Reply(said=self._order(request))
            case Look():
                return Reply(open=self._doors(), lockers=self._lockers_at_rest())
            case Freeze():
                return Reply(said=self._freeze())
            case Thaw():
                return Reply(said=self._thaw())
            case OrderLocker():
                return Reply(said=self._order_locker(request))
            case Examine(check):
                return Reply(findings=tuple(doctor.look(check, self._subject)))
            case Boots():
                return Reply(said=self._boots())

    def _order(self, asked: Release | ResetFire) -> str:
        order = {"command": str(uuid.uuid4()), "by": self._installer.by, "do": "fire_reset"}
        if isinstance(asked, Release):
            order |= {"do": "open", "door": asked.door}
        return str(client.ask(self._socket, Verb.DOOR, order=order)["result"])

    def _phases(self) -> Mapping[str, str]:
        told = client.ask(self._socket, Verb.STATUS)["doors"]
        return told if isinstance(told, Mapping) else {}

    def _doors(self) -> Mapping[str, bool]:
        return {  # what nobody sees is said with more than its phase
            name: phase not in _CLOSED for name, phase in self._phases().items() if phase.isupper()
        }

    def _freeze(self) -> str:
        try:
            self._frozen = Frozen(client.daemon_pid(self._socket))
        except OSError as error:
            return str(error)
        return ""

    def _thaw(self) -> str:
        frozen, self._frozen = self._frozen, None
        if frozen is None:
            return "it was not"
        stood = frozen.stands
        frozen.close()
        return "" if stood else "it went on, or was started anew"

    def _lockers(self) -> Mapping[str, Seen]:
        found: dict[str, Seen] = {}
        after, more = "", True
        while more:
            page = client.ask(self._socket, Verb.LOCKERS, after=after)
            listed, more = page["lockers"], bool(page["more"])
            for one in listed if isinstance(listed, list) else ():
                after = str(one["locker"])
                held = one["state"] is None or one["occupancy"] is not None
                found[after] = Seen(one["state"] == LockerState.FREE, held, one["open"])
        return found

    def _order_locker(self, asked: OrderLocker) -> str:
        """Give the order; an occupancy of None makes it one for a locker that nobody holds."""
        before = self._open_lockers()
        order = {
            "command": str(uuid.uuid4()),
            "locker": asked.locker,
            "do": asked.do,
            "staff": self._installer.by,
            "occupancy": None,
        }
        told = client.ask(self._socket, Verb.LOCKER, order=order)
        if told["released"] is False:
            return "the board did not take it"
        if told["released"] and any(is_open is not None for is_open in before.values()):
            any(self._open_lockers() != before for _ in _looks(limits.OPENS_S))
        return str(told["result"])

    def _open_lockers(self) -> Mapping[str, bool | None]:
        return {name: seen.open for name, seen in self._lockers().items()}

    def _lockers_at_rest(self) -> Mapping[str, Seen]:
        """Look once the boards have said what was opened or closed just now."""
        seen = self._lockers()
        if any(one.open is not None for one in seen.values()):
            for _ in _looks(limits.OPENS_S):
                time.sleep(survey.SETTLE_S)
                before, seen = seen, self._lockers()
                if seen == before:
                    break
        return seen

    def _boots(self) -> str:
        now = (self._subject.root / _BOOT_ID).read_text().strip()
        if not self._walk.boot:
            self._walk.note_boot(now)
        return "same" if now == self._walk.boot else "other"

    def _watch(self, task: Watch) -> tuple[str, ...]:
        match task.signal:
            case Signal.RUNNING:
                return self._watch_daemon(task)
            case Signal.FIRE:
                self._installer.tell(task)
                return ("fire",) if any(self._burns() for _ in _looks(task.for_s)) else ()
            case Signal.AT_REST:
                return self._watch_rest(task)
            case Signal.CONTACT:
                before = self._doors()
                self._installer.tell(task)
                for _ in _looks(task.for_s):
                    now = self._doors()
                    if moved := tuple(sorted(n for n in now if now[n] is not before.get(n))):
                        return moved
                return ()
            case Signal.BUTTON:
                return self._hear(task, "door", lambda event: event.get("kind") == "exit_button")
            case Signal.CODE:
                codes = {"decided", "refused"}
                return self._hear(task, "device", lambda event: event.get("event") in codes)

    def _watch_daemon(self, task: Watch) -> tuple[str, ...]:
        if self._runs():
            return ("daemon",)
        self._installer.tell(task)
        return ("daemon",) if any(self._runs() for _ in _looks(task.for_s)) else ()

    def _burns(self) -> bool:
        alarms = client.ask(self._socket, Verb.STATUS)["alarms"]
        return isinstance(alarms, list) and any(one["alarm"] == "FIRE" for one in alarms)

    def _watch_rest(self, task: Watch) -> tuple[str, ...]:
        def rests() -> bool:
            return self._phases().get(task.door, "").partition(",")[0] == "REST"

        if not rests():
            self._installer.tell(task)
            if not any(rests() for _ in _looks(task.for_s)):
                return ()
        return (task.door,)

    def _runs(self) -> bool:
        try:
            client.ask(self._socket, Verb.STATUS)
        except DaemonAbsent:
            return False
        except DaemonUnreachable:
            return True  # it is there, and does not answer: it holds its devices
        return True

    def _hear(
        self, task: Watch, who: str, fits: Callable[[Mapping[str, object]], bool]
    ) -> tuple[str, ...]:
        """Wait for an event that fits, and say of whom it was."""
        with client.watched(self._socket) as next_within:
            self._installer.tell(task)
            until_s = time.monotonic() + task.for_s
            while (left_s := until_s - time.monotonic()) > 0:
                said = next_within(left_s)
                event = None if said is None else said.get("event")
                if isinstance(event, Mapping) and fits(event) and event.get(who):
                    return (str(event[who]),)
        return ()


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM end this process as CTRL-C does, so that nothing stays frozen."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _looks(for_s: float) -> Iterator[None]:
    """Give a moment to look at, and the next, for so long."""
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        yield
        time.sleep(limits.LOOK_S)
