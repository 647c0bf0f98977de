"""Parts of a rule set, fetched piece by piece into files that may grow over many connections.

A piece has no signature: what counts is the hash of the whole, which a signed manifest names.
"""

import asyncio
import hashlib
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from zstandard import ZstdDecompressor, ZstdError, frame_content_size

from cloud_link import limits
from cloud_link.lane import first_of
from cloud_link.ports import Inbox, LinkLost, Ports
from cloud_link.voice import Voice
from cloud_link.wire import AskPart, Part

HEAD: Final = struct.Struct(">32sI")
"""Before the bytes of a piece: the part's SHA-256 and the piece's offset."""


class Fetching:
    """Asks for pieces, at most `limits.PIECES_AT_ONCE` at a time."""

    def __init__(self, voice: Voice, ports: Ports) -> None:
        self._voice = voice
        self._clock = ports.clock
        self._inbox: Inbox = ports.inbox
        self._asked: dict[tuple[bytes, int], tuple[int, asyncio.Future[bytes]]] = {}

    def piece(self, data: bytes) -> bool:
        """Take a piece that came; False: it is none. One that is not awaited is dropped."""
        if len(data) <= HEAD.size:
            return False
        digest, offset = HEAD.unpack_from(data)
        size, waiter = self._asked.get((digest, offset), (limits.PIECE_BYTES, None))
        frame = data[HEAD.size :]
        if len(frame) > size:
            return False
        if waiter is not None and not waiter.done():
            waiter.set_result(frame)
        return True

    async def fetch(self, parts: Sequence[Part], wanted: Callable[[], bool]) -> bool:
        """Fetch these parts; False: not all of them came, or they are not `wanted` any more.

        What came stays, and the next call goes on from there.
        """
        left = list(parts)

        async def work() -> bool:
            while left and wanted():
                if not await self._part(left.pop(), wanted):
                    return False
            return not left

        workers = [asyncio.ensure_future(work()) for _ in range(limits.PIECES_AT_ONCE)]
        try:
            came = await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return all(came)

    async def _part(self, part: Part, wanted: Callable[[], bool]) -> bool:
        """Fetch one part; what turns out to be another's bytes is thrown away whole."""
        file = self._inbox.part_file(part.sha256)
        for _ in range(limits.PIECE_TRIES):
            size = await asyncio.to_thread(_size, file)
            while size < part.packed and wanted():
                piece = await self._piece(part, size)
                if piece is None:
                    return False
                size = await asyncio.to_thread(_append, file, size, piece)
                await self._clock.sleep_ms(limits.PIECE_PACE_MS)
            if size < part.packed:
                return False
            if await asyncio.to_thread(is_whole, file, part):
                await self._inbox.part_whole(part)
                return True
            await asyncio.to_thread(file.unlink)
        return False

    async def _piece(self, part: Part, offset: int) -> bytes | None:
        """Ask for a piece until it comes; None: it does not."""
        size = min(limits.PIECE_BYTES, part.packed - offset)
        key = (bytes.fromhex(part.sha256), offset)
        waiter: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[key] = size, waiter
        try:
            for _ in range(limits.PIECE_TRIES):
                with suppress(LinkLost):
                    await self._voice.say("ask", self._ask(part, offset, size))
                await first_of(asyncio.wait([waiter]), self._clock.sleep_ms(limits.PIECE_MS))
                if waiter.done():
                    return waiter.result()
        finally:
            del self._asked[key]
        return None

    def _ask(self, part: Part, offset: int, size: int) -> AskPart:
        device = self._voice.device
        whose = {"tenant": device.tenant, "device": device.name, "n": self._voice.number("ask")}
        piece = {"sha256": part.sha256, "from": offset, "bytes": size}
        return AskPart.model_validate(whose | piece)


def is_whole(file: Path, part: Part) -> bool:
    """Say whether a frame is this part: its size, what it unpacks to, and the hash of that.

    It is never unpacked further than the part may be large.
    """
    frame = file.read_bytes()
    if len(frame) != part.packed:
        return False
    try:
        if frame_content_size(frame) != part.bytes:
            return False
        plain = ZstdDecompressor().decompress(
            frame, max_output_size=part.bytes, allow_extra_data=False
        )
    except ZstdError:
        return False
    return len(plain) == part.bytes and hashlib.sha256(plain).hexdigest() == part.sha256


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _append(file: Path, size: int, piece: bytes) -> int:
    """Write a piece at `size`, where the file ends; return where it ends now."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("r+b" if size else "wb") as out:
        out.seek(size)
        out.write(piece)
    return size + len(piece)
