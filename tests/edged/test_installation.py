import stat
from pathlib import Path

import pytest

from edged.errors import InstallRefused
from edged.installation import check_place, install

UNIT = "ExecStart=/usr/lib/edged/bin/edged run\nEnvironment=X=/usr/lib/edgedness\n"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """What pip leaves of the wheel's files."""
    place = tmp_path / "opt/venv"
    for name, text in {
        "systemd/system/edged.service": UNIT,
        "sysusers.d/edged.conf": "u x\n",
        "../../lib/python3.11/site-packages/edged/__init__.py": "",
    }.items():
        file = place / "share/edged" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    folder.mkdir()
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_files_stand_below_etc_and_name_this_environment(environment: Path, root: Path) -> None:
    written = list(install(environment, root))
    assert {str(path.relative_to(root)) for path in written} == {
        "etc/systemd/system/edged.service",
        "etc/sysusers.d/edged.conf",
        "etc/edged/secrets/store_pepper",
    }
    unit, *_ = written
    assert unit.read_text() == UNIT.replace("/usr/lib/edged/", f"{environment}/")
    assert mode(unit) == 0o644
    found = {path for path in root.rglob("*") if path.is_file()}
    assert found == set(written)


def test_the_pepper_is_roots_alone_and_kept(environment: Path, root: Path) -> None:
    *_, pepper = install(environment, root)
    assert (mode(pepper), mode(pepper.parent)) == (0o600, 0o700)
    first = pepper.read_text()
    assert len(set(first)) > 4
    again = list(install(environment, root))
    assert pepper not in again
    assert pepper.read_text() == first


def test_two_devices_have_two_peppers(environment: Path, root: Path, tmp_path: Path) -> None:
    *_, one = install(environment, root)
    *_, other = install(environment, tmp_path / "other")
    assert one.read_text() != other.read_text()


def test_doing_it_again_brings_what_is_new(environment: Path, root: Path) -> None:
    unit, *_ = install(environment, root)
    (environment / "share/edged/systemd/system/edged.service").write_text("new\n")
    list(install(environment, root))
    assert unit.read_text() == "new\n"


@pytest.mark.parametrize("missing", ["share/edged", "share"])
def test_a_checkout_is_not_installed(environment: Path, root: Path, missing: str) -> None:
    (environment / missing).rename(environment / "elsewhere")
    with pytest.raises(InstallRefused, match="share/edged is not there"):
        list(install(environment, root))
    assert list(root.iterdir()) == []


def test_nor_is_one_that_pip_linked(environment: Path, root: Path) -> None:
    (environment / "lib/python3.11/site-packages/edged/__init__.py").unlink()
    with pytest.raises(InstallRefused, match="has a checkout"):
        list(install(environment, root))
    assert list(root.iterdir()) == []


def test_it_does_not_stand_in_the_packages_way(environment: Path, root: Path) -> None:
    unit = root / "usr/lib/systemd/system/edged.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    with pytest.raises(InstallRefused, match="remove the package"):
        list(install(environment, root))
    assert not (root / "etc").exists()


def test_programs_that_others_can_change_are_not_installed(tmp_path: Path) -> None:
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(InstallRefused, match=f"change {place}"):
        check_place(place)


def test_a_place_that_the_units_cannot_see_is_refused() -> None:
    home = Path("/", "home")
    with pytest.raises(InstallRefused, match=f"can't see {home}"):
        check_place(home)


def test_a_place_of_roots_is_taken() -> None:
    check_place(Path("/usr/lib"))
