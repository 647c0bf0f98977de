"""A bank of lockers: latches that one pulse releases, and their doors.

A latch that was released stays so until its door falls shut, as the hook of such locks does. A
jammed one takes the pulse and moves nothing, so "released" is never what the board believes.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hil.building.config import LockersConfig


class NoSuchLocker(Exception):
    """The bank has no such channel. The text says which it has."""


@dataclass(slots=True)
class Locker:
    """One locker: `released` = its latch is out of the way."""

    released: bool = False
    open: bool = False


class Bank:
    """One bank and its board.

    Args:
        config: How many lockers, and how they are built.
        note: Called with what happened (`pulse` or `locker`), the channel, and its facts.

    `jammed`: the channels whose latches stay, whatever pulse they are given.
    """

    def __init__(self, config: LockersConfig, note: Callable[..., None]) -> None:
        self._config = config
        self._note = note
        self._opening = deque[asyncio.TimerHandle](maxlen=config.count)  # only to cancel them
        self.jammed = set(config.jammed)
        self.lockers = {channel: Locker() for channel in range(1, config.count + 1)}

    @property
    def reports_doors(self) -> bool:
        """Whether the board can tell which doors are open."""
        return self._config.reports_doors

    def pulse(self, channel: int) -> None:
        """Take an order to release a latch once. Raises NoSuchLocker."""
        self._locker(channel)
        self._note("pulse", channel)
        if channel not in self.jammed:
            loop = asyncio.get_running_loop()
            wait_s = self._config.opens_after_ms / 1000
            self._opening.append(loop.call_later(wait_s, self._release, channel))

    def pull(self, channel: int) -> bool:
        """Let somebody pull a door; False: its latch holds it. Raises NoSuchLocker."""
        locker = self._locker(channel)
        if locker.released:
            self._swing(channel, is_open=True)
        return locker.open

    def force(self, channel: int) -> None:
        """Let somebody break a door open. Raises NoSuchLocker."""
        self._locker(channel)
        self._swing(channel, is_open=True)

    def close(self, channel: int) -> None:
        """Let a door fall shut: its latch catches. Raises NoSuchLocker."""
        self._locker(channel).released = False
        self._swing(channel, is_open=False)

    def unplug(self) -> None:
        """Stop the clockwork."""
        for timer in self._opening:
            timer.cancel()

    def _release(self, channel: int) -> None:
        self.lockers[channel].released = True
        if self._config.springs:
            self._swing(channel, is_open=True)

    def _swing(self, channel: int, *, is_open: bool) -> None:
        locker = self.lockers[channel]
        if locker.open is not is_open:
            locker.open = is_open
            forced = is_open and not locker.released
            self._note("locker", channel, open=is_open, forced=forced)

    def _locker(self, channel: int) -> Locker:
        if channel not in self.lockers:
            raise NoSuchLocker(f"channel: this bank has 1..{self._config.count}")
        return self.lockers[channel]
