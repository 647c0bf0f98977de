"""What came of modules that were tried before, so that a campaign that was stopped goes on.

An outcome holds for the rules and tests that it was found with: a change in any of them, and
every module is tried anew.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.mutants.campaign import Outcome
from tests.mutants.survivors import Survivor

_HANG_ON = "policy/**/*.py", "tests/policy/**/*.py", "tests/conftest.py", "tests/mutants/*.py"


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder with one file for each module; `code` names the rules and tests it is kept for."""

    folder: Path
    code: str

    @classmethod
    def of(cls, folder: Path, root: Path) -> Self:
        """Keep in `folder` what is found with the code below `root`."""
        paths = sorted(path for pattern in _HANG_ON for path in root.glob(pattern))
        code = hashlib.sha256()
        for path in paths:
            code.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, code.hexdigest())

    def outcome(self, module: str, tried: Callable[[], Outcome]) -> Outcome:
        """Return what is kept of a module; if nothing is, what comes of it when it is `tried`."""
        file = self.folder / f"{Path(module).stem}.json"
        if file.exists():
            said = json.loads(file.read_text())
            if said.pop("code") == self.code:
                survivors = tuple(Survivor(**each) for each in said["survivors"])
                return Outcome(module, Counter(said["statuses"]), survivors)
        outcome = tried()
        whole = file.with_suffix(".new")
        whole.write_text(json.dumps({"code": self.code, **outcome.as_json()}, indent=1))
        whole.replace(file)
        return outcome
