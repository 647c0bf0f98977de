"""The board of a bank by its lockers' names: what releases them, and which stand open."""

from collections.abc import Mapping

import structlog

from drivers.api import DriverError, LockerBoard, LockerLevel

log = structlog.get_logger()


class Latches:
    """A board and what it last said of its doors. `channels`: each locker's channel."""

    def __init__(self, board: LockerBoard, channels: Mapping[str, int]) -> None:
        self._board = board
        self._channels = channels
        self._names = {channel: locker for locker, channel in channels.items()}
        self._open: set[str] = set()

    @property
    def reports_doors(self) -> bool:
        """Whether the board can tell an open door."""
        return self._board.reports_doors

    def level(self, level: LockerLevel) -> str | None:
        """Take what the board says of a door; return the locker if it is seen open now."""
        locker = self._names.get(level.channel)
        if locker is None or not level.open:
            self._open.discard(locker or "")
            return None
        self._open.add(locker)
        return locker

    def lost(self) -> None:
        """Forget the doors: the board says nothing any more."""
        self._open.clear()

    def stands_open(self, locker: str) -> bool:
        """Whether the board last said that its door is open."""
        return locker in self._open

    async def release(self, locker: str) -> bool:
        """Give one pulse, once; False: the board did not take it."""
        try:
            await self._board.pulse(self._channels[locker])
        except DriverError as error:
            log.error("locker_failed", locker=locker, problem=error.problem)
        except Exception:  # a driver's bug is that device's fault alone
            log.exception("locker_failed", locker=locker)
        else:
            log.info("locker_released", locker=locker)
            return True
        return False
