"""Grey pictures and the few operations on them."""

import struct
from enum import StrEnum

import cv2.typing
import numpy as np
import numpy.typing as npt

from drivers.eye import limits

Frame = npt.NDArray[np.uint8]
"""A grey picture: rows of brightness, 0 black to 255 white, shape (height, width)."""

_JPEG_START = b"\xff\xd8\xff"
_FRAME_HEADER = struct.Struct(">xBHxHH")
"""Marker, length, height and width of a JPEG's frame header (ITU-T T.81, B.2.2)."""
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def from_jpeg(data: bytes) -> Frame | None:
    """Decode the brightness of a JPEG of at most `FRAME_PIXELS`; None if it is not one.

    OpenCV's decoders of other formats are not for strangers to reach, nor is its memory.
    """
    if not data.startswith(_JPEG_START) or not 0 < _pixels(data) <= limits.FRAME_PIXELS:
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return None
    return None if picture is None else grey(picture)


def _pixels(jpeg: bytes) -> int:
    """How many pixels the frame header promises; 0 if the segments don't lead to one."""
    at = 2
    while at + _FRAME_HEADER.size <= len(jpeg) and jpeg[at] == _JPEG_START[0]:
        marker, length, height, width = _FRAME_HEADER.unpack_from(jpeg, at)
        if marker in _FRAME_MARKERS:
            return int(height * width)
        at += 2 + length
    return 0


class Layout(StrEnum):
    """How a camera's pixels may lie, by their FOURCC; the first ones cost the least to read."""

    YUYV = "YUYV"
    YU12 = "YU12"
    NV12 = "NV12"
    GREY = "GREY"
    MJPG = "MJPG"


def brightness(picture: cv2.typing.MatLike, layout: Layout) -> Frame | None:
    """Brightness of a picture as it comes from a camera; None if it is not a picture.

    Nothing is decoded but a JPEG: the Y of a YUV picture is what is wanted.
    """
    if picture.size > 2 * limits.FRAME_PIXELS:  # YUYV has two bytes a pixel, the others less
        return None
    match layout:
        case Layout.YUYV:
            return grey(picture[:, :, 0])
        case Layout.YU12 | Layout.NV12:
            return grey(picture[: len(picture) * 2 // 3])
        case Layout.GREY:
            return grey(picture)
        case Layout.MJPG:
            return from_jpeg(picture.tobytes())


def grey(picture: cv2.typing.MatLike) -> Frame:
    """A picture of one channel, as its rows lie in memory."""
    return np.ascontiguousarray(picture, np.uint8)


def enlarged(frame: Frame, times: float = 2) -> Frame:
    """So many times the size, cubic: small or soft modules then survive the binariser."""
    return grey(cv2.resize(frame, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC))


def sharpened(frame: Frame) -> Frame:
    """Unsharp mask (2.5, -1.5, sigma 2): undoes part of a camera's blur."""
    return grey(cv2.addWeighted(frame, 2.5, cv2.GaussianBlur(frame, (0, 0), 2), -1.5, 0))


def thumbnail(frame: Frame, width: int, height: int) -> Frame:
    """The picture shrunk to `width` x `height` by averaging, which also takes the noise out."""
    return grey(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA))
