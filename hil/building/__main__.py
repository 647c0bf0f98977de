"""`python -m hil.building CONFIG.toml`: the virtual building as a process (README.md)."""

import asyncio
import json
import signal
import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from hil.building import limits, wire
from hil.building.building import Building
from hil.building.camera import stream
from hil.building.config import Config, ConfigFault, load
from hil.building.connections import Talk, serving
from hil.building.observations import Observations

USAGE = 2


def clock_us() -> int:
    """The building's monotonic clock: that of the machine, us."""
    return time.monotonic_ns() // 1_000


async def run(config: Config) -> None:
    """Put the building up, say so on stdout, and keep it up until SIGTERM or SIGINT.

    Raises:
        OSError: the socket, a link, the log or a port can't be made.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as up:
        log = up.enter_context(config.log.open("a", buffering=1, encoding="utf-8"))
        building = Building(config, Observations(log), clock_us)
        up.callback(building.stop)
        await building.start()
        urls = {name: await _stream(up, building, name) for name in building.cameras}
        up.callback(config.socket.unlink, missing_ok=True)
        await up.enter_async_context(
            serving(partial(_listen, config.socket), partial(wire.talk, building))
        )
        ready = {
            "ready": True,
            "socket": str(config.socket),
            "scanners": {name: str(each.tty.link) for name, each in building.scanners.items()},
            "relays": {name: str(relay.tty.link) for name, relay in building.relays.items()},
            "buses": {name: bus.place for name, bus in building.buses.items()},
            "cameras": urls,
        }
        print(json.dumps(ready), flush=True)
        await stop.wait()


async def _listen(path: Path, talk: Talk) -> asyncio.Server:
    return await asyncio.start_unix_server(talk, path, limit=limits.LINE_BYTES)


async def _listen_http(talk: Talk) -> asyncio.Server:
    return await asyncio.start_server(talk, "127.0.0.1", 0, limit=limits.HTTP_HEAD_BYTES)


async def _stream(up: AsyncExitStack, building: Building, name: str) -> str:
    talk = partial(stream, building.cameras[name], building.clock)
    server = await up.enter_async_context(serving(_listen_http, talk))
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def main() -> int:
    """Run the building that the one argument describes; 2 if it can't be put up."""
    if len(sys.argv) != 2:
        print("usage: python -m hil.building CONFIG.toml", file=sys.stderr)
        return USAGE
    try:
        asyncio.run(run(load(Path(sys.argv[1]))))
    except (ConfigFault, OSError) as error:
        print(error, file=sys.stderr)
        return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
