"""Says line by line what the daemon tells and what the building saw."""

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edged.control import client
from hil.people import BuildingGone, Observation, People

Event = Mapping[str, Any]

_BOLD, _DIM, _GREEN, _RED, _PLAIN = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m")


def _paint(colour: str, text: str) -> str:
    return f"{colour}{text}{_PLAIN}" if sys.stdout.isatty() else text


def say(what: str, text: str, colour: str = "") -> None:
    """Print one line under a headline."""
    print(f"   {_paint(_DIM, f'{what:<9}')} {_paint(colour, text) if colour else text}", flush=True)


def headline(text: str) -> None:
    """Print what somebody does."""
    print(f"\n{_paint(_BOLD, text)}", flush=True)


class Narrator:
    """Hears the daemon and the building, and prints both.

    Args:
        control: The daemon's control socket.
        people: The building's people, who see the bolts.
    """

    def __init__(self, control: Path, people: People) -> None:
        self._control = control
        self._people = people
        self._news = asyncio.Condition()
        self._loop = asyncio.get_running_loop()
        self.heard: list[Event] = []

    def start(self) -> None:
        """Begin to listen to the daemon, in a thread that ends with it."""
        threading.Thread(target=self._listen, daemon=True, name="narrator").start()

    async def watch_building(self) -> None:
        """Print what the bolts and doors did, until the building is gone."""
        with suppress(BuildingGone):
            async for seen in self._people.watch(self._people.last):
                _tell_building(seen)

    async def wait_for(self, fits: Callable[[Event], bool], within_s: float, after: int) -> Event:
        """Wait for an event that fits, the first from number `after` on. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._news:
            while True:
                for event in self.heard[after:]:
                    if fits(event):
                        return event
                await self._news.wait()

    def _listen(self) -> None:
        with suppress(client.DaemonUnreachable, RuntimeError):
            for said in client.follow(self._control):
                event = said.get("event")
                if isinstance(event, dict):
                    asyncio.run_coroutine_threadsafe(self._hear(event), self._loop)

    async def _hear(self, event: Event) -> None:
        async with self._news:
            self.heard.append(event)
            _tell_daemon(event)
            self._news.notify_all()


def _tell_daemon(event: Event) -> None:
    match event["event"]:
        case "read":
            say("read", f"{event['code_kind']} at {event['device']}")
        case "refused":
            say("read", f"{event['code_kind'] or 'no code of ours'} at {event['device']}")
            say("decided", f"DENY {event['reason']}", _RED)
            say("recorded", "counted; a sum follows in the audit")
        case "decided":
            colour = _GREEN if event["decision"] == "ALLOW" else _RED
            facts = [event["decision"], event["reason"], event["via"], event["band"]]
            words = " ".join(str(fact) for fact in facts if fact)
            warned = " ".join(event["warnings"])
            say("decided", f"{words}, counted {event['counted']} {warned}".rstrip(), colour)
            say("recorded", "not recorded" if event["seq"] is None else f"audit #{event['seq']}")
        case "released":
            say("moved", f"{event['door']}: released for {event['for_ms']} ms")
        case "secured":
            say("moved", f"{event['door']}: secured")
        case "door" if event["kind"] == "outcome":
            say("outcome", str(event["outcome"]))
        case "door":
            say("door", " ".join(str(event[key]) for key in ("kind", "occurred_at")))
        case "alarm":
            what = f"{event['source']}: {event['alarm']}"
            say(
                "alarm", f"{what}, {event['cause']}" if event["raised"] else f"{what} is over", _RED
            )
        case _:
            pass  # an event that is news to this program is none of its business


def _tell_building(seen: Observation) -> None:
    match seen["what"]:
        case "bolt":
            say("seen", f"{seen['door']}: bolt {'released' if seen['released'] else 'thrown'}")
        case "door":
            say("seen", f"{seen['door']}: door {'open' if seen['open'] else 'closed'}")
        case "indicator" if seen.get("lines"):
            say("shown", f"{seen['name']}: {seen['light']} · {' · '.join(seen['lines'])}")
        case _:
            pass  # coils, buttons and connections would only repeat the story
