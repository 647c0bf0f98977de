"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from edged.settings.model import Settings

DEFAULT_CONFIG: Final = Path("/etc/edged/edged.toml")

Config = Annotated[Path, typer.Option("--config", envvar="EDGED_CONFIG", help="The settings file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def settings(config: Path) -> "Settings":
    """Read the settings. Raises SettingsRefused."""
    from edged.settings.file import require

    return require(config)


def journal(config: Path) -> Path:
    """Find the journal. Raises SettingsRefused, NotFound."""
    from edged.errors import NotFound

    path = settings(config).state_dir / "journal.db"
    if not path.exists():
        raise NotFound(f"{path}: there is no journal yet")
    return path
