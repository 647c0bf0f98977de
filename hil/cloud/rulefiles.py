"""A folder of readable files -> one rules document and its vectors (config/README.md).

Every `*.toml` and `*.json` below the folder says a piece of the document; tables are joined, lists
that stand in several files follow each other, and what is said twice is a fault. So plans, members
and bookings may stand in files of their own. `vectors.toml` or `vectors.json` has the vectors.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema

SCHEMA: Final = Path(__file__).parents[2] / "config" / "rules.schema.json"
VECTORS: Final = "vectors"
FORMAT: Final = "edged-rules/1"


class RulesFault(Exception):
    """The files can't be published. The text names the file and the key."""


def read(folder: Path, tenant: str) -> tuple[dict[str, Any], list[Any]]:
    """Join the files of a folder; return the document, but for `version`, and the vectors.

    Raises:
        RulesFault: A file can't be read, two say the same, or the whole is not as the format says.
    """
    document: dict[str, Any] = {}
    vectors: list[Any] = []
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".toml", ".json"})
    if not files:
        raise RulesFault(f"{folder}: no .toml or .json file in it")
    for file in files:
        found = _load(file)
        if file.stem == VECTORS:
            vectors += found.pop(VECTORS, [])
        _join(document, found, str(file))
    document.setdefault("format", FORMAT)
    if document.setdefault("tenant", tenant) != tenant:
        raise RulesFault(f"{folder}: tenant: must be {tenant!r}")
    return document, vectors


def check(document: Mapping[str, Any]) -> None:
    """Hold a whole document against the format's schema.

    What its words mean together is checked by every device, and by its own vectors.

    Raises:
        RulesFault: It is not as the schema says.
    """
    error = next(iter(_validator().iter_errors(document)), None)
    if error is not None:
        raise RulesFault(f"{error.json_path.removeprefix('$.')}: {error.message[:200]}")


def _load(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
        found = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise RulesFault(f"{file}: {error}") from error
    if not isinstance(found, dict):
        raise RulesFault(f"{file}: must be an object")
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return value


def _join(whole: dict[str, Any], piece: Mapping[str, Any], place: str) -> None:
    for key, value in piece.items():
        match whole.get(key), value:
            case None, _:
                whole[key] = value
            case dict() as here, dict():
                _join(here, value, f"{place}: {key}")
            case list() as here, list():
                here += value
            case _:
                raise RulesFault(f"{place}: {key}: another file says it already")


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
