"""One loop a locker bank: take an event, step the pure machine, commit, carry out its effects.

A locker is one row of the journal, and whatever happens to it is on the disk before the board
hears of it. So a cut leaves a release that nobody knows the end of, and never a second pulse
(spec/rules.md 4.1).
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime

import structlog

from drivers.api import LockerBoard, LockerLevel, NotWanted
from edged import limits
from edged.core.alarm_words import AlarmName
from edged.core.events import LockerCommand
from edged.errors import NotFound
from edged.lockers.latches import Latches
from edged.lockers.master_release import MasterRelease
from edged.lockers.order import Ask, Done, Order, Restored, read_anew, thing, writing
from edged.mailbox import Mailbox
from edged.ports import Ports
from edged.store.errors import FailKind, StoreFailed
from edged.store.lockers import TakenCommand
from policy import lockers as machine
from policy.locker_model import (
    Alarm,
    Answer,
    Cleared,
    Effect,
    Event,
    Locker,
    LockerAlarm,
    LockerRefusal,
    LockerState,
    LockerWord,
    Log,
    Move,
    NotSeenOpen,
    PinReset,
    Pulse,
    Pulsed,
    Report,
    ResetPin,
    Restarted,
    SeenOpen,
    SetAside,
    Stepped,
    Tick,
)
from policy.model import Reason, RuleSettings

log = structlog.get_logger()


class Bank:
    """A bank of lockers: its boards, what is known of each locker, its mailbox.

    `boards`: each by the channel of its first lock. `channels`: each locker's channel. `lockers`
    is what the journal holds, and empty until `run` has read it, which sets `known`. `new`: those
    of which it holds nothing, because they or its card are new; they are out of order until staff
    say what is inside. `opened_ms`: when each was last released, by the monotonic clock.
    `stagger_ms`: between two pulses of a master release.
    """

    def __init__(
        self,
        name: str,
        boards: Mapping[int, LockerBoard],
        ports: Ports,
        channels: Mapping[str, int],
        stagger_ms: int = limits.STAGGER_MS[0],
    ) -> None:
        self.name = name
        self.channels = dict(channels)
        self.lockers: dict[str, Locker] = {}
        self.new: set[str] = set()
        self.known = asyncio.Event()
        self._latches = Latches(boards, self.channels)
        self._ports = ports
        self._mailbox: Mailbox[Ask | MasterRelease | Restored | str] = Mailbox(limits.BANK_MAILBOX)
        self._asked: dict[str, Ask] = {}
        self._unrecorded: deque[tuple[str, Report]] = deque()
        self._unseen: dict[str, tuple[str, int]] = {}
        self.opened_ms: dict[str, int] = {}
        self._stagger_ms = stagger_ms
        self._everything: MasterRelease | None = None

    async def order(self, order: Order) -> Done:
        """Have an order carried out, and return what came of it; a copy has no second effect.

        Raises:
            NotFound: The bank has no such locker.
            StoreFailed: BUSY: too many orders wait; nothing of it was done.
        """
        for locker in order.lockers:
            if locker not in self.channels:
                raise NotFound(f"locker {locker}: bank {self.name} has none of that id")
        ask = Ask(order, self._ports.clock.monotonic_ms())
        if not self._mailbox.offer(ask):
            raise StoreFailed(FailKind.BUSY, f"{len(self._mailbox)} orders wait at {self.name}")
        return await ask.done

    async def release_all(self, command: LockerCommand) -> str:
        """Begin to release every locker, and return the word of the rules for that.

        Raises:
            StoreFailed: BUSY: it is under way already, or too many orders wait.
        """
        everything = MasterRelease.of(command, sorted(self.channels, key=self.channels.__getitem__))
        if self._everything is not None or not self._mailbox.offer(everything):
            raise StoreFailed(FailKind.BUSY, f"bank {self.name} is busy with other orders")
        return await everything.begun

    def restored(self) -> None:
        """Take that the cloud has filled in the journal; what is new may not be any more."""
        if not self._mailbox.offer(Restored()):
            log.error("bank_swamped", bank=self.name)  # a restart will show them

    def level(self, first: int, level: LockerLevel) -> None:
        """Take what the board whose first channel is `first` says of a door; never waits."""
        locker = self._latches.level(first, level)
        if locker is None or locker not in self._unseen:
            return
        if not self._mailbox.offer(locker):
            log.error("bank_swamped", bank=self.name, locker=locker)  # staff will have to look

    def lost(self, first: int) -> None:
        """Take that this board says nothing any more."""
        self._latches.lost(first)

    def stands_open(self, locker: str) -> bool | None:
        """Whether its door is open, as far as its board has said; None: it can't tell."""
        return self._latches.stands_open(locker) if self._latches.reports_door(locker) else None

    def now(self) -> datetime:
        """The time that lockers go by: a clock in doubt takes nobody's locker away."""
        now = self._ports.clock.now()
        return now.at if now.trusted else now.earliest

    async def run(self) -> None:
        """Work the bank, for ever."""
        await self._begin()
        while True:
            news = await self._mailbox.take_within(self._rest_s())
            await self._catch_up()
            match news:
                case Ask():
                    await self._obey(news)
                case str():
                    await self._report(news, SeenOpen())
                case MasterRelease():
                    await self._begin_everything(news)
                case Restored():
                    self.lockers = {}
                    await self._begin()
                case None:
                    pass
            await self._look()
            await self._release_next()
            for ask in tuple(self._asked.values()):
                self._tell(ask)

    async def _begin(self) -> None:
        """Read what the journal holds. What was under way has an end that nobody knows."""
        while not self.lockers:
            try:
                kept = await self._ports.journal.commit(lambda ledger: ledger.lockers())
            except StoreFailed as failed:
                log.error("bank_waits", bank=self.name, problem=str(failed))
                await self._ports.clock.sleep_ms(limits.RECORD_RETRY_MS)
            else:
                self.new = self.channels.keys() - kept.keys()
                unknown = {name: Locker(name, LockerState.OUT_OF_ORDER) for name in self.new}
                known = {**unknown, **kept}
                self.lockers = {name: known[name] for name in self.channels}
                self.known.set()
        if self.new:
            log.warning("lockers_new", bank=self.name, count=len(self.new))
        for name in self.channels:
            await self._report(name, Restarted())

    def _rest_s(self) -> float:
        """How long nothing is to be done."""
        if self._unrecorded and self._everything is None:
            return limits.RECORD_RETRY_MS / 1000
        now_ms, at = self._ports.clock.monotonic_ms(), self.now()
        waits = [(due_ms - now_ms) / 1000 for _, due_ms in self._unseen.values()]
        ends = filter(None, map(machine.due, self.lockers.values()))
        waits += [(end - at).total_seconds() for end in ends]
        if self._everything is not None:
            waits.append((self._everything.due_ms - now_ms) / 1000)
        return max(0.0, min([limits.BANK_LOOK_S, *waits]))

    async def _catch_up(self) -> None:
        """Record what could not be recorded, in its order."""
        for _ in range(len(self._unrecorded)):
            name, report = self._unrecorded[0]
            try:
                if isinstance(report, Restarted):  # what failed may be stored all the same
                    kept = await self._ports.journal.commit(read_anew(report))
                    self.lockers[name] = kept.get(name, self.lockers[name])
                    self.new -= kept.keys()
                await self._happen(name, report)
            except StoreFailed:
                return
            self._unrecorded.popleft()

    async def _look(self) -> None:
        """Do what the time asks for."""
        now_ms, at = self._ports.clock.monotonic_ms(), self.now()
        for name, (command, due_ms) in tuple(self._unseen.items()):
            if due_ms <= now_ms:
                del self._unseen[name]
                await self._report(name, NotSeenOpen(command))
        for name, locker in tuple(self.lockers.items()):
            end = machine.due(locker)
            if end is not None and end <= at and not self._owes(name):
                await self._report(name, Tick())

    async def _obey(self, ask: Ask) -> None:
        order = ask.order
        if any(map(self._owes, order.lockers)):  # what happened before is not recorded yet
            ask.result = Reason.RECORD_FAILED.value
            self._tell(ask)
            return
        self._asked[order.command.id] = ask
        try:
            await self._happen(order.locker, order.event, ask)
        except StoreFailed as failed:
            log.error("locker_order_not_recorded", locker=order.locker, problem=str(failed))
            ask.result = Reason.RECORD_FAILED.value
            self._unrecorded += ask.doubted(self._ports.stamp()) if failed.doubtful else ()
        except Exception:  # whatever is wrong with us stops no other locker
            log.exception("locker_order_failed", locker=order.locker)
            ask.result = Reason.INTERNAL_ERROR.value
        self._tell(ask)

    async def _begin_everything(self, everything: MasterRelease) -> None:
        """Write down that everything is released, and begin with it."""
        if self._everything is not None:  # two came at once
            everything.answer(Reason.STALE_COMMAND.value)
            return
        try:
            write = everything.beginning(self._ports.stamp(), self.name)
            found = await self._ports.journal.commit(write)
        except StoreFailed as failed:
            log.error("master_release_not_recorded", bank=self.name, problem=str(failed))
            everything.answer(Reason.RECORD_FAILED.value)
            return
        except Exception:  # whatever is wrong with us stops no other locker
            log.exception("master_release_failed", bank=self.name)
            everything.answer(Reason.INTERNAL_ERROR.value)
            return
        if isinstance(found, TakenCommand):
            same = thing(found.command) == thing(everything.command)
            everything.answer((found.result or "") if same else Reason.STALE_COMMAND.value)
            return
        self._everything = everything
        everything.due_ms = self._ports.clock.monotonic_ms()
        everything.answer(Reason.OK.value)
        for body in found:
            self._ports.witness.publish({"event": body["kind"], **body})

    async def _release_next(self) -> None:
        """Give the next pulse of a master release, if it is due."""
        everything, now_ms = self._everything, self._ports.clock.monotonic_ms()
        if everything is None or now_ms < everything.due_ms:
            return
        name = everything.waiting.popleft()
        done = await self._latches.release(name)
        everything.note(name, done=done)
        self._alarm(name, LockerAlarm.LOCK_FAULT, raised=not done)
        everything.due_ms = self._ports.clock.monotonic_ms() + self._stagger_ms
        if not everything.waiting:
            self._everything = None
            body = everything.end(self._ports.stamp(), self.name)
            self._ports.recorder.append(body)
            self._ports.witness.publish({"event": body["kind"], **body})

    def _answer(self, command: str, result: Reason | LockerRefusal) -> None:
        if command in self._asked:
            self._asked[command].result = result.value

    def _tell(self, ask: Ask) -> None:
        """Answer who asked, if there is an answer."""
        if ask.result is not None:
            ask.tell(self.lockers[ask.order.locker])
            if self._asked.get(ask.order.command.id) is ask:
                del self._asked[ask.order.command.id]

    async def _report(self, name: str, report: Report) -> None:
        """Let a report happen, later if it can't be recorded now."""
        if not self._owes(name):
            try:
                await self._happen(name, report)
            except StoreFailed as failed:
                log.error("locker_not_recorded", locker=name, problem=str(failed))
            else:
                return
        if isinstance(report, PinReset):  # it is the record that forgets the PIN
            report = PinReset(report.command, confirmed=False)
            self._answer(report.command, Reason.PIN_RESET_FAILED)
        self._unrecorded.append((name, report))

    async def _happen(self, name: str, event: Event | Move, ask: Ask | None = None) -> None:
        """Let one event happen, and all that follows. Raises StoreFailed: nothing did."""
        stepped = self._step(name, event, ask)
        if ask is None and all(not said and self.lockers[new.id] == new for new, said in stepped):
            return
        kept = {locker.id for locker, _ in stepped if self._is_settled(locker, event)}
        write = writing(stepped, ask, self._ports.stamp(), kept, self._ports.clock)
        found = await self._ports.journal.commit(write)
        if isinstance(found, TakenCommand):
            self._asked[found.command.id].repeat(found)
            return
        for body in found:
            self._ports.witness.publish({"event": body["kind"], **body})
        self.new -= kept
        for locker, _ in stepped:
            self.lockers[locker.id] = locker
            if locker.release is None:
                self._unseen.pop(locker.id, None)
        for locker, effects in stepped:
            for effect in effects:
                for report in await self._carry_out(locker.id, effect):
                    await self._report(locker.id, report)

    def _is_settled(self, locker: Locker, event: Event | Move) -> bool:
        """Whether anything is known of a locker; nothing was said yet of what is in a new one."""
        changed = locker != self.lockers[locker.id]
        return locker.id not in self.new or changed or isinstance(event, SetAside)

    def _step(self, name: str, event: Event | Move, ask: Ask | None) -> tuple[Stepped, ...]:
        rules, at = self._ports.rules.rules, self.now()
        if isinstance(event, Move):
            to = None if ask is None else ask.order.to
            return machine.move(self.lockers[name], self.lockers[str(to)], event, at)
        settings = RuleSettings() if rules is None else rules.settings
        reports_door = self._latches.reports_door(name)
        return (machine.step(self.lockers[name], event, at, settings, reports_door=reports_door),)

    async def _carry_out(self, name: str, effect: Effect) -> tuple[Report, ...]:
        """Do what the machine asks for; return what it has to be told of it."""
        match effect:
            case Answer(command, result):
                self._answer(command, result)
            case ResetPin(command):
                # The PIN is kept in the locker's row only, so committing the confirmation is
                # what resets it; a commit that fails is a reset that failed (`_report`).
                return (PinReset(command, confirmed=True),)
            case Pulse(command, seen_within_s):
                return await self._pulse(name, command, seen_within_s)
            case Log(word):
                if word is LockerWord.RELEASE_PULSE:
                    self._alarm(name, LockerAlarm.PIN_RESET_FAILED, raised=False)
            case Alarm(kind):
                self._alarm(name, kind, raised=True)
            case Cleared(kind):
                self._alarm(name, kind, raised=False)
        return ()

    async def _pulse(
        self, name: str, command: str, seen_within_s: int | None
    ) -> tuple[Report, ...]:
        ask, clock = self._asked.get(command), self._ports.clock
        try:
            done = await self._latches.release(
                name, lambda: ask is not None and not ask.is_late(clock.monotonic_ms())
            )
        except NotWanted:
            return self._expire(name, command, ask)
        now_ms = clock.monotonic_ms()
        if ask is not None:
            ask.released = done
        if not done:
            return (Pulsed(command, done=False),)
        self._alarm(name, LockerAlarm.LOCK_FAULT, raised=False)
        self.opened_ms[name] = now_ms
        if seen_within_s is None or not self._latches.reports_door(name):
            return (Pulsed(command, done=True),)
        self._unseen[name] = command, now_ms + seen_within_s * 1000
        seen = (SeenOpen(),) if self._latches.stands_open(name) else ()
        return (Pulsed(command, done=True), *seen)

    def _expire(self, name: str, command: str, ask: Ask | None) -> tuple[Report, ...]:
        """Answer an order that came to its turn too late; that is no fault of the lock."""
        log.error("locker_too_late", bank=self.name, command=command)
        if ask is not None:
            self._ports.recorder.record(ask.expire(self._ports.stamp()))
        return () if self.lockers[name].release is None else (Pulsed(command, done=False),)

    def _alarm(self, name: str, kind: LockerAlarm, *, raised: bool) -> None:
        self._ports.alarms.change(f"{self.name}.{name}", AlarmName(kind.value), raised=raised)

    def _owes(self, name: str) -> bool:
        """Whether something that happened to a locker is still to be recorded."""
        return any(locker == name for locker, _ in self._unrecorded)
