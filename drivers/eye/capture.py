"""The thread that only reads: the newest picture wins, a lost camera is opened again."""

import logging
from collections.abc import Callable
from contextlib import closing
from threading import Condition, Event, Thread
from time import monotonic
from typing import Self

import numpy as np

from drivers.eye import limits
from drivers.eye.cameras import CameraLost, Pictures
from drivers.eye.pictures import Frame

log = logging.getLogger("drivers.eye")


class Capture:
    """Reads a camera for as long as it is entered.

    A picture that was not fetched before the next one came is gone: decoding never lags
    behind what is before the camera.
    """

    def __init__(self, open_camera: Callable[[], Pictures]) -> None:
        self._open = open_camera
        self._stop = Event()
        self._fresh = Condition()
        self._frame: Frame | None = None
        self._last: Frame | None = None
        self._read_at = -limits.PICTURE_S
        self._changed_at = 0.0
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
            RuntimeError: the reading thread is no more, by a defect: nothing will ever come.
        """
        if not self._thread.is_alive():
            raise RuntimeError("the capture thread ended")
        with self._fresh:
            self._fresh.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    @property
    def sees(self) -> bool:
        """Whether a picture came within the last `PICTURE_S` seconds."""
        return monotonic() - self._read_at < limits.PICTURE_S

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
        misses = 0
        try:
            with closing(self._open()) as pictures:
                for frame in pictures:
                    if self._stop.is_set():
                        break
                    if frame is not None:
                        misses = 0
                        self._offer(frame)
                        continue
                    misses += 1
                    if misses >= limits.MISSES:
                        return "opens, but gives no picture"
                    self._stop.wait(limits.MISS_PAUSE_S)
        except CameraLost as lost:
            return str(lost)
        return "ended"

    def _offer(self, frame: Frame) -> None:
        if not self.sees:
            log.info("camera_sees: %d x %d", frame.shape[1], frame.shape[0])
        self._read_at = monotonic()
        self._watch_for_frozen(frame)
        with self._fresh:
            self._frame = frame
            self._fresh.notify()

    def _watch_for_frozen(self, frame: Frame) -> None:
        """Some drivers go on delivering the last picture of a dead camera."""
        if self._last is None or not np.array_equal(frame, self._last):
            if self._frozen:
                log.info("picture_moves_again")
            self._last, self._changed_at, self._frozen = frame, self._read_at, False
        elif not self._frozen and self._read_at - self._changed_at >= limits.FROZEN_S:
            log.warning("picture_frozen: the same for %.0f s", limits.FROZEN_S)
            self._frozen = True
