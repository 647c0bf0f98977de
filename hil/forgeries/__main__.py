"""`python -m hil.forgeries --codes N`: any number of forged codes, none accepted (README.md)."""

import argparse
import json
import multiprocessing
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable

from edged.credentials import read
from edged.credentials.claims import Proven
from edged.credentials.read import Refused, Unproven
from hil.forgeries.forger import OF_SIGNATURES, OFTEN, WAYS
from hil.forgeries.wallet import STORE, TENANT, Wallet, wallet
from policy.model import CodeKind

ALL = frozenset(CodeKind)
ROUND = 20_000
"""Forgeries of one wallet; then another is issued."""


def ask(held: Wallet, text: bytes) -> Proven | Refused:
    """Let the door read a text, as far as its proof."""
    found = read.read(text, accepted=ALL, tenant=TENANT, keys=held.keys, store=STORE)
    if isinstance(found, Unproven):
        return read.prove(found, held.store_keys.get(found.claims.handle))
    return found


def forge(seed: int, count: int) -> tuple[Counter[str], list[str]]:
    """Forge so many codes of one wallet; count what became of each, and name what was accepted.

    A text that is one of the wallet's own codes is no forgery, and is made anew.
    """
    dice = random.Random(seed)
    held, told, accepted = wallet(dice), Counter[str](), list[str]()
    for code in held.codes:
        if isinstance(ask(held, code), Refused):
            accepted.append(f"a good code is refused: {code.decode()}")
    own, ways = frozenset(held.codes), [way for way in WAYS for _ in range(1 + 4 * (way in OFTEN))]
    left = count
    while left:
        way, code = dice.choice(ways), dice.choice(held.codes)
        if way in OF_SIGNATURES and code.startswith(b"R1:"):
            continue
        text = WAYS[way](dice, held, code)
        if text in own:
            continue
        left -= 1
        answer = ask(held, text)
        if isinstance(answer, Refused):
            told[f"{way} {code[:2].decode()} {answer.reason}"] += 1
        else:
            told[f"{way} {code[:2].decode()} ACCEPTED"] += 1
            accepted.append(f"{way}: {code!r} -> {text!r}")
    return told, accepted


def rounds(seed: int, codes: int) -> Iterable[tuple[int, int]]:
    """Give each round its seed and its size."""
    for n, begun in enumerate(range(0, codes, ROUND)):
        yield seed + n, min(ROUND, codes - begun)


def _forge(work: tuple[int, int]) -> tuple[Counter[str], list[str]]:
    return forge(*work)


def main() -> int:
    """Run the campaign; 1 if anything was accepted, with the seed and the text."""
    parser = argparse.ArgumentParser(prog="python -m hil.forgeries", description=__doc__)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    told, accepted, began_s = Counter[str](), list[str](), time.monotonic()
    with multiprocessing.Pool(arguments.jobs) as pool:
        for some, found in pool.imap_unordered(_forge, rounds(arguments.seed, arguments.codes)):
            told += some
            accepted += found
    for text in accepted:
        print(text, file=sys.stderr)
    sums = {name: _sum(told, n) for n, name in enumerate(("way", "kind", "reason"))}
    said = {"seed": arguments.seed, "forged": told.total(), "accepted": len(accepted), **sums}
    print(json.dumps({**said, "took_s": round(time.monotonic() - began_s, 1)}, indent=2))
    return 1 if accepted else 0


def _sum(told: Counter[str], place: int) -> dict[str, int]:
    sums = Counter[str]()
    for name, count in told.items():
        sums[name.split()[place]] += count
    return dict(sorted(sums.items()))


if __name__ == "__main__":
    sys.exit(main())
