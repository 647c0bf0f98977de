"""The thread that only reads: the newest picture wins, a lost camera is opened again."""

import logging
from collections.abc import Callable
from contextlib import closing
from enum import Enum, auto
from threading import Condition, Event, Thread
from time import monotonic
from typing import Self

import numpy as np

from drivers.eye import limits
from drivers.eye.cameras import CameraLost, Pictures
from drivers.eye.pictures import Frame

log = logging.getLogger("drivers.eye")


class Sight(Enum):
    """How the camera does."""

    CLEAR = auto()
    NONE = auto()
    """No picture came for `PICTURE_S`."""
    FROZEN = auto()
    """Pictures come, and have been one and the same for `FROZEN_S`."""


class Capture:
    """Reads a camera for as long as it is entered.

    A picture that was not fetched before the next one came is gone: decoding never lags
    behind what is before the camera. A picture that is the one before, to the bit, is not handed
    out: nothing new can be in it, and a frozen camera shows a code to nobody.
    """

    def __init__(self, open_camera: Callable[[], Pictures]) -> None:
        self._open = open_camera
        self._stop = Event()
        self._fresh = Condition()
        self._frame: Frame | None = None
        self._last: Frame | None = None
        self._read_at = -limits.PICTURE_S
        self._asked_at: float | None = None
        self._frozen = False
        # A daemon thread: a driver that blocks in a read can't keep the process alive.
        self._thread = Thread(target=self._run, name="capture", daemon=True)

    def __enter__(self) -> Self:
        """Start reading."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading, without waiting for a camera that blocks."""
        self._stop.set()
        self._thread.join(limits.POLL_S)

    def newest(self, timeout_s: float) -> Frame | None:
        """The newest picture that was not fetched yet; None if none comes in time.

        Raises:
            RuntimeError: the reading thread is no more, by a defect, or hangs in the camera's
                driver: nothing will ever come.
        """
        if not self._thread.is_alive():
            raise RuntimeError("the capture thread ended")
        asked_at = self._asked_at
        if asked_at is not None and monotonic() - asked_at > limits.CAMERA_HUNG_S:
            raise RuntimeError("the camera's driver hangs")
        with self._fresh:
            self._fresh.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    @property
    def sight(self) -> Sight:
        """What the camera shows at this moment."""
        if monotonic() - self._read_at >= limits.PICTURE_S:
            return Sight.NONE
        return Sight.FROZEN if self._frozen else Sight.CLEAR

    def _run(self) -> None:
        pause_s = limits.REOPEN_S
        while not self._stop.is_set():
            before = self._read_at
            problem = self._read_until_lost()
            if self._stop.is_set():
                return
            if self._read_at > before:
                pause_s = limits.REOPEN_S
            log.warning("camera_lost: %.200r", problem)  # may quote a stranger: bounded, escaped
            self._stop.wait(pause_s)
            pause_s = min(2 * pause_s, limits.REOPEN_MOST_S)

    def _read_until_lost(self) -> str:
        """Read one opening of the camera to its end; return what ended it."""
        misses, frozen_at = 0, monotonic() + limits.FROZEN_S
        try:
            with closing(self._open()) as pictures:
                while not self._stop.is_set():
                    self._asked_at = monotonic()
                    frame = next(pictures)
                    self._asked_at = None
                    if frame is None:
                        misses += 1
                        if misses >= limits.MISSES:
                            return "opens, but gives no picture"
                        self._stop.wait(limits.MISS_PAUSE_S)
                        continue
                    misses = 0
                    if self._offer(frame):
                        frozen_at = self._read_at + limits.FROZEN_S
                    elif self._read_at >= frozen_at:
                        self._frozen = True
                        return f"frozen: the same picture for {limits.FROZEN_S:.0f} s"
        except CameraLost as lost:
            return str(lost)
        except StopIteration:
            pass
        finally:
            self._asked_at = None
        return "ended"

    def _offer(self, frame: Frame) -> bool:
        """Take a picture; say whether it is a new one."""
        first = self.sight is Sight.NONE
        self._read_at = monotonic()
        if self._last is not None and np.array_equal(frame, self._last):
            return False
        if first or self._frozen:
            log.info("camera_sees: %d x %d", frame.shape[1], frame.shape[0])
        self._last, self._frozen = frame, False
        with self._fresh:
            self._frame = frame
            self._fresh.notify()
        return True
