"""Commands: who may wait, who may not, and the answer that always comes."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from cloud_link import limits
from cloud_link.lane import Lane
from cloud_link.ports import LinkLost, Ports, Reading
from cloud_link.shapes import canonical
from cloud_link.voice import Nonces, Voice
from cloud_link.wire import Command, Result

RELEASES: Final = frozenset({"door_open", "locker_open", "locker_end", "fire_reset"})
"""Verbs that let something go: they are carried out now or never."""

EXPIRED: Final = "EXPIRED"
NOT_YET: Final = "NOT_YET"

_AHEAD: Final = timedelta(milliseconds=limits.AHEAD_MS)
_LATE: Final = timedelta(milliseconds=limits.LATE_MS)
_MS: Final = timedelta(milliseconds=1)
_LIFE: Final = timedelta(milliseconds=limits.RELEASE_LIFE_MS)


def untimely(command: Command, now: Reading, *, answers_us: bool) -> str | None:
    """Say why it is not the time for a command; None: it is. Pure.

    A release counts while the whole interval of time lies in its life, or if it answers a fresh
    nonce of ours. Others count until long after; only what is surely too late or too early is not.
    """
    latest, begin = now.latest, command.issued_at - _AHEAD
    if latest is not None and latest < begin:
        return NOT_YET
    if command.verb not in RELEASES:
        return EXPIRED if now.earliest > command.expires_at + _LATE else None
    if answers_us:
        return None
    lives = timedelta() < command.expires_at - command.issued_at <= _LIFE
    known = now.trusted and latest is not None
    if not (lives and known and latest is not None and latest < command.expires_at):
        return EXPIRED
    return None if begin <= now.earliest else NOT_YET


def life_ms(command: Command, now: Reading, fresh_ms: int | None) -> int | None:
    """Return how much is left of a timely release's life; None: it is no release. Pure.

    `fresh_ms`: how long yet the nonce of ours is fresh that it answers, None: it answers none.
    """
    if command.verb not in RELEASES:
        return None
    latest = now.latest or command.expires_at
    return (command.expires_at - latest) // _MS if fresh_ms is None else fresh_ms


class Commands:
    """Carries commands out, a few at once, and answers each.

    `on_reload` is called when one asks this device to look for what is new.
    """

    def __init__(
        self, voice: Voice, ports: Ports, nonces: Nonces, on_reload: Callable[[], None]
    ) -> None:
        self._voice = voice
        self._clock = ports.clock
        self._inbox = ports.inbox
        self._nonces = nonces
        self._on_reload = on_reload
        self._lane: Lane[Command] = Lane(limits.COMMANDS)

    def offer(self, command: Command) -> bool:
        """Take a verified command, or refuse it when too many wait."""
        return self._lane.offer(command)

    async def run(self) -> None:
        """Work for ever; `limits.COMMANDS_AT_ONCE` of these run side by side."""
        while True:
            await self._carry_out(await self._lane.take())

    async def _carry_out(self, command: Command) -> None:
        """Do it or refuse it, as late as possible judged; and answer, if the link still stands.

        An answer that is lost is given again to the next copy.
        """
        begun_ms = self._clock.monotonic_ms()  # before the time is read, so that it ends no later
        now, fresh_ms = self._clock.now(), self._nonces.left_ms(command.nonce)
        expired = untimely(command, now, answers_us=fresh_ms is not None)
        left_ms = life_ms(command, now, fresh_ms)
        until_ms = None if left_ms is None else begun_ms + left_ms
        answer = await self._inbox.command(command, expired=expired, until_ms=until_ms)
        if command.verb == "reload" and expired is None:
            self._on_reload()
        result = Result(
            tenant=command.tenant,
            device=command.device,
            id=command.id,
            result=answer.result,
            at=self._clock.now().at,
            more=answer.more,
        )
        if len(canonical(result)) > limits.RESULT_BYTES:
            result = result.model_copy(update={"more": {"left_out": "too large"}})
        with suppress(LinkLost):
            await self._voice.say("result", result)
