"""`edged-eye`, also `python -m drivers.eye`: look through a camera, say what codes it saw."""

import argparse
import faulthandler
import logging
import resource
import signal
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from time import monotonic

import cv2

from drivers.eye import limits
from drivers.eye.cameras import source
from drivers.eye.capture import Capture
from drivers.eye.decode import Decoder
from drivers.eye.motion import MotionGate
from drivers.eye.serve import Audience, Repeats, beat_line, served, text_line


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="edged-eye", description=__doc__)
    parser.add_argument(
        "--source", required=True, help="/dev/..., csi:0, csi:1 or http://... (MJPEG)"
    )
    parser.add_argument("--socket", required=True, type=Path, help="Unix socket to serve")
    parser.add_argument("--name", default="eye", help="the camera's name in the log")
    asked = parser.parse_args(arguments)
    try:
        open_camera = source(asked.source)
    except ValueError as error:
        parser.error(str(error))

    name = asked.name.replace("%", "%%")
    logging.basicConfig(level=logging.INFO, format=f"%(levelname)s {name} %(message)s")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would be a stored picture
    cv2.setNumThreads(1)  # threads of its own would take turns with the daemon's, for no gain
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with served(asked.socket) as audience, Capture(open_camera) as capture:
        watch(capture, audience, stop)


def watch(capture: Capture, audience: Audience, stop: Event) -> None:
    """Turn pictures into lines until `stop` is set.

    The sign of life comes from this loop and no other, so a decoder that hangs falls silent;
    and after `HUNG_S` in one turn the process ends itself, to be started again. So it does when
    the camera's driver hangs (`Capture.newest`).
    """
    gate, decoder, repeats = MotionGate(), Decoder(), Repeats()
    beat_at = monotonic()
    while not stop.is_set():
        now = monotonic()
        beat = beat_line(capture.sight)
        audience.admit(beat)
        if now >= beat_at:
            beat_at = now + limits.BEAT_S
            audience.tell(beat)
            faulthandler.dump_traceback_later(limits.HUNG_S, exit=True)
        frame = capture.newest(limits.POLL_S)
        if frame is None:
            continue
        for text in decoder.read(frame, moving=gate.open_for(frame)):
            if repeats.due(text, now):
                audience.tell(text_line(text))
        stop.wait(max(0.0, now + limits.FRAME_S - monotonic()))
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
