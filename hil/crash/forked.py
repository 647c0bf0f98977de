"""Programs that are begun thousands of times: each is a copy of a process that has imported all.

strace is attached before the copy does anything. From the start it would look at every file that
Python imports, and take ten times as long.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

HANGS_S: Final = 60.0
_FORKS: Final = get_context("forkserver")
_FORKS.set_forkserver_preload(["hil.crash.subjects", "hil.crash.forked"])
_PR_SET_PTRACER: Final = 0x59616D61


def run(
    module: str, folder: Path, told: str, *tracing: str, within_s: float = HANGS_S
) -> subprocess.CompletedProcess[str]:
    """Run a module's `work(folder, told)` under strace with these words; none: without strace.

    Raises TimeoutError: It does not end.
    """
    here, there = _FORKS.Pipe()
    with tempfile.TemporaryDirectory(prefix="edged-forked-") as made, ExitStack() as open_ones:
        said = Path(made, "out"), Path(made, "err")
        for file in said:
            file.touch()
        process = _FORKS.Process(target=_begin, args=(module, folder, there, said), daemon=True)
        process.start()
        if tracing:
            open_ones.enter_context(_traced(process.pid, tracing))
        here.send(told)
        process.join(within_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(module)
        out, err = (file.read_text("utf-8") for file in said)
        return subprocess.CompletedProcess([module], process.exitcode, out, err)


def _traced(pid: int | None, words: tuple[str, ...]) -> subprocess.Popen[str]:
    """Attach strace; it is left when the process has ended."""
    command = ["strace", *words, "-f", "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    line = "" if tracer.stderr is None else tracer.stderr.readline()
    if "attached" not in line:
        tracer.wait()
        raise RuntimeError(line)
    return tracer


def _begin(module: str, folder: Path, told: Connection, said: tuple[Path, Path]) -> None:
    for number, file in enumerate(said, 1):
        os.dup2(os.open(file, os.O_WRONLY), number)
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))  # strace is no parent of it
    done = import_module(module).work(folder, told.recv())
    sys.exit(0 if done else 1)
