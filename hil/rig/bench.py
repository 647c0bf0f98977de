"""What a bench is made of, by its file: where the device is, and which ports lead to it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Word = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cable(_Strict):
    """A serial cable: the port at the rig, and the same cable's port at the device."""

    rig: Word
    device: Word


class Bench(_Strict):
    """A bench.

    `agent`: the command that talks to the device's agent by its standard input and output.
    `power_line`: the rig's line whose relay cuts the device's supply while it is high, BCM number.
    `off_s`: how long a power cut lasts: until the device's capacitors are empty.
    `cables`: by the building's names; a reader without one is lost at the device, and says so.
    """

    agent: Annotated[tuple[Word, ...], Field(min_length=1)]
    power_line: Annotated[int, Field(ge=2, le=27)]
    off_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    cables: Mapping[Word, Cable]


class BadBench(ValueError):
    """The file is none of a bench. The text names the fields."""


def read_bench(path: Path) -> Bench:
    """Read a bench's file. Raises BadBench, OSError."""
    try:
        return Bench.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadBench(f"{path}: {error}") from None
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadBench(f"{path}: {'; '.join(wrong)}") from None
