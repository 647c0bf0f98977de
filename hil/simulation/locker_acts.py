"""What befalls the lockers: their members, their staff, the cloud's orders, and bad moments."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from hil.simulation.acts import Act
from hil.simulation.chain import Chain
from hil.simulation.locker_laws import Stand
from hil.simulation.lockers import PIN
from hil.simulation.places import MEMBERS
from hil.simulation.story import Event
from hil.simulation.town import Member
from hil.site.lockers import READER
from hil.virtual.disk import DiskState
from policy.locker_model import Progress

_OPENS_S: Final = 12.0
"""A locker opens within this, on the slowest disk."""
_STUCK_S: Final = 15.0
"""A use that is ended is over, or left to the staff, within this."""
_WORTH_S: Final = 10.0
"""An order is worth something for so long."""
_FOR_EVER: Final = "2099-01-01"


class AtLockers(Act):
    """One event as it happens, of those at the lockers."""

    def __init__(self, chain: Chain, event: Event) -> None:
        super().__init__(chain, event)
        self._lockers = chain.lockers
        self._at = chain.lockers.home

    # --- members

    async def give_locker(self) -> None:
        """The staff give somebody a locker, who opens it at once, or later."""
        locker, member = self._one(lambda stand: stand.state == "FREE"), self._anybody()
        end = self._in_min(1, 5, 30)
        given = await self._lockers.give(locker, member.name, self._dice.choice((_FOR_EVER, end)))
        if given == "OK" and self._dice.random() < 0.7:
            await self._show_code(locker, member)

    async def open_locker(self) -> None:
        """Somebody opens a locker: mostly its holder, by code or by PIN."""
        locker = self._used()
        match self._dice.choice(("code", "code", "PIN", "another's code")):
            case "PIN":
                await self._end_or_open("open", locker)
            case "another's code":
                await self._show_code(locker, self._anybody())
            case _:
                await self._show_code(locker, self._holder(locker))

    async def give_back_locker(self) -> None:
        """A member gives a locker back."""
        await self._end_or_open("return", self._used())

    async def move_locker(self) -> None:
        """The staff give a member another locker instead, which may be jammed just then."""
        locker, to = self._used(), self._one(lambda stand: stand.state == "FREE")
        if self._dice.random() < 0.5:
            self._lockers.jammed.add(self._lockers.channels[locker])
        await self._end_or_open("move", locker, to=to, pin=PIN)
        await asyncio.sleep(_STUCK_S)
        self._lockers.jammed.clear()

    async def extend_locker(self) -> None:
        """The staff let a use last longer, or end sooner."""
        locker = self._used()
        use, end = self._lockers.stands[locker].use, self._in_min(-5, 10, 600)
        await self._lockers.order("extend", locker, use, end=end)

    # --- staff and cloud

    async def end_locker(self) -> None:
        """The staff end a use."""
        await self._end_or_open("force_end", self._used())

    async def look_into_locker(self) -> None:
        """The staff open a locker to look inside; perhaps from afar."""
        locker = self._one(lambda stand: stand.use is not None)
        if self._dice.random() < 0.5:
            await self._end_or_open("staff_open", locker)
        else:
            await self._order_locker("locker_open", locker, self._lockers.stands[locker].use)

    async def end_locker_by_order(self) -> None:
        """The cloud ends a use; perhaps while the line is pulled."""
        locker = self._used()
        use = self._lockers.stands[locker].use
        async with asyncio.TaskGroup() as group:
            if self._dice.random() < 0.3:
                group.create_task(self._pull(self._dice.uniform(2, 25)))
            group.create_task(self._order_locker("locker_end", locker, use))

    async def overtake_locker_order(self) -> None:
        """The cloud ends a use, but before it is heard the staff end it and give it to another."""
        locker, line = self._used(), self._at.line
        use = self._lockers.stands[locker].use
        line.lag_s = self._dice.uniform(2, 6)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._order_locker("locker_end", locker, use))
            await self._lockers.order("force_end", locker, use)
            if self._dice.random() < 0.7 and await self._until(lambda: self._free(locker), 1.0):
                await self._lockers.give(locker, self._anybody().name, _FOR_EVER)
            await asyncio.sleep(_WORTH_S)
            line.lag_s = 0.0

    async def settle_lockers(self) -> None:
        """The staff look into every locker that nobody is sure of, and shut it."""
        for locker, stand in self._lockers.stands.items():
            if stand.state == "OUT_OF_ORDER":
                await self._lockers.shut(locker)
                do = self._dice.choice(("confirm_empty",) * 4 + ("set_aside",))
                await self._lockers.order(do, locker, stand.use)
            elif self._lockers.witness.hatches[locker].open:
                await self._lockers.shut(locker)

    # --- bad moments

    async def jam_locker(self) -> None:
        """A bolt does not move for a while, and somebody ends the use there."""
        locker = self._used()
        self._lockers.jammed.add(self._lockers.channels[locker])
        await self._end_or_open(self._dice.choice(("force_end", "return", "open")), locker)
        await asyncio.sleep(self._dice.uniform(10, 60))
        self._lockers.jammed.clear()

    async def end_locker_as_opened(self) -> None:
        """The staff end a use while its holder opens it."""
        locker = self._used()
        holder = self._holder(locker)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._show_code(locker, holder))
            await asyncio.sleep(self._dice.choice((0.0, 0.05, 0.5)))
            group.create_task(self._end_or_open("force_end", locker))

    async def end_locker_without_board(self) -> None:
        """The staff end a use while the cables are cut, or they are as its end is on the disk."""
        site, locker = self._at.site, self._used()

        def cut() -> bool:
            if site.has_cables and self._lockers.witness.owes():
                self._at.ends += 1
                site.cut_cables()
            return False

        if not site.has_cables:
            return
        if self._dice.random() < 0.5:
            self._at.ends += 1
            site.cut_cables()
        self._at.kill_next = cut
        await self._end_or_open("force_end", locker)
        self._at.kill_next = None
        await asyncio.sleep(self._dice.uniform(1, 30))
        if not site.has_cables:
            site.mend_cables()

    async def end_locker_on_bad_disk(self) -> None:
        """The disk takes nothing more when a use is being ended."""
        disk = self._at.site.disk

        def spoil() -> bool:
            if Progress.RESETTING in self._lockers.ending().values():
                disk.state = DiskState.FULL if self._dice.random() < 0.5 else DiskState.FAILING
            return False

        self._at.kill_next = spoil
        await self._end_or_open("force_end", self._used())
        self._at.kill_next = None
        await asyncio.sleep(self._dice.uniform(5, 60))
        disk.state = DiskState.WELL

    async def kill_at_lockers(self) -> None:
        """The device loses its power before a PIN is reset, before a pulse, or right behind it."""
        lockers, locker = self._lockers, self._used()
        do = self._dice.choice(("force_end", "return", "open"))
        moment = self._dice.choice(("reset", "record", "pulse"))
        match moment:
            case "reset":
                do = "force_end"
                self._at.kill_next = lambda: Progress.RESETTING in lockers.ending().values()
            case "record":
                self._at.kill_next = lockers.witness.owes
            case _:
                lockers.jammed.add(lockers.channels[locker])
        pulses = lockers.witness.pulses
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_or_open(do, locker))
            pulsed = await self._until(lambda: lockers.witness.pulses > pulses, _OPENS_S)
            if moment == "pulse" and pulsed:
                await asyncio.sleep(self._dice.uniform(0, 5))
                self._at.cut_power()
        self._at.kill_next = None
        await self._at.up()
        lockers.jammed.clear()

    # --- small words

    async def _show_code(self, locker: str, member: Member) -> None:
        """Hold a member's code before the lockers' reader, and use what opens."""
        pulses = self._lockers.witness.pulses
        self._lockers.witness.came(member.name)
        if await self._at.show(READER, self._code(member)):
            await self._until(lambda: self._lockers.witness.pulses > pulses, _OPENS_S)
            await self._use(locker)

    async def _end_or_open(self, do: str, locker: str, **facts: object) -> None:
        """Give an order about the use of now, and shut the door behind it."""
        use = self._lockers.stands[locker].use
        if await self._lockers.order(do, locker, use, **facts) == "OK":
            await self._use(locker)

    async def _order_locker(self, verb: str, locker: str, use: str | None) -> None:
        """Let the cloud give an order, and wait as long as for an answer."""
        number = self._lockers.order_from_afar(verb, locker, use)
        await asyncio.sleep(_STUCK_S)
        self._chain.orders[number] = self._at.place.device
        await self._use(locker)

    async def _use(self, locker: str) -> None:
        """Shut a door after a while, or leave it open."""
        await asyncio.sleep(self._dice.choice((0.5, 2.0, 15.0, 60.0)))
        if self._dice.random() < 0.85:
            await self._lockers.shut(locker)

    def _one(self, fits: Callable[[Stand], bool]) -> str:
        """Choose a locker that stands so; if there is none, any."""
        fitting = [name for name, stand in self._lockers.stands.items() if fits(stand)]
        return self._dice.choice(fitting or [*self._lockers.stands])

    def _used(self) -> str:
        return self._one(lambda stand: stand.state in {"IN_USE", "WAITING"})

    def _free(self, locker: str) -> bool:
        return self._lockers.stands[locker].state == "FREE"

    def _holder(self, locker: str) -> Member:
        name = self._lockers.stands[locker].member
        return next((one for one in MEMBERS if one.name == name), MEMBERS[0])

    def _in_min(self, *some: int) -> str:
        return (self._chain.sky.true() + timedelta(minutes=self._dice.choice(some))).isoformat()
