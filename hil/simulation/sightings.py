"""The rare states that show in the records of one device, as they come to its disk."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hil.simulation.household import Household
from hil.simulation.rare import Rare

_Record = Mapping[str, Any]
_DOUBTED: Final = frozenset({"UNSET", "RESTORED", "SUSPECT"})
_BY_COMMAND: Final = "by a command"


class Sightings:
    """Sees them at a device. `members` gives what the cloud says of its members now."""

    def __init__(
        self, home: Household, members: Callable[[], Mapping[str, _Record]], rare: Rare
    ) -> None:
        self._home = home
        self._members = members
        self._rare = rare
        self._up: dict[str, str | None] = {}

    def hears(self, record: _Record) -> None:
        """Take the next record."""
        for state, shows in _SHOWN.items():
            self._rare.count(state, shows(record))
        match record["kind"]:
            case "started":
                self._home.began = True
                self._up.clear()
            case "rolled_back":
                self._home.unaware = False
            case "alarm" if record["raised"]:
                self._up[record["alarm"]] = record["cause"]
            case "alarm":
                self._up.pop(record["alarm"], None)
            case "command" if (record["verb"], record["result"]) == ("open", "OK"):
                self._rare.count("opened by an order in lockdown", "LOCKDOWN" in self._up)
            case "passage" if record["side"] == "IN" and record["member"] is not None:
                self._passage(record)

    def _passage(self, record: _Record) -> None:
        allowed, why = record["decision"] == "ALLOW", record["reason"]
        stopped = bool(self._members()[record["member"]].get("suspended"))
        by_command = (self._up.get("LOCKDOWN") or "").startswith(_BY_COMMAND)
        count = self._rare.count
        if allowed and str(record["via"]).startswith("booking:"):
            booked = bool(self._members()[record["member"]].get("bookings"))
            count("let in by a booking", booked)
            count("let in by a booking that the cloud had cancelled", not booked)
        unaware = allowed and self._home.unaware
        count("let in by a disk put back, before it was told so", unaware)
        count("let in by rules on trial", allowed and self._home.on_trial())
        count("let in whom the cloud had stopped", allowed and stopped)
        count("kept out whom the cloud had let go on", why == "MEMBER_SUSPENDED" and not stopped)
        count("kept out in a lockdown of the cloud", why == "LOCKDOWN" and by_command)


def _alarm(record: _Record, name: str, cause: str) -> bool:
    told = (record["kind"], record.get("alarm"), record.get("raised"))
    return told == ("alarm", name, True) and cause in str(record["cause"])


def _command(record: _Record, verb: str, result: str) -> bool:
    return (record["kind"], record.get("verb"), record.get("result")) == ("command", verb, result)


def _passage(record: _Record, side: str) -> bool:
    return (record["kind"], record.get("side")) == ("passage", side)


_SHOWN: Final[Mapping[str, Callable[[_Record], bool]]] = {
    "out though the cloud had stopped them": lambda one: (
        _passage(one, "OUT") and "EXIT_SUSPENDED" in one["warnings"]
    ),
    "answer too late to count": lambda one: (
        one["kind"] == "not_taken" and "NOT_ASKED" in one["counts"]
    ),
    "rules not stored for the disk": lambda one: (
        one["kind"] == "rules_refused" and one["why"].startswith("storage")
    ),
    "link begun anew for a full disk": lambda one: _alarm(one, "LINK_FAILED", "full: "),
    "link begun anew for a failing disk": lambda one: _alarm(one, "LINK_FAILED", "io: "),
    "a disk put back that had been acknowledged beyond": lambda one: one["kind"] == "rolled_back",
    "a gap told": lambda one: one["kind"] == "gap",
    "let in by a clock in doubt, to be settled": lambda one: (
        _passage(one, "IN") and one["decision"] == "ALLOW" and one.get("unsettled", False)
    ),
    "kept out by a clock in doubt": lambda one: (
        _passage(one, "IN") and one["reason"].startswith("CODE_") and one["clock"] in _DOUBTED
    ),
    "order refused by a clock in doubt": lambda one: (
        _command(one, "door_open", "EXPIRED") and one["clock"] in _DOUBTED
    ),
    "a fire that outlived a power cut": lambda one: _alarm(one, "FIRE", "latched before"),
    "fire not reset because it burnt still": lambda one: _command(
        one, "fire_reset", "STILL_BURNING"
    ),
    "a lockdown of the cloud that outlived a power cut": lambda one: _alarm(
        one, "LOCKDOWN", "by a command before the restart"
    ),
    "a lockdown of the cloud that its end overtook": lambda one: _command(
        one, "lockdown", "EXPIRED"
    ),
    "a lock lost while it was released": lambda one: (
        one["kind"] == "outcome" and one["outcome"] == "LOCK_FAULT"
    ),
}
"""What one record by itself shows."""
