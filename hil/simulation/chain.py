"""A chain of stores in one process on virtual time: devices, a broker and a cloud, and all harm."""

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from edged.cloud import trusting
from edged.settings import file as settings_file
from hil.simulation.household import Household
from hil.simulation.locker_sightings import LockerSightings
from hil.simulation.lockers import Lockers
from hil.simulation.office import Office
from hil.simulation.places import LOCKERS_AT, PLACES, USUAL, Opening, chain_rules, move_in
from hil.simulation.rare import Rare
from hil.simulation.sightings import Sightings
from hil.site.lockers import write_pepper
from hil.site.rules import TENANT
from hil.virtual import link
from hil.virtual.broker import Broker, Fate
from hil.virtual.loop import running
from hil.virtual.site import MORNING, Sky, VirtualSite, made, quiet_machine
from hil.virtual.weather import Weather

ROUGH: Final = {Fate.LOST: 50, Fate.TWICE: 100, Fate.LATE: 250}
"""Of a thousand messages; those of hil.stores' campaign."""
_DISK_S: Final = (0.0005, 0.002, 0.004, 0.03, 0.3)
_HANGS_S: Final = (4.0, 14.0)
_UP_S: Final = 600.0
"""Rules have come to every device within this of the beginning, through the worst weather."""


class Chain:
    """All of it, up. Make it with `chain`.

    `violations`: all that must not be, in words. `rules` and `version`: what the cloud has
    published last. `bookings`: whose each version has, and which. `orders`: to which device each
    order of the cloud went, by its id. `lockers`: the bank, once it is put up.
    """

    def __init__(self, folder: Path, seed: int, opening: Opening = USUAL) -> None:
        self.violations: list[str] = []
        self.rare = Rare()
        self.rules = chain_rules(opening.hours)
        self.version = 0
        self.bookings: dict[int, set[tuple[str, str]]] = {}
        self.orders: dict[str, str] = {}
        self.weather = Weather(seed)
        self._later_s = (opening.at - MORNING).total_seconds()
        self.sky = Sky(running().time() - self._later_s)
        self.broker = Broker(self.weather, dict(ROUGH))
        self.broker.told, self.broker.taken_up = self.rare.fate, self._taken_up
        self.broker.ended = self.rare.ended
        self.office = Office(folder / "cloud", self.broker, self.weather, self.sky.true, self.rare)
        self.households: dict[str, Household] = {}
        self.lockers: Lockers
        self._folder = folder

    def violate(self, what: str) -> None:
        """Note that a law was broken now."""
        self.violations.append(f"{self.sky.true().isoformat()} {what}")

    def broken(self) -> list[str]:
        """Return everything that was found to be wrong, at the doors too."""
        doors = (
            f"{name}: {one}" for name, h in self.households.items() for one in h.witness.violations
        )
        return [*self.violations, *doors]

    def publish(self, change: Mapping[str, Any], confirm_s: int = 0) -> None:
        """Publish rules that differ from those of now in these members, on trial for so long."""
        self.rules = copy.deepcopy(self.rules)
        self.rules["members"] |= change
        self.version = self.office.publish(self.rules, confirm_s)
        self.bookings[self.version] = {
            (name, booking["id"])
            for name, said in self.rules["members"].items()
            for booking in said.get("bookings", ())
        }

    async def put_up(self, opened: AsyncExitStack) -> None:
        """Put everything up; return when every device decides by the cloud's rules."""
        self.publish({})
        self.office.start()
        opened.push_async_callback(self.office.kill)
        for number, place in enumerate(PLACES):
            site = made(self._folder / f"d{number}", partial(self._delay_s, place.device))
            site.sky.began_s -= self._later_s
            site.disk.written = partial(self._written, place.device)
            site.outside = partial(link.outside, self.broker, self.weather, TENANT, place.device)
            move_in(site, place, self.rules, self.office.path / "trust.json")
            opened.push_async_callback(site.stop)
            site.write()
            write_pepper(site)
            await site.start_building()
            self._pin(site, place.device)
            await site.start_daemon()
            people = await opened.enter_async_context(site.people())
            line = self.broker.line(place.device)
            home = self.households[place.device] = Household(place, site, people, line, self.rare)
            home.witness.heard = Sightings(home, lambda: self.rules["members"], self.rare).hears
        async with asyncio.timeout(_UP_S):
            for each in self.households.values():
                await each.has_rules()
        await self._open_lockers()

    async def _open_lockers(self) -> None:
        """Let the bank be watched, and say that it is empty."""
        home = self.households[LOCKERS_AT.device]
        lockers = self.lockers = Lockers(home, self.office)
        sightings, heard = LockerSightings(lockers, self.rare), home.witness.heard

        def hear(record: dict[str, Any]) -> None:
            heard(record)
            sightings.hears(record)
            lockers.witness.hears(record)

        home.witness.heard, home.before_cut = hear, sightings.cut
        await lockers.open_up()

    def _taken_up(self, waiting: int) -> None:
        self.rare.count("session taken up with messages waiting", waiting > 0)

    def _pin(self, site: VirtualSite, device: str) -> None:
        """Let a device and the cloud know each other."""
        settings = settings_file.require(Path(site.config))
        told = trusting.pin_file(settings, self.office.path / "trust.json", replace=False)
        self.office.admit(device, bytes.fromhex(str(told["device_key"])))

    def _written(self, device: str) -> bool:
        """Draw whether what a failed sync was for is on the disk all the same."""
        return self.weather.draw(f"{device} written") < 0.5

    def _delay_s(self, device: str) -> float:
        household = self.households.get(device)
        if household is not None and household.slow:
            return self.weather.between(f"{device} disk", *_HANGS_S)
        return self.weather.choice(f"{device} disk", _DISK_S)


@asynccontextmanager
async def chain(folder: Path, seed: int, opening: Opening = USUAL) -> AsyncIterator[Chain]:
    """Put a chain up in a folder, and end it with the block."""
    with quiet_machine():
        async with AsyncExitStack() as opened:
            built = Chain(folder, seed, opening)
            await built.put_up(opened)
            yield built
