"""Long months of chance: entries, faults of the lock, and news that is lost, late, twice or old.

What `every.py` leaves out: entries that are taken back, a limit of which each store's day is a day
of its own, whole snapshots that come after newer ones, and a member who comes to any store.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

from hil.quota.chain import DAYS, Chain
from hil.quota.every import Passed
from policy.model import DedupeScope, Reason, Verdict
from policy.usage import Events, merged, supported, withdraw

STEPS = 60
"""Of one month; then they all hear each other, and the next begins."""


@dataclass(slots=True)
class Lived:
    """What happened. `passed`: months in which the limit was; `beyond`: by how many days."""

    months: int = 0
    steps: int = 0
    let_in: int = 0
    refused: int = 0
    taken_back: int = 0
    passed: int = 0
    beyond: int = 0


_chain = cache(Chain)


def drawn(dice: Random) -> Chain:
    """Draw the stores and the limit of a month."""
    scope = dice.choice([DedupeScope.ALL_STORES, DedupeScope.STORE])
    return _chain(dice.randint(1, 4), dice.randint(1, 6), scope)


class Month:
    """One member's month; `live` raises Passed where a law is broken."""

    def __init__(self, chain: Chain, dice: Random, lived: Lived) -> None:
        self._chain = chain
        self._dice = dice
        self._lived = lived
        self._known = [Events() for _ in chain.stores]
        self._cloud = self._all = Events()
        self._sent: list[Events] = []
        self._mine: list[list[str]] = [[] for _ in chain.stores]

    def live(self) -> None:
        """Live through it, and let them all hear each other in the end."""
        for _ in range(STEPS):
            store = self._dice.randrange(len(self._known))
            match self._dice.randrange(8):
                case 0 | 1 | 2:
                    self._come(store, self._dice.randrange(len(DAYS)))
                case 3:
                    self._fail(store)
                case 4 | 5:
                    self._tell(store)
                case _:
                    self._hear(store)
        self._settle()
        self._lived.months += 1
        self._lived.steps += STEPS

    def _come(self, store: int, day: int) -> None:
        chain, known = self._chain, self._known[store].existing()
        decision, key = chain.come(store, day, known), chain.key(store, day)
        if decision.verdict is not Verdict.ALLOW:
            self._lived.refused += 1
            if decision.reason is not Reason.QUOTA_EXHAUSTED or len(known) < chain.limit:
                raise Passed(f"{len(known)} of {chain.limit}: {decision.reason}")
            return
        unheard = len(self._all.existing() - known)
        event = f"E{self._lived.let_in}"
        self._lived.let_in += 1
        if list(decision.new_keys) != [key] * (key not in known):
            raise Passed(f"{decision.new_keys} for {key}, where {known} was known")
        self._known[store] = supported(self._known[store], key, event)
        self._all = supported(self._all, key, event)
        self._mine[store].append(event)
        used = len(self._all.existing())
        if decision.new_keys and used > chain.limit + unheard:
            raise Passed(f"{used} of {chain.limit}, and {unheard} not heard of at {store}")

    def _fail(self, store: int) -> None:
        """Let the lock have failed behind one who was let in: it counts no more."""
        if self._mine[store]:
            event = self._mine[store].pop(self._dice.randrange(len(self._mine[store])))
            self._known[store] = withdraw(self._known[store], event)
            self._all = withdraw(self._all, event)
            self._lived.taken_back += 1

    def _tell(self, store: int) -> None:
        """Send the cloud what a store knows; it comes now, or later, or twice, or never."""
        self._cloud = self._carried(self._cloud, self._known[store])

    def _hear(self, store: int) -> None:
        """Send a store what the cloud knows, with the same fates."""
        self._known[store] = self._carried(self._known[store], self._cloud)

    def _carried(self, to: Events, what: Events) -> Events:
        if self._dice.random() < 0.3:
            self._sent.append(what)
            what = self._dice.choice(self._sent)
        return to if self._dice.random() < 0.3 else merged(to, what)

    def _settle(self) -> None:
        """Let each hear all: they agree, and the report says by how much the limit was passed."""
        for known in self._known:
            self._cloud = merged(self._cloud, known)
        chain, used = self._chain, self._cloud.existing()
        if used != self._all.existing():
            raise Passed(f"{used} in the end, of {self._all.existing()}")
        excess = max(0, len(used) - chain.limit)
        if chain.excess(used) != excess:
            raise Passed(f"{len(used)} of {chain.limit}, and the report says {chain.excess(used)}")
        self._lived.passed += excess > 0
        self._lived.beyond = max(self._lived.beyond, excess)
        for store, known in enumerate(self._known):
            heard = merged(known, self._cloud).existing()
            fresh = next(n for n in range(len(DAYS)) if chain.key(store, n) not in heard)
            let_in = chain.come(store, fresh, heard).verdict is Verdict.ALLOW
            if heard != used or let_in != (len(used) < chain.limit):
                raise Passed(f"{len(heard)} of {chain.limit} heard, and one more: {let_in}")
