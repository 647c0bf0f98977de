"""What is wanted of the network: all that is wrong is named, and no secret is."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from edged.network.wish import STANDARD_INPUT, Wifi, Wish, profile, read
from edged.settings.file import SettingsRefused

WHOLE = """
interface = "wlan0"
[wifi]
ssid = "Front desk"
psk = "s3cret, s3cret"
[ipv4]
address = "192.168.1.20/24"
gateway = "192.168.1.1"
dns = ["192.168.1.1", "9.9.9.9"]
"""
UUID = "11111111-2222-4333-8444-555555555555"


def written(folder: Path, text: str) -> Path:
    file = folder / "network.toml"
    file.touch(0o600)
    file.write_text(text)
    return file


def test_a_whole_wish_is_spelt_as_a_profile(tmp_path: Path) -> None:
    wish = read(written(tmp_path, WHOLE))
    assert profile(wish, UUID).splitlines() == [
        "[connection]",
        "id=edged-wifi",
        f"uuid={UUID}",
        "type=wifi",
        "autoconnect-priority=100",
        "interface-name=wlan0",
        "[wifi]",
        "mode=infrastructure",
        "ssid=70;114;111;110;116;32;100;101;115;107;",
        "[wifi-security]",
        "key-mgmt=wpa-psk",
        "psk=s3cret, s3cret",
        "[ipv4]",
        "method=manual",
        "address1=192.168.1.20/24,192.168.1.1",
        "dns=192.168.1.1;9.9.9.9;",
        "[ipv6]",
        "method=auto",
    ]
    assert "s3cret" not in repr(wish)


def test_nothing_said_is_a_cable_and_dhcp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    for wish in (read(written(tmp_path, "")), read(STANDARD_INPUT)):
        assert wish == Wish()
        assert "type=ethernet" in profile(wish, UUID)
        assert "[ipv4]\nmethod=auto\n" in profile(wish, UUID)


@pytest.mark.parametrize(
    ("right", "wrong", "key"),
    [
        ('"wlan0"', '"wlan0; reboot"', "interface"),
        ('"wlan0"', '"-wlan0"', "interface"),
        ('"Front desk"', '""', "wifi.ssid"),
        ('"Front desk"', f'"{"é" * 17}"', "wifi.ssid"),
        ('"s3cret, s3cret"', '"s3cret"', "wifi.psk"),
        ('"s3cret, s3cret"', '"s3cret, s3cr\\u00e9t"', "wifi.psk"),
        ('"s3cret, s3cret"', '"s3cret,\\npsk=s3cret"', "wifi.psk"),
        ('"s3cret, s3cret"', f'"{"s3cret" * 11}"', "wifi.psk"),
        ("[ipv4]", 'security = "none"\n[ipv4]', "wifi.security"),
        ("[ipv4]", "other = 1\n[ipv4]", "wifi.other"),
        ('20/24"', '20"', "ipv4.address"),
        ('20/24"', '0/24"', "ipv4.address"),
        ('"192.168.1.20/24"', '"fe80::1/64"', "ipv4.address"),
        ('gateway = "192.168.1.1"', 'gateway = "192.168.2.1"', "ipv4"),
        ('"9.9.9.9"', '"9.9.9.9;10"', "ipv4.dns.1"),
        ('"9.9.9.9"', '"9.9.9.9", "1.1.1.1", "8.8.8.8"', "ipv4.dns"),
        ("[wifi]", "[wifi", ""),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is(
    tmp_path: Path, right: str, wrong: str, key: str
) -> None:
    assert right in WHOLE
    with pytest.raises(SettingsRefused) as refused:
        read(written(tmp_path, WHOLE.replace(right, wrong)))
    assert [fault.key for fault in refused.value.faults] == [key]
    assert "s3cr" not in str(refused.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, WHOLE)
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(SettingsRefused, match="chmod 600"):
            read(file)


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63)
SSIDS = st.text(min_size=1, max_size=8)


@given(SSIDS, PRINTABLE)
def test_no_name_and_no_secret_adds_a_line(ssid: str, psk: str) -> None:
    plain = profile(Wish(wifi=Wifi(ssid="a", psk=SecretStr("a" * 8))), UUID)
    drawn = profile(Wish(wifi=Wifi(ssid=ssid, psk=SecretStr(psk))), UUID)
    assert [line.partition("=")[0] for line in drawn.splitlines()] == [
        line.partition("=")[0] for line in plain.splitlines()
    ]
