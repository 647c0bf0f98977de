"""Each import contract is kept, and is seen to catch what it is there for."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy.house import PACKAGES, ROOT

CONTRACTS = {
    contract["id"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}

# contract, file that gets the import, import
BROKEN = [
    ("floors", "policy/planted.py", "import edged"),
    ("floors", "cloud_link/planted.py", "import drivers.api"),
    ("floors", "edged/planted.py", "import hil"),
    ("pure", "policy/planted.py", "import time"),
    ("pure", "edged/core/planted.py", "from asyncio import sleep"),
    ("pure", "edged/credentials/planted.py", "import socket"),
    ("pure", "drivers/codec/planted.py", "import serial"),
    ("keyless", "policy/planted.py", "import cryptography"),
    ("core", "edged/core/planted.py", "import edged.settings.model"),
    ("core", "edged/core/planted.py", "import drivers.api"),
    ("core", "edged/credentials/planted.py", "import edged.core"),
    ("drivers-alone", "drivers/planted.py", "import policy.model"),
    ("drivers-apart", "drivers/planted.py", "import drivers.camera"),
    ("drivers-apart", "drivers/codec/planted.py", "import drivers.camera"),
    ("wiring", "edged/planted.py", "import drivers.camera"),
    ("wiring", "edged/planted.py", "import drivers.registry"),
    ("wiring", "edged/wiring.py", "import drivers.camera"),
    ("rooms", "edged/doors/planted.py", "import edged.readers.passage"),
    ("rooms", "edged/records/planted.py", "import edged.doors.gate"),
    ("console", "edged/console/planted.py", "import edged.store"),
    ("console", "edged/console/planted.py", "import edged.readers.passage"),
    ("nouns", "cloud_link/planted.py", "import policy.entry"),
    ("cloud", "hil/cloud/planted.py", "import policy.model"),
    ("cloud", "hil/cloud/planted.py", "import cloud_link.wire"),
    ("cloud", "hil/chain/planted.py", "import cloud_link.envelope"),
    ("opposite", "hil/building/planted.py", "import drivers.codec"),
    ("opposite", "hil/issuer/planted.py", "import edged.credentials"),
    ("opposite", "hil/planted.py", "import cloud_link"),
]


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """Check one contract on the packages in `folder`."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--contract", contract],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages and of their contracts."""
    for package in (*PACKAGES, "hil"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_broken_below() -> None:
    assert {contract for contract, _, _ in BROKEN} == CONTRACTS


@pytest.mark.threat("D9", "D11")
@pytest.mark.parametrize(("contract", "file", "line"), BROKEN)
def test_a_contract_catches(copy: Path, contract: str, file: str, line: str) -> None:
    path = copy / file
    with path.open("a") as planted:
        planted.write(f"\n{line}\n")
    done = lint(copy, contract)
    module = file.removesuffix(".py").replace("/", ".")
    assert done.returncode == 1, done.stderr
    assert "0 kept, 1 broken" in done.stdout
    assert module in done.stdout
