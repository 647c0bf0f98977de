"""What a visitor of the pages sees of the stores, and may do there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hil.issuer.qr import png
from hil.people import People
from hil.site import rules as samples
from hil.site.clock import TurnedClock
from hil.site.site import Site
from hil.stores.line import Line

_PICTURE_MS = 4_000
_SHOWN_AT_ONCE = 100
"""Observations of a store that are told at once to a page that has just come."""
_QUIET_S = 10.0

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AtDoor(_Act):
    """Pull a door, let it fall shut, break it open, or press its exit button."""

    do: Literal["open", "close", "force", "press"]
    door: Name


class AtLocker(_Act):
    """Pull a locker open, or push it shut."""

    do: Literal["open_locker", "close_locker"]
    bank: Name
    channel: Annotated[int, Field(ge=1, le=255)]


class Hold(_Act):
    """Hold a member's phone before a reader or a camera."""

    do: Literal["hold"]
    who: Name
    reader: Name


class Turn(_Act):
    """Turn the device's clock so many minutes away from the true time."""

    do: Literal["turn"]
    minutes: Annotated[int, Field(ge=-10_080, le=10_080)]


class Pull(_Act):
    """Pull the line to the cloud, of all stores, or plug it in again."""

    do: Literal["pull", "plug"]


Act = Annotated[AtDoor | AtLocker | Hold | Turn | Pull, Field(discriminator="do")]


@dataclass(frozen=True, slots=True)
class Place:
    """A store that is up, and who does there what a visitor asks for."""

    name: str
    site: Site
    people: People


class House:
    """Stores that are up, seen through the witnesses of their buildings.

    Args:
        places: The stores; no two have a door, a bank or a reader of one name.
        clock: What the daemon's clock hangs on, of the first; None: it can't be turned.
        lines: To the cloud, of all of them; none: there is none.
    """

    def __init__(
        self, places: Sequence[Place], clock: TurnedClock | None = None, lines: Sequence[Line] = ()
    ) -> None:
        self._places, self._clock, self._lines = places, clock, lines
        self._owner = {
            name: place
            for place in places
            for thing, told in _things(place).items()
            for name in (thing, *told["readers"])
        }

    def stores(self) -> list[dict[str, Any]]:
        """The stores by name, with their doors and banks as the settings have them."""
        return [
            {
                "name": place.name,
                "doors": place.site.settings["doors"],
                "banks": place.site.settings.get("lockers", {}),
            }
            for place in self._places
        ]

    async def look(self) -> dict[str, Any]:
        """Everything as it is: doors, lockers, the clock's turn in minutes, the line."""
        found: dict[str, Any] = {"doors": {}, "lockers": {}}
        for place in self._places:
            state = await place.people.state()
            found = {kind: {**things, **state[kind]} for kind, things in found.items()}
        turned = None if self._clock is None else self._clock.turned() // timedelta(minutes=1)
        pulled = any(line.pulled for line in self._lines) if self._lines else None
        return {**found, "turned_min": turned, "pulled": pulled}

    async def watch(self) -> AsyncIterator[dict[str, Any]]:
        """What the buildings see, beginning with the last things; {} when it is quiet.

        Raises:
            BuildingGone: one will see no more.
        """
        coming = {}
        for place in self._places:
            seen = aiter(place.people.watch(max(0, place.people.last - _SHOWN_AT_ONCE)))
            coming[asyncio.ensure_future(anext(seen))] = seen
        try:
            while True:
                done, _ = await asyncio.wait(
                    coming, timeout=_QUIET_S, return_when=asyncio.FIRST_COMPLETED
                )
                for each in done:
                    seen = coming.pop(each)
                    yield each.result()
                    coming[asyncio.ensure_future(anext(seen))] = seen
                if not done:
                    yield {}
        finally:
            for each in coming:
                each.cancel()

    def phone(self, who: str) -> bytes:
        """The picture on a member's phone, at this moment. Raises KeyError: nobody's name."""
        return png(self._code(who), scale=6)

    async def do(self, act: Act) -> None:
        """Do it. Raises Refused ("locked"), KeyError for a name that is nobody's."""
        match act:
            case Hold(who=who, reader=reader):
                place = self._owner[reader]
                if reader in place.site.building["cameras"]:
                    await place.people.show(reader, png(self._code(who)), _PICTURE_MS)
                else:
                    await place.people.scan(reader, self._code(who))
            case Turn(minutes=minutes):
                if self._clock is None:
                    raise KeyError("clock")
                self._clock.turn(timedelta(minutes=minutes))
            case Pull(do=do):
                for line in self._lines:
                    getattr(line, do)()
            case AtLocker(do=do, bank=bank, channel=channel):
                await getattr(self._owner[bank].people, do)(bank, channel)
            case AtDoor(do=do, door=door):
                await getattr(self._owner[door].people, do)(door)

    def _code(self, who: str) -> str:
        if who not in {person.name for person in samples.PEOPLE}:
            raise KeyError(who)
        return self._places[0].site.code(who)


def _things(place: Place) -> dict[str, Any]:
    """The doors and banks of a store."""
    found: dict[str, Any] = place.site.settings["doors"] | place.site.settings.get("lockers", {})
    return found
