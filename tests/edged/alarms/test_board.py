"""What a Raspberry Pi says about itself, in the files that its kernels have."""

from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from edged.alarms.board import Board, outputs_persist, throttled, under_voltage
from tests.edged.rig import Rig

TREE = "sys/firmware/devicetree/base"
STRICT_ARGUMENTS = "coherent_pool=1M pinctrl_bcm2835.persist_gpio_outputs=n quiet\0"
HWMON = "sys/class/hwmon/hwmon2"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def computer(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.threat("J7")
@pytest.mark.parametrize(
    ("files", "weak"),
    [
        ({}, None),
        ({f"{HWMON}/name": "rpi_volt\n", f"{HWMON}/in0_lcrit_alarm": "1\n"}, True),
        ({f"{HWMON}/name": "rpi_volt\n", f"{HWMON}/in0_lcrit_alarm": "0\n"}, False),
        ({f"{HWMON}/name": "rpi_volt\n"}, None),
        ({f"{HWMON}/name": "cpu_thermal\n", f"{HWMON}/in0_lcrit_alarm": "1\n"}, None),
        ({THROTTLED: "50005\n"}, True),
        ({THROTTLED: "50000\n"}, False),  # it was, and is no more
        ({THROTTLED: "?"}, None),
    ],
)
def test_under_voltage(tmp_path: Path, files: dict[str, str], weak: bool | None) -> None:
    assert under_voltage(computer(tmp_path, files)) is weak


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (None, None),
        ("?", None),
        ("0\n", (set(), set())),
        ("50005\n", ({"under-voltage", "throttled"},) * 2),
        ("a0000\n", (set(), {"a lower clock", "too hot"})),
        ("2\n", ({"a lower clock"}, set())),
    ],
)
def test_what_holds_it_back(
    tmp_path: Path, said: str | None, held: tuple[AbstractSet[str], AbstractSet[str]] | None
) -> None:
    assert throttled(computer(tmp_path, {} if said is None else {THROTTLED: said})) == held


@pytest.mark.parametrize(
    ("files", "persist"),
    [
        ({}, None),
        ({"sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs": "Y\n"}, True),
        (
            {
                "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs": "N\n",
                "boot/firmware/config.txt": "",
            },
            False,
        ),
        (
            {
                f"{TREE}/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0",
                "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs": "N\n",
                "sys/module/pinctrl_rp1/parameters/persist_gpio_outputs": "Y\n",
            },
            True,
        ),
        ({f"{TREE}/chosen/bootargs": STRICT_ARGUMENTS, "boot/firmware/config.txt": ""}, False),
        ({f"{TREE}/chosen/bootargs": "quiet\0"}, None),
        ({"boot/firmware/config.txt": "dtparam=audio=on\n"}, True),
        ({"boot/firmware/config.txt": "dtparam=audio=on,strict_gpiod # doors\n"}, False),
        ({"boot/firmware/config.txt": "#dtparam=strict_gpiod\n"}, True),
    ],
)
def test_outputs_persist(tmp_path: Path, files: dict[str, str], persist: bool | None) -> None:
    assert outputs_persist(computer(tmp_path, files)) is persist


@pytest.mark.threat("J7")
async def test_what_it_says_is_an_alarm_until_it_says_otherwise(rig: Rig, tmp_path: Path) -> None:
    config = "boot/firmware/config.txt"
    board = Board(rig.alarms, drives_locks=True, root=computer(tmp_path, {THROTTLED: "1"}))
    board.look()
    assert [(one["source"], one["alarm"]) for one in rig.alarms.listing()] == [
        ("board", "UNDER_VOLTAGE")
    ]
    computer(tmp_path, {THROTTLED: "10000", config: ""})
    board.look()
    assert [one["alarm"] for one in rig.alarms.listing()] == ["OUTPUTS_PERSIST"]
    computer(tmp_path, {config: "dtparam=strict_gpiod"})
    board.look()
    assert rig.alarms.listing() == []
    await rig.written()


async def test_persisting_outputs_matter_where_a_lock_hangs_on_one(
    rig: Rig, tmp_path: Path
) -> None:
    root = computer(tmp_path, {"boot/firmware/config.txt": ""})
    Board(rig.alarms, drives_locks=False, root=root).look()
    assert rig.alarms.listing() == []
