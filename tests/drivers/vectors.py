"""The frames of tests/vectors/frames.json."""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "vectors" / "frames.json"


@dataclass(frozen=True)
class Frame:
    name: str
    sent: bytes
    back: tuple[bytes, ...]


def frames(protocol: str) -> list[Frame]:
    return [
        Frame(
            row["name"],
            bytes.fromhex(row["tx"] or ""),
            tuple(map(bytes.fromhex, row["rx"] or ())),
        )
        for row in json.loads(FILE.read_text())
        if row["protocol"] == protocol
    ]


WAVESHARE = {frame.name: frame for frame in frames("waveshare_relay")}
KERONG = {frame.name: frame for frame in frames("kerong_cu")}
KERONG_6X = {frame.name: frame for frame in frames("kerong_cu6x")}
WINNSEN = {frame.name: frame for frame in frames("winnsen")}
BCC8A = {frame.name: frame for frame in frames("bcc8a")}
WKLY = {frame.name: frame for frame in frames("wkly")}
GM65 = {frame.name: frame for frame in frames("grow_gm65")}
HONEYWELL = {frame.name: frame for frame in frames("honeywell")}
SSI = {frame.name: frame for frame in frames("ssi")}
