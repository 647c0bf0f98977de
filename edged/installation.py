"""What `edged install` writes: units and what they stand on, for an environment that pip filled.

The wheel brings the files (`share/edged`). The Debian package has the same ones below /usr/lib;
here they go below /etc, where an administrator's own files belong, and name this environment.
"""

import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edged.errors import InstallRefused

PACKAGE: Final = Path("/usr/lib/edged")
"""The Debian package's environment, whose programs the units name."""
NEXT: Final = (
    "systemd-sysusers edged.conf",
    "systemd-tmpfiles --create edged.conf",
    "udevadm control --reload",
    "udevadm trigger",
    "systemctl daemon-reload",
    "systemctl enable edged.service",
)
"""What root does after it: all of it is in the files' own words, and none of it is ours."""
_HIDDEN: Final = frozenset(Path("/", name) for name in ("home", "root", "run/user"))
"""What the units can't see (ProtectHome=)."""
PEPPER: Final = Path("etc/edged/secrets/store_pepper")
_PEPPER_BYTES: Final = 32


def install(environment: Path, root: Path) -> Iterator[Path]:
    """Write everything below `root`, and give each file that was written.

    Doing it again changes nothing but what another release brings. Neither the settings nor a
    secret that is there are touched, and nothing is started or stopped.

    Args:
        environment: The virtual environment whose programs the units are to run, by the path that
            it has in the system.
        root: Of the system that it is for: `/`, or an image's folder.

    Raises:
        InstallRefused: The package is installed there, or somebody else than root could change
            the programs, or the units could not see them. Nothing was written.
        OSError: A file can't be written.
    """
    source = environment / "share/edged"
    if not source.is_dir():
        raise InstallRefused(f"{source} is not there: install the wheel, not a checkout")
    if not any(environment.glob("lib/python*/site-packages/edged/__init__.py")):
        raise InstallRefused(f"{environment} has a checkout: install the wheel")
    package = root / "usr/lib/systemd/system/edged.service"
    if package.exists():
        raise InstallRefused(f"{package} is there: remove the package edged first")
    if root == Path("/"):
        check_place(environment)
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        text = file.read_text().replace(f"{PACKAGE}/", f"{environment}/")
        yield _write(root / "etc" / file.relative_to(source), text, 0o644)
    pepper = root / PEPPER
    if not pepper.exists():
        pepper.parent.parent.mkdir(exist_ok=True)
        pepper.parent.mkdir(0o700, exist_ok=True)
        yield _write(pepper, secrets.token_hex(_PEPPER_BYTES), 0o600)


def check_place(environment: Path) -> None:
    """Refuse a place that others than root can change, or that the units can't see.

    Raises InstallRefused.
    """
    for folder in (environment, *environment.parents):
        found = folder.stat()
        if folder in _HIDDEN:
            raise InstallRefused(f"the units can't see {folder}: take a folder such as /opt/edged")
        if found.st_uid or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise InstallRefused(f"others than root can change {folder}")


def _write(path: Path, text: str, mode: int) -> Path:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode)
    new.chmod(mode)
    new.write_text(text)
    return new.replace(path)
