"""What befalls the chain at the worst moment: each waits until what it is to disturb is on."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from hil.people import Refused
from hil.simulation.acts import Act
from hil.simulation.places import LOCKERS_AT, MEMBERS
from hil.virtual.disk import DiskState

_RULES_S: Final = 90.0
"""New rules are fetched within this, if a message is lost too."""
_SWAP_S: Final = 1.0
"""Rules that are active on the disk decide within this."""
_BOOKED: Final = timedelta(hours=1)
_TRIAL_S: Final = 90
"""A fresh pulse comes each minute."""
_SWAPPED_S: Final = 30.0
"""Nobody changes a card, and has the device started, in less."""
_START_S: Final = 20.0
"""A daemon that was killed is gone, and the next is there, within this."""


class Worst(Act):
    """One event as it happens, of every kind."""

    async def two_at_once(self) -> None:
        """One member comes to two doors at once."""
        member = self._anybody()
        async with asyncio.TaskGroup() as group:
            for home in self._dice.sample([*self._chain.households.values()], 2):
                group.create_task(self._come_to(home, member))

    async def force(self) -> None:
        """A door is broken open, perhaps while its device has no power."""
        home = self._home
        if dark := self._dice.random() < 0.5:
            home.cut_power()
        with suppress(Refused):  # it is open
            await home.people.force(home.place.door)
            self._rare.count("door forced while the device had no power", not home.site.alive)
        if dark:
            await self._again()
        await asyncio.sleep(self._dice.uniform(1, 60))
        await home.people.close(home.place.door)

    async def lock_down_by_order(self) -> None:
        """The cloud locks down, and ends it; at once, or after something has happened."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._order("lockdown", on=True))
            match self._dice.choice(("ended at once", "somebody comes", "dark", "the switch too")):
                case "ended at once":
                    for on in (False, True):
                        await asyncio.sleep(0.2)
                        group.create_task(self._order("lockdown", on=on))
                case "somebody comes":
                    await asyncio.sleep(5)
                    group.create_task(self._order("door_open", door=self._home.place.door))
                    await self.come()
                case "dark":
                    await asyncio.sleep(5)
                    self._home.cut_power()
                    await self._again()
                case "the switch too":
                    group.create_task(self.lock_down())
                    await asyncio.sleep(5)
            await self._order("lockdown", on=False)

    async def lose_lock(self) -> None:
        """Cables are cut when an entry is on the disk; whose it was comes again when it is well."""
        home, site = self._home, self._home.site
        member = self._dice.choice([one for one in MEMBERS if one.limit])

        def cut() -> bool:
            if home.witness.owes("entry") and not home.released and site.has_cables:
                home.ends += 1
                site.cut_cables()
            return False

        home.kill_next = cut
        await self._come_to(home, member)
        home.kill_next = None
        if not site.has_cables:
            site.mend_cables()
            await asyncio.sleep(_START_S)
            await self._come_to(home, member)

    # --- rules

    async def book(self) -> None:
        """Somebody comes by a booking, which the cloud cancels while the device does not hear."""
        home, member = self._home, self._dice.choice([one for one in MEMBERS if one.limit])
        begins = self._chain.sky.true() - timedelta(minutes=5)
        booked = {"start": begins.isoformat(), "end": (begins + _BOOKED).isoformat()}
        booked |= {"id": f"B-{begins:%d%H%M%S}-{member.name}", "store": home.place.store}
        booked |= {"program": "YOGA", "status": "CONFIRMED"}
        self._say(member, bookings=[{**booked, "paid": True}])
        await self._hears_rules()
        await self._come_to(home, member)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pull(self._dice.uniform(20, 90)))
            await asyncio.sleep(1)
            self._say(member, bookings=[])
            await self._come_to(home, member)
        await self._hears_rules()
        await self._come_to(home, member)

    async def _hears_rules(self) -> None:
        """Wait until the device decides by the newest rules, if it hears of them."""
        home, chain = self._home, self._chain
        await self._until(lambda: home.rules_version() == chain.version, _RULES_S)
        await asyncio.sleep(_SWAP_S)

    async def try_rules(self) -> None:
        """The cloud publishes rules on trial; then the line is pulled, until they are given up."""
        self._publish(_TRIAL_S)
        if not await self._until(self._home.on_trial, _RULES_S):
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pull(_TRIAL_S + self._dice.uniform(-30, 30)))
            await self.come()

    async def rules_to_no_disk(self) -> None:
        """The disk of a device takes nothing any more when it has pieces of new rules."""
        disk = self._home.site.disk
        self._publish()
        await self._until(self._home.rules_half_there, _RULES_S)
        disk.state = self._dice.choice((DiskState.FULL, DiskState.FAILING))
        await asyncio.sleep(self._dice.uniform(10, 60))
        disk.state = DiskState.WELL

    async def kill_as_rules_come(self) -> None:
        """A device loses its power while it has pieces of new rules."""
        self._publish()
        if await self._until(self._home.rules_half_there, _RULES_S):
            await asyncio.sleep(self._dice.uniform(0, 1))
            self._home.cut_power()
            await self._again()

    async def kill_in_trial(self) -> None:
        """A device loses its power between the swap of rules and their confirmation, or twice."""
        self._publish(_TRIAL_S)
        if not await self._until(self._home.on_trial, _RULES_S):
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pull(30))
            for _ in range(self._dice.choice((1, 2))):
                self._home.cut_power()
                await self._home.up()
                await asyncio.sleep(1)

    # --- power

    async def kill_behind_order(self) -> None:
        """A device loses its power when an order is on the disk that has moved nothing yet."""
        witness = self._home.witness
        self._home.kill_next = lambda: witness.owes("command")
        await self.order()
        self._home.kill_next = None

    async def kill_in_start(self) -> None:
        """A device loses its power, comes back, and loses it before it has begun."""
        home = self._home
        home.cut_power()
        coming = asyncio.create_task(home.up())
        await self._until(lambda: home.site.alive, _START_S)
        home.cut_power()
        await coming
        await home.up()

    async def put_back_disk(self) -> None:
        """A device is given its disk of before; that of the lockers would not know who has one."""
        home = self._home
        if home.place is LOCKERS_AT:
            return
        copy = await home.copied_disk()
        await self._again()
        for pause_s in (0, 5, self._dice.choice((5, 60, 600))):
            await asyncio.sleep(pause_s)
            await self.come()
        await home.give_disk(copy)
        await asyncio.sleep(_SWAPPED_S)
        await home.up()
        await self.come()

    async def kill_in_trouble(self) -> None:
        """A device has a trouble, loses its power in it, and comes back to it."""
        troubles = (self.spoil_disk, self.lose_time, self.pull_line, self.burn, self.lock_down)
        trouble = asyncio.create_task(self._dice.choice(troubles)())
        await asyncio.sleep(self._dice.uniform(3, 9))
        self._home.cut_power()
        await self._again()
        await trouble
