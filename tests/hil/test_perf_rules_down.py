import re

import pytest

from hil.perf import rules_down


def test_a_whole_set_and_a_change_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    rules_down.main(["--members", "40", "--parts", "4"])
    said = capsys.readouterr().out.splitlines()
    shape = r": \d+\.\d\d s, \d+\.\d\d s of it at work, peak \d+ MB"
    assert [re.sub(shape, "", line) for line in said] == ["whole", "one member changed"]
