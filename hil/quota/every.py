"""All that can become of one limit: every order of entries and messages, every one of them lost.

A state says of each day that was used who knows of it, a bit for each store and one for the cloud.
Days are as good as each other, and so are stores: of states that differ by that only, one is
looked at. A message carries one day, so that what is lost, late and twice needs no move of its
own: it is one that does not come yet, or that brings nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations

from hil.quota.chain import Chain
from policy.model import Reason, UsageKey, Verdict

State = tuple[int, ...]


class Passed(Exception):
    """A law of the limit is broken; the text says which, and where."""


@dataclass(slots=True)
class Explored:
    """What was looked at. `most`: the most days that were ever let in, of a limit."""

    states: int = 0
    moves: int = 0
    most: int = 0


def explore(chain: Chain, told: Callable[[Explored], None] = lambda _: None) -> Explored:
    """Look at every state that can be reached, in any number of steps.

    Raises:
        Passed: A law is broken.
    """
    turns, found, begin = _turns(len(chain.stores)), Explored(), ()
    seen: set[State] = {begin}
    waiting: list[State] = [begin]
    while waiting:
        state = waiting.pop()
        found.states, found.most = found.states + 1, max(found.most, len(state))
        _hold(chain, state)
        for after in _moves(chain, state):
            found.moves += 1
            same = min(tuple(sorted(turn[who] for who in after)) for turn in turns)
            if same not in seen:
                seen.add(same)
                waiting.append(same)
        told(found)
    return found


def _turns(stores: int) -> list[list[int]]:
    """Say for each order of the stores what becomes of a day's bits."""
    cloud = 1 << stores
    return [
        [
            sum(1 << to for at, to in enumerate(order) if who >> at & 1) | who & cloud
            for who in range(2 * cloud)
        ]
        for order in permutations(range(stores))
    ]


def _moves(chain: Chain, state: State) -> Iterator[State]:
    """Give what one step can make of a state: somebody comes, or a message does."""
    cloud = 1 << len(chain.stores)
    for day, who in enumerate(state):
        if state.index(who) < day:
            continue  # as good as one before it
        others = state[:day] + state[day + 1 :]
        for store in range(len(chain.stores)):
            here = 1 << store
            if who & here and not who & cloud:
                yield (*others, who | cloud)
            if who & cloud and not who & here:
                yield (*others, who | here)
            if _enters(chain, state, store, day) and not who & here:
                yield (*others, who | here)
    for store in range(len(chain.stores)):
        if _enters(chain, state, store, len(state)):
            yield (*state, 1 << store)


def _enters(chain: Chain, state: State, store: int, day: int) -> bool:
    """Let the member come, and hold what one store may do by what it knows."""
    here = 1 << store
    days = [n for n, who in enumerate(state) if who & here]
    decision = chain.asked(store, day, frozenset(chain.key(store, n) for n in days))
    let_in, counted = decision.verdict is Verdict.ALLOW, len(decision.new_keys)
    if let_in != (day in days or len(days) < chain.limit):
        raise Passed(f"store {store} knows of {days}, day {day}: {decision.reason}")
    if not let_in and decision.reason is not Reason.QUOTA_EXHAUSTED:
        raise Passed(f"refused for {decision.reason}")
    if counted != (let_in and day not in days):
        raise Passed(f"store {store} knows of {days}, day {day}: {counted} counted")
    return let_in


def _hold(chain: Chain, state: State) -> None:
    """Hold what is true of all stores together."""
    most = chain.limit * len(chain.stores)
    if len(state) > most:
        raise Passed(f"{len(state)} days of {chain.limit}: {state}")
    told = chain.excess(_all(chain, state))
    if told != max(0, len(state) - chain.limit):
        raise Passed(f"{len(state)} days of {chain.limit}, and the report says {told}")


def _all(chain: Chain, state: State) -> frozenset[UsageKey]:
    return frozenset(chain.key(0, day) for day in range(len(state)))
