"""The rare states of the lockers: in records as they come to the disk, and where power is cut."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from hil.simulation.locker_laws import ENDINGS
from hil.simulation.lockers import Lockers
from hil.simulation.rare import Rare
from policy.locker_model import Progress

_Record = Mapping[str, Any]
_AT_ONCE_MS: Final = 5_000


class LockerSightings:
    """Sees them at a bank."""

    def __init__(self, lockers: Lockers, rare: Rare) -> None:
        self._lockers = lockers
        self._rare = rare

    def hears(self, record: _Record) -> None:
        """Take the next record, before the witness does."""
        match record["kind"]:
            case "locker_command":
                self._asked(record)
            case "locker":
                self._happened(record["locker"], record["word"])
            case "command" if (record["verb"], record["result"]) == ("locker_end", "EXPIRED"):
                self._rare.count("order to end a use expired on its way")

    def cut(self) -> None:
        """Look what the power is cut in the middle of, at this moment."""
        witness, ending = self._lockers.witness, self._lockers.ending()
        count = self._rare.count
        count("killed between a locker's record and its pulse", witness.owes())
        count("killed before a PIN was reset", Progress.RESETTING in ending.values())
        pulsed = (
            progress is Progress.PULSING and witness.hatches[name].served in ENDINGS
            for name, progress in ending.items()
        )
        count("killed between a locker's pulse and its opening", any(pulsed))

    def _asked(self, record: _Record) -> None:
        count, name, result = self._rare.count, record["locker"], record["result"]
        if name is None:
            return
        hatch, stand = self._lockers.witness.hatches[name], self._lockers.stands[name]
        verb, here = record["verb"], self._lockers.home
        match verb, result:
            case "assign", "OK":
                count("a locker given while its door stood open", hatch.open)
            case "open", "OK":
                count("a locker opened while the line was pulled", not here.line.whole)
            case "open", "LOCKER_EXPIRED":
                count("kept out of a locker whose use time had ended")
            case "staff_open", "OK":
                from_afar = self._lockers.from_afar(record["command"])
                count("a locker opened by an order", from_afar)
            case "force_end", "STALE_COMMAND" if self._lockers.from_afar(record["command"]):
                count("order to end a use that was over")
                count("order to end a use met the next one", stand.use is not None)
            case _, "OK" if verb in ENDINGS:
                just = _now_ms() - hatch.served_ms <= _AT_ONCE_MS
                count("a use ended while its holder opened it", hatch.served == "open" and just)

    def _happened(self, name: str, word: str) -> None:
        witness, count = self._lockers.witness, self._rare.count
        hatch, away = witness.hatches[name], not self._lockers.home.site.has_cables
        jammed = self._lockers.channels[name] in self._lockers.jammed
        match word:
            case "release_pulse":
                count("a use ended at a door that stood open", hatch.open)
            case "pin_reset_failed":
                count("a PIN kept, for its reset was not on the disk")
            case "stuck":
                count("a use ended while the board was away", away)
                count("a use ended at a bolt that did not move", jammed and not away)
                count("a use moved from a locker that did not open", hatch.served == "move")
            case _:
                pass


def _now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1_000)
