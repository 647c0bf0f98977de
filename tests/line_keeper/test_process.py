"""The keeper as a process, from the other end of its wire and at its pins."""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from drivers.line_keeper import limits
from drivers.line_keeper.keeper import FireInput
from drivers.line_keeper.latch import Latch
from drivers.line_keeper.protocol import Sense
from tests.drivers.header import PINS, SLOTS, PinBoard
from tests.drivers.rigs import until

ALIVE, CLAIM, PULSE, END, HOLD, _, WATCH, FIRE, RESET = range(1, 10)
STRIKE, MAGNET, INPUT = 17, 18, 22
DONE, UNKNOWN_LINE, STALE, NOT_RESET, FAILED = range(5)
ACTIVE, LATCHED = 1, 2


class Wire:
    """A daemon that says what a test tells it to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = folder / "lines"
        self.latch = folder / "fire-latch"
        self.end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.end.settimeout(60)
        board = folder / "pins"
        with theirs:
            self.process = subprocess.Popen(
                [*PROGRAM, "serve", str(theirs.fileno()), f"sim:{board}", self.latch, self.plan],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
            )
        self._number = 0

    def ask(self, kind: int, line: int = 0, a: int = 0, b: int = 0, age_ms: int = 0) -> int:
        """Give an order and return its result."""
        self._number += 1
        asked_ms = time.monotonic_ns() // 1_000_000 - age_ms
        self.end.send(struct.pack("<2sBBIIIQ", b"LK", kind, line, self._number, a, b, asked_ms))
        while True:
            result, number = self.hear()
            if number == self._number:
                return result

    def hear(self) -> tuple[int, int]:
        magic, result, self.fire, number = struct.unpack("<2sBBI", self.end.recv(64))
        assert magic == b"LK"
        return result, number

    def ended(self) -> int:
        """Wait for the keeper's end and give its status."""
        return self.process.wait(60)

    def close(self) -> None:
        self.end.close()
        self.process.kill()
        self.process.communicate()


PROGRAM = [sys.executable, "-P", "-m", "drivers.line_keeper"]


@pytest.fixture
def board(tmp_path: Path) -> PinBoard:
    return PinBoard(tmp_path / "pins")


@pytest.fixture
def wire(board: PinBoard) -> Iterator[Wire]:
    wire = Wire(board.path.parent)
    assert wire.ask(ALIVE) == DONE  # it has begun: an order that waits for that would get stale
    yield wire
    wire.close()


@pytest.fixture
def busy(wire: Wire, board: PinBoard) -> Wire:
    """A keeper with a strike released and a magnet held, both at their lines' high level."""
    assert wire.ask(CLAIM, STRIKE, 1) == DONE
    assert wire.ask(CLAIM, MAGNET, 2) == DONE
    assert wire.ask(PULSE, STRIKE, 60_000) == DONE
    assert wire.ask(HOLD, MAGNET, 3_000) == DONE
    assert at(board) == (True, True)
    return wire


def at(board: PinBoard) -> tuple[bool, bool]:
    return board.level(STRIKE), board.level(MAGNET)


def test_a_daemon_that_hangs_up_leaves_the_lines_at_rest(busy: Wire, board: PinBoard) -> None:
    busy.end.close()
    assert busy.ended() == 0
    assert at(board) == (False, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_keeper_that_is_asked_to_end_ends_at_rest(
    busy: Wire, board: PinBoard, number: signal.Signals
) -> None:
    for _ in range(3):  # whoever insists does not interrupt the way to rest
        busy.process.send_signal(number)
    assert busy.ended() == 0
    assert at(board) == (False, False)


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"unlock", bytes(24), bytes(500), struct.pack("<2sBBIIIQ", b"LK", 3, 17, 1, 5, 0, 2**60)],
)
def test_nonsense_ends_it_at_rest(busy: Wire, board: PinBoard, nonsense: bytes) -> None:
    busy.end.send(nonsense)
    assert busy.ended() == (2 if nonsense else 0)
    assert at(board) == (False, False)


async def test_silence_brings_a_long_pulse_and_a_hold_to_rest(busy: Wire, board: PinBoard) -> None:
    await until(lambda: at(board) == (False, False))
    (on, _), (off, _) = board.changes(STRIKE)
    assert limits.SILENCE_MS / 1000 - 0.1 < off - on < 30  # long before its own minute is over
    assert busy.ask(ALIVE) == DONE
    assert at(board) == (False, False)
    assert busy.ask(HOLD, MAGNET, 3_000) == DONE
    assert board.level(MAGNET)


def test_a_pulse_is_at_the_line_when_it_is_answered(wire: Wire, board: PinBoard) -> None:
    assert wire.ask(CLAIM, STRIKE, 1) == DONE
    for _ in range(20):
        assert wire.ask(PULSE, STRIKE, 60_000) == DONE
        assert board.level(STRIKE)
        assert wire.ask(END, STRIKE) == DONE
        assert not board.level(STRIKE)


def test_a_stale_order_and_a_strange_line_move_nothing(wire: Wire, board: PinBoard) -> None:
    assert wire.ask(PULSE, STRIKE, 5_000) == UNKNOWN_LINE
    assert wire.ask(CLAIM, STRIKE, 1) == DONE
    assert wire.ask(PULSE, STRIKE, 5_000, age_ms=1_500) == STALE
    assert wire.ask(HOLD, STRIKE, 3_000) == UNKNOWN_LINE
    assert wire.ask(CLAIM, STRIKE, 2) == UNKNOWN_LINE
    assert board.changes(STRIKE) == []


def test_a_keeper_that_was_stopped_carries_out_nothing_old(busy: Wire, board: PinBoard) -> None:
    assert busy.ask(END, STRIKE) == DONE
    before = board.changes(STRIKE)
    busy.process.send_signal(signal.SIGSTOP)
    aged = time.monotonic_ns() // 1_000_000 - limits.ORDER_AGE_MS - 1
    busy.end.send(struct.pack("<2sBBIIIQ", b"LK", PULSE, STRIKE, 99, 5_000, 0, aged))
    busy.process.send_signal(signal.SIGCONT)
    assert busy.hear() == (STALE, 99)
    assert board.changes(STRIKE) == before


def test_a_line_that_rests_high_is_high_from_its_first_moment(wire: Wire, board: PinBoard) -> None:
    assert wire.ask(CLAIM, STRIKE, 1, 1) == DONE
    assert [level for _, level in board.changes(STRIKE)] == [True]


def test_a_line_that_is_claimed_again_is_at_rest_at_once(busy: Wire, board: PinBoard) -> None:
    assert busy.ask(CLAIM, STRIKE, 1) == DONE
    assert busy.ask(CLAIM, MAGNET, 2) == DONE
    assert at(board) == (False, False)


def test_a_line_of_somebody_else_is_not_taken(wire: Wire, board: PinBoard) -> None:
    with board.path.open("r+b") as other:
        fcntl.lockf(other, fcntl.LOCK_EX, 8, STRIKE * SLOTS * 8)
        assert wire.ask(CLAIM, STRIKE, 1) == FAILED
        assert wire.ask(WATCH, STRIKE) == FAILED
    assert wire.ask(CLAIM, STRIKE, 1) == DONE


async def test_fire_takes_the_power_from_magnets_and_stays(busy: Wire, board: PinBoard) -> None:
    board.drive(INPUT, level=False)
    assert busy.ask(WATCH, INPUT, 250, 2) == DONE
    board.drive(INPUT, level=True)  # the loop is cut
    await until(lambda: not board.level(MAGNET))
    assert board.level(STRIKE)  # which lets somebody out
    busy.hear()
    assert busy.fire == ACTIVE | LATCHED
    assert busy.latch.exists()
    assert busy.ask(RESET) == NOT_RESET
    board.drive(INPUT, level=False)
    while busy.fire != LATCHED:
        busy.hear()
    assert busy.ask(HOLD, MAGNET, 3_000) == DONE
    assert not board.level(MAGNET)
    assert busy.ask(RESET) == DONE
    assert board.level(MAGNET)
    assert not busy.latch.exists()


@pytest.mark.threat("J2")
@pytest.mark.parametrize("level", [True, False])
def test_a_fire_is_not_reset_before_its_input_has_shown_that_it_is_over(
    busy: Wire, board: PinBoard, *, level: bool
) -> None:
    """A keeper that has just begun has not seen yet whether the level lasts."""
    board.drive(INPUT, level=level)
    assert busy.ask(FIRE) == DONE
    assert busy.ask(WATCH, INPUT, 2_000, 2) == DONE
    assert busy.fire == LATCHED  # that the loop is cut does not count yet
    assert busy.ask(RESET) == (NOT_RESET if level else DONE)
    assert busy.latch.exists() is level
    assert board.level(MAGNET) is not level


@pytest.mark.threat("J3")
def test_a_level_counts_when_it_has_lasted() -> None:
    fire = FireInput(INPUT, Sense.PULL_UP, 250)
    seen = [(0, False), (10, True), (250, False), (260, True), (509, True), (510, True)]
    active = []
    for at_ms, level in seen:
        fire.look(level, at_ms)
        active.append(fire.active)
    assert active == [False] * 5 + [True]
    for at_ms, level in [(600, False), (849, False), (849, True), (850, False), (1_099, False)]:
        fire.look(level, at_ms)
        assert fire.active
    fire.look(level=False, at_ms=1_100)
    assert not fire.active


def test_the_latch_outlives_the_keeper(busy: Wire, board: PinBoard) -> None:
    assert busy.ask(FIRE) == DONE
    assert not board.level(MAGNET)
    busy.process.kill()
    busy.ended()
    again = Wire(busy.folder)
    try:
        assert again.ask(CLAIM, MAGNET, 2) == DONE
        assert again.fire == LATCHED
        assert again.ask(HOLD, MAGNET, 3_000) == DONE
        assert not board.level(MAGNET)
    finally:
        again.close()


async def test_a_latch_that_cant_be_written_holds_and_is_tried_again(
    busy: Wire, board: PinBoard
) -> None:
    busy.latch.mkdir()
    assert busy.ask(FIRE) == DONE
    assert not board.level(MAGNET)
    assert busy.ask(RESET) == NOT_RESET
    busy.latch.rmdir()
    await until(lambda: busy.ask(ALIVE) == DONE and busy.latch.is_file())


def test_a_card_that_hangs_holds_no_pulse_up(busy: Wire, board: PinBoard) -> None:
    os.mkfifo(busy.latch)  # whoever opens it to write waits for a reader
    assert busy.ask(FIRE) == DONE
    assert at(board) == (True, False)
    assert busy.ask(RESET) == NOT_RESET
    assert busy.ask(END, STRIKE) == DONE
    assert not board.level(STRIKE)
    busy.end.close()
    assert busy.ended() == 0


class SlowCard(Latch):
    """A latch on a card whose syncs wait for `done`."""

    def __init__(self, path: Path) -> None:
        self.done = Event()
        self.done.set()
        super().__init__(path)

    def _sync_folder(self) -> None:
        assert self.done.wait(60)
        super()._sync_folder()

    def has_worked(self) -> None:
        """Wait for what is under way."""
        assert self._worker is not None
        self._worker.join(60)


def test_a_reset_that_was_refused_and_reaches_the_card_late_takes_no_latch_away(
    tmp_path: Path,
) -> None:
    latch = SlowCard(tmp_path / "fire-latch")
    latch.is_set = True
    latch.keep(0)
    latch.has_worked()
    latch.done.clear()
    assert not latch.reset()
    latch.done.set()
    latch.has_worked()
    latch.keep(limits.LATCH_RETRY_MS)
    latch.has_worked()
    assert (latch.is_set, (tmp_path / "fire-latch").exists()) == (True, True)


def test_a_latch_that_cant_be_looked_at_is_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Latch(tmp_path / "file" / "fire-latch").is_set
    assert not Latch(tmp_path / "fire-latch").is_set


def rest(plan: Path) -> int:
    return subprocess.run([*PROGRAM, "rest", str(plan)], check=False, timeout=60).returncode


def test_after_a_kill_the_lines_stay_until_the_command_rests_them(
    busy: Wire, board: PinBoard
) -> None:
    assert busy.ask(CLAIM, 19, 3, 1) == DONE
    busy.process.kill()
    busy.ended()
    assert at(board) == (True, True)
    board.drive(19, level=False)
    for _ in range(2):
        assert rest(busy.plan) == 0
        assert at(board) == (False, False)
        assert board.level(19)


def test_without_a_plan_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert rest(tmp_path / "lines") == 0


@pytest.mark.parametrize(
    "text", ["", "sim:/nowhere\n17 0\n", "magic\n17 0\n", "x\n99 0\n", "x\n17\n"]
)
def test_a_plan_that_cant_be_carried_out_is_told(tmp_path: Path, text: str) -> None:
    plan = tmp_path / "lines"
    plan.write_text(text)
    assert rest(plan) == 1


def test_one_line_that_cant_be_had_keeps_no_other(busy: Wire, board: PinBoard) -> None:
    busy.process.kill()
    busy.ended()
    with board.path.open("r+b") as other:
        fcntl.lockf(other, fcntl.LOCK_EX, 8, STRIKE * SLOTS * 8)
        assert rest(busy.plan) == 1
    assert at(board) == (True, False)


@pytest.mark.parametrize("arguments", [[], ["serve"], ["serve", "x", "a", "b", "c"], ["unlock"]])
def test_another_command_line_is_refused(arguments: list[str]) -> None:
    done = subprocess.run([*PROGRAM, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "rest PLAN" in done.stderr


def test_pins_that_are_not_there_end_it(tmp_path: Path) -> None:
    (tmp_path / "pins").write_bytes(bytes(PINS))
    wire = Wire(tmp_path)
    try:
        assert wire.ended() == 1
    finally:
        wire.close()


def test_it_imports_little() -> None:
    look = "import sys, drivers.line_keeper.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    heavy = {"asyncio", "pydantic", "structlog", "gpiozero", "lgpio", "argparse", "logging"}
    assert heavy & set(done.stdout.split()) == set()
