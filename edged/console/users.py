"""Who may use the console: names, roles and hashed passwords, in one file of its folder."""

import hashlib
import hmac
import json
import os
import re
import secrets
from enum import IntEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edged.console import limits

FILE: Final = "users.json"
_NAME: Final = re.compile("[A-Za-z0-9_-]{1,32}")
"""What the daemon's orders take as `by`: whoever logs in is named in the audit."""


class Role(IntEnum):
    """What somebody may do; each may what the one before it may."""

    LOOK = 1
    OPERATE = 2
    """Doors and lockers."""
    INSTALL = 3
    """Test buttons."""


class UsersUnreadable(Exception):
    """The file can't be used; the text names no secret."""


class _User(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role: Role
    salt: str = Field(pattern="^[0-9a-f]{32}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")


_USERS: Final = TypeAdapter(dict[str, _User])
_NOBODY: Final = _User(role=Role.LOOK, salt="0" * 32, hash="0" * 64)


def check(folder: Path, name: str, password: str) -> Role | None:
    """Return the role of the user with this password; None: there is none.

    Takes as long for a name that does not exist.

    Raises:
        UsersUnreadable: The file can't be used.
    """
    users = _read(folder)
    user = users.get(name, _NOBODY)
    right = hmac.compare_digest(_hash(password, user.salt), user.hash)
    return user.role if right and name in users else None


def put(folder: Path, name: str, role: Role, password: str) -> None:
    """Add a user, or change one.

    Raises:
        ValueError: The name or the password is not fit.
        UsersUnreadable, OSError: The file can't be used.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("name: letters, digits, _ and - only, at most 32")
    least, most = limits.PASSWORD_CHARS
    if not least <= len(password) <= most:
        raise ValueError(f"password: {least} to {most} characters")
    users = _read(folder)
    salt = secrets.token_hex(16)
    users[name] = _User(role=role, salt=salt, hash=_hash(password, salt))
    _USERS.validate_python(users)
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_USERS.dump_json(users, indent=1))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / FILE)


def _read(folder: Path) -> dict[str, _User]:
    try:
        return dict(_USERS.validate_json((folder / FILE).read_bytes()))
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        raise UsersUnreadable(f"{folder / FILE}: {type(error).__name__}") from None


def _hash(password: str, salt: str) -> str:
    """Hash slowly: 16 MB and some 50 ms (RFC 7914)."""
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()
