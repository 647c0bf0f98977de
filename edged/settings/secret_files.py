"""Secrets: files in a directory of their own, one a secret, named as the setting."""

import stat
import warnings
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SecretsSettingsSource, SettingsError

from edged import limits


class SecretsUnreadable(Exception):
    """The directory or a file in it can't be used. The text names no secret's content."""


class _Secrets(BaseSettings):
    store_pepper: SecretStr | None = None


def read(directory: Path) -> dict[str, SecretStr]:
    """Read the secrets that are there. Raises SecretsUnreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what it only warns of, we refuse
            found = SecretsSettingsSource(_Secrets, directory)()
            for name, text in found.items():
                _check(directory / name, text)
    except (OSError, SettingsError, UserWarning) as error:
        raise SecretsUnreadable(str(error)) from None
    return {name: SecretStr(text) for name, text in found.items()}


def _check(file: Path, text: str) -> None:
    least, most = limits.SECRET_CHARS
    if not least <= len(text) <= most:
        raise SecretsUnreadable(f"{file.name} has to have {least} to {most} characters")
    if file.stat().st_mode & stat.S_IRWXO:
        raise SecretsUnreadable(f"{file.name} is open to everybody: chmod o-rwx {file}")
