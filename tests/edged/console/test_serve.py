import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from edged.console.serve import Watched


async def test_it_says_that_it_listens_and_that_its_loop_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
        ear.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        server = Watched(uvicorn.Config(Starlette(), port=0, log_config=None))
        serving = asyncio.create_task(server.serve())
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(60):
            assert await loop.sock_recv(ear, 100) == b"READY=1"
            assert server.servers[0].is_serving()
            assert await loop.sock_recv(ear, 100) == b"WATCHDOG=1"
            server.should_exit = True
            await serving


async def test_it_says_nothing_where_it_never_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def broken(_: Starlette) -> AsyncIterator[None]:
        raise OSError("no")
        yield

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
        ear.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        server = Watched(uvicorn.Config(Starlette(lifespan=broken), port=0, log_config=None))
        with pytest.raises(SystemExit):
            await server.serve()
        with pytest.raises(BlockingIOError):
            ear.recv(100)
