"""What `policy` says to rows of the generator: a row a line comes in, its answers go out.

A script, because the `policy` of an earlier release is asked too: `PYTHONPATH=CHECKOUT python -P
answers.py < rows`, and both are compared ([releases](../../hil/releases/README.md)). With `--rows
FIRST LAST --seed SEED` it writes rows instead.
"""

import argparse
import json
import sys
from random import Random

from tests.oracle.engine import OPERATIONS, Engine
from tests.oracle.worlds import row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, metavar=("FIRST", "LAST"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for number in range(*options.rows or (0,)):
        sys.stdout.write(json.dumps(row(Random(f"{options.seed}:{number}"))) + "\n")
    for line in () if options.rows else sys.stdin:
        made = json.loads(line)
        engine = Engine(made["world"])
        asked = [step for step in made["before"] + made["steps"] if step["op"] in OPERATIONS]
        answers = [[step, engine.play(step)] for step in asked]
        sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
