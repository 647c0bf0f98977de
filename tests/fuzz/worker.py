"""`python -m tests.fuzz.worker TARGET [OPTION ...] FOLDER`: one target under libFuzzer."""

import sys

import atheris

from tests.fuzz.cost import within_cost

with atheris.instrument_imports(include=["cloud_link", "drivers", "edged", "policy"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    program, name, *options = sys.argv
    atheris.Setup([program, *options], within_cost(TARGETS[name].run))
    atheris.Fuzz()
