"""Lines of text in a stream of bytes: what a serial scanner in line mode sends."""

import re

from drivers import limits


class LineFramer:
    """Cuts a stream into texts. Pure: bytes and the time go in, texts come out.

    Every byte of `terminator` ends a text, so CR LF is one end and an empty text, and empty
    texts are dropped. A text of more than `limits.SCAN_BYTES` comes out once, cut to that, and
    the rest up to its end is dropped. A text that stops for more than `limits.SCAN_IDLE_MS` is
    dropped, so what was cut off is never joined to the next text. How the stream was divided
    into calls makes no difference, and no input raises.

    Source: spec/hardware.md 7.1 "Stream parsing".
    """

    def __init__(self, terminator: bytes) -> None:
        self._ends = re.compile(b"[%b]" % re.escape(terminator))
        self._text = bytearray()
        self._cut = False  # this text is out already: wait for its end
        self._last_ms = 0

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Return the texts that `data` ended, oldest first, without their terminators.

        Args:
            data: Bytes as they came, any number.
            now_ms: When they came, on a clock that never goes back.
        """
        if now_ms - self._last_ms > limits.SCAN_IDLE_MS:
            self._start()
        self._last_ms = now_ms
        texts: list[bytes] = []
        *ended, rest = self._ends.split(data)
        for piece in ended:
            self._take(piece, texts)
            if self._text:
                texts.append(bytes(self._text))
            self._start()
        self._take(rest, texts)
        return texts

    def _take(self, piece: bytes, texts: list[bytes]) -> None:
        """Add bytes to the text; what it has no room for cuts it."""
        if self._cut:
            return
        room = limits.SCAN_BYTES - len(self._text)
        self._text += piece[:room]
        if len(piece) > room:
            texts.append(bytes(self._text))
            self._text.clear()
            self._cut = True

    def _start(self) -> None:
        self._text.clear()
        self._cut = False
