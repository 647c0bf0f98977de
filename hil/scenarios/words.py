"""The words that a scenario is written in: each phrase, and what it does or looks for.

A phrase is a sentence with gaps. A gap is one word: a name, a number, a reason in capitals.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hil.machine.site import MachineSite
from hil.people import Refused
from hil.scenarios.stage import BY, NotSeen, Stage
from hil.site.lockers import BANK
from hil.virtual.disk import DiskState
from hil.virtual.site import VirtualSite

ANYWHERE: Final = frozenset({"virtual", "process", "machine", "rig"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence with gaps, what it does, and the benches that can do it.

    `does`: somebody acts, and what is looked for from then on has to come of it.
    """

    text: str
    carry_out: Callable[..., Awaitable[None]]
    does: bool
    benches: frozenset[str]

    def match(self, line: str) -> dict[str, str] | None:
        """Give what fills the gaps; None: it is another phrase."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>\\S+)", re.escape(self.text))
        found = re.fullmatch(pattern, line)
        return None if found is None else found.groupdict()


PHRASES: Final[list[Phrase]] = []


def _phrase(
    text: str, *, does: bool = False, only: str | None = None
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
    def add(carry_out: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        benches = frozenset(only.split()) if only else ANYWHERE
        PHRASES.append(Phrase(text, carry_out, does, benches))
        return carry_out

    return add


# --- what people do


@_phrase("{who} shows a code at {reader}", does=True)
async def _show(stage: Stage, who: str, reader: str) -> None:
    stage.codes[who] = stage.site.code(who)
    await stage.people.scan(reader, stage.codes[who])


@_phrase("{who} shows the same code again at {reader}", does=True)
async def _show_again(stage: Stage, who: str, reader: str) -> None:
    await stage.people.scan(reader, stage.codes[who])


@_phrase("somebody shows a forged code of {who} at {reader}", does=True)
async def _forge(stage: Stage, who: str, reader: str) -> None:
    genuine = stage.site.code(who)
    forged = genuine[:-4] + ("0000" if genuine[-4:] != "0000" else "1111")
    await stage.people.scan(reader, forged)


@_phrase("somebody opens {door}", does=True)
async def _open(stage: Stage, door: str) -> None:
    await stage.people.open(door)


@_phrase("somebody pulls at {door} in vain", does=True)
async def _pull(stage: Stage, door: str) -> None:
    try:
        await stage.people.open(door)
    except Refused:
        return
    raise NotSeen(f"{door} opened")


@_phrase("{door} falls shut", does=True)
async def _close(stage: Stage, door: str) -> None:
    await stage.people.close(door)


@_phrase("somebody breaks {door} open", does=True)
async def _force(stage: Stage, door: str) -> None:
    await stage.people.force(door)


@_phrase("somebody presses the exit button of {door}", does=True)
async def _press(stage: Stage, door: str) -> None:
    await stage.people.press(door)


@_phrase("somebody opens the housing at {door}", does=True)
async def _tamper(stage: Stage, door: str) -> None:
    await stage.people.tamper(door, opened=True)


@_phrase("the housing at {door} is closed", does=True)
async def _mend(stage: Stage, door: str) -> None:
    await stage.people.tamper(door, opened=False)


@_phrase("the {line} line goes on", does=True)
async def _switch_on(stage: Stage, line: str) -> None:
    await stage.people.switch(line, on=True)


@_phrase("the {line} line goes off", does=True)
async def _switch_off(stage: Stage, line: str) -> None:
    await stage.people.switch(line, on=False)


@_phrase("the staff reset the fire and are told {result}", does=True)
async def _reset(stage: Stage, result: str) -> None:
    _same(await stage.order("door", "fire_reset", by=BY), result)


@_phrase("the staff open {door} from afar", does=True)
async def _from_afar(stage: Stage, door: str) -> None:
    _same(await stage.order("door", "open", by=BY, door=door), "OK")


@_phrase("the staff give locker {locker} to {who}", does=True)
async def _assign(stage: Stage, locker: str, who: str) -> None:
    given = {"occupancy": f"use-{locker}", "member": who, "end": "2099-01-01"}
    _same(await stage.order("locker", "assign", locker=locker, staff=BY, **given), "OK")


@_phrase("the staff end the use of locker {locker}", does=True)
async def _force_end(stage: Stage, locker: str) -> None:
    ended = {"locker": locker, "staff": BY, "occupancy": f"use-{locker}"}
    _same(await stage.order("locker", "force_end", **ended), "OK")


@_phrase("locker {number} is pushed shut", does=True)
async def _push(stage: Stage, number: str) -> None:
    await stage.people.close_locker(BANK, int(number))


# --- what happens to the device


@_phrase("the power is cut", does=True)
async def _power_off(stage: Stage) -> None:
    await stage.power_off()


@_phrase("the power comes back", does=True)
async def _power_on(stage: Stage) -> None:
    await stage.power_on()


@_phrase("{reader} is unplugged", does=True, only="process machine")
async def _unplug(stage: Stage, reader: str) -> None:
    await stage.people.unplug(reader)


@_phrase("{reader} is plugged in again", does=True, only="process machine")
async def _plug(stage: Stage, reader: str) -> None:
    await stage.people.plug(reader)


@_phrase("the disk is {state}", does=True, only="virtual")
async def _disk(stage: Stage, state: str) -> None:
    _virtual(stage).disk.state = DiskState[state.upper()]


@_phrase("nobody confirms the time any more", does=True, only="virtual machine")
async def _lose_time(stage: Stage) -> None:
    if isinstance(stage.site, MachineSite):
        await stage.site.confirm_time(sure=False)
    else:
        _virtual(stage).sky.error_s = None


@_phrase("the time is confirmed again", does=True, only="virtual machine")
async def _find_time(stage: Stage) -> None:
    if isinstance(stage.site, MachineSite):
        await stage.site.confirm_time(sure=True)
    else:
        _virtual(stage).sky.error_s = 0.1


@_phrase("the clock is turned back by {n} h", does=True, only="virtual")
async def _turn_back(stage: Stage, n: str) -> None:
    _virtual(stage).sky.off -= timedelta(hours=float(n))


@_phrase("all cables are cut", does=True, only="virtual")
async def _cut_cables(stage: Stage) -> None:
    _virtual(stage).cut_cables()


@_phrase("all cables are mended", does=True, only="virtual")
async def _mend_cables(stage: Stage) -> None:
    _virtual(stage).mend_cables()


# --- what must be seen


@_phrase("{n} s pass")
async def _pass(_: Stage, n: str) -> None:
    await asyncio.sleep(float(n))


@_phrase("{n} h pass", only="virtual machine")
async def _pass_hours(stage: Stage, n: str) -> None:
    if isinstance(stage.site, MachineSite):
        await stage.site.pass_hours(float(n))
    else:
        await asyncio.sleep(float(n) * 3_600)


@_phrase("within {s} s {door} is unlocked")
async def _unlocked(stage: Stage, s: str, door: str) -> None:
    await stage.bolt(door, float(s), released=True)


@_phrase("within {s} s {door} is locked")
async def _locked(stage: Stage, s: str, door: str) -> None:
    await stage.bolt(door, float(s), released=False)


@_phrase("for {s} s {door} stays locked")
async def _stays_locked(stage: Stage, s: str, door: str) -> None:
    await stage.bolt_rests(door, float(s), released=False)


@_phrase("for {s} s {door} stays unlocked")
async def _stays_unlocked(stage: Stage, s: str, door: str) -> None:
    await stage.bolt_rests(door, float(s), released=True)


@_phrase("within {s} s {light} shows {colour}")
async def _shows(stage: Stage, s: str, light: str, colour: str) -> None:
    await stage.sees("indicator", float(s), name=light, light=colour)


@_phrase("within {s} s the alarm {name} of {source} is raised")
async def _raised(stage: Stage, s: str, name: str, source: str) -> None:
    async def up() -> bool:
        wanted = {"alarm": name, "source": source}
        return any(wanted.items() <= one.items() for one in await stage.staff.alarms())

    await stage.until(up, float(s), f"alarm {name}")


@_phrase("within {s} s the alarm {name} of {source} is over")
async def _over(stage: Stage, s: str, name: str, source: str) -> None:
    await stage.hears(float(s), event="alarm", alarm=name, source=source, raised=False)


@_phrase("within {s} s the answer to {who} is {reason}")
async def _answered(stage: Stage, s: str, who: str, reason: str) -> None:
    facts = {} if who == "everybody" else {"member": who}
    await stage.hears(float(s), event="decided", reason=reason, **facts)


@_phrase("within {s} s a code is refused as {reason}")
async def _refused(stage: Stage, s: str, reason: str) -> None:
    await stage.hears(float(s), event="refused", reason=reason)


@_phrase("within {s} s the audit has {n} of {kind}")
async def _recorded(stage: Stage, s: str, n: str, kind: str) -> None:
    async def there() -> bool:
        await stage.site.fetch_journal()
        return len(stage.records(kind=kind)) == int(n)

    await stage.until(there, float(s), f"{n} of {kind}")


@_phrase("within {s} s {who} is counted {n} times")
async def _counted(stage: Stage, s: str, who: str, n: str) -> None:
    async def there() -> bool:
        await stage.site.fetch_journal()
        return stage.counted(who) == int(n)

    await stage.until(there, float(s), f"count of {n}")


@_phrase("{door} was unlocked {n} times in all")
async def _times(stage: Stage, door: str, n: str) -> None:
    _same(str(stage.count("bolt", door=door, released=True)), n)


@_phrase("within {s} s locker {number} springs open")
async def _springs(stage: Stage, s: str, number: str) -> None:
    await stage.sees("locker", float(s), bank=BANK, channel=int(number), open=True)


@_phrase("locker {number} had {n} pulses in all")
async def _pulses(stage: Stage, number: str, n: str) -> None:
    _same(str(stage.count("pulse", bank=BANK, channel=int(number))), n)


@_phrase("within {s} s locker {locker} is {state}")
async def _stands(stage: Stage, s: str, locker: str, state: str) -> None:
    async def there() -> bool:
        return bool((await stage.staff.lockers())[locker]["state"] == state)

    await stage.until(there, float(s), f"{locker} {state}")


def _same(found: str, wanted: str) -> None:
    if found != wanted:
        raise NotSeen(f"it was {found}")


def _virtual(stage: Stage) -> VirtualSite:
    if not isinstance(stage.site, VirtualSite):
        raise NotSeen("this bench can't do that")
    return stage.site
