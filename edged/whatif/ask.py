"""The questions of the command line, put to a state directory; the daemon may be up or down.

Nothing is written. What is asked "now" takes the machine's clock to be right.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from edged.clock import Clock
from edged.rulebook.load import read
from edged.settings.model import Settings
from edged.whatif import compare, ledger, months, sources, usage
from edged.whatif.journal import Uses, reading
from edged.whatif.month import Month, Subject, picture
from edged.whatif.sources import Source
from policy.calendar import local_date

Track = Callable[[Sequence[str]], Iterable[str]]
"""Goes through names, and shows how far it is."""


@dataclass(frozen=True, slots=True)
class State:
    """A device whose databases are asked: its settings, and its clock."""

    settings: Settings
    clock: Clock

    @property
    def journal(self) -> Path:
        """Where its journal is, or will be."""
        return self.settings.state_dir / "journal.db"

    @property
    def ours(self) -> set[str]:
        """The doors and readers that it is wired to."""
        doors = self.settings.doors
        return {*doors, *(name for door in doors.values() for name in door.readers)}


async def month(state: State, who: str, first: date | None, place: str | None) -> Month:
    """Work a member's month out; None: this one, at this device's own entrance.

    Raises:
        NotFound: There are no rules, no such member, or no such entrance.
        SchemaTooNew, StoreFailed: A database can't be read.
    """
    async with sources.active(state.settings.state_dir) as source:
        member, device = await source.need(who), source.entrance(place, state.ours)
        subject, now = Subject(source.rules, device, member), state.clock.now().at
        first = first or local_date(subject.store, now).replace(day=1)
        with reading(state.journal) as uses:
            return picture(subject, uses, first, now)


@dataclass(frozen=True, slots=True)
class Used:
    """What a member has used in a month.

    `others_as_of`: up to when the use at other devices is known, None: it is not.
    """

    member: str
    month: date
    lines: list[usage.Line]
    others_as_of: str | None = None


async def used(state: State, who: str, first: date | None) -> Used:
    """Say what a member has used in a month; None: the one that is counted now.

    Raises:
        NotFound: There are no rules, or no such member.
        SchemaTooNew, StoreFailed: A database can't be read.
    """
    async with sources.active(state.settings.state_dir) as source:
        member = await source.need(who)
        first = first or months.containing(source.rules.settings, _today(state, source))
        with reading(state.journal) as uses:
            lines = usage.lines(source.rules, member, uses, first)
            return Used(member.id, first, lines, uses.others_as_of())


async def over_limit(state: State, first: date, track: Track) -> list[usage.Over]:
    """Return the limits that were exceeded in a month, by member.

    Raises:
        NotFound: There are no rules.
        SchemaTooNew, StoreFailed: A database can't be read.
    """
    async with sources.active(state.settings.state_dir) as source:
        with reading(state.journal) as uses:
            found = usage.over_limit(source, track(source.ids), uses, first)
            return [over async for over in found]


async def bookings(state: State, day: date | None, track: Track) -> list[ledger.Row]:
    """Return the day's bookings at this device's stores; None: today there.

    Raises:
        NotFound: There are no rules, or they know none of this device's doors.
        SchemaTooNew, StoreFailed: The rules can't be read.
    """
    async with sources.active(state.settings.state_dir) as source:
        stores = [store.id for store in source.stores(state.ours)]
        day = day or _today(state, source)
        return await ledger.bookings(source, track(source.ids), stores, day)


@asynccontextmanager
async def comparison(
    old: Path | State, new: Path, asked: compare.Asked, clock: Clock
) -> AsyncIterator[compare.Comparison]:
    """Put two rule sets side by side: a file, or the active rules with what was used here.

    Two files are compared as if nothing had been used.

    Raises:
        RulesFaulty: A file has faults.
        NotFound: No rules are active, or no rules have such an entrance.
        SchemaTooNew, StoreFailed, OSError: Something can't be read.
    """
    draft = sources.of_file(read(new))
    if isinstance(old, Path):
        yield compare.Comparison(sources.of_file(read(old)), draft, Uses(None), asked, clock)
        return
    async with sources.active(old.settings.state_dir) as source:
        with reading(old.journal) as uses:
            yield compare.Comparison(source, draft, uses, asked, clock)


def _today(state: State, source: Source) -> date:
    """Return the date at this device's store, the first of them."""
    return local_date(source.stores(state.ours)[0], state.clock.now().at)
