"""The boards of a bank by its lockers' names: what releases them, and which stand open."""

from collections.abc import Mapping

import structlog

from drivers.api import DriverError, LockerBoard, LockerLevel, NotWanted, Wanted, always

log = structlog.get_logger()


class Latches:
    """The boards of a bank, and what they last said of its doors.

    `boards`: each by the channel of its first lock. `channels`: each locker's channel.
    """

    def __init__(self, boards: Mapping[int, LockerBoard], channels: Mapping[str, int]) -> None:
        self._boards = boards
        self._channels = channels
        self._names = {channel: locker for locker, channel in channels.items()}
        self._open: set[str] = set()

    def reports_door(self, locker: str) -> bool:
        """Whether its board can tell an open door."""
        return self._boards[self._first(locker)].reports_doors

    def level(self, first: int, level: LockerLevel) -> str | None:
        """Take what a board says of a door; return the locker if it is seen open now.

        `first`: the channel of the board's first lock, by which the board is known.
        """
        locker = self._names.get(first + level.channel - 1)
        if locker is None or not level.open:
            self._open.discard(locker or "")
            return None
        self._open.add(locker)
        return locker

    def lost(self, first: int) -> None:
        """Forget the doors of a board: it says nothing any more."""
        self._open = {locker for locker in self._open if self._first(locker) != first}

    def stands_open(self, locker: str) -> bool:
        """Whether its board last said that its door is open."""
        return locker in self._open

    def _first(self, locker: str) -> int:
        """Which board it hangs at, by the channel of that board's first lock."""
        return max(first for first in self._boards if first <= self._channels[locker])

    async def release(self, locker: str, wanted: Wanted = always) -> bool:
        """Give one pulse, once; False: the board did not take it.

        Raises:
            NotWanted: `wanted` said no when its turn came; nothing moved.
        """
        try:
            first = self._first(locker)
            await self._boards[first].pulse(self._channels[locker] - first + 1, wanted)
        except NotWanted:
            raise
        except DriverError as error:
            log.error("locker_failed", locker=locker, problem=error.problem)
        except Exception:  # a driver's bug is that device's fault alone
            log.exception("locker_failed", locker=locker)
        else:
            log.info("locker_released", locker=locker)
            return True
        return False
