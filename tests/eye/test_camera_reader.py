"""drivers/camera.py: the daemon's side, before an eye that may send anything."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import limits as driver_limits
from drivers.api import DeviceLost, DeviceMissing, Reader, Scan
from drivers.camera import EyeReader
from drivers.eye import limits

ALIVE = b'{"alive": true}\n'


def line(text: bytes) -> bytes:
    return json.dumps({"text": b64encode(text).decode()}).encode() + b"\n"


@asynccontextmanager
async def eye_that_sends(sent: bytes, *, hangs_up: bool = True) -> AsyncIterator[EyeReader]:
    """An EyeReader, not opened, before an eye that sends these bytes to whoever connects."""
    gone = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        if not hangs_up:
            await gone.wait()
        writer.close()

    with TemporaryDirectory() as folder:
        path = f"{folder}/eye"
        server = await asyncio.start_unix_server(serve, path)
        try:
            yield EyeReader("cam", socket=path)
        finally:
            gone.set()
            server.close()


async def heard(sent: bytes, *, hangs_up: bool = True) -> tuple[list[bytes], str]:
    """The texts reported until the device was lost or missing, and what it was lost by."""
    scans: list[Scan] = []
    async with eye_that_sends(sent, hangs_up=hangs_up) as reader:
        try:
            async with reader:
                await reader.run(scans.append)
        except (DeviceLost, DeviceMissing) as lost:
            return [scan.text for scan in scans], str(lost)
    raise AssertionError("run ended by itself")


async def test_texts_are_reported_in_order() -> None:
    sent = ALIVE + line(b"one") + ALIVE + line(bytes(range(256)) * 2) + line(b"one")
    assert await heard(sent) == (
        [b"one", bytes(range(256)) * 2, b"one"],
        "cam: the eye hung up",
    )


def test_it_is_a_reader() -> None:
    reader: Reader = EyeReader("cam", socket="/run/eye")
    assert reader.name == "cam"
    assert limits.TEXT_BYTES <= driver_limits.SCAN_BYTES


async def test_nobody_at_the_socket_is_a_missing_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match="no eye at"):
        await EyeReader("cam", socket=str(tmp_path / "eye")).__aenter__()
    (tmp_path / "file").touch()
    with pytest.raises(DeviceMissing, match="no eye at"):
        await EyeReader("cam", socket=str(tmp_path / "file")).__aenter__()


@pytest.mark.parametrize(
    ("told", "problem"),
    [(b'{"alive": false}\n', "gives no picture"), (b'{"frozen": true}\n', "is frozen")],
)
async def test_an_eye_whose_camera_fails_is_missing_or_lost(told: bytes, problem: str) -> None:
    async with eye_that_sends(told) as reader:
        with pytest.raises(DeviceMissing, match=problem):
            await reader.__aenter__()
    assert problem in (await heard(ALIVE + told, hangs_up=False))[1]


async def test_a_silent_eye_is_missing_or_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SILENCE_S", 0.05)
    async with eye_that_sends(b"", hangs_up=False) as reader:
        with pytest.raises(DeviceMissing, match="silent"):
            await reader.__aenter__()
    assert await heard(ALIVE + line(b"one"), hangs_up=False) == (
        [b"one"],
        "cam: the eye is silent for 0.05 s",
    )


async def test_a_reader_that_is_not_open_is_lost() -> None:
    reader = EyeReader("cam", socket="/run/eye")
    with pytest.raises(DeviceLost, match="not open"):
        await reader.run(lambda _: None)
    await reader.__aexit__(None, None, None)


async def test_it_opens_again_after_a_loss() -> None:
    async with eye_that_sends(ALIVE + line(b"one")) as reader:
        for _ in range(2):
            scans: list[Scan] = []
            with pytest.raises(DeviceLost):
                async with reader:
                    await reader.run(scans.append)
            assert scans == [Scan(b"one")]


async def test_a_cancelled_opening_leaves_no_connection(tmp_path: Path) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        assert await reader.read() == b""
        left.set()
        writer.close()

    async with await asyncio.start_unix_server(serve, tmp_path / "eye"):
        opening = asyncio.create_task(EyeReader("cam", socket=f"{tmp_path}/eye").__aenter__())
        await came.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await left.wait()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"\n", id="empty"),
        pytest.param(b"hello\n", id="no JSON"),
        pytest.param(b"[" * 1000 + b"\n", id="deep"),
        pytest.param(b"9" * 1000 + b"\n", id="long number"),
        pytest.param(b'"text"\n', id="no object"),
        pytest.param(b"{}\n", id="empty object"),
        pytest.param(b'{"alive": 1}\n', id="alive is a number"),
        pytest.param(b'{"alive": null}\n', id="alive is null"),
        pytest.param(b'{"frozen": false}\n', id="frozen is false"),
        pytest.param(b'{"frozen": true, "alive": true}\n', id="frozen and alive"),
        pytest.param(b'{"text": 1}\n', id="text is a number"),
        pytest.param(b'{"text": ""}\n', id="text is empty"),
        pytest.param(b'{"text": "QQ"}\n', id="no padding"),
        pytest.param(b'{"text": "Q!Q="}\n', id="foreign character"),
        pytest.param('{"text": "é"}\n'.encode(), id="not ASCII"),
        pytest.param(b'{"text": "\\u00e9"}\n', id="not ASCII inside"),
        pytest.param(b'{"text": "QQ==", "door": "open"}\n', id="more keys"),
        pytest.param(b'{"text": "QQ==", "alive": true}\n', id="both"),
        pytest.param('{"text": "QQ=="}\n'.encode("utf-16"), id="UTF-16"),
        pytest.param(line(b"x" * (limits.TEXT_BYTES + 1)), id="text too long"),
        pytest.param(b" " * limits.LINE_BYTES + ALIVE, id="line too long"),
    ],
)
async def test_what_is_not_on_the_wire_ends_the_connection(bad: bytes) -> None:
    texts, problem = await heard(ALIVE + line(b"one") + bad + line(b"two"), hangs_up=False)
    assert (texts, problem) == ([b"one"], "cam: the eye sent what is not on the wire")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
lines = st.one_of(
    st.just(ALIVE),
    st.binary(max_size=600).map(line),
    st.binary(max_size=1500),
    json_values.map(lambda value: json.dumps(value).encode() + b"\n"),
    st.dictionaries(st.sampled_from(["text", "alive", "x"]), json_values).map(
        lambda value: json.dumps(value).encode() + b"\n"
    ),
)


@pytest.mark.threat("A12")
@given(st.booleans(), st.lists(lines, max_size=6))
def test_whatever_an_eye_sends_the_device_is_at_worst_lost(greets: bool, sent: list[bytes]) -> None:
    texts, _ = asyncio.run(heard((ALIVE if greets else b"") + b"".join(sent)))
    assert all(0 < len(text) <= limits.TEXT_BYTES for text in texts)
    on_the_wire = [each for each in b"".join(sent).split(b"\n") if b"text" in each]
    assert len(texts) <= len(on_the_wire)


@pytest.mark.fault("flood")
@pytest.mark.threat("A12")
async def test_a_flood_of_lines_lets_others_run() -> None:
    turns = 0
    lasting = True

    async def other() -> None:
        nonlocal turns
        while lasting:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await heard(ALIVE * 5000)
    lasting = False
    await task
    assert turns >= 5000


async def test_no_error_shows_a_text() -> None:
    secret = b64encode(b"somebody's key").decode()
    async with eye_that_sends(ALIVE + b'{"text": "%b", "x": 1}\n' % secret.encode()) as reader:
        with pytest.raises(DeviceLost) as lost:
            async with reader:
                await reader.run(lambda _: None)
    assert lost.value.__context__ is None
    assert secret not in str(lost.value)
