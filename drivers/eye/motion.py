"""Motion gate: says when a second look at a picture is worth its time."""

import cv2
import numpy as np
import numpy.typing as npt

from drivers.eye.pictures import Frame, thumbnail

WIDTH, HEIGHT = 80, 60
LEARN = 0.02
"""Share of each picture that goes into the background: a lasting change is learnt in seconds."""
LEVELS = 12
"""Difference in brightness that counts as changed, of 255: above a sensor's averaged noise."""
CHANGED = 0.01
"""Share of the thumbnail that has to change: a phone at arm's length covers far more."""
HOLD_FRAMES = 8
"""Pictures that the gate stays open after the last change: a hand that holds still."""


class MotionGate:
    """Compares each picture with a slow background. Opens at the first picture."""

    def __init__(self) -> None:
        self._background: npt.NDArray[np.float32] | None = None
        self._left = 0

    def open_for(self, frame: Frame) -> bool:
        """Take the next picture; say whether something moves or moved just now."""
        small = thumbnail(frame, WIDTH, HEIGHT)
        if self._background is None:
            self._background = small.astype(np.float32)
            self._left = HOLD_FRAMES
        change = cv2.absdiff(small, cv2.convertScaleAbs(self._background))
        cv2.accumulateWeighted(small, self._background, LEARN)
        if np.count_nonzero(change > LEVELS) > CHANGED * change.size:
            self._left = HOLD_FRAMES
        else:
            self._left = max(0, self._left - 1)
        return self._left > 0
