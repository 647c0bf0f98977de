"""`python -m hil.doors --steps N`: any number of steps of any number of doors (README.md)."""

import argparse
import json
import random
import secrets
import sys
import time

from edged.core.door_words import DoorTerms
from edged.core.limits import RELEASE_MAX_MS
from hil.doors.witness import Act, LawBroken, Moment, Witness
from policy.model import ExitButton, Relock

MOMENTS = 60
"""Of one door's story; then a new one begins, so that its beginning fits on a page."""


def terms(dice: random.Random) -> DoorTerms:
    """Draw how a door behaves."""
    return DoorTerms(
        pulse_ms=dice.randint(500, RELEASE_MAX_MS),
        held_open_ms=dice.randint(1_000, 60_000),
        pre_alarm_ms=dice.choice((0, 500, 10_000)),
        forced_min_ms=dice.choice((0, 1_000, 30_000)),
        extended_ms=dice.choice((0, 15_000)),
        relock=dice.choice(list(Relock)),
        relock_delay_ms=dice.choice((0, 500, 10_000)),
        exit_button=dice.choice(list(ExitButton)),
        has_contact=dice.random() < 0.9,
        fail_safe=dice.random() < 0.5,
        first_in=dice.random() < 0.5,
    )


def moment(dice: random.Random) -> Moment:
    """Draw what happens next, and after how long."""
    pause_ms = dice.choice((0, 1, 199, 200, 499, 500, dice.randint(0, 8_000)))
    return pause_ms, dice.choice(list(Act)), dice.randint(1, 70_000)


def main() -> int:
    """Run the campaign; 1 if a law was broken, with the story that broke it."""
    parser = argparse.ArgumentParser(prog="python -m hil.doors", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    steps = doors = 0
    began_s = time.monotonic()
    while steps < arguments.steps:
        how, story = terms(dice), [moment(dice) for _ in range(MOMENTS)]
        witness = Witness(how)
        try:
            witness.live(story)
        except LawBroken as broken:
            print(f"BROKEN: {broken}\n{how}\n{story}", file=sys.stderr)
            return 1
        steps, doors = steps + witness.steps, doors + 1
    took_s = round(time.monotonic() - began_s, 1)
    print(json.dumps({"seed": arguments.seed, "steps": steps, "doors": doors, "took_s": took_s}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
