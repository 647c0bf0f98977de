from pathlib import Path

import pytest

from edged.rulebook.file import member_of
from hil.perf import lookup


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "LOOKUPS", 20)


def test_files_are_built_once_and_every_size_has_its_row(tmp_path: Path) -> None:
    first = lookup.table((10, 200), 2, tmp_path)
    again = lookup.table((10, 200), 2, tmp_path)
    assert [row.members for row in first] == [10, 200]
    assert all(row.build_mb for row in first)
    assert [row.build_mb for row in again] == [None, None]
    assert first[0].ratio == 1
    assert first[1].file_mb > first[0].file_mb


def test_the_documents_are_those_of_a_rules_file() -> None:
    for n in (0, 1):
        member = member_of(f"M{n}", lookup.record(n))
        assert member.handle == lookup.handle(n)
        assert len(member.bookings) == 1 - n


def test_a_member_that_is_not_found_is_no_fast_look_up(tmp_path: Path) -> None:
    home = tmp_path / f"10-{lookup.fingerprint(10)[:8]}"
    lookup.prepared(10, home)
    home.rename(tmp_path / f"1000-{lookup.fingerprint(1000)[:8]}")
    with pytest.raises(LookupError, match="of 1000 members"):
        lookup.table((1000,), 1, tmp_path)
