"""Zebra scanners that speak SSI, and GM67 (kind "ssi")."""

import asyncio
from contextlib import suppress

from drivers import limits
from drivers.api import DeviceLost, DeviceRefused
from drivers.codec import ssi
from drivers.conversation import TalkingScanner


class SsiScanner(TalkingScanner[ssi.Reply]):
    """Reader (drivers.api) that is sent codes in packets, and acknowledges each.

    At each opening the scanner is told to send packets, to ignore setting codes where it knows
    that parameter, and to scan; in its working memory only. It is told to scan again every
    `limits.SCANNER_PATROL_MS`, and to send packets whenever it sends anything else. When it
    scans (always, or when something comes before it) is left as it was commissioned.

    Args:
        name: In the settings, such as `front.reader`.
        port: Path of the serial port.
        baud: One of `limits.BAUDS`.

    Raises:
        ValueError: `baud` is out of range.

    Source: spec/hardware.md 7.1.
    """

    def __init__(self, name: str, *, port: str, baud: int = 9600) -> None:
        super().__init__(name, port=port, baud=baud)

    def _hearing(self, now_ms: int) -> ssi.SsiHearing:
        return ssi.SsiHearing(now_ms)

    async def _prepare(self) -> None:
        await self._order(ssi.put(ssi.PACKETS, 1))
        await self._order(ssi.enable())
        # The last, because an answer does not say to what, and GM67 has no such parameter.
        with suppress(DeviceRefused):
            await self._order(ssi.put(ssi.SETTING_CODES, 0))

    async def _patrol(self) -> bool:
        await self._wake()
        return await self._line.ask(ssi.enable(), _is_answer) is not None

    async def _order(self, packet: bytes) -> None:
        """Send an order until it is acknowledged. Raises DeviceLost, DeviceRefused."""
        for number in range(limits.SCANNER_TRIES):
            await self._wake()
            match await self._line.ask(ssi.again(packet) if number else packet, _is_answer):
                case ssi.Ack():
                    return
                case ssi.Nak() as nak if not nak.again:
                    raise DeviceRefused(self._name, f"refused an order with code {nak.code}")
        raise DeviceLost(self._name, "does not answer as an SSI scanner")

    async def _wake(self) -> None:
        await self._line.say(ssi.WAKE)
        await asyncio.sleep(limits.WAKE_MS / 1000)


def _is_answer(reply: ssi.Reply) -> bool:
    return isinstance(reply, ssi.Ack | ssi.Nak)
