"""What the eye reads and what it costs, beside zxing-cpp alone, pyzbar and OpenCV.

`python -m hil.perf.decode [FOLDER] [--json]`: presentations that are drawn and made worse
(`hil/perf/scenes.py`), photographs if a FOLDER of them is given, and a door that nobody stands at.
FOLDER has a `manifest.json`, a list of `{"file": NAME, "expected": [TEXT, ...], "category": NAME}`,
and the pictures that it names.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from time import process_time

import cv2
from pydantic import BaseModel, TypeAdapter
from pyzbar import pyzbar

from drivers.eye.decode import Decoder, fast
from drivers.eye.motion import MotionGate
from drivers.eye.pictures import grey
from hil.perf import scenes
from hil.perf.scenes import Frame, Presentation

CODINGS = ("utf-8", "cp932", "gb18030", "latin-1")
"""How a code may hold its text: a manifest has characters, the decoders give bytes."""
SETTLING = 20
"""Frames of a still door that are not counted: the eye looks closer until it knows the view."""
IDLE_FRAMES = 240
"""Frames of a still door that are: two whole rounds of the idle loop."""
TURN_FRAMES = 20
IDLE = "nobody there"

Read = Callable[[Frame], tuple[bytes, ...]]


class Photograph(BaseModel):
    """One entry of the manifest."""

    file: str
    expected: list[str]
    category: str = "photographs"


@dataclass(slots=True)
class Row:
    """One decoder's results in one category. `ms` is CPU time of the whole process, a frame.

    `read` counts presentations of which every text was read, `unexpected` those that gave a text
    which is not known to be there.
    """

    category: str
    decoder: str
    read: int = 0
    of: int = 0
    unexpected: int = 0
    ms: list[float] = field(default_factory=list)

    def look(self, read: Read, frame: Frame) -> tuple[bytes, ...]:
        """Read one frame and note what that cost."""
        start = process_time()
        texts = read(frame)
        self.ms.append((process_time() - start) * 1000)
        return texts

    def present(self, shown: Presentation, read: Read) -> None:
        """Show frame after frame, until everything is read or the presentation is over."""
        wanted, said = set(shown.expected), set[bytes]()
        for frame in shown.frames:
            said.update(self.look(read, frame))
            wanted = {forms for forms in wanted if not forms & said}
            if not wanted:
                break
        self.of += 1
        self.read += not wanted
        self.unexpected += not said <= frozenset().union(*shown.expected)

    def plain(self) -> dict[str, object]:
        """The row as data, its times summed up."""
        facts = asdict(self)
        del facts["ms"]
        return {
            **facts,
            "ms_mean": round(statistics.mean(self.ms), 3),
            "ms_p95": round(statistics.quantiles(self.ms, n=20)[-1], 3),
        }


def eye() -> Read:
    """The eye's loop."""
    gate, decoder = MotionGate(), Decoder()
    return lambda frame: decoder.read(frame, moving=gate.open_for(frame))


def opencv() -> Read:
    """OpenCV's better detector."""
    detector = cv2.QRCodeDetectorAruco()

    def read(frame: Frame) -> tuple[bytes, ...]:
        try:
            _, texts, _, _ = detector.detectAndDecodeMulti(frame)
        except (UnicodeDecodeError, cv2.error):  # it raises both on some codes
            return ()
        return tuple(text.encode() for text in texts if text)

    return read


def zbar(frame: Frame) -> tuple[bytes, ...]:
    """ZBar by way of pyzbar, in whatever characters it guesses."""
    found = pyzbar.decode(frame, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return tuple(code.data for code in found)


DECODERS: dict[str, Callable[[], Read]] = {
    "the eye": eye,
    "zxing-cpp": lambda: fast,
    "pyzbar": lambda: zbar,
    "opencv": opencv,
}


def photographs(folder: Path) -> Iterator[Presentation]:
    """Each photograph, held still for as long as a presentation lasts."""
    manifest = (folder / "manifest.json").read_bytes()
    for photograph in TypeAdapter(list[Photograph]).validate_json(manifest):
        picture = cv2.imread(str(folder / photograph.file), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise FileNotFoundError(f"{photograph.file}: no picture")
        expected = tuple(
            frozenset(text.encode(coding, "replace") for coding in CODINGS)
            for text in photograph.expected
        )
        frames = (grey(picture),) * scenes.FRAMES
        yield Presentation(photograph.category, expected, frames)


def measured(shown: Iterable[Presentation]) -> list[Row]:
    """Present everything to every decoder, one presentation after the other."""
    rows = dict[tuple[str, str], Row]()
    for presentation in shown:
        for name, make in DECODERS.items():
            row = rows.setdefault((presentation.kind, name), Row(presentation.kind, name))
            row.present(presentation, make())
    return list(rows.values())


def idle() -> list[Row]:
    """What a still door costs, frame by frame.

    In turns, each long enough for a processor to settle: what else the machine does then falls
    on all of them.
    """
    pairs = [(Row(IDLE, name), make()) for name, make in DECODERS.items()]
    frames = scenes.still(SETTLING + IDLE_FRAMES)
    for start in range(0, len(frames), TURN_FRAMES):
        for row, read in pairs:
            for frame in frames[start : start + TURN_FRAMES]:
                row.unexpected += bool(row.look(read, frame))
    for row, _ in pairs:
        del row.ms[:SETTLING]
    return [row for row, _ in pairs]


def table(rows: list[Row]) -> Iterator[str]:
    """Lines for people: what was read, then what it cost."""
    names = list(dict.fromkeys(row.decoder for row in rows))
    yield f"{'read, of':20}" + "".join(f"{name:>12}" for name in names)
    for category in dict.fromkeys(row.category for row in rows if row.category != IDLE):
        row_of = {row.decoder: row for row in rows if row.category == category}
        counts = "".join(f"{row_of[name].read:12}" for name in names)
        yield f"{category:16}{row_of[names[0]].of:4}{counts}"
    unexpected = (sum(row.unexpected for row in rows if row.decoder == name) for name in names)
    yield f"{'unexpected texts':20}" + "".join(f"{count:12}" for count in unexpected)
    yield "CPU ms a frame"
    for title, some in (
        ("while shown", [row for row in rows if row.category != IDLE]),
        (IDLE, [row for row in rows if row.category == IDLE]),
    ):
        means = [
            statistics.mean(chain.from_iterable(row.ms for row in some if row.decoder == name))
            for name in names
        ]
        yield f"{title:20}" + "".join(f"{mean:12.2f}" for mean in means)


def summed(rows: list[Row]) -> dict[str, object]:
    """What all of it comes to, the eye beside each of the others.

    `behind`: the categories in which another one read more. `idle`: what a still door costs,
    times the other's.
    """
    ours, *others = DECODERS
    read = {(row.category, row.decoder): row.read for row in rows}
    still = {row.decoder: statistics.mean(row.ms) for row in rows if row.category == IDLE}
    return {
        "shown": sum(row.of for row in rows if row.decoder == ours),
        "read": {name: sum(row.read for row in rows if row.decoder == name) for name in DECODERS},
        "behind": sum(
            any(read[category, other] > count for other in others)
            for (category, name), count in read.items()
            if name == ours
        ),
        "unexpected": sum(row.unexpected for row in rows if row.decoder == ours),
        "idle": {other: round(still[ours] / still[other], 3) for other in others},
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="photographs with a manifest.json")
    parser.add_argument("--json", action="store_true", help="an object a row, then the sum")
    asked = parser.parse_args()
    cv2.setNumThreads(1)  # as the eye does
    shown = scenes.presentations()
    if asked.folder is not None:
        shown = chain(photographs(asked.folder), shown)
    rows = measured(shown) + idle()
    spelled = (json.dumps(one) for one in (*(row.plain() for row in rows), summed(rows)))
    for line in spelled if asked.json else table(rows):
        print(line)


if __name__ == "__main__":
    main()
