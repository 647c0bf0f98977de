"""Asking for the next certificate while there is a connection (README.md, "Renewal")."""

import asyncio

from cloud_link import limits
from cloud_link.lane import first_of
from cloud_link.ports import LinkLost, Ports
from cloud_link.voice import Voice
from cloud_link.wire import Renew, Renewed


class Renewing:
    """Asks when it is time, as long as it takes; a device that is not enrolled asks for nothing."""

    def __init__(self, voice: Voice, ports: Ports) -> None:
        self._voice = voice
        self._clock = ports.clock
        self._renewal = ports.renewal
        self._answer: Renewed | None = None
        self._came = asyncio.Event()

    def offer(self, answer: Renewed) -> bool:
        """Take an answer; of several the last is looked at, and another is asked for."""
        self._answer = answer
        self._came.set()
        return True

    def fresh(self) -> None:
        """Take that a fresh pulse came."""
        if self._renewal is not None:
            self._renewal.fresh()

    async def run(self) -> None:
        """Ask for ever. Raises LinkLost: there is a new certificate to connect with."""
        device = self._voice.device
        while self._renewal is not None:
            request, csr = await self._renewal.wanted()
            self._came.clear()
            asked = Renew(tenant=device.tenant, device=device.name, request=request, csr=csr)
            await self._voice.say("renew", asked)
            await first_of(self._came.wait(), self._clock.sleep_ms(limits.RENEW_MS))
            answer, self._answer = self._answer, None
            if answer is not None and await self._renewal.renewed(
                answer.request, answer.certificate
            ):
                raise LinkLost("to connect with the new certificate")
