"""Which class drives which kind (drivers.registry)."""

import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

from drivers import registry
from drivers.building import SimLock
from drivers.waveshare_relay import RelayLock

FAMILIES = [
    (registry.lock_class, registry.LOCKS),
    (registry.reader_class, registry.READERS),
    (registry.input_class, registry.INPUTS),
    (registry.indicator_class, registry.INDICATORS),
    (registry.locker_board_class, registry.LOCKER_BOARDS),
]


def test_a_kind_has_its_class() -> None:
    assert registry.lock_class("sim") is SimLock
    assert registry.lock_class("waveshare_relay") is RelayLock


@pytest.mark.parametrize(("find", "table"), FAMILIES)
def test_every_entry_can_be_loaded(
    find: Callable[[str], Callable[..., object]], table: Mapping[str, str]
) -> None:
    for kind, place in table.items():
        assert find(kind).__qualname__ == place.split(":")[1]


@pytest.mark.parametrize(("find", "table"), FAMILIES)
def test_an_unknown_kind_is_told_what_there_is(
    find: Callable[[str], object], table: Mapping[str, str]
) -> None:
    with pytest.raises(registry.UnknownKind, match=r"no driver for kind 'x'; known: .*sim"):
        find("x")
    assert "x" not in table


def test_nothing_is_imported_before_it_is_named() -> None:
    look = "import sys, drivers.registry; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    ours = {module for module in done.stdout.split() if module.startswith("drivers")}
    assert ours == {"drivers", "drivers.api", "drivers.registry"}
