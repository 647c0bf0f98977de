"""drivers/eye/capture.py: newest wins, a lost camera comes back, nothing spins."""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import count, pairwise
from threading import Event
from time import monotonic

import numpy as np
import pytest

from drivers.eye import limits
from drivers.eye.cameras import CameraLost, Pictures
from drivers.eye.capture import Capture
from drivers.eye.pictures import Frame

LONG_S = 20.0


def picture(brightness: int) -> Frame:
    return np.full((4, 4), brightness, np.uint8)


class Script:
    """A camera that plays one list of pictures for each time it is opened, then blocks."""

    def __init__(self, *takes: Sequence[Frame | Exception | None]) -> None:
        self._takes = list(takes)
        self.opened_at: list[float] = []
        self.reads_at: list[float] = []
        self.released = 0
        self.played = Event()
        self.end = Event()

    def __call__(self) -> Pictures:
        assert self.released == len(self.opened_at), "opened again before it was released"
        self.opened_at.append(monotonic())
        try:
            for step in self._takes.pop(0) if self._takes else []:
                self.reads_at.append(monotonic())
                if isinstance(step, Exception):
                    raise step
                yield step
            if not self._takes:
                self.played.set()
                self.end.wait(LONG_S)
        finally:
            self.released += 1


@pytest.fixture
def capture() -> Iterator[Callable[[Script], Capture]]:
    """Starts a Capture of a script, and ends both."""
    running: list[tuple[Capture, Script]] = []

    def start(script: Script) -> Capture:
        running.append((Capture(script).__enter__(), script))
        return running[-1][0]

    yield start
    for started, script in running:
        script.end.set()
        started.__exit__()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REOPEN_S", 0.01)
    monkeypatch.setattr(limits, "MISS_PAUSE_S", 0.005)


def test_the_newest_picture_wins(capture: Callable[[Script], Capture]) -> None:
    script = Script([picture(1), picture(2), picture(3)])
    started = capture(script)
    assert script.played.wait(LONG_S)
    newest = started.newest(LONG_S)
    assert newest is not None
    assert newest[0, 0] == 3
    assert started.newest(0.01) is None  # each picture is handed out once


def test_a_lost_camera_is_released_and_opened_again(capture: Callable[[Script], Capture]) -> None:
    script = Script([picture(1), CameraLost("unplugged")], [CameraLost("gone")], [picture(2)])
    started = capture(script)
    assert script.played.wait(LONG_S)
    newest = started.newest(LONG_S)
    assert newest is not None
    assert newest[0, 0] == 2
    assert script.released == 2


def test_reads_that_give_nothing_do_not_spin_and_end_in_a_reopening(
    capture: Callable[[Script], Capture],
) -> None:
    script = Script([None] * 1000, [picture(1)])
    capture(script)
    assert script.played.wait(LONG_S)
    reads = [at for at in script.reads_at if at < script.opened_at[1]]
    assert len(reads) == limits.MISSES
    assert reads[-1] - reads[0] >= (limits.MISSES - 1) * limits.MISS_PAUSE_S


def test_one_read_that_gives_nothing_is_nothing(capture: Callable[[Script], Capture]) -> None:
    script = Script([None, picture(1)] * limits.MISSES)
    capture(script)
    assert script.played.wait(LONG_S)
    assert len(script.opened_at) == 1


def test_the_wait_before_a_reopening_grows(
    capture: Callable[[Script], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REOPEN_MOST_S", 0.05)
    script = Script(*([CameraLost("absent")] for _ in range(5)), [picture(1)])
    capture(script)
    assert script.played.wait(LONG_S)
    at = script.opened_at
    waits = [later - earlier for earlier, later in pairwise(at)]
    floors = [0.01, 0.02, 0.04, 0.05, 0.05]
    assert all(wait >= floor for wait, floor in zip(waits, floors, strict=True))


def test_it_says_whether_pictures_come(
    capture: Callable[[Script], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PICTURE_S", LONG_S)
    blind = Script([])
    started = capture(blind)
    assert blind.played.wait(LONG_S)
    assert not started.sees
    seeing = Script([picture(1)])
    started = capture(seeing)
    assert seeing.played.wait(LONG_S)
    assert started.sees
    monkeypatch.setattr(limits, "PICTURE_S", 0.0)
    assert not started.sees


def test_a_frozen_picture_is_logged_once(
    capture: Callable[[Script], Capture],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(limits, "FROZEN_S", 0.0)
    script = Script([picture(1), picture(1), picture(1), picture(2)])
    capture(script)
    assert script.played.wait(LONG_S)
    said = [message.partition(":")[0] for message in caplog.messages]
    assert said == ["camera_sees", "picture_frozen", "picture_moves_again"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_reading_thread_does_not_pass_for_a_dark_room(
    capture: Callable[[Script], Capture],
) -> None:
    started = capture(Script([ZeroDivisionError()]))
    with pytest.raises(RuntimeError, match="ended"):
        all(started.newest(0.01) is None for _ in count())
