"""Serves pages on a loopback port, inside a program that minds its own signals."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette


class _Guest(uvicorn.Server):
    """A server that leaves the program's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def served(app: Starlette, port: int) -> AsyncIterator[str]:
    """Serve an application meanwhile; gives its address. Raises OSError: the port is taken."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Guest(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if serving.done():
                raise OSError(f"port {port} can't be served")
            await asyncio.sleep(0.02)  # a server that listens can only be looked for
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await asyncio.wait({serving})
