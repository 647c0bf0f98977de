"""`python -m hil.rig FILE.svg`: draw the bench."""

import argparse
from pathlib import Path

from hil.rig.drawing import drawing


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(prog="python -m hil.rig", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.svg")
    parser.parse_args().file.write_text(drawing(), "utf-8")


if __name__ == "__main__":
    main()
