"""What devices send: scanners, keyboards, lock boards, the line keeper, the eye."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import cv2
import numpy as np

from drivers import camera, limits
from drivers.codec import board_8a, kerong, kerong_6x, modbus, winnsen, wkly
from drivers.codec.exchange import Request, Search
from drivers.codec.gm65 import Gm65Hearing
from drivers.codec.honeywell import HoneywellHearing
from drivers.codec.keyboard import KeyFramer
from drivers.codec.line import LineFramer
from drivers.codec.scanner import Code, Hearing
from drivers.codec.ssi import SsiHearing
from drivers.eye import limits as eye_limits
from drivers.eye import pictures
from drivers.line_keeper import protocol
from edged.credentials.plain import kinds_of
from edged.credentials.read import Refused, Unproven, prove, read
from policy.codes import Pattern
from policy.model import CodeKind
from policy.words import Alphabet
from tests.drivers import vectors
from tests.drivers.keys import typed
from tests.edged.credentials.issuer import (
    B1,
    F1,
    KEYS,
    M1,
    NUMBER,
    R1,
    STORE_KEY,
    T1,
    T2,
    TENANT,
)  # fmt: skip
from tests.fuzz.target import Target

REQUESTS: tuple[Request[Any], ...] = (
    kerong.read_hooks(1),
    kerong_6x.read_hooks(0),
    kerong_6x.unlock(0, 1),
    winnsen.open_lock(1, 5),
    winnsen.read_doors(1),
    board_8a.open_lock(1, 1),
    board_8a.read_lock(1, 1),
    wkly.open_lock(0, 1),
    wkly.read_door(0, 1),
    wkly.read_doors(0),
    modbus.request(modbus.flash_on(1, 1, 30)),
    modbus.request(modbus.switch_off(1, 1)),
    modbus.request(modbus.read_relays(1)),
)
GOOD = (M1, F1, T1, T2, B1, R1)
PLAIN = {
    kind: Pattern(1, 32, alphabet)
    for kind, alphabet in zip((CodeKind.PIN, CodeKind.PHONE, CodeKind.CARD), Alphabet, strict=True)
}
_JPEG = cv2.imencode(".jpg", np.arange(256, dtype=np.uint8).reshape(16, 16))[1].tobytes()


def code(data: bytes) -> None:
    found = read(data, accepted=frozenset(CodeKind), tenant=TENANT, keys=KEYS, store=NUMBER)
    if isinstance(found, Unproven):
        found = prove(found, STORE_KEY)
    assert isinstance(found, Refused) or data in GOOD  # nobody else can make one
    kinds = kinds_of(data, PLAIN)
    assert not kinds or 1 <= len(data) <= limits.SCAN_BYTES


def chunks(data: bytes) -> Iterator[bytes]:
    """Pieces of a stream: the first byte says how large."""
    size = data[0] % 64 + 1 if data else 1
    for at in range(1, len(data), size):
        yield data[at : at + size]


def scanner(made: Callable[[], Hearing[Any]]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        hearing = made()
        heard = [found for piece in chunks(data) for found in hearing.feed(piece, 0)]
        for found in [*heard, *hearing.settle(), *hearing.settle()]:
            assert not isinstance(found, Code) or 0 < len(found.text) <= limits.SCAN_BYTES

    return run


def framer(made: Callable[[], LineFramer | KeyFramer]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        cut = made()
        texts = [text for piece in chunks(data) for text in cut.feed(piece, 0)]
        assert all(0 < len(text) <= limits.SCAN_BYTES for text in texts)

    return run


def board(data: bytes) -> None:
    """The first byte says which request is out, and whether the adapter echoes."""
    if data:
        which, echo = divmod(data[0], 2)
        search = Search(REQUESTS[which % len(REQUESTS)], echo=bool(echo))
        for piece in chunks(data[1:]):
            search.feed(piece)


def order_to_keeper(data: bytes) -> None:
    with suppress(protocol.Malformed):
        assert protocol.pack_request(protocol.parse_request(data)) == data


def answer_of_keeper(data: bytes) -> None:
    with suppress(protocol.Malformed):
        assert protocol.pack_answer(protocol.parse_answer(data)) == data


def eye(data: bytes) -> None:
    with suppress(ValueError, RecursionError, camera._NoPictureError):
        camera._parse(data)


def picture(data: bytes) -> None:
    frame = pictures.from_jpeg(data)
    assert frame is None or frame.size <= eye_limits.FRAME_PIXELS


def printed(frames: dict[str, vectors.Frame]) -> Callable[[], Iterable[bytes]]:
    """Every frame in print, in pieces and whole."""

    def seeds() -> Iterator[bytes]:
        for frame in frames.values():
            for back in (frame.sent, *frame.back, b"".join(frame.back) + M1 + b"\r\n"):
                yield from (b"\x03" + back, b"\x3f" + back)

    return seeds


def boards() -> Iterator[bytes]:
    makes = (
        vectors.KERONG, vectors.KERONG_6X, vectors.WINNSEN, vectors.BCC8A, vectors.WKLY,
        vectors.WAVESHARE,
    )  # fmt: skip
    for make in makes:
        for frame in make.values():
            for which in range(2 * len(REQUESTS)):
                yield bytes((which, 3)) + frame.sent + b"".join(frame.back)


def orders() -> Iterator[bytes]:
    for kind in protocol.Kind:
        for line, a, b in ((0, 0, 0), (17, 1, 0), (17, 3_000, 0), (17, 1_000, 4)):
            yield protocol.pack_request(protocol.Request(kind, 1, 7, line, a, b))


def answers() -> Iterator[bytes]:
    for result in protocol.Result:
        yield protocol.pack_answer(protocol.Answer(9, result, protocol.Fire.ACTIVE))


def eye_lines() -> Iterator[bytes]:
    for said in ({"alive": True}, {"alive": False}, {"frozen": True}, {"text": "TTE6"}):
        yield json.dumps(said).encode() + b"\n"


TARGETS = (
    Target("code", code, lambda: (*GOOD, b"C2:", b"https://x", b"09012345678")),
    Target("line", framer(lambda: LineFramer(b"\r\n")), lambda: (b"\x05" + M1 + b"\r\n" + F1,)),
    Target("keyboard", framer(KeyFramer), lambda: (b"\x30" + typed("M1:AB$*") + typed("X"),)),
    Target("gm65", scanner(Gm65Hearing), printed(vectors.GM65)),
    Target("honeywell", scanner(HoneywellHearing), printed(vectors.HONEYWELL)),
    Target("ssi", scanner(lambda: SsiHearing(0)), printed(vectors.SSI)),
    Target("board", board, boards),
    Target("keeper-order", order_to_keeper, orders),
    Target("keeper-answer", answer_of_keeper, answers),
    Target("eye", eye, eye_lines),
    Target("picture", picture, lambda: (_JPEG,)),
)
