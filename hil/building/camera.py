"""A camera's pictures, and its MJPEG stream over HTTP."""

import asyncio
import struct
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from hil.building import limits

Picture = NDArray[np.uint8]

_GREY = 128  # an empty scene
_NOISE = 4  # levels either way: enough that no two frames are the same
_SHARE = 0.9  # of the shorter way that a shown picture may fill
_NONE = (-1, b"")  # the frame before the first
_PNG_HEAD = struct.Struct(">8s8xII")


class BadPicture(Exception):
    """What was shown is not a picture in PNG that a camera could see."""


class Camera:
    """What stands before one camera, as frames. `width` and `height` in pixels."""

    def __init__(self, width: int, height: int, fps: int) -> None:
        self._size = (height, width)
        self._noise = np.random.default_rng(0)
        self._shown = self._empty = np.full(self._size, _GREY, np.uint8)
        self._shown_until_ms = 0
        self._frame = _NONE
        self.fps = fps

    def show(self, png: bytes, for_ms: int, now_ms: int) -> None:
        """Hold a picture before the camera, upright in the middle, in place of a former one.

        Raises:
            BadPicture: `png` is not a PNG, or is larger than `limits.SHOWN_SIDE_PX`.
        """
        self._shown = self._placed(_unpacked(png))
        self._shown_until_ms = now_ms + for_ms
        self._frame = _NONE

    def frame(self, now_ms: int) -> bytes:
        """The JPEG of this moment: the same for all who ask within one frame's time."""
        number = now_ms * self.fps // 1000
        if number != self._frame[0]:
            scene = self._shown if now_ms < self._shown_until_ms else self._empty
            noise = self._noise.integers(-_NOISE, _NOISE, self._size, np.int16, endpoint=True)
            picture = np.clip(scene + noise, 0, 255).astype(np.uint8)
            _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
            self._frame = number, jpeg.tobytes()
        return self._frame[1]

    def next_frame_ms(self, now_ms: int) -> int:
        """When the frame after this moment's begins."""
        return -(-(now_ms * self.fps // 1000 + 1) * 1000 // self.fps)

    def _placed(self, picture: Picture) -> Picture:
        height, width = picture.shape
        factor = _SHARE * min(self._size[0] / height, self._size[1] / width)
        if factor >= 1:
            # Whole factors and no blur keep the modules of a code square.
            size, how = (width * int(factor), height * int(factor)), cv2.INTER_NEAREST
        else:
            size = max(1, int(width * factor)), max(1, int(height * factor))
            how = cv2.INTER_AREA
        scaled = cv2.resize(picture, size, interpolation=how)
        scene = self._empty.copy()
        top, left = (self._size[0] - size[1]) // 2, (self._size[1] - size[0]) // 2
        scene[top : top + size[1], left : left + size[0]] = scaled
        return scene


def _unpacked(png: bytes) -> Picture:
    if len(png) < _PNG_HEAD.size or not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise BadPicture("png: not a PNG")
    _, width, height = _PNG_HEAD.unpack_from(png)
    if not 1 <= min(width, height) <= max(width, height) <= limits.SHOWN_SIDE_PX:
        raise BadPicture(f"png: sides must be 1..{limits.SHOWN_SIDE_PX} pixels")
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise BadPicture("png: damaged")
    return picture.astype(np.uint8)


async def stream(
    camera: Camera,
    clock: Callable[[], int],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer one HTTP request: `GET /` with frames until the viewer goes, all else with no."""
    try:
        async with asyncio.timeout(limits.HTTP_HEAD_MS / 1000):
            head = await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return
    if head.split(b" ", 2)[:2] != [b"GET", b"/"]:
        writer.write(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return
    writer.write(
        b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n"
        b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    while True:
        now_ms = clock()
        jpeg = camera.frame(now_ms)
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"
        writer.write(part % (len(jpeg), jpeg))
        await writer.drain()
        await asyncio.sleep((camera.next_frame_ms(now_ms) - clock()) / 1000)
