"""Sources of pictures: each is a generator that opens, yields grey pictures, and closes.

None stands for a read that gave nothing. A source that can't go on raises CameraLost.
"""

import http.client
import os
import select
import subprocess
from collections.abc import Callable, Generator
from email.message import Message
from io import BufferedIOBase
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import cv2
import numpy as np

from drivers.eye import limits
from drivers.eye.pictures import Frame, Layout, brightness, from_jpeg

Pictures = Generator[Frame | None, None, None]


class CameraLost(Exception):
    """The camera can't be opened, or stopped sending. Open it again later."""


def source(name: str) -> Callable[[], Pictures]:
    """How to open the camera called `name`.

    `/dev/...` is a V4L2 device, `csi:0` or `csi:1` a camera at the board's own connector,
    `http://...` one that sends MJPEG.

    Raises:
        ValueError: `name` is none of these.
    """
    where = urlsplit(name)
    if where.scheme == "http" and where.hostname and where.port != 0:
        return lambda: mjpeg(name)
    if name.startswith("/dev/"):
        return lambda: v4l2(Path(name))
    if name in {f"csi:{number}" for number in limits.CSI_CAMERAS}:
        return lambda: csi(int(name.removeprefix("csi:")))
    raise ValueError(f"source must be /dev/..., csi:0, csi:1 or http://HOST/..., got {name!r}")


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
    """Pictures of a local camera, in the first of its layouts that `Layout` lists.

    Raises:
        CameraLost: the device can't be opened, or has none of the layouts.

    Source: spec/hardware.md 7.4.
    """
    camera = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
    try:
        if not camera.isOpened():
            raise CameraLost(f"{device} can't be opened")
        camera.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        layout = _agreed(camera)
        width, height = limits.CAMERA_SIZE
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        camera.set(cv2.CAP_PROP_FPS, limits.FRAMES_PER_S)
        while True:
            there, picture = camera.read()
            yield brightness(picture, layout) if there else None
    finally:
        camera.release()


def _agreed(camera: cv2.VideoCapture) -> Layout:
    """Settle with the camera on a layout. A driver that lacks the asked one takes another."""
    for layout in Layout:
        wanted = cv2.VideoWriter.fourcc(*layout.value)
        camera.set(cv2.CAP_PROP_FOURCC, wanted)
        if int(camera.get(cv2.CAP_PROP_FOURCC)) == wanted:
            return layout
    raise CameraLost(f"gives none of {', '.join(Layout)}")


def csi(number: int) -> Pictures:
    """Pictures of camera `number` at the board's own connector, by Raspberry Pi OS's program.

    `rpicam-vid` writes bare YUV420 frames to a pipe. It pads rows to 64 bytes, which the width
    in `CAMERA_SIZE` has no need of; so the first height x width bytes of a frame are its Y.

    Raises:
        CameraLost: no such program, it ended, or it was silent for `CAMERA_S`.
    """
    width, height = limits.CAMERA_SIZE
    command = ["rpicam-vid", f"--camera={number}", "--nopreview", "--timeout=0", "--verbose=0"]
    command += [f"--width={width}", f"--height={height}", f"--framerate={limits.FRAMES_PER_S}"]
    command += ["--codec=yuv420", "--flush", "--output=-"]
    try:
        child = subprocess.Popen(  # noqa: S603 - one program, and a number out of two
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
    except OSError as error:
        raise CameraLost(f"{command[0]}: {error}") from error
    with child:
        try:
            pipe = child.stdout.fileno() if child.stdout is not None else -1
            while True:
                frame = _whole(pipe, width * height * 3 // 2)
                yield brightness(frame.reshape(-1, width), Layout.YU12)
        finally:
            child.kill()


def _whole(pipe: int, size: int) -> Frame:
    """Read `size` bytes from a pipe. Raises CameraLost: it ended, or was silent."""
    data = bytearray(size)
    rest = memoryview(data)
    until = monotonic() + limits.CAMERA_S
    while rest:
        ready, _, _ = select.select([pipe], [], [], max(0.0, until - monotonic()))
        if not ready:
            raise CameraLost(f"no whole picture within {limits.CAMERA_S} s")
        count = os.readv(pipe, [rest])
        if count == 0:
            raise CameraLost("the camera's program ended")
        rest = rest[count:]
    return np.frombuffer(data, np.uint8)
