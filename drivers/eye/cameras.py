"""Sources of pictures: each is a generator that opens, yields grey pictures, and closes.

None stands for a read that gave nothing. A source that can't go on raises CameraLost.
"""

import http.client
from collections.abc import Callable, Generator
from email.message import Message
from io import BufferedIOBase
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from drivers.eye import limits
from drivers.eye.pictures import Frame, from_jpeg, grey

Pictures = Generator[Frame | None, None, None]


class CameraLost(Exception):
    """The camera can't be opened, or stopped sending. Open it again later."""


def source(name: str) -> Callable[[], Pictures]:
    """How to open the camera called `name`: `http://...` (MJPEG) or a V4L2 device's path.

    Raises:
        ValueError: `name` is neither.
    """
    where = urlsplit(name)
    if where.scheme == "http" and where.hostname and where.port != 0:
        return lambda: mjpeg(name)
    if name.startswith("/dev/"):
        return lambda: v4l2(Path(name))
    raise ValueError(f"source must be http://HOST/... or /dev/..., got {name!r}")


def mjpeg(url: str) -> Pictures:
    """Pictures of a camera that sends `multipart/x-mixed-replace` with JPEGs over HTTP.

    Read here and not by OpenCV's FFmpeg, which guesses formats from the content: a camera
    taken over could answer with a playlist and have it open files and addresses of its choice.

    Raises:
        CameraLost: no connection, another answer, or silence for `CAMERA_S`.
    """
    where = urlsplit(url)
    link = http.client.HTTPConnection(str(where.hostname), where.port, limits.CAMERA_S)
    try:
        link.request("GET", where._replace(scheme="", netloc="", fragment="").geturl() or "/")
        answer = link.getresponse()
        if answer.status != http.client.OK:
            raise CameraLost(f"HTTP status {answer.status}")
        kind = answer.headers.get_content_type()
        if kind != "multipart/x-mixed-replace":
            raise CameraLost(f"sends {kind}, not multipart/x-mixed-replace")
        while True:
            yield from_jpeg(_part(answer))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CameraLost(f"{type(error).__name__}: {error}") from error
    finally:
        link.close()


def _part(stream: BufferedIOBase) -> bytes:
    """Read one part of a multipart stream: boundary, headers, blank line, body."""
    headers = Message()
    for _ in range(limits.HEADER_LINES):
        line = stream.readline(limits.HEADER_BYTES)
        if not line.endswith(b"\n"):
            raise CameraLost("the stream ended, or a header has no end")
        name, colon, value = line.decode("latin-1").strip().partition(":")
        if colon:
            headers[name] = value.strip()
        elif not name and headers:
            return _body(stream, headers)
    raise CameraLost("a part has no end of headers")


def _body(stream: BufferedIOBase, headers: Message) -> bytes:
    length = int(headers.get("Content-Length", 0))
    if not 0 < length <= limits.JPEG_BYTES:
        raise CameraLost(f"Content-Length of a part must be 1..{limits.JPEG_BYTES}, is {length}")
    body = stream.read(length)
    if len(body) < length:
        raise CameraLost("the stream ended inside a picture")
    return body


def v4l2(device: Path) -> Pictures:
    """Pictures of a local camera. Asks for YUYV: its Y is the picture, nothing to decode.

    Raises:
        CameraLost: the device can't be opened.
    """
    camera = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
    try:
        if not camera.isOpened():
            raise CameraLost(f"{device} can't be opened")
        camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"YUYV"))
        width, height = limits.CAMERA_SIZE
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        camera.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        while True:
            there, picture = camera.read()
            yield grey(picture) if there else None
    finally:
        camera.release()
