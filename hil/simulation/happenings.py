"""Every event of the chain as it happens."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from hil.simulation.chain import Chain
from hil.simulation.locker_acts import AtLockers
from hil.simulation.story import Event, Kind
from hil.simulation.worst import Worst


class _Happening(Worst, AtLockers):
    """One event, of every kind."""


_ACTS: Final[Mapping[Kind, Callable[[_Happening], Coroutine[Any, Any, None]]]] = {
    kind: getattr(_Happening, kind.name.lower()) for kind in Kind
}


async def happen(chain: Chain, event: Event) -> None:
    """Let an event happen, to its end."""
    await _ACTS[event.kind](_Happening(chain, event))
