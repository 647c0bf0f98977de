"""A reader without a door: what a counter terminal gives to members, and shows that they hold."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import structlog

from edged import limits
from edged.core import access, counter, events
from edged.core.counter import Paid
from edged.lockers.bank import Bank
from edged.lockers.order import Order
from edged.ports import Ports
from edged.readers import explanations
from edged.readers.feedback import Feedback
from edged.readers.passage import Passage
from edged.readers.scene import Arrival
from edged.store.errors import StoreFailed
from policy.locker_model import Assign, Locker, Occupancy
from policy.model import Decision, Reason, Verdict
from policy.seats import Seat

log = structlog.get_logger()

Banks: TypeAlias = Mapping[str, Sequence[Bank]]
"""The banks of this device, by the store they stand in."""


class CounterReader(Passage):
    """A `Passage` that serves members at a counter (edged/core/counter.py)."""

    def __init__(self, name: str, banks: Banks, feedback: Feedback, ports: Ports) -> None:
        super().__init__(name, None, feedback, ports)
        self._banks = banks

    async def _enter(self, arrival: Arrival) -> Reason:
        """Tell of the lockers that the member may hold, or be given."""
        return await super()._enter(replace(arrival, lockers=tuple(self._lockers(arrival))))

    async def _look_ahead(
        self, arrival: Arrival, asked: access.Request, decision: Decision
    ) -> None:
        """Give the locker that was decided on, and show what the member holds now."""
        await super()._look_ahead(arrival, asked, decision)
        member = asked.member
        if not arrival.at_counter or member is None or decision.verdict is not Verdict.ALLOW:
            return
        reason, served = decision.reason, counter.serve(asked)
        if served.locker is not None and served.locker[1] is not None:
            reason = await self._give(arrival, asked, served.locker[0], served.locker[1])
        seats = {seat.id: seat for seat, _ in asked.seats}
        if served.seat is not None:
            seats[served.seat[1].seat.id] = served.seat[1].seat
        self._show_held(arrival, asked, reason, seats.values())

    async def _give(
        self, arrival: Arrival, asked: access.Request, locker: Locker, paid: Paid
    ) -> Reason:
        """Give a free locker; whoever comes to the same one meanwhile is second."""
        bank = next(bank for bank in self._banks_of(arrival) if locker.id in bank.channels)
        member, event = str(asked.member and asked.member.id), arrival.event_id
        use = Occupancy(event, member, asked.scene.at, paid.until, paid.product)
        command = events.LockerCommand(event, locker.id, "assign", member, arrival.device.id)
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                done = await bank.order(Order(command, Assign(event, use)))
        except (StoreFailed, TimeoutError) as failed:
            log.error("locker_not_given", device=self.name, problem=repr(failed))
            return Reason.RECORD_FAILED
        return Reason(done.result)

    def _show_held(
        self, arrival: Arrival, asked: access.Request, reason: Reason, seats: Iterable[Seat]
    ) -> None:
        """Show the answer again, with the member's seats and lockers below it."""
        member = asked.member and asked.member.id
        own = [seat for seat in seats if seat.holding is not None]
        lockers = [
            locker
            for locker in self._lockers(arrival)
            if locker.occupancy is not None and locker.occupancy.member == member
        ]
        tz, at = arrival.rules.stores[arrival.device.store].tz, asked.scene.at
        lines = [
            explanations.held_line(own, lockers, language, tz, at)
            for language in self._ports.languages
            if own or lockers
        ]
        if lines or reason is not Reason.OK:
            shown = self._signal(reason)
            self._feedback.show(replace(shown, lines=(*shown.lines, *lines)))
        self._tell(
            "holds",
            arrival,
            member=member,
            reason=reason.value,
            seats=[seat.id for seat in own],
            lockers=[locker.id for locker in lockers],
            lines=lines,
        )

    def _lockers(self, arrival: Arrival) -> list[Locker]:
        """The lockers of the store that hang at this device, as their banks have them."""
        if not arrival.device.lockers:
            return []
        return [one for bank in self._banks_of(arrival) for one in bank.lockers.values()]

    def _banks_of(self, arrival: Arrival) -> Sequence[Bank]:
        return self._banks.get(arrival.device.store, ())
