"""What befalls the chain at any moment; what waits for a bad one is in worst.py.

All that an act draws comes from its event's own chance, and what it breaks it mends itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from hil.scenarios.staff import OrderRefused, Staff
from hil.simulation.chain import Chain
from hil.simulation.household import Household
from hil.simulation.places import MEMBERS
from hil.simulation.story import Event
from hil.simulation.town import ISSUER, Member
from hil.virtual.disk import DiskState
from hil.virtual.loop import running

_WAIT_S: Final = 12.0
"""Whoever may come in does so within this, on the slowest disk."""
_OUT_S: Final = 1.0
"""Whoever wants out is let go within this."""
_QUEUE_S: Final = 10.0
"""And within this behind others while the disk hangs: each of them is looked up for 1 s at most."""
_START_S: Final = 10.0
"""A start waits as long for a disk that hangs to tell what held before; exit buttons, for 1 s."""
_ANSWER_S: Final = 15.0
"""An order is worth something for 10 s, and its result is told a little later."""

_LOOK_S: Final = 0.05


class Act:
    """One event as it happens: each method is a kind of event, to its end."""

    def __init__(self, chain: Chain, event: Event) -> None:
        self._chain = chain
        self._home = chain.households[event.place.device]
        self._dice = event.dice()
        self._rare = chain.rare

    # --- people

    async def come(self) -> None:
        """Somebody comes."""
        await self._come_to(self._home, self._anybody())

    async def back_again(self) -> None:
        """Somebody comes to every door."""
        member = self._anybody()
        for home in self._dice.sample([*self._chain.households.values()], 3):
            await self._come_to(home, member)
            await asyncio.sleep(self._dice.choice((0.0, 5.0, 40.0)))

    async def leave(self) -> None:
        """Somebody leaves with a code."""
        place = self._home.place
        self._home.witness.asks("leaving", 1_000 * round(self._start_s()))
        act = self._home.show(place.way_out, self._code(self._anybody()))
        await self._wants_out(f"reader {place.way_out}", act)

    async def press(self) -> None:
        """Somebody leaves by the button."""
        door = self._home.place.door
        self._home.witness.asks("press")
        await self._wants_out(f"button {door}", self._home.people.press(door))

    async def rush(self) -> None:
        """Several at once, at both sides."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._dice.randint(3, 8)):
                group.create_task(self._dice.choice((self.come, self.leave, self.press))())
                await asyncio.sleep(self._dice.choice((0, 0.001, 0.05, 0.7)))

    async def cheat(self) -> None:
        """Somebody shows a code that is forged, garbage, or old."""
        code = self._code(self._anybody(), ago_s=self._dice.choice((0, 7_200)))
        forged = code[:-6] + "".join(self._dice.sample("0123456789", 6))
        shown = self._dice.choice((forged, "M1:GARBAGE", "0" * 40))
        await self._home.show(self._home.place.way_in, shown)

    async def _come_to(self, home: Household, member: Member) -> None:
        newest = home.rules_version() == self._chain.version
        pulses = home.witness.pulses
        if not await home.show(home.place.way_in, self._code(member)):
            return
        if not await home.let_go(_WAIT_S) or home.witness.pulses == pulses:
            return
        self._rare.count("let in while the line was pulled", not home.line.whole)
        self._rare.count("let in while the cloud was away", not self._chain.office.serves)
        self._rare.count("let in by rules that the cloud had changed", not newest)
        self._rare.count("let in while the clock was in doubt", home.site.sky.error_s is None)
        if self._dice.random() < 0.9:
            await home.walk(self._dice)

    async def _wants_out(self, part: str, act: Awaitable[object]) -> None:
        """Hold the first law: nobody is held in while the device has its cables and its power."""
        home, parts = self._home, (part, f"lock {self._home.place.door}")
        well, ends, disk = home.site.alive and home.witness.well(*parts), home.ends, home.slow
        start_s = self._start_s() if part.startswith("reader") else 0.0
        await act
        gone = await home.let_go(_QUEUE_S + start_s if disk or home.slow else _OUT_S)
        if well and ends == home.ends and home.witness.well(*parts) and not gone:
            home.witness.violate(f"somebody was held in: {part}")
        if gone:
            switches, state = home.site.everything.switches, home.site.disk.state
            self._rare.count("out while the disk was full", state is DiskState.FULL)
            self._rare.count("out while the disk failed", state is DiskState.FAILING)
            self._rare.count("out while the disk hung", home.slow)
            self._rare.count("out in lockdown", switches["lockdown"])
            self._rare.count("out in a fire", switches["fire"])
            self._rare.count("out while the clock was in doubt", home.site.sky.error_s is None)
            await home.walk(self._dice)

    def _start_s(self) -> float:
        """Return how long a device that begins may wait for its disk before it serves readers."""
        return 0.0 if self._home.began else _START_S

    # --- what the cloud wants

    async def order(self) -> None:
        """The cloud has a door opened."""
        self._rare.count("order given while nobody hears it", not self._home.site.alive)
        await self._order("door_open", door=self._home.place.door)

    async def order_late(self) -> None:
        """The cloud has a door opened that it does not reach in time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pull(self._dice.uniform(2, 25)))
            await asyncio.sleep(0.5)
            group.create_task(self.order())

    async def publish(self) -> None:
        """The cloud stops a member, or lets one go on; or twice, so that one version is skipped."""
        for _ in range(self._dice.choice((1, 1, 3))):
            self._publish()
            await asyncio.sleep(self._dice.choice((0.0, 0.2, 5.0)))

    # --- the network

    async def pull_line(self) -> None:
        """A line leads nowhere for a while."""
        await self._pull(self._dice.choice((5, 60, 300, 1_200)))

    async def cut_line(self) -> None:
        """A connection ends."""
        self._chain.broker.cut(self._home.place.device)

    async def slow_line(self) -> None:
        """A line is slow for a while."""
        line = self._home.line
        line.lag_s = self._dice.choice((0.5, 3.0, 12.0))
        await asyncio.sleep(self._dice.uniform(10, 600))
        line.lag_s = 0.0

    async def wipe_session(self) -> None:
        """The broker forgets the session of a device that it does not reach."""
        pulled = asyncio.create_task(self._pull(self._dice.choice((5, 90))))
        await asyncio.sleep(self._dice.choice((1, 60)))
        lost = self._chain.broker.wipe(self._home.place.device)
        self._rare.count("session forgotten with messages waiting", bool(lost))
        await pulled

    async def cut_broker(self) -> None:
        """The broker loses its power, and comes back with what it had saved."""
        await self._cut_broker(forgets=False)

    async def forget_broker(self) -> None:
        """The broker loses its power and its disk."""
        await self._cut_broker(forgets=True)

    async def _cut_broker(self, *, forgets: bool) -> None:
        broker = self._chain.broker
        waits = broker.cut_power(forgets=forgets)
        self._rare.count("broker came back with what had been delivered", waits)
        self._rare.count("broker came back with nothing", forgets)
        await asyncio.sleep(self._dice.choice((0.5, 30, 180)))
        broker.up = True

    async def _pull(self, for_s: float) -> None:
        self._home.line.whole = False
        await asyncio.sleep(for_s)
        self._home.line.whole = True

    # --- the cloud's power

    async def cut_cloud(self) -> None:
        """The cloud loses its power."""
        await self._chain.office.kill()
        await self._cloud_back()

    async def cut_cloud_at_the_worst(self) -> None:
        """The cloud loses its power when it has committed and not answered."""
        killing: list[asyncio.Task[None]] = []

        def cut() -> None:
            if not killing and self._chain.office.owes:
                killing.append(asyncio.create_task(self.cut_cloud()))

        self._chain.office.after_group = cut
        await asyncio.sleep(120)
        self._chain.office.after_group = lambda: None
        if killing:
            await killing[0]

    async def _cloud_back(self) -> None:
        await asyncio.sleep(self._dice.choice((0.5, 20, 180)))
        if not self._chain.office.serves:
            self._chain.office.start()

    # --- the device's power, disk, clock and cables

    async def kill(self) -> None:
        """A device loses its power, as soon as somebody was let in or just so."""
        home = self._home
        code = self._code(self._anybody())
        if self._dice.random() < 0.5 and await home.show(home.place.way_in, code):
            await home.let_go(2.0)
        home.cut_power()
        await self._again()

    async def kill_at_the_worst(self) -> None:
        """A device loses its power right behind what somebody's code has the disk do."""
        self._home.kill_next = lambda: self._dice.random() < 0.5
        await self.come()
        await asyncio.sleep(_WAIT_S)
        self._home.kill_next = None

    async def stop(self) -> None:
        """A device is restarted."""
        await self._home.stop()

    async def spoil_disk(self) -> None:
        """A disk is full, failing or slow for a while."""
        disk = self._home.site.disk
        kind = self._dice.choice((DiskState.FULL, DiskState.FAILING, None))
        self._home.slow = kind is None
        disk.state = kind or DiskState.WELL
        await asyncio.sleep(self._dice.uniform(10, 600))
        disk.state, self._home.slow = DiskState.WELL, False

    async def lose_time(self) -> None:
        """Nobody confirms a clock for a while."""
        self._home.site.sky.error_s = None
        await asyncio.sleep(self._dice.uniform(60, 3_600))
        self._home.site.sky.error_s = 0.1

    async def turn_clock(self) -> None:
        """A clock is turned while nobody confirms it."""
        sky = self._home.site.sky
        sky.error_s, sky.off = None, timedelta(hours=self._dice.uniform(-30, 30))
        await asyncio.sleep(self._dice.uniform(60, 1_800))
        sky.error_s, sky.off = 0.1, timedelta(0)

    async def burn(self) -> None:
        """There is a fire, and it is reset; perhaps somebody leaves just then, or it is dark."""
        home = self._home
        home.busy()
        before = self._dice.choice(("nothing", "a leaving", "dark"))
        if before == "a leaving":
            await self._release()
        elif before == "dark":
            home.cut_power()
        self._rare.count("fire while the bolt was released", home.released)
        self._rare.count("fire while the device had no power", not home.site.alive)
        await home.people.switch("fire", on=True)
        await home.up()
        await asyncio.sleep(self._dice.uniform(10, 300))
        if self._dice.random() < 0.5:
            await self._reset_fire()
        await home.people.switch("fire", on=False)
        await asyncio.sleep(self._dice.uniform(1, 60))
        await self._reset_fire()

    async def _reset_fire(self) -> None:
        with suppress(OSError, OrderRefused, TimeoutError, ValueError):
            async with Staff(self._home.site.control_socket, []) as staff:
                await staff.order("door", "fire_reset", by="kim")

    async def lock_down(self) -> None:
        """A store is locked down for a while."""
        await self._home.people.switch("lockdown", on=True)
        await asyncio.sleep(self._dice.uniform(10, 600))
        await self._home.people.switch("lockdown", on=False)

    async def cut_cables(self) -> None:
        """A device loses its cables for a while."""
        site = self._home.site
        if not site.has_cables:
            return
        if self._dice.random() < 0.5:
            await self._release()
        self._rare.count("cables cut while the bolt was released", self._home.released)
        self._home.ends += 1
        site.cut_cables()
        await asyncio.sleep(self._dice.uniform(1, 300))
        site.mend_cables()

    # --- small words

    def _publish(self, confirm_s: int = 0) -> None:
        """Let the cloud stop a member, or let one go on."""
        member = self._anybody()
        stopped = self._chain.rules["members"][member.name].get("suspended", False)
        self._say(member, confirm_s, suspended=not stopped)

    def _say(self, member: Member, confirm_s: int = 0, **changed: object) -> None:
        """Let the cloud say something else of a member."""
        said = {**self._chain.rules["members"][member.name], **changed}
        self._chain.publish({member.name: said}, confirm_s)

    async def _order(self, verb: str, **args: object) -> None:
        """Let the cloud give an order, and wait as long as for an answer."""
        self._home.busy()
        device = self._home.place.device
        number = self._chain.office.order(device, verb, **args)
        await asyncio.sleep(_ANSWER_S)
        self._chain.orders[number] = device

    async def _release(self) -> None:
        """Let somebody press the exit button, and wait until the bolt is released, if it is."""
        self._home.witness.asks("press")
        await self._home.people.press(self._home.place.door)
        await self._home.let_go(_OUT_S)

    async def _again(self) -> None:
        """Let the power come back."""
        await asyncio.sleep(self._dice.choice((0.1, 2.0, 60.0)))
        await self._home.up()

    async def _until(self, reached: Callable[[], bool], within_s: float) -> bool:
        """Wait until something is so; False: it was not."""
        until_s = running().time() + within_s
        while not reached():
            if running().time() >= until_s:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    def _anybody(self) -> Member:
        return self._dice.choice(MEMBERS)

    def _code(self, member: Member, ago_s: int = 0) -> str:
        at_s = int(self._chain.sky.true().timestamp()) - ago_s
        return ISSUER.m1(member.handle, at_s, 30, self._dice.getrandbits(32))
