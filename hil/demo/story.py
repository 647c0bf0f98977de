"""Who comes to the doors, in which order, and what they do there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hil.demo.narrator import Event, Narrator, headline, say
from hil.issuer.qr import png
from hil.issuer.tamper import forged
from hil.people import People, Refused
from hil.site import rules as samples
from hil.site.site import Site

_ANSWER_S = 15.0
"""A camera needs a moment to see a picture; a scanner answers at once."""
_PICTURE_MS = 4_000
_CAMERA = "studio-cam"


@dataclass(frozen=True, slots=True)
class Store:
    """One store, who is in it, and who tells of it."""

    name: str
    site: Site
    people: People
    narrator: Narrator


class Story:
    """Visits to some stores; each waits until the bolt is thrown again."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self._at = {reader: store for store in stores for reader in store.site.readers}

    async def play(self) -> None:
        """Play what happens in one store."""
        note = {person.name: person.note for person in samples.PEOPLE}
        await self.come("aiko", "front-in", note["aiko"])
        await self.come("aiko", "front-in", "the same day again: counted once")
        for name in ("boram", "dan", "fumi", "goro"):
            await self.come(name, "front-in", note[name])
        await self.come("forged", "front-in", "aiko's code with one bit changed")
        await self.come("aiko", "front-out", "leaving")
        await self._press("front-in")
        await self.come("eun", _CAMERA, f"{note['eun']}, before the camera")
        await self.come("aiko", _CAMERA, "a phone before the camera")
        await self.come("forged", _CAMERA, "a forged picture")

    async def come(self, name: str, reader: str, note: str) -> Event:
        """Present a fresh code, walk through if the door opens; return the daemon's answer.

        Raises:
            TimeoutError: There was none.
        """
        store = self._at[reader]
        headline(f"{name} at {reader}, store {store.name}" + (f": {note}" if note else ""))
        text = store.site.code("aiko" if name == "forged" else name)
        if name == "forged":
            text = forged(text, offset=-1)
        before, seen = len(store.narrator.heard), store.people.last
        if reader == _CAMERA:
            await store.people.show(_CAMERA, png(text), _PICTURE_MS)
        else:
            await store.people.scan(reader, text)
        answer = await store.narrator.wait_for(_is_answer, _ANSWER_S, before)
        if answer.get("decision") == "ALLOW":
            await self._walk_through(store, str(answer["door"]), seen)
        if reader == _CAMERA:
            await asyncio.sleep(_PICTURE_MS / 1000)  # the picture goes before the next one comes
        return answer

    async def _press(self, reader: str) -> None:
        headline("somebody presses the exit button")
        store = self._at[reader]
        seen = store.people.last
        await store.people.press("front")
        await self._walk_through(store, "front", seen)

    async def _walk_through(self, store: Store, door: str, seen: int) -> None:
        """Pull the door as soon as the bolt lets go, and wait until it is thrown again."""
        people = store.people
        released = await people.wait_for(
            lambda what: what["what"] == "bolt" and what["door"] == door and what["released"],
            _ANSWER_S,
            after=seen,
        )
        try:
            await people.open(door)
            await people.close(door)
        except Refused:
            say("seen", f"{door}: who came was too slow; the bolt was thrown again")
        await people.wait_for(
            lambda what: what["what"] == "bolt" and what["door"] == door and not what["released"],
            _ANSWER_S,
            after=released["n"],
        )


def _is_answer(event: Event) -> bool:
    return event["event"] in {"decided", "refused"}
