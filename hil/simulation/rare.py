"""The states that are worth reaching: a law that was never tried there holds for nothing."""

from collections import Counter
from typing import Final

from hil.cloud import dsse
from hil.virtual.broker import Fate, Post

STATES: Final = (
    "acknowledgement lost",
    "acknowledgement twice",
    "batch of records lost",
    "batch of records twice",
    "batch of records overtaken",
    "other stores' use lost",
    "other stores' use twice",
    "other stores' use overtaken",
    "rules lost",
    "order lost",
    "order twice",
    "order carried out, and its result lost",
    "order expired on its way",
    "order given while nobody hears it",
    "session taken up with messages waiting",
    "session forgotten with messages waiting",
    "broker came back with what had been delivered",
    "broker came back with nothing",
    "cloud cut between commit and answer",
    "power cut between an entry's commit and its release",
    "killed while the bolt was released",
    "killed with records that were not acknowledged",
    "let in while the line was pulled",
    "let in while the cloud was away",
    "let in by rules that the cloud had changed",
    "let in while the clock was in doubt",
    "kept out by what another device counted",
    "over a limit, at doors that did not know of each other",
    "a use taken back",
    "several versions of rules at once",
    "out while the disk was full",
    "out while the disk failed",
    "out while the disk hung",
    "out in lockdown",
    "out in a fire",
    "out while the clock was in doubt",
    "out though the cloud had stopped them",
    # what is lost, late and twice
    "cloud's time lost",
    "piece of rules lost",
    "order overtaken",
    "result twice",
    "half-open connection given up",
    "answer too late to count",
    "cloud cut while the broker was away",
    # power cuts in the middle of something
    "power cut between an order's commit and its release",
    "killed in the middle of a start",
    "killed while rules were put together",
    "killed while rules were on trial",
    "killed while the disk was full",
    "killed while the disk failed",
    "killed while the disk hung",
    "killed while the clock was in doubt",
    "killed while the line was pulled",
    "killed in lockdown",
    "killed in a fire",
    "began anew while its door stood open",
    "began anew while its disk took nothing",
    # rules
    "let in by rules on trial",
    "let in whom the cloud had stopped",
    "kept out whom the cloud had let go on",
    "rules taken back, not confirmed in time",
    "rules taken back behind two power cuts",
    "rules taken again that had been taken back",
    "rules not stored for the disk",
    # the disk
    "link begun anew for a full disk",
    "link begun anew for a failing disk",
    "a gap told",
    "a disk put back that had been acknowledged beyond",
    "let in by a disk put back, before it was told so",
    # the clock
    "let in by a clock in doubt, to be settled",
    "kept out by a clock in doubt",
    "order refused by a clock in doubt",
    # fire, lockdown, doors
    "fire while the bolt was released",
    "fire while the device had no power",
    "a fire that outlived a power cut",
    "fire not reset because it burnt still",
    "kept out in a lockdown of the cloud",
    "a lockdown of the cloud that outlived a power cut",
    "a lockdown of the cloud that its end overtook",
    "a lockdown that the switch held beyond its end",
    "opened by an order in lockdown",
    "cables cut while the bolt was released",
    "a lock lost while it was released",
    "door forced while the device had no power",
    # limits, in hindsight
    "one day counted by two devices",
    "the last day of a limit used at two doors at once",
    "came again on a day that another device had counted",
    "let in again by a use taken back",
    "let in by a booking",
    "let in by a booking that the cloud had cancelled",
    # lockers
    "killed before a PIN was reset",
    "killed between a locker's record and its pulse",
    "killed between a locker's pulse and its opening",
    "a PIN kept, for its reset was not on the disk",
    "a use ended while the board was away",
    "a use ended at a bolt that did not move",
    "a use ended at a door that stood open",
    "a use ended while its holder opened it",
    "a use moved from a locker that did not open",
    "a locker given while its door stood open",
    "a locker opened while the line was pulled",
    "a locker opened by an order",
    "kept out of a locker whose use time had ended",
    "order to end a use lost",
    "order to end a use twice",
    "order to end a use overtaken",
    "order to end a use expired on its way",
    "order to end a use that was over",
    "order to end a use met the next one",
)
"""All of them, by the words that they are reported with."""

_FATES: Final = {
    ("ack", Fate.LOST): "acknowledgement lost",
    ("ack", Fate.TWICE): "acknowledgement twice",
    ("audit", Fate.LOST): "batch of records lost",
    ("audit", Fate.TWICE): "batch of records twice",
    ("audit", Fate.LATE): "batch of records overtaken",
    ("usage", Fate.LOST): "other stores' use lost",
    ("usage", Fate.TWICE): "other stores' use twice",
    ("usage", Fate.LATE): "other stores' use overtaken",
    ("rules", Fate.LOST): "rules lost",
    ("command", Fate.LOST): "order lost",
    ("command", Fate.TWICE): "order twice",
    ("result", Fate.LOST): "order carried out, and its result lost",
    ("result", Fate.TWICE): "result twice",
    ("command", Fate.LATE): "order overtaken",
    ("pulse", Fate.LOST): "cloud's time lost",
    ("part", Fate.LOST): "piece of rules lost",
}
_ENDING_FATES: Final = {
    Fate.LOST: "order to end a use lost",
    Fate.TWICE: "order to end a use twice",
    Fate.LATE: "order to end a use overtaken",
}
_HALF_OPEN: Final = "nothing comes through"


class Rare:
    """How often each state was reached."""

    def __init__(self) -> None:
        self.reached: Counter[str] = Counter(dict.fromkeys(STATES, 0))

    def count(self, state: str, times: int = 1) -> None:
        """Note that a state was reached so many times. Raises KeyError: there is none such."""
        if state not in STATES:
            raise KeyError(state)
        self.reached[state] += times

    def fate(self, post: Post, fate: Fate) -> None:
        """Note what became of a message."""
        kind = post.topic.rpartition("/")[2]
        if (state := _FATES.get((kind, fate))) is not None:
            self.count(state)
        if kind == "command" and (state := _ENDING_FATES.get(fate)) is not None:
            self.count(state, b'"verb":"locker_end"' in dsse.read(post.payload).payload)

    def ended(self, why: str) -> None:
        """Note why a connection to the broker ended."""
        self.count("half-open connection given up", why == _HALF_OPEN)

    def missed(self) -> list[str]:
        """Name what was never reached."""
        return [state for state, times in self.reached.items() if not times]
