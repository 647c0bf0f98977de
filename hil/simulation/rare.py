"""The states that are worth reaching: a law that was never tried there holds for nothing."""

from collections import Counter
from typing import Final

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
}


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
        state = _FATES.get((post.topic.rpartition("/")[2], fate))
        if state is not None:
            self.count(state)

    def missed(self) -> list[str]:
        """Name what was never reached."""
        return [state for state, times in self.reached.items() if not times]
