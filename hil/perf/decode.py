"""What the eye's decoder reads and what it costs, beside its parts and OpenCV's own.

`python -m hil.perf.decode FOLDER [--json]`. FOLDER has a `manifest.json`, a list of
`{"file": NAME, "expected": [TEXT, ...]}`, and the pictures that it names.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from pydantic import BaseModel, TypeAdapter

from drivers.eye.decode import Decoder, fast, larger, larger_and_sharper, zbar
from drivers.eye.pictures import Frame, grey

SCENE_FRAMES = 9
"""Frames of one scene given to the eye's loop: each kind of look gets its turn."""
EMPTY_SCENES = 120
"""Scenes without a code: twice the idle loop's whole round."""
CODINGS = ("utf-8", "cp932", "gb18030", "latin-1")
"""How a code may hold its text: the manifest has characters, the decoders give bytes."""

Read = Callable[[Frame], tuple[bytes, ...]]


class Photograph(BaseModel):
    """One entry of the manifest."""

    file: str
    expected: list[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One decoder's results. Times are CPU time of the whole process, in milliseconds.

    `unexpected` counts photographs that gave a text which the manifest does not name.
    """

    decoder: str
    read: int
    of: int
    unexpected: int
    photo_ms_median: float
    photo_ms_p95: float
    empty_ms_mean: float


def opencv() -> Read:
    """OpenCV's better detector, as a yardstick."""
    detector = cv2.QRCodeDetectorAruco()

    def read(frame: Frame) -> tuple[bytes, ...]:
        try:
            text, _, _ = detector.detectAndDecode(frame)
        except (UnicodeDecodeError, cv2.error):  # it raises both on some codes
            return ()
        return (text.encode(),) if text else ()

    return read


def enlarging(frame: Frame) -> tuple[bytes, ...]:
    """zxing-cpp with both enlargements, until something is read."""
    return fast(frame) or larger(frame) or larger_and_sharper(frame)


def eye(frame: Frame) -> tuple[bytes, ...]:
    """The eye's loop before a scene that moves, until something is read."""
    decoder = Decoder()
    for _ in range(SCENE_FRAMES):
        if texts := decoder.read(frame, moving=True):
            return texts
    return ()


def idle_eye() -> Read:
    """The eye's loop before a still scene; for what it costs, frame by frame."""
    decoder = Decoder()
    return lambda frame: decoder.read(frame, moving=False)


def measured(read: Read, frames: list[Frame]) -> tuple[list[tuple[bytes, ...]], list[float]]:
    """What `read` says to each frame, and the CPU milliseconds of each."""
    texts, spent_ms = [], []
    for frame in frames:
        start = process_time()
        texts.append(read(frame))
        spent_ms.append((process_time() - start) * 1000)
    return texts, spent_ms


def row(
    name: str, photographs: list[Photograph], frames: list[Frame], read: Read, idle: Read
) -> Row:
    """Measure one decoder; `idle` is what it does to a frame when nothing happens."""
    texts, spent_ms = measured(read, frames)
    right = [{t.encode(c, "replace") for t in p.expected for c in CODINGS} for p in photographs]
    _, empty_ms = measured(idle, empty_scenes())
    return Row(
        decoder=name,
        read=sum(bool(good & set(said)) for good, said in zip(right, texts, strict=True)),
        of=len(photographs),
        unexpected=sum(bool(set(said) - good) for good, said in zip(right, texts, strict=True)),
        photo_ms_median=round(statistics.median(spent_ms), 2),
        photo_ms_p95=round(statistics.quantiles(spent_ms, n=20)[-1], 2),
        empty_ms_mean=round(statistics.mean(empty_ms), 2),
    )


def empty_scenes() -> list[Frame]:
    """Soft shapes and sensor noise, 640x480, no code; the same on every run."""
    random = np.random.default_rng(0)
    scenes = []
    for _ in range(EMPTY_SCENES):
        shapes = cv2.resize(random.integers(0, 256, (12, 16), np.uint8), (640, 480))
        scenes.append(grey(cv2.add(shapes, random.integers(0, 12, (480, 640), np.uint8))))
    return scenes


def table(folder: Path) -> list[Row]:
    """Measure every decoder on the photographs in `folder`."""
    manifest = (folder / "manifest.json").read_bytes()
    photographs = TypeAdapter(list[Photograph]).validate_json(manifest)
    frames = []
    for photograph in photographs:
        picture = cv2.imread(str(folder / photograph.file), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise FileNotFoundError(f"{photograph.file}: no picture")
        frames.append(grey(picture))
    decoders = {
        "zxing-cpp": (fast, fast),
        "zxing-cpp + enlarged": (enlarging, enlarging),
        "pyzbar": (zbar(), zbar()),
        "opencv aruco": (opencv(), opencv()),
        "the eye": (eye, idle_eye()),
    }
    return [
        row(name, photographs, frames, read, idle)
        for name, (read, idle) in decoders.items()
        if read is not None and idle is not None
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args()
    rows = table(asked.folder)
    if asked.json:
        for each in rows:
            print(json.dumps(asdict(each)))
        return
    print("decoder               read          unexpected  ms median  ms p95  ms, no code")
    for each in rows:
        rate = f"{each.read}/{each.of} {each.read / each.of:.0%}"
        print(
            f"{each.decoder:21} {rate:12} {each.unexpected:10} {each.photo_ms_median:10.2f}"
            f" {each.photo_ms_p95:7.2f} {each.empty_ms_mean:12.2f}"
        )


if __name__ == "__main__":
    main()
