"""Bars are as long as what they stand for, on a logarithmic scale (hil.perf.plot)."""

import re
import xml.etree.ElementTree as ET

import pytest

from hil.perf.plot import Bar, bars


def lengths(picture: str) -> list[float]:
    ET.fromstring(picture)  # noqa: S314 - drawn a line above
    found = re.findall(r'<rect x="250" y="\d+" width="([\d.]+)"', picture)
    return [float(each) for each in found]


def test_ten_times_as_much_is_as_much_longer_each_time() -> None:
    one, ten, hundred = lengths(
        bars("a & b", "us", [Bar("x", 2, ""), Bar("<y>", 20, "", ours=True), Bar("z", 200, "")])
    )
    assert hundred - ten == pytest.approx(ten - one, abs=0.2)
    assert one > 0


@pytest.mark.parametrize("rows", [[], [Bar("x", 0, "")]])
def test_nothing_can_not_be_drawn(rows: list[Bar]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        bars("x", "us", rows)
