"""Byte pipes that a device may hang at: a serial port, a TCP converter, a pair for tests."""

import asyncio
import os
import socket
import termios
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import urlsplit

import serial

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing

TCP: Final = "tcp://"
"""How the port of a TCP converter begins; any other is the path of a serial port."""


class Channel(Protocol):
    """Bytes both ways, in order. One task reads and one writes at a time."""

    async def read(self) -> bytes:
        """Wait for bytes and return 1..`limits.READ_BYTES` of them.

        A cancelled read has taken nothing. Raises DeviceLost: the other side is gone.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Hand over all of `data`. Raises DeviceLost: it is gone, or took nothing in time."""
        ...

    def discard(self) -> None:
        """Drop what came in and was not read."""
        ...

    def close(self) -> None:
        """Let go of it; whoever waits gets DeviceLost. Idempotent, never raises."""
        ...


class _Descriptor:
    """What channels behind a non-blocking file descriptor share: the event loop waits for it.

    `device` is for errors, and `port` is what it hangs at, in words.
    """

    def __init__(self, device: str, port: str, file: int) -> None:
        self._device = device
        self._port = port
        self._file = file
        self._open = True
        self._came = b""
        self._watched = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """See Channel."""
        if not self._came:
            if not self._open:
                raise self._lost("closed")
            loop = asyncio.get_running_loop()
            if not self._watched:
                loop.add_reader(self._file, self._take)
                self._watched = True
            self._reader = loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        came, self._came = self._came, b""
        return came

    def _take(self) -> None:
        """Take what came for whoever waits; if nobody does, it stays outside until somebody does.

        The loop goes on watching between two reads: to be told anew of the port each time would
        cost more than the reading.
        """
        if self._reader is None or self._reader.done():
            asyncio.get_running_loop().remove_reader(self._file)
            self._watched = False
            return
        try:
            self._came = os.read(self._file, limits.READ_BYTES)
        except OSError as error:
            _set(self._reader, self._lost(str(error)))
            return
        # ready and empty: the other side has hung up
        _set(self._reader, None if self._came else self._lost("unplugged"))

    async def write(self, data: bytes) -> None:
        """See Channel."""
        try:
            async with asyncio.timeout(limits.WRITE_MS / 1000):
                while data:
                    await self._writable()
                    data = data[os.write(self._file, data) :]
        except TimeoutError as error:  # an OSError too, so it comes first
            raise self._lost("takes no bytes") from error
        except OSError as error:
            raise self._lost(str(error)) from error

    def close(self) -> None:
        """See Channel."""
        if not self._open:
            return
        self._open = False
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._file)
        loop.remove_writer(self._file)
        for waiter in (self._reader, self._writer):
            if waiter is not None:
                _set(waiter, self._lost("closed"))
        self._let_go()

    def discard(self) -> None:
        """See Channel."""
        self._came = b""

    def _let_go(self) -> None:
        """Close what is behind the descriptor; never raises."""
        raise NotImplementedError

    async def _writable(self) -> None:
        """Wait until the port takes something."""
        if not self._open:
            raise self._lost("closed")
        loop = asyncio.get_running_loop()
        self._writer = loop.create_future()
        loop.add_writer(self._file, _set, self._writer)
        try:
            await self._writer
        finally:
            self._writer = None
            if self._open:  # else the number may be another file's by now
                loop.remove_writer(self._file)

    def _lost(self, problem: str) -> DeviceLost:
        return DeviceLost(self._device, f"{self._port}: {problem}")


class SerialChannel(_Descriptor):
    """A serial port at 8N1, raw, for this process alone; what waited in it is dropped.

    Args:
        device: Name of the device in the settings, for errors.
        port: Path, best one that stays the same, such as `/dev/serial/by-id/...`.
        baud: One of `limits.BAUDS`.

    Raises:
        DeviceMissing: The path is not there, not a terminal, in use, or not permitted.

    Source: spec/hardware.md 1.2 for what an unplugged port does.
    """

    def __init__(self, device: str, port: str, baud: int) -> None:
        try:
            # timeouts are ours: the descriptor is non-blocking and the event loop waits
            self._serial = serial.Serial(port, baud, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, termios.error) as error:
            raise DeviceMissing(device, f"can't open {port}: {error}") from error
        super().__init__(device, port, self._serial.fileno())

    def discard(self) -> None:
        """See Channel."""
        super().discard()
        try:
            termios.tcflush(self._file, termios.TCIFLUSH)
        except termios.error:
            return  # it is gone: the next read or write says so

    def _let_go(self) -> None:
        with suppress(OSError, termios.error):  # the descriptor is gone either way
            self._serial.close()


class TcpChannel(_Descriptor):
    """A TCP connection to a transparent converter: the same bytes as on its serial line.

    A converter that vanished without a word is noticed by keepalive, and bytes that it does not
    take by the kernel's own limit, both within `limits.KEEPALIVE_S`. Made by `open_channel`.
    """

    def __init__(self, device: str, port: str, peer: socket.socket) -> None:
        super().__init__(device, port, peer.fileno())
        self._peer = peer

    def discard(self) -> None:
        """See Channel."""
        super().discard()
        with suppress(OSError):  # empty by now, or gone: the next read or write says so
            while self._peer.recv(limits.READ_BYTES):
                pass

    def _let_go(self) -> None:
        self._peer.close()


async def open_channel(device: str, port: str, baud: int) -> Channel:
    """Open a serial port, or connect to `tcp://host:port` within `limits.CONNECT_MS`.

    Raises:
        DeviceMissing: It can't be opened, or nobody takes the connection.
    """
    if not port.startswith(TCP):
        return SerialChannel(device, port, baud)
    place = urlsplit(port)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limits.CONNECT_MS / 1000):
            found = await loop.getaddrinfo(place.hostname, place.port, type=socket.SOCK_STREAM)
            family, _, _, _, address = found[0]
            peer = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                await loop.sock_connect(peer, address)
                _stay_awake(peer)
            except BaseException:
                peer.close()
                raise
    except (OSError, ValueError) as error:  # a time-out is an OSError too
        problem = str(error) or f"no connection within {limits.CONNECT_MS} ms"
        raise DeviceMissing(device, f"can't open {port}: {problem}") from error
    return TcpChannel(device, port, peer)


def _stay_awake(peer: socket.socket) -> None:
    """Have the kernel notice a dead peer by itself, and send each frame at once."""
    every_s = limits.KEEPALIVE_S // 3
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, every_s),
        (socket.TCP_KEEPINTVL, every_s),
        (socket.TCP_KEEPCNT, 2),
        (socket.TCP_USER_TIMEOUT, limits.KEEPALIVE_S * 1000),
        (socket.TCP_NODELAY, 1),
    ):
        peer.setsockopt(socket.IPPROTO_TCP, option, value)


class _Way:
    """One direction of a pair."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.changed = asyncio.Event()
        self.open = True


class PairedChannel:
    """One end of a pipe in memory. Made by `pair`."""

    def __init__(self, device: str, inward: _Way, outward: _Way) -> None:
        self._device = device
        self._in = inward
        self._out = outward

    async def read(self) -> bytes:
        """See Channel."""
        while not self._in.waiting:
            if not self._in.open:
                raise DeviceLost(self._device, "unplugged")
            self._in.changed.clear()
            await self._in.changed.wait()
        data = bytes(self._in.waiting[: limits.READ_BYTES])
        del self._in.waiting[: len(data)]
        return data

    async def write(self, data: bytes) -> None:
        """See Channel. What the other side has no room for is lost, as in a UART."""
        if not self._out.open:
            raise DeviceLost(self._device, "unplugged")
        self._out.waiting += data[: limits.READ_BYTES - len(self._out.waiting)]
        self._out.changed.set()

    def discard(self) -> None:
        """See Channel."""
        self._in.waiting.clear()

    def close(self) -> None:
        """See Channel."""
        for way in (self._in, self._out):
            way.open = False
            way.changed.set()


def pair(device: str) -> tuple[PairedChannel, PairedChannel]:
    """Return the two ends of a pipe; what one writes the other reads."""
    there, back = _Way(), _Way()
    return PairedChannel(device, there, back), PairedChannel(device, back, there)


def _set(waiter: asyncio.Future[None], error: DeviceLost | None = None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
