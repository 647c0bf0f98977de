"""drivers/eye/capture.py: newest wins, a lost camera comes back, nothing spins."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, pairwise
from threading import Event
from time import monotonic

import numpy as np
import pytest

from drivers.eye import limits
from drivers.eye.cameras import CameraLost, Pictures
from drivers.eye.capture import Capture, Sight
from drivers.eye.pictures import Frame

LONG_S = 60.0


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
    assert started.sight is Sight.NONE
    seeing = Script([picture(1)])
    started = capture(seeing)
    assert seeing.played.wait(LONG_S)
    assert started.sight is Sight.CLEAR
    monkeypatch.setattr(limits, "PICTURE_S", 0.0)
    assert started.sight.name == "NONE"


def test_a_frozen_camera_is_told_and_opened_again_until_its_picture_changes(
    capture: Callable[[Script], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FROZEN_S", 0.0)
    monkeypatch.setattr(limits, "PICTURE_S", LONG_S)
    script = Script([picture(1), picture(1), picture(2)], [picture(1)])
    started = capture(script)
    assert script.played.wait(LONG_S)
    assert len(script.opened_at) == 3
    assert len(script.reads_at) == 3  # the picture after the one that stood still is not read
    assert started.sight is Sight.FROZEN
    healed = Script([picture(1), picture(1)], [picture(1)], [picture(2)])
    started = capture(healed)
    assert healed.played.wait(LONG_S)
    assert started.sight is Sight.CLEAR


def test_a_picture_that_stands_still_for_less_is_no_frozen_camera(
    capture: Callable[[Script], Capture],
) -> None:
    script = Script([picture(1), picture(1), picture(1)])
    started = capture(script)
    assert script.played.wait(LONG_S)
    assert started.sight is Sight.CLEAR
    assert len(script.opened_at) == 1


def test_the_same_picture_is_handed_out_once(capture: Callable[[Script], Capture]) -> None:
    shown = Event()

    class Slow(Script):
        def __call__(self) -> Pictures:
            yield picture(1)
            assert shown.wait(LONG_S)
            yield from super().__call__()

    script = Slow([picture(1)])
    started = capture(script)
    assert started.newest(LONG_S) is not None
    shown.set()
    assert script.played.wait(LONG_S)
    assert started.newest(0.01) is None


def test_a_driver_that_hangs_does_not_pass_for_a_dark_room(
    capture: Callable[[Script], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([picture(1)])  # and then its read never comes back
    started = capture(script)
    assert script.played.wait(LONG_S)
    assert started.newest(LONG_S) is not None
    monkeypatch.setattr(limits, "CAMERA_HUNG_S", 0.0)
    with pytest.raises(RuntimeError, match="hangs"):
        all(started.newest(0.01) is None for _ in count())


def test_a_camera_that_is_away_does_not_pass_for_a_driver_that_hangs(
    capture: Callable[[Script], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REOPEN_S", LONG_S)
    script = Script([CameraLost("away")], [picture(1)])
    started = capture(script)
    while not script.released:
        assert started.newest(0.01) is None
    monkeypatch.setattr(limits, "CAMERA_HUNG_S", -1.0)
    assert started.newest(0.01) is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_reading_thread_does_not_pass_for_a_dark_room(
    capture: Callable[[Script], Capture],
) -> None:
    started = capture(Script([ZeroDivisionError()]))
    with pytest.raises(RuntimeError, match="ended"):
        all(started.newest(0.01) is None for _ in count())
