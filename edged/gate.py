"""One loop a door: take an event, step the pure machine, carry out its effects in order.

Nothing here waits for a disk or a network: what a gate has to say goes through the recorder, so
the exit button works whatever else is broken (ARCHITECTURE, invariant 2).
"""

from collections.abc import Awaitable

import structlog

from drivers.api import DriverError, Lock
from edged import limits
from edged.core import door as machine
from edged.core import events
from edged.mailbox import Mailbox
from edged.ports import Ports
from edged.store.ledger import Ledger
from policy import usage
from policy.model import Door, RuleSettings

log = structlog.get_logger()

_LOCK_FAULT = machine.DoorOutcome.LOCK_FAULT.value
"""Also the alarm of a lock that does not take its orders, until it takes one."""


class Gate:
    """A door: its lock, its machine's state, its mailbox.

    `max_pulse_ms` is the settings' ceiling on what the rules may ask for.
    """

    def __init__(
        self, name: str, lock: Lock, ports: Ports, *, has_contact: bool, max_pulse_ms: int
    ) -> None:
        self.name = name
        self._lock = lock
        self._ports = ports
        self._has_contact = has_contact
        self._max_pulse_ms = max_pulse_ms
        self._mailbox: Mailbox[machine.Event] = Mailbox(limits.GATE_MAILBOX)
        self.state = machine.Door()

    def terms(self) -> machine.DoorTerms:
        """How the door behaves now: the rules' word, under the settings' ceiling."""
        rules = self._ports.rules.rules
        door = rules.doors.get(self.name) if rules is not None else None
        door = door or Door(self.name, "")
        return machine.DoorTerms(
            pulse_ms=min(door.pulse_ms, self._max_pulse_ms),
            held_open_ms=door.held_open_s * 1000,
            relock=door.relock,
            has_contact=self._has_contact,
        )

    def grant(self, event_id: str) -> bool:
        """Let somebody through who was granted; False: the door is swamped and nothing moves."""
        if self._mailbox.offer(machine.Grant(event_id, self.terms().pulse_ms)):
            return True
        log.error("door_swamped", door=self.name)
        self._ports.alarms.change(self.name, _LOCK_FAULT, raised=True)
        self.void(event_id, machine.DoorOutcome.LOCK_FAULT)
        return False

    def void(self, event_id: str, result: machine.DoorOutcome) -> None:
        """Record that nothing moved for a grant; what it counted is taken back.

        Source: spec/rules.md 3.3 "Counting rules in one place", lock fault.
        """
        self._settle(event_id, result, taken_back=True)

    def contact(self, is_open: bool) -> None:
        """Take the contact's level."""
        self._offer(machine.Opened() if is_open else machine.Closed())

    def button(self, pressed: bool) -> None:
        """Take the exit button's level: pressing acts, letting go does not."""
        if pressed:
            self._offer(machine.ExitPressed(self._ports.new_id()))

    def contact_lost(self) -> None:
        """Take that the contact says nothing any more."""
        self._offer(machine.ContactLost())

    def _offer(self, event: machine.Event) -> None:
        if not self._mailbox.offer(event):
            self._ports.recorder.lose()

    async def run(self) -> None:
        """Work the door, for ever."""
        clock = self._ports.clock
        while True:
            due_ms = machine.due_ms(self.state)
            within_s = None if due_ms is None else max(0, due_ms - clock.monotonic_ms()) / 1000
            event = await self._mailbox.take_within(within_s) or machine.Tick()
            await self._step(event)

    async def _step(self, event: machine.Event) -> None:
        if isinstance(event, machine.ExitPressed):
            self._record(events.exit_button(self._ports.stamp(), self.name, event.event_id))
        self.state, effects = machine.step(
            self.state, event, self._ports.clock.monotonic_ms(), self.terms()
        )
        for effect in effects:
            await self._carry_out(effect)

    async def _carry_out(self, effect: machine.Effect) -> None:
        match effect:
            case machine.Release(for_ms):
                await self._release(for_ms)
            case machine.Secure():
                await self._secure()
            case machine.Outcome(event_id, result):
                self._settle(event_id, result, taken_back=self._takes_back(result))
            case machine.Alarm(kind):
                self._ports.alarms.change(self.name, kind.value, raised=True)
            case machine.Cleared(kind):
                self._ports.alarms.change(self.name, kind.value, raised=False)

    def _takes_back(self, result: machine.DoorOutcome) -> bool:
        rules = self._ports.rules.rules
        return usage.taken_back(
            RuleSettings() if rules is None else rules.settings,
            lock_fault=result is machine.DoorOutcome.LOCK_FAULT,
            opened=result is machine.DoorOutcome.DOOR_OPENED,
        )

    def _settle(self, event_id: str, result: machine.DoorOutcome, *, taken_back: bool) -> None:
        """Record what came of a grant; where the door stayed shut, nobody came in by it."""
        body = events.outcome(self._ports.stamp(), self.name, event_id, result.value)

        def write(ledger: Ledger) -> None:
            if result is not machine.DoorOutcome.DOOR_OPENED:
                ledger.nobody_came(event_id)
            if taken_back:
                ledger.withdraw(event_id)
            ledger.append(body)

        self._ports.recorder.record(write)
        self._ports.witness.publish({"event": "door", **body})

    async def _release(self, for_ms: int) -> None:
        taken = await self._order("release", self._lock.release(for_ms))
        self._ports.alarms.change(self.name, _LOCK_FAULT, raised=not taken)
        if taken:
            log.info("released", door=self.name, for_ms=for_ms)
            self._ports.witness.publish({"event": "released", "door": self.name, "for_ms": for_ms})
            return
        for event_id in self.state.pending[-1:]:  # the one that asked for this release
            await self._step(machine.LockFailed(event_id))

    async def _secure(self) -> None:
        """Throw the bolt early; if that fails, the lock's own timer still ends the release."""
        if await self._order("secure", self._lock.secure()):
            self._ports.witness.publish({"event": "secured", "door": self.name})

    async def _order(self, what: str, order: Awaitable[None]) -> bool:
        """Give the lock an order; False: it did not take it."""
        try:
            await order
        except DriverError as error:
            log.error("lock_failed", door=self.name, order=what, problem=error.problem)
        except Exception:  # a driver's bug is that device's fault alone
            log.exception("lock_failed", door=self.name, order=what)
        else:
            return True
        return False

    def _record(self, body: events.Body) -> None:
        self._ports.recorder.append(body)
        self._ports.witness.publish({"event": "door", **body})
