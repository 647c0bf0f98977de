"""When next, and what is left: told after the answer, never in its way.

Looking for the next way in takes milliseconds (policy/explain.py), so it is done in a thread of
its own, once the answer has been shown and the door has moved.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edged.core import access
from edged.ports import Ports
from edged.readers import explanations
from edged.settings.model import Language
from policy import explain
from policy.model import Decision, Verdict


@dataclass(frozen=True, slots=True)
class Outlook:
    """What lies ahead of a member: a line in each language, a line for staff, plain values."""

    lines: tuple[str, ...]
    staff: str
    plain: Mapping[str, object] | None


async def look_ahead(asked: access.Request, decision: Decision, ports: Ports) -> Outlook | None:
    """Say what lies ahead after an entry was decided; None for a member whom nobody knows.

    What is left to whoever was let in is for those who watch: without them it is None too.
    """
    if decision.verdict is not Verdict.ALLOW:
        return await asyncio.to_thread(_look, asked, decision, ports.languages)
    if not ports.witness.watchers:
        return None
    return _look(asked, decision, ports.languages)  # takes less than the way to a thread


def _look(
    asked: access.Request, decision: Decision, languages: Sequence[Language]
) -> Outlook | None:
    member, scene = asked.member, asked.scene
    if member is None or asked.device.store not in asked.rules.stores:
        return None
    store = asked.rules.stores[asked.device.store]
    ahead: explain.WayIn | explain.Left | None
    if decision.verdict is Verdict.ALLOW:
        ahead = explain.left(asked.rules, member, scene, decision)
    elif asked.device.room is not None:
        here = [b for b in store.room_bookings if b.room == asked.device.room]
        ahead = explain.way_in_to_room(here, member.id, scene.at, asked.rules.settings)
    else:
        ahead = explain.way_in(asked.rules, asked.device, member, scene, decision)
    lines = (
        ()
        if ahead is None
        else tuple(
            explanations.member_line(ahead, language, store.tz, scene.at) for language in languages
        )
    )
    staff = explanations.staff_line(decision, languages[-1], store.tz, lines[-1] if lines else "")
    return Outlook(lines, staff, None if ahead is None else explanations.plain(ahead))
