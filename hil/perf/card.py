"""A slow card, modelled: what programs sync takes as long as there, and goes one after the other.

Writes are free, as they are where the kernel keeps them; a sync takes its time, and so does each
piece of a file that is brought to the disk before it (edged/store/syncing.py).
"""

import os
from pathlib import Path
from typing import Final

from hil.perf.release import compiled

SYNC_MS: Final = 3
MB_PER_S: Final = 20
_SHIM: Final = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
static int card(long us) {
    struct timespec wait = {us / 1000000, us %% 1000000 * 1000};
    int taken = open("%s", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    flock(taken, LOCK_EX);
    nanosleep(&wait, 0);
    return taken;
}
static int later(const char *name, int file) {
    int taken = card(%d * 1000L), failed = ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
    close(taken);
    return failed;
}
int fsync(int file) { return later("fsync", file); }
int fdatasync(int file) { return later("fdatasync", file); }
int sync_file_range(int file, off64_t from, off64_t bytes, unsigned flags) {
    int taken = card(bytes / %d), failed = ((int (*)(int, off64_t, off64_t, unsigned))dlsym(
        RTLD_NEXT, "sync_file_range"))(file, from, bytes, flags);
    close(taken);
    return failed;
}
"""


def card(folder: Path) -> dict[str, str]:
    """Put a card into `folder`; return what brings it into a program's environment.

    Raises:
        FileNotFoundError: There is no C compiler.
    """
    library = compiled(_SHIM % (folder / "card", SYNC_MS, MB_PER_S), folder / "card.so")
    return {"LD_PRELOAD": f"{library} {os.environ.get('LD_PRELOAD', '')}".strip()}
