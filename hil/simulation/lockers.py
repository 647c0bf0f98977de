"""The bank of lockers of the chain, as it is seen and treated from outside."""

from collections.abc import Mapping
from contextlib import closing

from edged.store.connection import connect_read_only
from edged.store.errors import StoreError
from edged.store.ledger import Ledger
from hil.scenarios.staff import OrderRefused, Staff
from hil.simulation.household import Household
from hil.simulation.locker_laws import LockerWitness, Ordered, Stand
from hil.simulation.office import Office
from hil.site.lockers import BANK
from policy.locker_model import Locker, Progress

PIN = "4711"
_STAFF = "kim"
_AFAR = {"locker_end": "force_end", "locker_open": "staff_open"}
"""What the cloud's orders are called at the device."""


class Lockers:
    """A bank at a device that is up, and its cloud. `witness` holds its laws."""

    def __init__(self, home: Household, office: Office) -> None:
        self.home = home
        self.channels: Mapping[str, int] = home.site.settings["lockers"][BANK]["numbers"]
        self.witness = LockerWitness(home.witness, self.channels)
        self._office = office
        self._given = 0
        self._afar: set[str] = set()
        home.site.everything.observations.watchers.add(self.witness.sees)

    # --- what is seen

    @property
    def stands(self) -> Mapping[str, Stand]:
        """How each stands, by the records."""
        return self.witness.stands

    @property
    def jammed(self) -> set[int]:
        """The channels whose bolts do not move; to be changed."""
        return self.home.site.everything.banks[BANK].jammed

    def rows(self) -> Mapping[str, Locker] | None:
        """Read what the daemon keeps of each; None: it can't be read now."""
        try:
            with closing(connect_read_only(self.home.journal)) as db:
                return Ledger(db).lockers()
        except StoreError:
            return None

    def ending(self) -> Mapping[str, Progress]:
        """Tell which are being released at the end of a use, and how far that has come."""
        rows = (self.rows() or {}).values()
        return {row.id: row.release.progress for row in rows if row.release is not None}

    def hold(self) -> None:
        """Hold what the daemon keeps against its records, at this moment."""
        self.home.witness.read()
        if (rows := self.rows()) is not None:
            self.witness.hold(rows)

    def from_afar(self, command: str) -> bool:
        """Tell whether it is the cloud that gave this command."""
        return command in self._afar

    # --- what the staff and the members do

    async def open_up(self) -> None:
        """Say of a new bank that all its lockers are empty."""
        for locker in self.channels:
            await self.order("confirm_empty", locker, None)

    async def give(self, locker: str, member: str, end: str) -> str | None:
        """Give a locker to a member up to `end`; what came of it, None: nobody can say."""
        use = f"use-{self._given}"
        self.witness.members[use] = member
        return await self.order("assign", locker, use, member=member, end=end, pin=PIN)

    async def order(self, do: str, locker: str, use: str | None, **facts: object) -> str | None:
        """Give an order at the device; what came of it, None: nobody can say."""
        self._given += 1
        command = f"{do}-{self._given}"
        self.witness.orders[command] = Ordered(do, locker, use)
        self.home.busy()
        own = do in {"open", "return"}
        said = {"command": command, "locker": locker, "occupancy": use, **facts}
        said |= {"pin": PIN} if own else {"staff": _STAFF}
        try:
            async with Staff(self.home.site.control_socket, []) as staff:
                return await staff.order("locker", do, **said)
        except (OSError, OrderRefused, TimeoutError, ValueError):
            return None

    def order_from_afar(self, verb: str, locker: str, use: str | None) -> str:
        """Let the cloud give an order; return its id."""
        self.home.busy()
        device = self.home.place.device
        number = self._office.order(device, verb, locker=locker, occupancy=use)
        self._afar.add(number)
        self.witness.orders[number] = Ordered(_AFAR[verb], locker, use)
        return number

    async def shut(self, locker: str) -> None:
        """Push a door shut."""
        await self.home.people.close_locker(BANK, self.channels[locker])
