"""The eye as a process, before a network camera, heard by the daemon's reader."""

import asyncio
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import drivers
from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.camera import EyeReader
from drivers.eye import limits
from drivers.eye.pictures import Frame
from tests.eye.scenes import before_camera, code, text
from tests.eye.web_camera import WebCamera

ROOT = Path(drivers.__file__).parents[1]
CODE = text(7)
SCENE: Frame = before_camera(code(CODE, 4), 8)
LONG_S = 60

HANGING = """
import ctypes
from drivers.eye import __main__, decode, limits
limits.BEAT_S, limits.HUNG_S = 0.1, 0.5
decode.fast = lambda frame: ctypes.PyDLL(None).sleep(60)  # in C, and never lets go of the GIL
__main__.main()
"""

FREEZING = """
from drivers.eye import __main__, limits
limits.FROZEN_S = 0.5
__main__.main()
"""


@pytest.fixture
def camera() -> Iterator[WebCamera]:
    with WebCamera(SCENE) as camera:
        yield camera


class Eye:
    """An eye's process and the daemon's reader at it."""

    def __init__(self, folder: Path, url: str, *program: str) -> None:
        self.socket = folder / "eye"
        self.stderr = folder / "stderr"
        self.stdout = folder / "stdout"
        self.reader = EyeReader("cam", socket=str(self.socket))
        arguments = ["--source", url, "--socket", str(self.socket), "--name", "cam"]
        with self.stderr.open("wb") as errors, self.stdout.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *(program or ("-m", "drivers.eye")), *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=errors,
            )

    async def sees(self) -> None:
        """Wait until the reader can be opened: the eye is up and has a picture."""
        async with asyncio.timeout(LONG_S):
            while True:
                with suppress(DeviceMissing):
                    async with self.reader:
                        return
                assert self.process.poll() is None, self.stderr.read_text()
                await asyncio.sleep(0.02)

    async def connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection to the eye, as soon as there can be one."""
        while True:
            with suppress(OSError):
                return await asyncio.open_unix_connection(self.socket)
            await asyncio.sleep(0.02)

    def cpu_s(self) -> float:
        """Processor seconds that the eye has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    async def scans(self, count: int) -> list[tuple[float, Scan]]:
        """So many scans from the open reader, each with the time at which it came."""
        came: list[tuple[float, Scan]] = []

        def report(scan: Scan) -> None:
            came.append((asyncio.get_running_loop().time(), scan))
            if len(came) == count:
                raise EnoughError

        with suppress(EnoughError):
            async with asyncio.timeout(LONG_S):
                await self.reader.run(report)
        return came


class EnoughError(Exception):
    """Ends a reader's run."""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Eye]]:
    """Starts eyes at one and the same socket, and ends them all."""
    eyes: list[Eye] = []

    def start(url: str, *program: str) -> Eye:
        eyes.append(Eye(tmp_path, url, *program))
        return eyes[-1]

    yield start
    for eye in eyes:
        eye.process.kill()
        eye.process.wait(LONG_S)


@pytest.fixture
def eye(started: Callable[..., Eye], camera: WebCamera) -> Eye:
    return started(camera.url)


async def test_a_code_before_the_camera_is_reported_three_times_a_second(eye: Eye) -> None:
    await eye.sees()
    async with eye.reader:
        came = await eye.scans(4)
    assert {scan.text for _, scan in came} == {CODE.encode()}
    assert came[-1][0] - came[0][0] >= 3 * limits.REPEAT_S * 0.9


@pytest.mark.threat("G9")
async def test_it_ends_when_asked_and_has_said_nothing_of_what_it_saw(eye: Eye) -> None:
    await eye.sees()
    async with eye.reader:
        await eye.scans(1)
        eye.process.send_signal(signal.SIGTERM)
        assert eye.process.wait(LONG_S) == 0
        with pytest.raises(DeviceLost):
            await eye.reader.run(lambda _: None)
    assert eye.stdout.read_bytes() == b""
    assert CODE not in eye.stderr.read_text()
    assert b64encode(CODE.encode()).decode() not in eye.stderr.read_text()
    left = sorted(path.name for path in eye.socket.parent.iterdir())
    assert left == ["stderr", "stdout"]


@pytest.mark.fault("decoder-crash")
@pytest.mark.threat("A12")
async def test_a_killed_eye_is_lost_and_its_successor_is_heard(
    eye: Eye, started: Callable[..., Eye], camera: WebCamera
) -> None:
    await eye.sees()
    async with eye.reader:
        eye.process.kill()
        with pytest.raises(DeviceLost, match="hung up"):
            await eye.reader.run(lambda _: None)
    eye.process.wait(LONG_S)
    successor = started(camera.url)
    await successor.sees()
    async with successor.reader:
        assert (await successor.scans(1))[0][1] == Scan(CODE.encode())


async def test_a_camera_that_goes_is_told_and_one_that_comes_back_is_read(
    started: Callable[..., Eye],
) -> None:
    camera = WebCamera(SCENE)
    with camera:
        eye = started(camera.url)
        await eye.sees()
    async with eye.reader:
        with pytest.raises(DeviceLost, match="no picture"):
            await eye.reader.run(lambda _: None)
    with pytest.raises(DeviceMissing, match="no picture"):
        await eye.reader.__aenter__()
    with camera:
        await eye.sees()
        async with eye.reader:
            assert (await eye.scans(1))[0][1] == Scan(CODE.encode())


async def test_a_frozen_camera_is_told_and_one_that_moves_again_is_read(
    started: Callable[..., Eye], camera: WebCamera
) -> None:
    eye = started(camera.url, "-c", FREEZING)
    await eye.sees()
    async with eye.reader:
        await eye.scans(1)
        camera.frozen = True
        with pytest.raises(DeviceLost, match="frozen"):
            await eye.scans(1000)
    with pytest.raises(DeviceMissing, match="frozen"):
        await eye.reader.__aenter__()
    camera.frozen = False
    await eye.sees()
    async with eye.reader:
        assert (await eye.scans(1))[0][1] == Scan(CODE.encode())


@pytest.mark.threat("A12")
async def test_a_restart_takes_less_than_a_second(
    started: Callable[..., Eye], camera: WebCamera
) -> None:
    """Of a processor's time: how busy this machine is with other things is its own affair."""
    unit = (ROOT / "systemd" / "edged-eye@.service").read_text().splitlines()
    assert "RestartSec=100ms" in unit
    eye = started(camera.url)
    await eye.sees()
    assert eye.cpu_s() < 1 - 0.1


@pytest.mark.fault("decoder-crash")
@pytest.mark.threat("A12")
async def test_a_decoder_that_hangs_ends_the_eye(
    started: Callable[..., Eye], camera: WebCamera
) -> None:
    hung = started(camera.url, "-c", HANGING)
    assert await asyncio.to_thread(hung.process.wait, LONG_S) == 1
    assert "Timeout" in hung.stderr.read_text()


async def test_an_eye_without_a_camera_leaves_the_processor_alone(
    started: Callable[..., Eye],
) -> None:
    blind = started("http://127.0.0.1:1/")
    async with asyncio.timeout(LONG_S):
        lines, writer = await blind.connected()
        used = [(await lines.readline(), blind.cpu_s()) for _ in range(3)]
        writer.close()
    assert [line for line, _ in used] == [b'{"alive": false}\n'] * 3
    assert used[2][1] - used[1][1] < 0.2 * limits.BEAT_S


def test_a_bad_source_is_refused_in_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drivers.eye", "--source", "cat.mp4", "--socket", tmp_path / "eye"],
        cwd=ROOT,
        capture_output=True,
        timeout=LONG_S,
        check=False,
    )
    assert done.returncode == 2
    assert b"source must be /dev/..., csi:0, csi:1 or http://HOST/..." in done.stderr
