"""Another network, on trial until the broker answers over it.

What is on trial lies where a power cut clears it away, and is written beside what is kept only
when it has proven itself. So whatever ends the trial, the network is the one before or one by
which the broker is reached.
"""

import asyncio
import signal
import ssl
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final, TypeVar

from edged import limits
from edged.clock import Clock
from edged.cloud.trusting import all_authorities
from edged.errors import NetworkRefused, NotFound
from edged.identity.lasting import own_files
from edged.network.manager import Manager
from edged.network.wish import Wish, profile
from edged.settings.model import Settings

T = TypeVar("T")
NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name."""

Reach = Callable[[], Awaitable[None]]
"""Reaches the broker. Raises OSError, which says why not."""


async def change(
    wish: Wish, manager: Manager, reach: Reach, clock: Clock, within_s: float
) -> Mapping[str, object]:
    """Change the network, or leave it as it was; return what is kept.

    Args:
        wish: What is wanted.
        manager: Keeps the connections.
        reach: Reaches the broker.
        clock: Waits between tries.
        within_s: The broker has to be reached within this, once the network is up.

    Raises:
        NetworkRefused: NetworkManager says no, or the broker is not reached: it is as before.
    """
    own = str(uuid.uuid4())
    text = profile(wish, own)
    before = await manager.active(wish.kind, wish.interface)
    try:
        await manager.try_out(wish.kind, text, own)
        await _reached(reach, clock, within_s)
        await manager.keep(wish.kind, text)
    except BaseException:
        await manager.back(wish.kind, before)
        raise
    return {"kept": f"edged-{wish.kind}", "uuid": own, "before": before}


async def unhurried(work: Coroutine[object, object, T]) -> T:
    """Do it to its end though the line is cut to whoever asked for it; SIGTERM takes it back."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _reached(reach: Reach, clock: Clock, within_s: float) -> None:
    """Reach the broker in time. Raises NetworkRefused."""
    why: object = "no answer"
    try:
        async with asyncio.timeout(within_s):
            while True:
                try:
                    return await reach()
                except OSError as error:
                    why = error
                await clock.sleep_ms(limits.NETWORK_AGAIN_MS)
    except TimeoutError:
        raise NetworkRefused(f"the broker is not reached by it: {why}") from None


def reaching(settings: Settings, *, knows_time: bool) -> Reach:
    """Return what shakes hands with the broker, which proves that it is no other.

    By the device's certificate; without one at the place where devices are enrolled.
    `knows_time`: certificates are held to their dates.

    Raises:
        NotFound: The settings name no cloud: nothing would confirm a network.
        OSError, ValueError, Untrusted: A certificate can't be read.
    """
    broker = settings.cloud
    if broker is None:
        raise NotFound("the settings name no cloud: nothing would confirm another network")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not knows_time:
        context.verify_flags |= NO_CHECK_TIME
    context.load_verify_locations(cadata=b"".join(all_authorities(settings.state_dir, broker)))
    port = broker.enrol_port
    if (own := own_files(settings, broker)) is not None:
        port = broker.port
        context.load_cert_chain(*own)

    async def reach() -> None:
        _, out = await asyncio.open_connection(broker.host, port, ssl=context)
        out.close()

    return reach
