"""The long stream in its smallest size, and what its figures are made of."""

from pathlib import Path

import pytest

from hil.soak.__main__ import soak
from hil.soak.stream import Sample, costs_us, slope

STEADY = [Sample(n, 50_000 + n // 10, 40, 5, 0, n * 0.002) for n in range(0, 1_000, 100)]


def test_a_memory_that_grows_has_a_slope_and_a_scan_has_its_price() -> None:
    assert slope(STEADY) == pytest.approx(0.1)
    assert slope(STEADY[:1]) == 0
    assert costs_us(STEADY) == pytest.approx(2_000)


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_a_stream_of_people_is_counted_to_its_end(tmp_path: Path) -> None:
    found = await soak(tmp_path, 40)
    assert (found["entries"], found["exits"], found["garbage"]) == (32, 4, 4)
    assert found["let_in"] == 32
    assert found["audit_records"] > 36
    assert found["handles"][1] - found["handles"][0] <= 1
