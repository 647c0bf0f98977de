"""What the console asks of the identity: how it stands, and to take a claim that was typed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from edged.asked import Asked, understood
from edged.core import events
from edged.identity.provision import told
from edged.identity.shown import ShownClaims
from edged.ports import Ports
from edged.rulebook.fields import Id
from edged.settings.model import Settings

Link = Callable[[], Awaitable[Mapping[str, object]]]


class _Look(Asked):
    do: Literal["look"]


class _Claim(Asked):
    do: Literal["claim"]
    by: Id
    claim: str = Field(max_length=64, repr=False)


_Said: TypeAlias = _Look | _Claim
_ORDER: Final[TypeAdapter[_Said]] = TypeAdapter(Annotated[_Said, Field(discriminator="do")])


class ProvisionDesk:
    """Hands claims to the enrolment of the running daemon; `link` None: no cloud is named."""

    def __init__(
        self, settings: Settings, ports: Ports, claims: ShownClaims, link: Link | None
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._claims = claims
        self._link = link

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Say how the identity stands, or take a claim: OK, or NOT_WAITING and nothing changes.

        Raises:
            ControlRefused: It is no order.
            BadClaim: The text is no claim; it is not repeated.
            OSError, Untrusted: The identity can't be read.
        """
        order = understood(_ORDER, said["order"])
        match order:
            case _Look():
                return await self._look()
            case _Claim(by=by, claim=claim):
                return {"result": self._take(by, claim)}

    async def _look(self) -> Mapping[str, object]:
        link = None if self._link is None else await self._link()
        return {
            "identity": await asyncio.to_thread(told, self._settings),
            "waiting": self._claims.waited_for,
            "link": link,
        }

    def _take(self, by: str, claim: str) -> str:
        result = "OK" if self._claims.give(claim) else "NOT_WAITING"
        asked = events.DoorCommand(self._ports.new_id(), "provision", by)
        self._ports.recorder.append(events.command(self._ports.stamp(), asked, result))
        return result
