"""The people of a town and what befalls its one door, drawn from a seed."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from hil.issuer.codes import Issuer
from hil.people import People, Refused
from hil.scenarios.staff import OrderRefused, Staff
from hil.simulation.doorway import Doorway
from hil.simulation.witness import DOOR, Witness
from hil.site.rules import STORE, staff_issuer
from hil.site.site import Site
from hil.virtual.disk import DiskState
from hil.virtual.site import MORNING, VirtualSite

ISSUER: Final = Issuer("acme", 1, b"\x07" * 32)
_IN, _OUT = "front-in", "front-out"
LIMITS: Final = (0, 1, 3, 8)
"""Days a month of the plans; 0: no limit."""
_MEMBERS: Final = 40
_OUT_S: Final = 1.0
"""Whoever wants out is let go within this."""
_QUEUE_S: Final = 10.0
"""And within this behind others while the disk hangs: each of them is looked up for 1 s at most."""
_WAIT_S: Final = 2.0
"""Whoever may come in does so within this while nothing is wrong."""
_LOOK_S: Final = 0.03
_CALM_S: Final = 90.0
"""After a fault everything is as before within this: a journal is opened again every 10 s."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a phone. `limit`: days a month, 0: any number."""

    name: str
    limit: int

    @property
    def handle(self) -> bytes:
        """Eight bytes that mean nothing."""
        return self.name.encode().ljust(8, b".")


MEMBERS: Final = [Member(f"m{n}", LIMITS[n % len(LIMITS)]) for n in range(_MEMBERS)]


def settle_in(site: Site) -> None:
    """Let the town's people live at a site; its one door stays, with fire and lockdown."""
    site.issuer = ISSUER
    del site.settings["doors"]["studio"], site.building["doors"]["studio"]
    site.building |= {"scanners": {}, "relays": {}}
    sim = {"kind": "sim", "socket": str(site.building_socket)}
    site.settings["fire"] = {**sim, "line": "fire"}
    site.settings["lockdown_switch"] = {**sim, "line": "lockdown"}
    rules = site.rules
    keys = {"member": ISSUER, "staff": staff_issuer(ISSUER)}
    rules["keys"] = {
        str(key.kid): {"role": role, "public": key.public.hex()} for role, key in keys.items()
    }
    rules["stores"][STORE]["bands"] = {"DAY": "7:00-22:00"}
    rules["plans"] = {
        f"P{limit}": {"bands": [{"kind": "DAY", **({"limit": limit} if limit else {})}]}
        for limit in LIMITS
    }
    rules["devices"] = {name: rules["devices"][name] for name in (_IN, _OUT)}
    rules["doors"] = {DOOR: {"store": STORE, "pulse_ms": 3_000, "held_open_s": 20}}
    rules["members"] = {one.name: _registered(one) for one in MEMBERS}


def _registered(one: Member) -> Mapping[str, Any]:
    contract = {"id": f"C-{one.name}", "plan": f"P{one.limit}", "start": "2025-01-01"}
    return {"handle": one.handle.hex(), "contracts": [contract]}


class Town(Doorway):
    """Everybody at one site, and everything that goes wrong there. The site is up.

    `reached`: how often each state that matters was reached; a law that was never tried holds
    for nothing.
    """

    def __init__(self, site: VirtualSite, people: People, dice: random.Random) -> None:
        owners = {f"C-{one.name}": one.limit for one in MEMBERS}
        super().__init__(site, people, Witness(site, owners))
        self.reached: Counter[str] = Counter()
        self.acts = 0
        self._dice = dice
        self._troubled_s = self._now_s()
        self._kill_next = False
        self._believed = MORNING
        site.disk.after_job = self._after_job
        site.disk.written = lambda: dice.random() < 0.5

    def delay_s(self) -> float:
        """Draw how long a job of the disk takes, s."""
        if self.slow:
            return self._dice.uniform(4.0, 14.0)
        return self._dice.choice((0.0005, 0.002, 0.004, 0.03, 0.3))

    # --- a day

    async def day(self, hours: int = 24) -> None:
        """Live through a day of so many hours: most of it between seven and ten at night."""
        until_s = round(self._now_s() + hours * 3_600, 6)
        async with asyncio.TaskGroup() as group:
            while until_s - (now_s := self._now_s()) > _LOOK_S:
                hour = (self.site.sky.true() + timedelta(hours=9)).hour
                mean_s = 240 if 7 <= hour < 22 else 3_000
                await asyncio.sleep(min(self._dice.expovariate(1 / mean_s), until_s - now_s))
                self.acts += 1
                self._look_after()
                group.create_task(self._draw()())
        await self._calm_down()
        self.witness.look()

    def _draw(self) -> Callable[[], Coroutine[Any, Any, None]]:
        acts = {
            self._come: 40, self._leave: 20, self._press: 15, self._rush: 6, self._cheat: 6,
            self._burn: 1, self._lock_down: 1, self._spoil_disk: 2, self._kill: 2,
            self._kill_at_the_worst: 3, self._stop: 1, self._cut_cables: 1, self._lose_time: 1,
            self._turn_clock: 1, self._open_from_afar: 2, self._force: 1,
        }  # fmt: skip
        return self._dice.choices(list(acts), list(acts.values()))[0]

    async def _calm_down(self) -> None:
        """End every trouble, so that the day's books can be closed."""
        self.site.disk.state, self.slow = DiskState.WELL, False
        await asyncio.sleep(_CALM_S)
        await self._up()
        await asyncio.sleep(_CALM_S)

    # --- people

    async def _come(self) -> None:
        member = self._dice.choice(MEMBERS)
        calm, before = self._calm(), self.witness.pulses
        if not await self.show(_IN, self._code(member)):
            return
        came = await self.let_go(_WAIT_S if calm else 12.0)
        day = 7 <= (self.site.sky.true() + timedelta(hours=9)).hour < 22
        if calm and self._calm() and day and not member.limit and not came:
            self.witness.violate(f"{member.name} may come in, and was not let in")
        self.reached["let in"] += came
        if came and self.witness.pulses > before and self._dice.random() < 0.9:
            await self.walk(self._dice)

    async def _leave(self) -> None:
        self.witness.asks("leaving")
        await self._wants_out("reader front-out", self.show(_OUT, self._code(self._anybody())))

    async def _press(self) -> None:
        self.witness.asks("press")
        await self._wants_out("button front", self.people.press(DOOR))

    async def _wants_out(self, part: str, act: Awaitable[object]) -> None:
        """Hold the first law: nobody is held in while the device has its cables and its power."""
        parts = part, "lock front"
        well = self.site.alive and self.witness.well(*parts)
        ends = self.ends
        await act
        gone = await self.let_go(_QUEUE_S if self.slow else _OUT_S)
        same = ends == self.ends
        if well and same and self.witness.well(*parts) and not gone:
            self.witness.violate(f"somebody was held in: {part}")
        if gone:
            for state in (DiskState.FULL, DiskState.FAILING):
                self.reached[f"out, disk {state.name.lower()}"] += self.site.disk.state is state
            self.reached["out, in lockdown"] += self.site.everything.switches["lockdown"]
            self.reached["out, in a fire"] += self.site.everything.switches["fire"]
            self.reached["out, clock in doubt"] += self.site.sky.error_s is None
            await self.walk(self._dice)

    async def _rush(self) -> None:
        """Several at once, at both sides."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._dice.randint(3, 8)):
                group.create_task(self._dice.choice((self._come, self._leave, self._press))())
                await asyncio.sleep(self._dice.choice((0, 0.001, 0.05, 0.7)))
        self.reached["rush"] += 1

    async def _cheat(self) -> None:
        """Forge a code, show garbage, or show an old code again."""
        member, before = self._anybody(), self.witness.pulses
        code = self._code(member, ago_s=self._dice.choice((0, 7_200)))
        forged = code[:-6] + "".join(self._dice.sample("0123456789", 6))
        await self.show(_IN, self._dice.choice((forged, "M1:GARBAGE", "0" * 40)))
        self.reached["cheated"] += 1
        self.reached["cheated in vain"] += self.witness.pulses == before

    async def _force(self) -> None:
        with suppress(Refused):  # it is open
            await self.people.force(DOOR)
        await asyncio.sleep(self._dice.uniform(1, 60))
        await self.people.close(DOOR)
        self.reached["forced"] += 1

    async def _open_from_afar(self) -> None:
        self.busy()
        self.reached["opened from afar"] += await self._order("open", door=DOOR) == "OK"

    # --- troubles

    async def _burn(self) -> None:
        self.busy()
        await self.people.switch("fire", on=True)
        await asyncio.sleep(self._dice.uniform(10, 600))
        await self.people.switch("fire", on=False)
        await asyncio.sleep(self._dice.uniform(1, 60))
        self.reached["fire reset"] += await self._order("fire_reset") == "OK"

    async def _lock_down(self) -> None:
        await self.people.switch("lockdown", on=True)
        await self._trouble(600)
        await self.people.switch("lockdown", on=False)
        self.reached["lockdown"] += 1

    async def _spoil_disk(self) -> None:
        kind = self._dice.choice((DiskState.FULL, DiskState.FAILING, None))
        self.slow = kind is None
        self.site.disk.state = kind or DiskState.WELL
        await self._trouble(900)
        self.site.disk.state, self.slow = DiskState.WELL, False
        self.reached[f"disk {kind.name.lower()}" if kind else "disk slow"] += 1

    async def _lose_time(self) -> None:
        self.site.sky.error_s = None
        await self._trouble(7_200)
        self.site.sky.error_s = 0.1
        self.reached["time unconfirmed"] += 1

    async def _turn_clock(self) -> None:
        """Turn the device's clock while nobody confirms it; it believes the latest it has seen."""
        sky = self.site.sky
        self._believed = max(self._believed, sky.device())  # it may be turned already
        sky.error_s, sky.off = None, timedelta(hours=self._dice.uniform(-30, 30))
        await self._trouble(3_600)
        self._believed = max(self._believed, sky.device())
        sky.error_s, sky.off = 0.1, timedelta(0)
        self.reached["clock turned"] += 1

    async def _cut_cables(self) -> None:
        if not self.site.has_cables:
            return
        self.site.cut_cables()
        self.ends += 1
        self.reached["cables cut"] += 1
        await self._trouble(300)
        self.site.mend_cables()

    async def _trouble(self, most_s: float) -> None:
        self._troubled_s = self._now_s()
        await asyncio.sleep(self._dice.uniform(0.01, most_s))
        self._troubled_s = self._now_s()

    async def _kill(self) -> None:
        """Cut the power, as soon as somebody was let in or just so."""
        if self._dice.random() < 0.5 and await self.show(_IN, self._code(self._anybody())):
            await self.let_go(_WAIT_S)
        self._cut_power()
        self.reached["killed while released"] += self.released
        await self._again()

    async def _kill_at_the_worst(self) -> None:
        """Cut the power right behind what somebody's code has the disk do."""
        self._kill_next = True
        await self._come()

    def _after_job(self) -> None:
        self.look()
        if not self._kill_next or self._dice.random() < 0.5 or not self.site.alive:
            return
        self._kill_next = False
        self._cut_power()
        self.reached["killed behind a commit"] += 1
        self._later = asyncio.create_task(self._again())

    def _cut_power(self) -> None:
        self.kill()
        self.reached["killed"] += 1

    async def _stop(self) -> None:
        self._troubled_s = self._now_s()
        if await self.end():
            self.reached["stopped"] += 1
            await self._again()

    def _look_after(self) -> None:
        """Hold that the daemon never ends by itself."""
        if (fault := self.site.daemon_fault) is not None and not self.restarting:
            self.witness.violate(f"the daemon ended: {fault!r}")

    async def _again(self) -> None:
        """Start the daemon anew, as systemd does until it stays."""
        self._troubled_s = self._now_s()
        await asyncio.sleep(self._dice.choice((0.1, 2.0, 60.0)))
        await self._up()

    async def _up(self) -> None:
        await self.up()
        self._troubled_s = self._now_s()

    # --- small words

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _calm(self) -> bool:
        """Tell whether nothing is wrong, and has not been for a while."""
        sky = self.site.sky
        well = self.site.disk.state is DiskState.WELL and sky.error_s is not None
        well = well and not sky.off and sky.true() > self._believed
        lines = self.site.everything.switches
        return (
            well and not self.slow and self.site.alive and not lines["lockdown"]
            and self._now_s() - self._troubled_s > _CALM_S and self.site.has_cables
        )  # fmt: skip

    def _anybody(self) -> Member:
        return self._dice.choice(MEMBERS)

    def _code(self, member: Member, ago_s: int = 0) -> str:
        at_s = int(self.site.sky.true().timestamp()) - ago_s
        return ISSUER.m1(member.handle, at_s, 30, self._dice.getrandbits(32))

    async def _order(self, do: str, **facts: object) -> str | None:
        """Give an order; what came of it, None: it could not be given or was refused."""
        try:
            async with Staff(self.site.control_socket, []) as staff:
                return await staff.order("door", do, by="kim", **facts)
        except (OSError, OrderRefused, TimeoutError, ValueError):
            return None
