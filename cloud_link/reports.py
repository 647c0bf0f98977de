"""Reports: where the device stands, so that whatever was lost is seen and sent again."""

import asyncio
from collections.abc import Callable
from typing import NoReturn

from cloud_link import limits
from cloud_link.lane import first_of
from cloud_link.ports import Ports
from cloud_link.voice import Voice
from cloud_link.wire import Report, ReportedRules, ReportedUsage


class Reports:
    """Says where the device stands: after connecting, at intervals, and when something changed.

    `versions` tells those of the rules and of the trust. `due` is set by whoever knows that the
    cloud has something for us.
    """

    def __init__(self, voice: Voice, ports: Ports, versions: Callable[[], tuple[int, int]]) -> None:
        self._voice = voice
        self._clock = ports.clock
        self._outbox = ports.outbox
        self._inbox = ports.inbox
        self._versions = versions
        self.due = asyncio.Event()

    async def run(self, session: int) -> NoReturn:
        """Report for as long as a connection lasts. Raises LinkLost."""
        said: object = None
        said_ms = 0
        while True:
            prodded = self.due.is_set()
            self.due.clear()
            news, now_ms = await self._news(), self._clock.monotonic_ms()
            if prodded or news != said or now_ms - said_ms >= limits.REPORT_MS:
                said, said_ms = news, now_ms
                await self._voice.say("report", await self._compose(session))
            await first_of(self.due.wait(), self._clock.sleep_ms(limits.LOOK_MS))
            if prodded:  # who prods us gets no more than one report in this time
                await self._clock.sleep_ms(limits.LOOK_MS)

    async def _news(self) -> object:
        """Return what is worth a report when it changes."""
        position, _ = await self._inbox.usage_position()
        epoch, alarms = (await self._outbox.standing()).epoch, sorted(self._inbox.alarms())
        clock = self._clock.now().state
        return epoch, alarms, clock, position, self._inbox.rules(), self._versions()

    async def _compose(self, session: int) -> Report:
        now, device = self._clock.now(), self._voice.device
        standing, held = await self._outbox.standing(), self._inbox.rules()
        position, as_of = await self._inbox.usage_position()
        return Report(
            tenant=device.tenant,
            device=device.name,
            boot=device.boot,
            session=session,
            n=self._voice.number("report"),
            at=now.at,
            clock=now.state,
            release=device.release,
            epoch=standing.epoch,
            seq=standing.seq,
            cosigned=standing.cosigned,
            trust=self._versions()[1],
            rules=ReportedRules(
                version=held.version,
                fingerprint=held.fingerprint,
                trial=held.trial,
                refused=held.refused[: limits.REFUSED],
            ),
            usage=ReportedUsage(position=position, as_of=as_of),
            alarms=sorted(self._inbox.alarms())[: limits.ALARMS],
            buffer=await self._outbox.buffer(),
        )
