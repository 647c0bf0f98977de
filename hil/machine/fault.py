"""In the daemon, as its sitecustomize: what goes wrong with lgpio, when the bench asks for it.

`deafen` ends its only thread, as an exception in a callback does (spec/hardware.md 6.3); the
drivers' own raise none. `mute`: no edge is told any more, of lines that are opened anew either, as
when lgpio's reader of edges waits at a line that never moves (drivers/gpio_inputs.py).
"""

import ctypes
import sys
import threading
from pathlib import Path
from typing import Final

_DEAFEN: Final = Path("/run/edged/deafen")
_MUTE: Final = Path("/run/edged/mute")
_LOOK_S: Final = 0.1


class _Nobody(list[object]):
    """Callbacks that are forgotten."""

    def append(self, _: object) -> None:
        """Forget it."""


def _wait() -> None:
    pause = threading.Event()
    while not pause.wait(_LOOK_S):
        thread = getattr(sys.modules.get("lgpio"), "_notify_thread", None)
        if sys.argv[1:2] != ["run"] or thread is None:
            continue  # while lgpio is being imported it is there and has no thread
        if _MUTE.exists():
            thread.callbacks = _Nobody()
            _MUTE.unlink()  # last: from then on the bench counts on it
        if _DEAFEN.exists():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
            _DEAFEN.unlink()


threading.Thread(target=_wait, name="fault", daemon=True).start()
