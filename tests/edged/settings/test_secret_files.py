from pathlib import Path

import pytest

from edged.settings.model import Settings
from tests.edged.settings_files import GOOD, faults, good

PEPPER = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edged.toml"


def test_secrets_come_from_the_credentials_directory(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = secrets(tmp_path, PEPPER + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    loaded = good(file, f'secrets_dir = "{tmp_path}/elsewhere"\n{GOOD}')
    assert loaded.store_pepper is not None
    assert loaded.store_pepper.get_secret_value() == PEPPER
    assert PEPPER not in repr(loaded)


def test_secrets_come_from_the_named_directory(file: Path, tmp_path: Path) -> None:
    loaded = good(file, f'secrets_dir = "{secrets(tmp_path, PEPPER)}"\n{GOOD}')
    assert loaded.store_pepper is not None


def test_nothing_but_secrets_comes_from_the_secrets_directory(file: Path, tmp_path: Path) -> None:
    folder = secrets(tmp_path, PEPPER)
    (folder / "device").write_text("planted")
    (folder / "allow_simulated").write_text("true")
    text = f'secrets_dir = "{folder}"\n{GOOD}'.replace(
        'device = "S1-FRONT"\nallow_simulated = true', ""
    )
    found = faults(file, text)
    assert found["device"] == "is missing"
    assert "doors.front.lock.kind" in found


def test_nothing_comes_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(name, "/planted")
        monkeypatch.setenv(name.upper(), "/planted")
    assert "planted" not in repr(good(file))


@pytest.mark.threat("D10")
def test_a_secret_in_the_settings_file_is_a_fault_and_is_not_repeated(file: Path) -> None:
    found = faults(file, f'store_pepper = "{PEPPER}"\n{GOOD}')
    assert found.keys() == {"store_pepper"}
    assert PEPPER not in found["store_pepper"]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"short", 0o400, "has to have 16"),
        (b"", 0o400, "has to have 16"),
        (b"x" * 5_000, 0o400, "to 4096 characters"),
        (b"\xff" * 20, 0o400, "store_pepper"),
        (b"x" * 20, 0o404, "open to everybody"),
    ],
)
def test_a_bad_secret_is_a_fault(
    file: Path, tmp_path: Path, content: bytes, mode: int, message: str
) -> None:
    folder = secrets(tmp_path, "")
    (folder / "store_pepper").write_bytes(content)
    (folder / "store_pepper").chmod(mode)
    found = faults(file, f'secrets_dir = "{folder}"\n{GOOD}')
    assert found.keys() == {"secrets_dir"}
    assert message in found["secrets_dir"]


@pytest.mark.parametrize("kind", ["missing", "a file", "a directory in place of the secret"])
def test_a_bad_secrets_directory_is_a_fault(file: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "secrets"
    if kind == "a file":
        folder.touch()
    elif kind != "missing":
        (folder / "store_pepper").mkdir(parents=True)
    assert faults(file, f'secrets_dir = "{folder}"\n{GOOD}').keys() == {"secrets_dir"}


def secrets(tmp_path: Path, pepper: str) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "store_pepper").write_text(pepper)
    (folder / "store_pepper").chmod(0o600)
    return folder
