"""Who comes to the doors, in which order, and what they do there."""

import asyncio

from hil.demo.narrator import Event, Narrator, headline
from hil.issuer.qr import png
from hil.issuer.tamper import forged
from hil.people import People
from hil.site import rules as samples
from hil.site.site import Site

_ANSWER_S = 15.0
"""A camera needs a moment to see a picture; a scanner answers at once."""
_PICTURE_MS = 4_000
_CAMERA = "studio-cam"


class Story:
    """The visits that `make run` plays; each waits until the bolt is thrown again."""

    def __init__(self, site: Site, people: People, narrator: Narrator) -> None:
        self._site = site
        self._people = people
        self._narrator = narrator

    async def play(self) -> None:
        """Play all of it."""
        note = {person.name: person.note for person in samples.PEOPLE}
        await self.come("aiko", "front-in", note["aiko"])
        await self.come("aiko", "front-in", "the same day again: counted once")
        for name in ("boram", "chen", "dan"):
            await self.come(name, "front-in", note[name])
        for name in ("fumi", "goro"):
            await self.come(name, "front-in", note[name])
        await self.come("forged", "front-in", "aiko's code with one bit changed")
        await self.come("aiko", "front-out", "leaving")
        await self._press()
        await self.come("eun", _CAMERA, f"{note['eun']}, before the camera")
        await self.come("aiko", _CAMERA, "a phone before the camera")
        await self.come("forged", _CAMERA, "a forged picture")

    async def come(self, name: str, reader: str, note: str) -> None:
        """Present a fresh code, and walk through if the door opens. Raises TimeoutError."""
        headline(f"{name} at {reader}" + (f": {note}" if note else ""))
        text = self._site.code("aiko" if name == "forged" else name)
        if name == "forged":
            text = forged(text, offset=-1)
        before, seen = len(self._narrator.heard), self._people.last
        if reader == _CAMERA:
            await self._people.show(_CAMERA, png(text), _PICTURE_MS)
        else:
            await self._people.scan(reader, text)
        answer = await self._narrator.wait_for(_is_answer, _ANSWER_S, before)
        if answer.get("decision") == "ALLOW":
            await self._walk_through(str(answer["door"]), seen)
        if reader == _CAMERA:
            await asyncio.sleep(_PICTURE_MS / 1000)  # the picture goes before the next one comes

    async def _press(self) -> None:
        headline("somebody presses the exit button")
        seen = self._people.last
        await self._people.press("front")
        await self._walk_through("front", seen)

    async def _walk_through(self, door: str, seen: int) -> None:
        """Pull the door as soon as the bolt lets go, and wait until it is thrown again."""
        released = await self._people.wait_for(
            lambda what: what["what"] == "bolt" and what["door"] == door and what["released"],
            _ANSWER_S,
            after=seen,
        )
        await self._people.open(door)
        await self._people.close(door)
        await self._people.wait_for(
            lambda what: what["what"] == "bolt" and what["door"] == door and not what["released"],
            _ANSWER_S,
            after=released["n"],
        )


def _is_answer(event: Event) -> bool:
    return event["event"] in {"decided", "refused"}
