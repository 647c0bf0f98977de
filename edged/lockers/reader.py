"""A reader at a bank of lockers: from a member's code to the locker that the member holds."""

import asyncio
from functools import partial

import structlog

from edged import limits
from edged.core import access, events
from edged.errors import NotFound
from edged.lockers.bank import Bank
from edged.lockers.order import Order
from edged.ports import Ports
from edged.readers import scene
from edged.readers.feedback import Feedback
from edged.readers.passage import Passage
from edged.readers.scene import Arrival
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from policy.locker_model import Claim, Locker, LockerState, Open
from policy.model import Decision, Member, Reason

log = structlog.get_logger()


class LockerReader(Passage):
    """Opens lockers where a `Passage` opens a door; which side the rules give it is all one.

    Nothing but the holding counts (spec/rules.md 4.1): no plan, no hours and no flag keep
    anybody from what they have locked in.
    """

    def __init__(self, name: str, bank: Bank, feedback: Feedback, ports: Ports) -> None:
        super().__init__(name, None, feedback, ports)
        self._bank = bank

    async def _enter(self, arrival: Arrival) -> Reason:
        """Open the locker whose turn it is."""
        locker, who, reason = None, "", Reason.RECORD_FAILED
        until_ms = self._ports.clock.monotonic_ms() + int(limits.COMMIT_S * 1000)
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                found = await self._admitted(arrival)
                who = str(arrival.handle and arrival.handle.hex())
                if isinstance(found, Decision):
                    reason = found.reason
                else:
                    who, locker = found, turn_of(self._bank, found)
                    reason = await self._open(arrival, who, locker, until_ms)
        except (StoreFailed, NotFound, TimeoutError) as failed:
            log.error("locker_not_opened", device=self.name, problem=repr(failed))
        if locker is None:
            asked = _command(arrival, None, who)
            body = events.locker_command(self._ports.stamp(), asked, None, reason.value)
            self._ports.recorder.append(body)
        self._show(reason)
        self._tell("decided", arrival, member=who, reason=reason.value, locker=locker)
        return reason

    _leave = _enter

    async def _admitted(self, arrival: Arrival) -> str | Decision:
        """Return the member whom the code names, or the refusal."""
        member = await self._find(arrival)
        found = access.admitted(scene.request(arrival, member))
        if isinstance(found, Decision) or arrival.use is None:
            return found if isinstance(found, Decision) else found.id
        used = await self._ports.journal.commit(partial(_use, arrival, member))
        if not isinstance(used, Decision):
            self._ports.uses.add(arrival.use, arrival.event_id)
        return used

    async def _open(
        self, arrival: Arrival, member: str, locker: str | None, until_ms: int
    ) -> Reason:
        if locker is None:
            return Reason.LOCKER_NOT_ASSIGNED
        event = Open(arrival.event_id, Claim(member=member))
        command = _command(arrival, locker, member)
        done = await self._bank.order(Order(command, event, until_ms=until_ms))
        return Reason.INTERNAL_ERROR if done.released is False else Reason(done.result)


def _use(arrival: Arrival, member: Member | None, ledger: Ledger) -> str | Decision:
    """Use a code up that opens once, before its locker is released: a cut gives nobody two."""
    found = access.admitted(scene.known(arrival, member, ledger))
    if isinstance(found, Decision):
        return found
    scene.spend(arrival, ledger)
    return found.id


def turn_of(bank: Bank, member: str) -> str | None:
    """Return the locker that this member's code opens now; None: the member holds none here.

    Who holds several opens one at a time: those in their time before the others, and of these
    the one that was opened longest ago. So showing the code again opens the next.
    """
    at = bank.now()

    def turn(locker: Locker) -> tuple[bool, int]:
        held = locker.occupancy
        running = held is not None and held.start <= at < held.end
        return not running, bank.opened_ms.get(locker.id, 0)

    held = [
        locker
        for locker in bank.lockers.values()
        if locker.state in (LockerState.IN_USE, LockerState.WAITING)
        and locker.occupancy is not None
        and locker.occupancy.member == member
    ]
    return min(held, key=turn).id if held else None


def _command(arrival: Arrival, locker: str | None, by: str) -> events.LockerCommand:
    return events.LockerCommand(arrival.event_id, locker, "open", by, arrival.device.id)
