"""GROW GM65 scanners, the modules made of them, and Newland's EM3095 (kind "gm65")."""

from collections.abc import Callable

from drivers import limits
from drivers.api import DeviceLost, DeviceRefused
from drivers.codec import gm65
from drivers.conversation import TalkingScanner

MODES = {"continuous": 0b10, "sense": 0b11}
"""When the scanner looks for codes: always, or when something moves before it."""

_RAW_SOFTWARE = 0x69
_Zones = tuple[tuple[int, Callable[[int], int]], ...]


class Gm65Scanner(TalkingScanner[gm65.Reply]):
    """Reader (drivers.api) that keeps its scanner as it should be.

    At each opening and every `limits.SCANNER_PATROL_MS` it reads the zones that matter and puts
    right what differs: setting codes are off, so that no visitor can change the scanner by
    showing it one; codes go to the serial line, or to USB as a serial port; each ends with CR
    and nothing else is added; the mode is `mode`. Light, sound and intervals are left alone.
    The flash is written only when something was changed. A change that the scanner does not
    keep is an error, so no firmware with other zones wears out its flash.

    What differs is read twice before it is changed: an answer that came late, or a code that
    looks like an answer, changes nothing.

    Args:
        name: In the settings, such as `front.reader`.
        port: Path of the serial port.
        baud: One of `limits.BAUDS`; the scanner's own is left as it is.
        mode: One of `MODES`.

    Raises:
        ValueError: `baud` or `mode` is out of range; it is named.

    Source: spec/hardware.md 7.1.
    """

    def __init__(self, name: str, *, port: str, baud: int = 9600, mode: str = "continuous") -> None:
        super().__init__(name, port=port, baud=baud)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        self._zones: _Zones = (
            (gm65.SETTING_CODES, lambda value: value & ~0b11 | 0b10),
            (gm65.OUTPUT, lambda value: value & ~0b11 if value & 0b11 in (0b01, 0b10) else value),
            (gm65.TAIL, lambda value: value & 0x80 | 1),
            (gm65.MODE, lambda value: value & ~0b11 | MODES[mode]),
        )
        self._needs_raw = False

    def _hearing(self, _: int) -> gm65.Gm65Hearing:
        return gm65.Gm65Hearing()

    async def _prepare(self) -> None:
        for _ in range(limits.SCANNER_TRIES):
            if await self._alive():
                break
        else:
            raise DeviceLost(self._name, "does not answer as a GM65")
        try:
            self._needs_raw = await self._zone(gm65.SOFTWARE) == _RAW_SOFTWARE
        except DeviceRefused:
            self._needs_raw = False  # newer ones don't tell, and don't need it
        await self._put_right()

    async def _patrol(self) -> bool:
        if not await self._alive():
            return False
        await self._put_right()
        return True

    async def _put_right(self) -> None:
        changed = [await self._mend(zone, right) for zone, right in self._zones]
        if self._needs_raw:
            changed.append(await self._mend(gm65.RAW, lambda _: 0x08))
        if any(changed):
            await self._ask(gm65.save())

    async def _mend(self, zone: int, right: Callable[[int], int]) -> bool:
        """Put one zone right; whether it had to be changed."""
        if (value := await self._zone(zone)) == right(value):
            return False
        if (value := await self._zone(zone)) == right(value):
            return False
        wanted = right(value)
        await self._ask(gm65.write(zone, wanted))
        if await self._zone(zone) != wanted:
            raise DeviceLost(self._name, f"zone {zone:04X} does not keep {wanted:02X}")
        return True

    async def _zone(self, zone: int) -> int:
        return (await self._ask(gm65.read(zone))).data[0]

    async def _alive(self) -> bool:
        answer = await self._line.ask(gm65.heartbeat(), lambda one: isinstance(one, gm65.Alive))
        return answer is not None

    async def _ask(self, frame: bytes) -> gm65.Answer:
        """Send a command until it is answered. Raises DeviceLost, DeviceRefused.

        An answer does not say to what. After one that did not come a heartbeat is sent, whose
        answer is like no other: the scanner answers in order, so all that comes before is old.
        One that does not answer that either is given up: what it still owes is not known.
        """
        for _ in range(limits.SCANNER_TRIES):
            match await self._line.ask(frame, lambda one: not isinstance(one, gm65.Alive)):
                case gm65.Answer() as answer:
                    return answer
                case gm65.Refusal(code) if code != gm65.BAD_CHECKSUM:
                    raise DeviceRefused(self._name, f"refused a command with code {code}")
                case _:
                    if not await self._alive():
                        break
        raise DeviceLost(self._name, "does not answer")
