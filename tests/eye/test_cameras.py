"""drivers/eye/cameras.py and pictures.py: what a camera may do to the eye, and may not."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.eye import limits
from drivers.eye.cameras import CameraLost, mjpeg, source, v4l2
from drivers.eye.pictures import Frame, Layout, brightness, from_jpeg
from tests.eye.scenes import before_camera, code, jpeg
from tests.eye.web_camera import WebCamera

SCENE = before_camera(code("A"))
PART = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a server that sends `answer` to the first who asks, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            visitor, _ = door.accept()
            with visitor:
                visitor.recv(4096)
                visitor.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"
        thread.join()


def test_pictures_come_as_long_as_the_camera_sends() -> None:
    with WebCamera(SCENE) as camera, closing(source(camera.url)()) as pictures:
        for _ in range(3):
            picture = next(pictures)
            assert picture is not None
            assert picture.shape == SCENE.shape
            assert np.mean(np.abs(picture.astype(int) - SCENE)) < 5


def test_headers_of_all_sorts_are_read() -> None:
    picture = jpeg(SCENE)
    odd = b"\r\n--a:b\nX-Stamp: 1:2\ncontent-length:%d\n\n%b" % (len(picture), picture)
    with answering(HEAD + odd + PART % (3, b"bad") + odd) as url, closing(mjpeg(url)) as pictures:
        seen = [next(pictures) is not None for _ in range(3)]
        assert seen == [True, False, True]
        with pytest.raises(CameraLost):
            next(pictures)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(b"", "RemoteDisconnected", id="hangs up"),
        pytest.param(b"220 smtp ready\r\n", "BadStatusLine", id="no web server"),
        pytest.param(b"HTTP/1.0 404 No\r\n\r\n", "status 404", id="not found"),
        pytest.param(b"HTTP/1.0 302 No\r\nLocation: /x\r\n\r\n", "status 302", id="elsewhere"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n#EXTM3U\n", "sends text/plain", id="a playlist"),
        pytest.param(HEAD, "ended", id="no part"),
        pytest.param(HEAD + b"--x\r\nA: b\r\n\r\n", "is 0", id="no length"),
        pytest.param(HEAD + b"--x\r\nContent-Length: -5\r\n\r\n", "is -5", id="negative length"),
        pytest.param(HEAD + b"--x\r\nContent-Length: ten\r\n\r\n", "ValueError", id="a word"),
        pytest.param(HEAD + PART % (10**12, b""), "1..", id="length without end"),
        pytest.param(HEAD + b"x" * 5000, "no end", id="line without end"),
        pytest.param(HEAD + b"a: b\r\n" * 99, "no end", id="headers without end"),
        pytest.param(HEAD + b"--x\r\nContent-Length: 9\r\n\r\nabc", "inside", id="cut off"),
    ],
)
def test_a_bad_answer_is_a_lost_camera(answer: bytes, problem: str) -> None:
    with answering(answer) as url, pytest.raises(CameraLost, match=problem):
        next(mjpeg(url))


def test_nobody_there_is_a_lost_camera() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(CameraLost, match="ConnectionRefused"):
        next(mjpeg(f"http://127.0.0.1:{port}/"))


@pytest.mark.threat("A12")
@given(st.binary(max_size=3000), st.booleans())
def test_a_hostile_camera_is_at_worst_lost(sent: bytes, polite: bool) -> None:
    answer = HEAD + PART % (len(sent), sent) + sent if polite else sent
    with answering(answer) as url, closing(mjpeg(url)) as pictures, pytest.raises(CameraLost):
        assert len([None for _ in pictures]) <= 2  # and then it raises, for the stream ends


@pytest.mark.threat("A12")
@given(st.data())
def test_a_damaged_jpeg_never_raises(data: st.DataObject) -> None:
    picture = bytearray(jpeg(np.full((64, 64), 9, np.uint8)))
    for _ in range(data.draw(st.integers(1, 8))):
        picture[data.draw(st.integers(3, len(picture) - 1))] = data.draw(st.integers(0, 255))
    from_jpeg(bytes(picture[: data.draw(st.integers(0, len(picture)))]))


@pytest.mark.threat("A12")
def test_only_a_jpeg_of_sensible_size_is_decoded() -> None:
    _, png = cv2.imencode(".png", SCENE)
    assert from_jpeg(png.tobytes()) is None
    bomb = jpeg(np.zeros((8000, 8000), np.uint8))
    assert len(bomb) < limits.JPEG_BYTES
    assert from_jpeg(bomb) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "csi:2",
        "csi:",
        "csi:0x",
        "file:///etc/passwd",
        "http://",
        "http://h:0/",
        "http://h:x/",
        "0",
        "video.mp4",
    ],
)
def test_other_sources_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"source must be|Port"):
        source(name)


YUYV = np.dstack([SCENE, np.full_like(SCENE, 128)])
YUV420 = np.vstack([SCENE, np.full_like(SCENE[:240], 128)])


@pytest.mark.parametrize(
    ("layout", "delivered", "off"),
    [
        (Layout.YUYV, YUYV, 0),
        (Layout.YU12, YUV420, 0),
        (Layout.NV12, YUV420, 0),
        (Layout.GREY, SCENE, 0),
        (Layout.MJPG, np.frombuffer(jpeg(SCENE), np.uint8)[np.newaxis], 5),
    ],
)
def test_brightness_is_taken_from_every_layout(
    layout: Layout, delivered: Frame, off: float
) -> None:
    seen = brightness(delivered, layout)
    assert seen is not None
    assert seen.shape == SCENE.shape
    assert seen.flags.c_contiguous
    assert np.mean(np.abs(seen.astype(int) - SCENE)) <= off


def test_what_is_too_large_or_no_jpeg_is_no_picture() -> None:
    assert brightness(np.zeros((3000, 3000, 2), np.uint8), Layout.YUYV) is None
    assert brightness(np.zeros((1, 99), np.uint8), Layout.MJPG) is None


class FakeCapture:
    """Stands for cv2.VideoCapture: pictures, then the endless failure of a lost device.

    Like a V4L2 driver it takes another layout than the one asked for where it has to.
    """

    def __init__(self, has: dict[str, Frame]) -> None:
        self._has = has
        self.asked: dict[int, float] = {}
        self.left = 2
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, key: int, value: float) -> None:
        self.asked[key] = value
        codes = {cv2.VideoWriter.fourcc(*name): name for name in self._has}
        if key == cv2.CAP_PROP_FOURCC:
            self.name = codes.get(int(value), next(iter(self._has)))

    def get(self, key: int) -> float:
        assert key == cv2.CAP_PROP_FOURCC
        return float(cv2.VideoWriter.fourcc(*self.name))

    def read(self) -> tuple[bool, object]:
        self.left -= 1
        return (False, None) if self.left < 0 else (True, self._has[self.name])

    def release(self) -> None:
        self.released = True


@pytest.mark.parametrize(
    "has",
    [
        pytest.param({"MJPG": SCENE, "YUYV": YUYV}, id="YUYV is preferred"),
        pytest.param({"MJPG": SCENE, "NV12": YUV420}, id="else another with a Y"),
    ],
)
def test_a_local_camera_gives_its_y_and_is_released(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, Frame]
) -> None:
    camera = FakeCapture(has)
    opened: list[object] = []

    def make(*what: object) -> FakeCapture:
        opened.append(what)
        return camera

    monkeypatch.setattr(cv2, "VideoCapture", make)
    with closing(source("/dev/video7")()) as pictures:
        for _ in range(2):
            picture = next(pictures)
            assert picture is not None
            assert np.array_equal(picture, SCENE)
        assert next(pictures) is None
        assert camera.asked[cv2.CAP_PROP_CONVERT_RGB] == 0
        assert not camera.released
    assert camera.released
    assert opened == [("/dev/video7", cv2.CAP_V4L2)]


def test_a_local_camera_without_a_layout_we_read_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FakeCapture({"H264": SCENE})
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: camera)
    with pytest.raises(CameraLost, match="gives none of YUYV, YU12, NV12, GREY, MJPG"):
        next(v4l2(Path("/dev/video7")))
    assert camera.released


def test_a_missing_local_camera_is_lost() -> None:
    with pytest.raises(CameraLost, match="/dev/video-none"):
        next(v4l2(Path("/dev/video-none")))
