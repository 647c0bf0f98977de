"""One loop a door: take an event, step the pure machine, carry out its effects in order.

Nothing here waits for a disk or a network: what a gate has to say goes through the recorder, so
the exit button works whatever else is broken (ARCHITECTURE, invariant 2).
"""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from drivers.api import DriverError, Lock, NotWanted
from edged import limits
from edged.core import door as machine
from edged.core import door_words as words
from edged.core import events
from edged.core.alarm_words import AlarmName
from edged.doors.beside import WaitingCard
from edged.doors.terms import Fitting, Levels, find, pulse, terms
from edged.mailbox import Mailbox
from edged.ports import Ports
from edged.records.tally import Tally
from edged.store.ledger import Ledger
from policy import usage
from policy.model import Reason, RuleSettings

log = structlog.get_logger()

_ASKING = (words.Grant, words.ExitPressed, words.Extend)
"""Events by which somebody is let through."""


@dataclass(slots=True)
class _Asked:
    """A command that waits for its door, until `until_ms` of the monotonic clock if that is set."""

    until_ms: int | None
    answer: asyncio.Future[Reason | None] = field(default_factory=asyncio.Future)

    def stands(self, now_ms: int) -> bool:
        """Whether its end has not come yet."""
        return self.until_ms is None or now_ms < self.until_ms


class Gate:
    """A door: its lock, its machine's state, its mailbox.

    `levels` and `others`, the other doors of this device, are given by the wiring. `card`: the one
    that waits here for its PIN.
    """

    def __init__(self, name: str, lock: Lock, ports: Ports, fitted: Fitting) -> None:
        self.name = name
        self.fitted = fitted
        self.levels = Levels()
        self.others: Sequence[Gate] = ()
        self.state = words.Door()
        self.card = WaitingCard()
        self._lock = lock
        self._ports = ports
        self._mailbox: Mailbox[words.Event] = Mailbox(limits.GATE_MAILBOX)
        self._waiting = 0
        self._asked: dict[str, _Asked] = {}
        self._untaken: Reason | None = None
        self._presses = Tally()

    def terms(self) -> words.DoorTerms:
        """How the door behaves now."""
        ports = self._ports
        return terms(ports.rules.rules, self.name, self.fitted, self.levels, ports.clock.now)

    @property
    def lockdown(self) -> bool:
        """Whether nobody comes in but staff who may."""
        return self.levels.lockdown

    @property
    def interlocked(self) -> bool:
        """Whether another door of the interlock is open or unlocked, or may be; fire cancels it."""
        return not self.levels.fire and any(door.may_be_open for door in self.partners())

    def partners(self) -> "Iterator[Gate]":
        """Give the other doors of this device in the same interlock."""
        rules = self._ports.rules.rules
        mine = find(rules, self.name).interlock
        if mine is not None:
            yield from (one for one in self.others if find(rules, one.name).interlock == mine)

    @property
    def may_be_open(self) -> bool:
        """Whether somebody may get through, or is about to; a door that is not seen may be open."""
        unseen = self.fitted.has_contact and not self.state.sensed
        return self._waiting > 0 or unseen or self.state.passable

    @property
    def shown(self) -> str:
        """Say where the door stands; what nobody can see is not called closed."""
        phase = self.state.phase.name
        if self.state.sensed:
            return phase
        why = "the contact says nothing" if self.fitted.has_contact else "no contact"
        return f"{phase}, not seen: {why}"

    def grant(self, event_id: str, *, entry: bool, extended: bool = False) -> Reason | None:
        """Let somebody through who was granted, or say why nothing moves.

        `entry`: somebody comes in by a code; then the interlock is asked, and the hours may begin
        (`first_in`). `extended`: it is somebody who has more time.
        """
        if entry and self.interlocked:
            self.void(event_id, words.DoorOutcome.DOOR_NOT_OPENED)
            return Reason.INTERLOCK
        pulse_ms = pulse(self._ports.rules.rules, self.name, self.fitted)
        if self._mailbox.offer(words.Grant(event_id, pulse_ms, extended=extended, entry=entry)):
            self._waiting += 1
            return None
        log.error("door_swamped", door=self.name)
        self._ports.alarms.change(
            self.name, AlarmName.LOCK_FAULT, raised=True, cause="the door is swamped"
        )
        self.void(event_id, words.DoorOutcome.LOCK_FAULT)
        return Reason.INTERNAL_ERROR

    async def open(self, event_id: str, until_ms: int | None = None) -> Reason | None:
        """Let somebody in by a verified command, or say why nothing moved.

        `until_ms`: the monotonic instant at which it is too late, whatever it waited for here.
        """
        if self.interlocked:
            self.void(event_id, words.DoorOutcome.DOOR_NOT_OPENED)
            return Reason.INTERLOCK
        asked = self._asked[event_id] = _Asked(until_ms)
        refused = self.grant(event_id, entry=False)
        if refused is not None:
            del self._asked[event_id]
            return refused
        return await asked.answer

    def extend(self) -> None:
        """Give whoever is being let through right now the time of those who have more."""
        self._offer(words.Extend())

    def void(self, event_id: str, result: words.DoorOutcome) -> None:
        """Record that nothing moved for a grant; what it counted is taken back.

        Source: spec/rules.md 3.3 "Counting rules in one place", lock fault.
        """
        self._settle(event_id, result, taken_back=True)

    def contact(self, is_open: bool) -> None:
        """Take the contact's level."""
        self._offer(words.Opened() if is_open else words.Closed())

    def button(self, pressed: bool) -> None:
        """Take the exit button's level: pressing acts, letting go does not."""
        if pressed:
            told = self._presses.allows(self._ports.clock.monotonic_ms())
            self._offer(words.ExitPressed(self._ports.new_id() if told else None))

    def contact_lost(self) -> None:
        """Take that the contact says nothing any more."""
        self._offer(words.ContactLost())

    def bond(self, secured: bool) -> None:
        """Take the level of the lock's own sensor."""
        self._offer(words.Bond(secured))

    def bond_lost(self) -> None:
        """Take that the lock's own sensor says nothing any more."""
        self._offer(words.Bond(None))

    def tamper(self, opened: bool) -> None:
        """Take whether somebody is at what must stay closed."""
        self._ports.alarms.change(self.name, AlarmName.TAMPER, raised=opened)

    def look(self) -> None:
        """Look at the levels; a full mailbox means that it will anyway."""
        self._mailbox.offer(words.Tick())

    def sum_up(self) -> None:
        """Record the presses of the exit button that were only counted, if any."""
        if count := self._presses.take_left():
            stamp = self._ports.stamp()
            self._record(events.summed(stamp, self.name, events.Kind.EXIT_BUTTON, count))

    def _offer(self, event: words.Event) -> None:
        if not self._mailbox.offer(event):
            self._ports.recorder.lose()

    async def run(self) -> None:
        """Work the door, for ever."""
        while True:
            event = await self._mailbox.take_within(self._rest_s()) or words.Tick()
            if isinstance(event, words.Grant):
                self._waiting -= 1
                await self._let_through(event)
            else:
                await self._step(event)

    async def _let_through(self, grant: words.Grant) -> None:
        """Step for a grant, and answer who asked; what waited here beyond its end is void."""
        asked = self._asked.get(grant.event_id)
        if asked is None or asked.stands(self._ports.clock.monotonic_ms()):
            self._untaken = None
            await self._step(grant)
        else:
            self.void(grant.event_id, words.DoorOutcome.DOOR_NOT_OPENED)
            self._untaken = Reason.STALE_COMMAND
        self._asked.pop(grant.event_id, None)
        if asked is not None and not asked.answer.done():
            asked.answer.set_result(self._untaken)

    def _rest_s(self) -> float | None:
        """How long nothing is to be done, None: until somebody comes."""
        due_ms, now_ms = machine.due_ms(self.state), self._ports.clock.monotonic_ms()
        waits = [] if due_ms is None else [max(0, due_ms - now_ms)]
        if find(self._ports.rules.rules, self.name).open_bands:
            waits.append(limits.SCHEDULE_LOOK_MS)
        return min(waits) / 1000 if waits else None

    async def _step(self, event: words.Event) -> None:
        now_ms = self._ports.clock.monotonic_ms()
        self.state, effects = machine.step(self.state, event, now_ms, self.terms())
        if isinstance(event, words.ExitPressed) and event.event_id is not None:
            self._record(events.exit_button(self._ports.stamp(), self.name, event.event_id))
        for effect in effects:
            await self._carry_out(effect, event)

    async def _carry_out(self, effect: words.Effect, event: words.Event) -> None:
        match effect:
            case words.Release(for_ms):
                await self._release(for_ms, event)
            case words.Secure():
                await self._secure()
            case words.Outcome(event_id, result):
                self._settle(event_id, result, taken_back=self._takes_back(result))
            case words.Holding(why, began):
                self._record(events.hold(self._ports.stamp(), self.name, why.value, began=began))
            case words.Alarm(kind):
                self._ports.alarms.change(self.name, AlarmName(kind.value), raised=True)
            case words.Cleared(kind):
                self._ports.alarms.change(self.name, AlarmName(kind.value), raised=False)

    def _takes_back(self, result: words.DoorOutcome) -> bool:
        rules = self._ports.rules.rules
        return usage.taken_back(
            RuleSettings() if rules is None else rules.settings,
            lock_fault=result is words.DoorOutcome.LOCK_FAULT,
            opened=result is words.DoorOutcome.DOOR_OPENED,
        )

    def _settle(self, event_id: str, result: words.DoorOutcome, *, taken_back: bool) -> None:
        """Record what came of a grant; where the door stayed shut, nobody came in by it."""
        body = events.outcome(
            self._ports.stamp(), self.name, event_id, result.value, withdrawn=taken_back
        )
        if taken_back:
            self._ports.uses.withdraw(event_id)

        def write(ledger: Ledger) -> None:
            if result is not words.DoorOutcome.DOOR_OPENED:
                ledger.nobody_came(event_id)
            if taken_back:
                ledger.withdraw(event_id)
            ledger.append(body)

        self._ports.recorder.record(write)
        self._ports.witness.publish({"event": "door", **body})

    async def _release(self, for_ms: int, event: words.Event) -> None:
        """Release for whoever asked for it, or for a hold, whose renewals nobody needs to hear."""
        asker = event.event_id if isinstance(event, words.Grant | words.ExitPressed) else None
        asked = self._asked.pop(asker or "", None)  # a hold that begins in this step has no end
        clock = self._ports.clock
        order = self._lock.release(
            for_ms, lambda: asked is None or asked.stands(clock.monotonic_ms())
        )
        try:
            problem = await self._order("release", order)
        except NotWanted:  # its end came while it stood behind others at a bus
            await self._fail(asker, Reason.STALE_COMMAND, words.DoorOutcome.DOOR_NOT_OPENED)
            return
        self._ports.alarms.change(
            self.name, AlarmName.LOCK_FAULT, raised=problem is not None, cause=problem
        )
        if problem is not None:
            await self._fail(asker, Reason.INTERNAL_ERROR, words.DoorOutcome.LOCK_FAULT)
        elif isinstance(event, _ASKING):
            log.info("released", door=self.name, for_ms=for_ms)
            self._ports.witness.publish({"event": "released", "door": self.name, "for_ms": for_ms})

    async def _fail(self, asker: str | None, why: Reason, outcome: words.DoorOutcome) -> None:
        """Take that nothing moved for whoever asked; who asked by a command is told `why`."""
        if asker is not None:
            self._untaken = why
            await self._step(words.LockFailed(asker, outcome))

    async def _secure(self) -> None:
        """Throw the bolt early; if that fails, the lock's own timer still ends the release."""
        if not await self._order("secure", self._lock.secure()):
            self._ports.witness.publish({"event": "secured", "door": self.name})

    async def _order(self, what: str, order: Awaitable[None]) -> str | None:
        """Give the lock an order; say what is wrong if it did not take it. Raises NotWanted."""
        try:
            await order
        except NotWanted:
            raise
        except DriverError as error:
            log.error("lock_failed", door=self.name, order=what, problem=error.problem)
            return error.problem
        except Exception:  # a driver's bug is that device's fault alone
            log.exception("lock_failed", door=self.name, order=what)
            return "a fault of its driver"
        return None

    def _record(self, body: events.Body) -> None:
        self._ports.recorder.append(body)
        self._ports.witness.publish({"event": "door", **body})
