"""Which settings hold, as something that can be kept and compared, and not read."""

import hashlib
from collections.abc import Iterator, Mapping

from edged.settings.model import Settings
from edged.store.record import Json, canonical

Marks = Mapping[str, str]


def marks(settings: Settings) -> Marks:
    """Give each setting by its dotted name, a default too, as 16 digits of its SHA-256.

    A secret is left out: what is guessed easily could be found again.
    """
    said = settings.model_dump(mode="json", exclude={"store_pepper"})
    return dict(sorted(_leaves("", said)))


def fingerprint(of: Marks) -> str:
    """Give all of them as one SHA-256 (hex): the same for the same settings."""
    return hashlib.sha256(canonical(of)).hexdigest()


def changed(before: Json, now: Marks) -> list[str]:
    """Name the settings that are others, new or gone; none if nobody knows those before."""
    if not isinstance(before, Mapping):
        return []
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _leaves(name: str, said: Json) -> Iterator[tuple[str, str]]:
    if isinstance(said, Mapping) and said:
        for key, one in said.items():
            yield from _leaves(f"{name}.{key}" if name else key, one)
    else:
        yield name, hashlib.sha256(canonical(said)).hexdigest()[:16]
