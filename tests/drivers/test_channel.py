"""What every byte pipe promises (drivers.channel)."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing
from drivers.channel import Channel, SerialChannel, TcpChannel, open_channel, pair
from drivers.limits import KEEPALIVE_S, READ_BYTES
from tests.drivers.rigs import PATIENCE_S, Terminal, running, until


class Line(Protocol):
    """A channel and what is at its other end."""

    @property
    def channel(self) -> Channel: ...
    async def send(self, data: bytes) -> None: ...
    async def receive(self, count: int) -> bytes: ...
    def unplug(self) -> None: ...


class SerialLine:
    def __init__(self, link: Path) -> None:
        self.came = bytearray()
        self.terminal = Terminal(link, self.came.extend)
        self.terminal.plug()
        self.channel = SerialChannel("front", str(link), 9600)
        self.unplug = self.terminal.unplug

    async def send(self, data: bytes) -> None:
        self.terminal.write(data)

    async def receive(self, count: int) -> bytes:
        await until(lambda: len(self.came) >= count)
        return bytes(self.came)


class MemoryLine:
    def __init__(self, _: Path) -> None:
        self.channel, self.other = pair("front")
        self.unplug = self.other.close
        self.send = self.other.write

    async def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await self.other.read()
        return data


class TcpLine:
    def __init__(self, _: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            self.other, _address = server.accept()
        ours.settimeout(0)
        self.other.settimeout(0)
        self.channel = TcpChannel("front", "tcp://converter", ours)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.other, data)

    async def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await asyncio.get_running_loop().sock_recv(self.other, count)
        return data

    def unplug(self) -> None:
        """Hang up at once, as a converter does that lost its power and came back."""
        with suppress(OSError):
            self.other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.other.close()


@pytest.fixture(params=[SerialLine, MemoryLine, TcpLine])
async def line(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Line]:
    line: Line = request.param(tmp_path / "port")
    yield line
    line.channel.close()
    line.unplug()


async def read(channel: Channel, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(PATIENCE_S):
        while len(data) < count:
            data += await channel.read()
    return data


async def test_all_bytes_pass_both_ways(line: Line) -> None:
    every = bytes(range(256))
    await line.send(every)
    assert await read(line.channel, 256) == every
    await line.channel.write(every)
    assert await line.receive(256) == every


async def test_a_cancelled_read_takes_nothing(line: Line) -> None:
    async with running(_read_once(line.channel)):
        await asyncio.sleep(0)
    await line.send(b"still there")
    assert await read(line.channel, 11) == b"still there"


@pytest.mark.parametrize("kind", [SerialLine, TcpLine])
async def test_a_read_that_is_cancelled_in_the_moment_in_which_bytes_came_leaves_them(
    kind: type[SerialLine | TcpLine], tmp_path: Path
) -> None:
    line = kind(tmp_path / "port")
    async with running(_read_once(line.channel)):
        await asyncio.sleep(0)
        await line.send(b"marker")
        async with asyncio.timeout(PATIENCE_S):
            while True:  # each turn of the loop, so that it is cancelled in the next one
                await asyncio.sleep(0)
                if line.channel._came:
                    break
    assert await read(line.channel, 6) == b"marker"
    line.channel.close()
    line.unplug()


async def _read_once(channel: Channel) -> None:
    await channel.read()


async def test_what_is_discarded_is_not_read(line: Line) -> None:
    await line.send(b"marker")
    assert await read(line.channel, 6) == b"marker"
    await line.send(b"old")
    await asyncio.sleep(0)
    line.channel.discard()
    await line.send(b"new")
    assert (await read(line.channel, 3))[-3:] == b"new"


async def test_an_unplugged_channel_is_lost(line: Line) -> None:
    line.unplug()
    with pytest.raises(DeviceLost) as caught:
        await line.channel.read()
    assert caught.value.device == "front"
    with pytest.raises(DeviceLost):
        await line.channel.write(b"x")
    line.channel.discard()


async def test_who_waits_when_it_is_unplugged_is_told(line: Line) -> None:
    async with running(_read_once(line.channel)) as waiting:
        await asyncio.sleep(0)
        line.unplug()
        with pytest.raises(DeviceLost):
            await waiting


async def test_who_waits_when_it_is_closed_is_told(line: Line) -> None:
    async with running(_read_once(line.channel)) as waiting:
        await asyncio.sleep(0)
        line.channel.close()
        with pytest.raises(DeviceLost):
            await waiting
    line.channel.close()
    for call in (line.channel.read(), line.channel.write(b"x")):
        with pytest.raises(DeviceLost):
            await call


async def test_one_read_has_a_bound(line: Line) -> None:
    await line.send(b"x" * READ_BYTES)
    assert 1 <= len(await line.channel.read()) <= READ_BYTES


async def test_memory_has_a_bound() -> None:
    one, other = pair("front")
    for _ in range(3):
        await one.write(b"x" * READ_BYTES)
    assert await other.read() == b"x" * READ_BYTES
    await one.write(b"y")
    assert await other.read() == b"y"


async def test_a_port_that_takes_no_bytes_is_lost(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "port")
    terminal.plug()
    assert terminal._ends is not None
    asyncio.get_running_loop().remove_reader(terminal._ends[0])  # it listens no more
    channel = SerialChannel("front", str(terminal.link), 9600)
    with pytest.raises(DeviceLost, match="takes no bytes"):
        await channel.write(b"x" * 1_000_000)
    channel.close()
    terminal.unplug()


async def test_a_port_has_one_owner(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "port")
    with pytest.raises(DeviceMissing, match="lock port"):
        SerialChannel("back", str(tmp_path / "port"), 9600)
    line.channel.close()
    SerialChannel("back", str(tmp_path / "port"), 9600).close()
    line.unplug()


async def test_what_is_no_serial_port_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (file, tmp_path / "nothing", tmp_path, Path("/dev/null")):
        with pytest.raises(DeviceMissing, match=str(path)):
            SerialChannel("front", str(path), 9600)


async def test_a_converter_is_reached_by_its_host_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        channel = await open_channel("front", port, 9600)
        other, _ = server.accept()
        other.sendall(b"hello")
        assert await read(channel, 5) == b"hello"
        assert isinstance(channel, TcpChannel)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
            assert channel._peer.getsockopt(socket.IPPROTO_TCP, option) in (2, KEEPALIVE_S // 3)
        assert channel._peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        channel.close()
        other.close()
    with pytest.raises(DeviceMissing, match=f"front: can't open {port}"):
        await open_channel("front", port, 9600)


async def test_a_converter_that_takes_no_connection_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.limits.CONNECT_MS", 50)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        port = f"tcp://127.0.0.1:{server.getsockname()[1]}"

        async def connect() -> None:
            for _ in range(8):  # more than the queue has room for: the kernel answers no more
                waiting.callback((await open_channel("front", port, 9600)).close)

        with pytest.raises(DeviceMissing, match="no connection within 50 ms"):
            await connect()


async def test_what_waited_before_opening_is_dropped(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "port")
    terminal.plug()
    held = os.open(terminal.link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    terminal.write(b"old\n")
    channel = SerialChannel("front", str(terminal.link), 9600)
    terminal.write(b"new\n")
    assert await read(channel, 4) == b"new\n"
    channel.close()
    os.close(held)
    terminal.unplug()
