"""`python -m drivers.line_keeper`: keep the output lines, or put them to rest.

    serve FD PINS LATCH PLAN    be the keeper, at the socket FD that the daemon handed down
    rest PLAN                   drive every line of the plan to its rest level

It ends with 0; with 1 if a line could not be driven; with 2 if the daemon or the command line
made no sense.
"""

import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.line_keeper import plan
from drivers.line_keeper.keeper import Keeper
from drivers.line_keeper.latch import Latch
from drivers.line_keeper.pins import open_pins
from drivers.line_keeper.protocol import Malformed

_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; return the exit status."""
    match arguments:
        case ["serve", descriptor, pins, latch, planned] if descriptor.isdecimal():
            return _serve(int(descriptor), pins, Path(latch), Path(planned))
        case ["rest", planned]:
            faults = plan.bring_to_rest(Path(planned))
            sys.stderr.writelines(f"{fault}\n" for fault in faults)
            return 1 if faults else 0
        case _:
            sys.stderr.write(__doc__)
            return 2


def _serve(descriptor: int, which: str, latch: Path, planned: Path) -> int:
    heard, rung = socket.socketpair()
    rung.settimeout(0)
    signal.set_wakeup_fd(rung.fileno())
    for number in _ENDS:
        signal.signal(number, lambda *_: None)  # it rings, and interrupts nothing
    try:
        with socket.socket(fileno=descriptor) as wire:
            pins = open_pins(which, planned.parent)
            Keeper(wire, pins, Latch(latch), which, planned).serve(until=heard)
    except Malformed as error:
        sys.stderr.write(f"the daemon sent nonsense, all lines are at rest: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:  # all is at rest: who insists now does not change how it ends
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
