"""QR codes in a grey picture: a fast look at every one, a second look now and then.

The order and the cadence are the ones that read most phones for the least time: see
README.md, "What was measured".
"""

import logging
from collections.abc import Callable, Iterable
from importlib import import_module

import zxingcpp

from drivers.eye import limits
from drivers.eye.pictures import Frame, enlarged, sharpened

log = logging.getLogger("drivers.eye")

IDLE_EVERY = 15
"""Missed pictures to one second look before a still scene: about once a second."""
ZBAR_TIMES = 1.5
"""Enlargement for ZBar while something moves: it reads half as many again, for twice the time."""

Look = Callable[[Frame], tuple[bytes, ...]]

# All else is left at its defaults: without `try_downscale` no grainy code held close is read.
# Plain `QRCode` also reads Micro QR, and misreads it.
_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2])


def fast(frame: Frame) -> tuple[bytes, ...]:
    """Read with zxing-cpp."""
    found = zxingcpp.read_barcodes(frame, formats=_FORMATS)
    return _kept(code.bytes for code in found)


def larger(frame: Frame) -> tuple[bytes, ...]:
    """Read a 2x enlargement: codes whose modules are too small or too soft."""
    return fast(enlarged(frame))


def larger_and_sharper(frame: Frame) -> tuple[bytes, ...]:
    """Read a sharpened 2x enlargement: codes that are out of focus."""
    return fast(sharpened(enlarged(frame)))


def zbar() -> Look | None:
    """ZBar by way of pyzbar; None if its library is not installed.

    It alone reads codes without a quiet zone, as phones show them on a dark ground. It
    re-encodes what is not ASCII by guesswork (spec/hardware.md 7.3), so only ASCII counts.
    """
    try:
        pyzbar = import_module("pyzbar.pyzbar")
    except ImportError:
        log.warning("no_zbar: libzbar0 is not installed")
        return None
    symbols = [pyzbar.ZBarSymbol.QRCODE]

    def read(frame: Frame) -> tuple[bytes, ...]:
        found = pyzbar.decode(frame, symbols=symbols)
        return _kept(code.data for code in found if code.data.isascii())

    return read


class Decoder:
    """Reads one picture after the other; a miss may get a second look.

    While something moves, three misses of four get one: enlarged, enlarged by ZBar, enlarged
    and sharpened, from the beginning when the movement begins. Before a still scene every
    `IDLE_EVERY`th miss gets one, mostly the cheapest. So no picture costs more than one
    extra look.
    """

    def __init__(self) -> None:
        by_zbar = zbar() or _nothing
        self._moving_round: tuple[Look, ...] = (
            _nothing,
            larger,
            lambda frame: by_zbar(enlarged(frame, ZBAR_TIMES)),
            larger_and_sharper,
        )
        self._still_round: tuple[Look, ...] = (
            *(larger, larger, larger, larger_and_sharper),
            *(larger, larger, larger, by_zbar),
        )
        self._moving = False
        self._misses = 0

    def read(self, frame: Frame, *, moving: bool) -> tuple[bytes, ...]:
        """Texts in the picture, each once, 1..`TEXT_BYTES` bytes, at most `TEXTS_PER_FRAME`."""
        if moving and not self._moving:
            self._misses = 0
        self._moving = moving
        texts = fast(frame)
        if texts:
            return texts
        turn, self._misses = self._misses, self._misses + 1
        if moving:
            return self._moving_round[turn % 4](frame)
        if turn % IDLE_EVERY == 0:
            return self._still_round[turn // IDLE_EVERY % 8](frame)
        return ()


def _nothing(_: Frame) -> tuple[bytes, ...]:
    return ()


def _kept(texts: Iterable[bytes]) -> tuple[bytes, ...]:
    fit = (text for text in texts if 0 < len(text) <= limits.TEXT_BYTES)
    return tuple(dict.fromkeys(fit))[: limits.TEXTS_PER_FRAME]
