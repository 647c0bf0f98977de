"""The cloud's folder: its settings, its keys, and where it finds its database and broker."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from hil.cloud import limits
from hil.cloud.keys import KeyRing
from hil.cloud.spelling import Name, Strict, fault_text

SETTINGS = """\
tenant = {tenant}
database = {database}   # an SQLAlchemy URL; a file of SQLite is relative to this folder

[broker]
host = {host}
port = {port}
certificates = "pki"    # ca.crt, and cloud-N.crt and cloud-N.key for worker N
shared = true           # false: a broker without shared subscriptions, and so one worker

[notices]               # who is told of a refusal at a door
file = "denials.jsonl"
# url = "https://..."   # gets each as a POST of JSON

# [enrolment]           # the broker of devices that have no certificate yet
# host = {host}
# port = 8885
# days = 90             # a device's certificate lives so long
"""


class FolderFault(Exception):
    """The folder can't be used. The text names the file and the key."""


class BrokerSettings(Strict):
    """Where the broker is, the folder of the workers' certificates, and if it can share."""

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)]
    certificates: str = "pki"
    shared: bool = True


class NoticeSettings(Strict):
    """Where notices of refusals go: a file of JSON lines, a URL, both or neither."""

    file: str | None = None
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None


class EnrolmentSettings(Strict):
    """Where workers meet devices that have no certificate yet, and how long one lives."""

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 8_885
    days: Annotated[int, Field(ge=1, le=limits.CERTIFICATE_DAYS)] = limits.DEVICE_DAYS


class Settings(Strict):
    """`cloud.toml`."""

    tenant: Name
    database: str
    broker: BrokerSettings
    notices: NoticeSettings = NoticeSettings()
    enrolment: EnrolmentSettings | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """One cloud on this machine."""

    path: Path
    settings: Settings

    @property
    def keys(self) -> KeyRing:
        """The private keys."""
        return KeyRing(self.path / "keys")

    @property
    def database(self) -> str:
        """The database's URL, absolute."""
        url = self.settings.database
        file = url.removeprefix("sqlite:///")
        return url if file == url else f"sqlite:///{self.path.absolute() / file}"

    @property
    def certificates(self) -> Path:
        """The folder of the workers' certificates."""
        return self.path / self.settings.broker.certificates


def create(path: Path, tenant: str, database: str, host: str, port: int) -> Folder:
    """Make a new folder with its settings.

    Raises:
        FolderFault: There is one already, or a setting is wrong.
        OSError: It can't be written.
    """
    file = path / "cloud.toml"
    if file.exists():
        raise FolderFault(f"{file}: is there already")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = {"tenant": tenant, "database": database, "host": host}
    text = SETTINGS.format(port=port, **{key: json.dumps(word) for key, word in words.items()})
    folder = Folder(path, _settings(file, text))
    file.write_text(text, "utf-8")
    return folder


def load(path: Path) -> Folder:
    """Read the folder's settings.

    Raises:
        FolderFault: They are missing or wrong.
    """
    file = path / "cloud.toml"
    try:
        text = file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise FolderFault(f"{file}: {error}") from error
    return Folder(path, _settings(file, text))


def _settings(file: Path, text: str) -> Settings:
    try:
        return Settings.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise FolderFault(f"{file}: {fault_text(error)}") from error
    except ValueError as error:
        raise FolderFault(f"{file}: {error}") from error
