"""drivers/eye/cameras.py: a camera at the board's connector, by a program that writes frames.

`rpicam-vid` is not here: a program of its name writes the same bytes.
"""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from drivers.eye import limits
from drivers.eye.cameras import CameraLost, source

WIDTH, HEIGHT = limits.CAMERA_SIZE
FRAME = """
import os, sys, time
def frame(y, size=640 * 480):
    sys.stdout.buffer.write(bytes([y]) * size + bytes([128]) * (size // 2))
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def rpicam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a `rpicam-vid` that runs a few lines of Python."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(lines: str) -> None:
        program = tmp_path / "rpicam-vid"
        program.write_text(f"#!{sys.executable}\n{FRAME}{lines}\n")
        program.chmod(0o755)

    return make


def test_each_frame_gives_its_y(rpicam: Callable[[str], None]) -> None:
    rpicam("frame(1)\nframe(2)\nframe(3)\ntime.sleep(60)")
    with closing(source("csi:0")()) as pictures:
        for level in (1, 2, 3):
            picture = next(pictures)
            assert picture is not None
            assert picture.shape == (HEIGHT, WIDTH)
            assert np.all(picture == level)


def test_it_is_asked_for_bare_frames_of_the_camera_that_was_named(
    rpicam: Callable[[str], None], tmp_path: Path
) -> None:
    rpicam(f"open({str(tmp_path / 'asked')!r}, 'w').write(' '.join(sys.argv[1:]))\nframe(1)")
    with closing(source("csi:1")()) as pictures:
        next(pictures)
    asked = (tmp_path / "asked").read_text().split()
    assert {"--camera=1", "--codec=yuv420", "--output=-", "--timeout=0"} <= set(asked)
    assert {f"--width={WIDTH}", f"--height={HEIGHT}", "--framerate=15"} <= set(asked)
    assert WIDTH % 64 == 0  # or the program pads each row


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        pytest.param("sys.exit(1)", "ended", id="no such camera"),
        pytest.param("frame(1, 1000)", "ended", id="ends inside a frame"),
        pytest.param("time.sleep(60)", "no whole picture", id="silent"),
        pytest.param("frame(1, 1000)\ntime.sleep(60)", "no whole picture", id="stops inside one"),
    ],
)
def test_a_program_that_fails_is_a_lost_camera_and_ended(
    rpicam: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    lines: str,
    problem: str,
) -> None:
    pid = tmp_path / "pid"
    rpicam(f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n{lines}")
    monkeypatch.setattr(limits, "CAMERA_S", 0.5 if problem != "ended" else 30)
    with pytest.raises(CameraLost, match=problem):
        next(source("csi:0")())
    if pid.exists():  # it may have been ended before its first line
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


def test_without_the_program_the_camera_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CameraLost, match="rpicam-vid"):
        next(source("csi:0")())
