"""Two doors of one device, the second a magnet, and what can be asked of both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edged.core.door_words import Phase
from edged.doors.desk import DoorDesk
from edged.doors.emergency import Emergency
from edged.doors.gate import Gate
from edged.doors.terms import Fitting
from tests.edged.fakes import FakeLock, until
from tests.edged.rig import Rig, running

TRAP: Mapping[str, Mapping[str, object]] = {
    "front": {"store": "S1", "pulse_ms": 2_000, "interlock": "trap"},
    "back": {"store": "S1", "interlock": "trap"},
}


class House:
    """The rig's door `front`, a strike, and `back`, a magnet; both are closed."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.magnet = FakeLock("back.lock")
        fitted = Fitting(has_contact=True, max_pulse_ms=20_000, magnet=True)
        self.front, self.back = rig.gate, Gate("back", self.magnet, rig.ports, fitted)
        self.again()

    def again(self) -> None:
        """Forget what holds for both, as a restart does."""
        gates = {"front": self.front, "back": self.back}
        self.emergency = Emergency(self.rig.ports, gates.values())
        self.desk = DoorDesk(self.rig.ports, gates, self.emergency)

    async def ask(self, do: str, command: str = "c1", **order: object) -> Mapping[str, Any]:
        """Give a command; its answer."""
        whole = {"do": do, "command": command, "by": "kim", **order}
        return await self.desk.order({"order": whole})

    def commands(self) -> list[tuple[str, str | None, str]]:
        """What the audit says of commands: verb, target, result."""
        return [(one["verb"], one["target"], one["result"]) for one in self.rig.records("command")]

    def alarms(self) -> list[str]:
        return [one["alarm"] for one in self.rig.alarms.listing()]


@asynccontextmanager
async def two_doors(folder: Path, **changes: Mapping[str, object]) -> AsyncIterator[House]:
    """Run both doors; by default neither minds the other."""
    doors = {"doors": {name: {"store": "S1"} for name in TRAP}}
    async with running(folder, **{**doors, **changes}) as rig:
        house = House(rig)
        rig._run(house.back.run())
        await house.emergency.restore()
        await house.emergency.restored()
        for gate in (house.front, house.back):
            gate.contact(is_open=False)
        await until(lambda: house.front.state.sensed and house.back.state.sensed)
        assert house.front.state.phase is Phase.REST
        yield house
