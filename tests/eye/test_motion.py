"""drivers/eye/motion.py"""

import numpy as np

from drivers.eye.motion import HOLD_FRAMES, MotionGate
from tests.eye.scenes import before_camera, code, noisy, text

EMPTY = np.full((480, 640), 110, np.uint8)
PHONE = before_camera(code(text(), 4))


def still(gate: MotionGate, frames: int) -> list[bool]:
    return [gate.open_for(noisy(EMPTY, 4, seed)) for seed in range(frames)]


def test_the_gate_is_open_at_first_and_closes_before_a_still_scene() -> None:
    seen = still(MotionGate(), 40)
    assert seen[0]
    assert not any(seen[HOLD_FRAMES:])


def test_a_phone_opens_it_at_once_and_it_stays_open_for_a_while() -> None:
    gate = MotionGate()
    still(gate, 20)
    assert gate.open_for(PHONE)
    assert still(gate, 12) == [True] * (HOLD_FRAMES - 1) + [False] * (13 - HOLD_FRAMES)


def test_what_stays_becomes_the_background() -> None:
    gate = MotionGate()
    still(gate, 20)
    seen = [gate.open_for(PHONE) for _ in range(300)]
    assert all(seen[:45])  # three seconds at 15 a second: nobody holds a phone for longer
    assert not any(seen[-60:])


def test_a_camera_that_changes_its_size_is_no_error() -> None:
    gate = MotionGate()
    gate.open_for(EMPTY)
    assert isinstance(gate.open_for(np.zeros((720, 1280), np.uint8)), bool)
