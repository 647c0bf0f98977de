"""Honeywell scanners with serial commands, and their relatives (kind "honeywell")."""

from drivers import limits
from drivers.api import DeviceLost, DeviceRefused
from drivers.codec import honeywell
from drivers.conversation import TalkingScanner

_WANTED = {"TRGMOD": "0", "SUFBK2": "990D"}
"""Triggered by command; CR behind every text, of whatever symbology, and nothing else."""


class HoneywellScanner(TalkingScanner[honeywell.MenuAnswer]):
    """Reader (drivers.api) that triggers its scanner again and again.

    At each opening and every `limits.SCANNER_PATROL_MS` it asks for the trigger mode and the
    suffix and puts right what differs, in the scanner's working memory only. The trigger is on
    while this runs and off when it is closed. There is no command of this family that turns
    setting codes off: a visitor who shows one is answered by the next look.

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

    def _hearing(self, _: int) -> honeywell.HoneywellHearing:
        return honeywell.HoneywellHearing()

    async def _prepare(self) -> None:
        for setting, value in _WANTED.items():
            for _ in range(limits.SCANNER_TRIES):
                if await self._put_right(setting, value):
                    break
            else:
                raise DeviceLost(self._name, "does not answer menu commands")
        await self._line.say(honeywell.TRIGGER_ON)

    async def _patrol(self) -> bool:
        for setting, value in _WANTED.items():
            if not await self._put_right(setting, value):
                return False
        await self._line.say(honeywell.TRIGGER_ON)
        return True

    async def _rest(self) -> None:
        await self._line.say(honeywell.TRIGGER_OFF)

    async def _put_right(self, setting: str, value: str) -> bool:
        """See that a setting has its value; False: no answer. Raises DeviceRefused."""
        answer = await self._ask(setting, honeywell.ask(setting))
        if answer is not None and answer.text != setting + value:
            answer = await self._ask(setting, honeywell.put(setting, value))
        return answer is not None

    async def _ask(self, setting: str, frame: bytes) -> honeywell.MenuAnswer | None:
        answer = await self._line.ask(frame, lambda one: one.text.startswith(setting))
        if answer is not None and answer.status is not honeywell.Status.DONE:
            raise DeviceRefused(self._name, f"{setting}: {answer.status.name.lower()}")
        return answer
