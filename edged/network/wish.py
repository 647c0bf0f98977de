"""What an installer wants of the network, and how NetworkManager spells it. Pure but for `read`.

Source: nm-settings-keyfile(5), version 1.42.
"""

import stat
import sys
import tomllib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator

from edged import limits
from edged.settings.devices import Strict
from edged.settings.file import SettingsFault, SettingsRefused

STANDARD_INPUT = Path("-")


def _ssid(text: str) -> str:
    if not 1 <= len(text.encode()) <= limits.SSID_BYTES:
        raise ValueError(f"has to have 1 to {limits.SSID_BYTES} bytes")
    return text


def _psk(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    least, most = limits.PSK_CHARS
    if not (least <= len(text) <= most and text.isascii() and text.isprintable()):
        raise ValueError(f"has to have {least} to {most} printable characters of ASCII")
    return secret


def _address(text: str) -> str:
    found = IPv4Interface(text)
    if "/" not in text or found.ip in {found.network.network_address, IPv4Address(0)}:
        raise ValueError("has to be a host's address and its prefix, as 192.168.1.20/24")
    return str(found)


def _host(text: str) -> str:
    return str(IPv4Address(text))


Host = Annotated[str, AfterValidator(_host)]


class Wifi(Strict):
    """A wireless network. `security`: `wpa-psk` is WPA2, and both where the place has both."""

    ssid: Annotated[str, AfterValidator(_ssid)]
    psk: Annotated[SecretStr, Field(strict=False), AfterValidator(_psk)]
    security: Literal["wpa-psk", "sae"] = "wpa-psk"
    hidden: bool = False


class Ipv4(Strict):
    """An address that does not change."""

    address: Annotated[str, AfterValidator(_address)]
    gateway: Host | None = None
    dns: Annotated[Sequence[Host], Field(max_length=limits.DNS_SERVERS)] = ()

    @model_validator(mode="after")
    def _next_door(self) -> Self:
        own = IPv4Interface(self.address)
        if self.gateway is not None and IPv4Address(self.gateway) not in own.network:
            raise ValueError("gateway: is not in the network of address")
        return self


class Wish(Strict):
    """The network: by cable, or `wifi`; by DHCP, or `ipv4`. `interface` None: the one there is."""

    model_config = ConfigDict(hide_input_in_errors=True)

    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")] | None = None
    wifi: Wifi | None = None
    ipv4: Ipv4 | None = None

    @property
    def kind(self) -> str:
        """NetworkManager's word for what it is about."""
        return "ethernet" if self.wifi is None else "wifi"


def read(file: Path) -> Wish:
    """Read a wish: TOML. Raises SettingsRefused: it is none, or others may read its secret."""
    try:
        if file == STANDARD_INPUT:
            data = sys.stdin.buffer.read(limits.SETTINGS_BYTES)
        else:
            if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SettingsRefused([SettingsFault(file, "", f"chmod 600 {file}")])
            data = file.read_bytes()[: limits.SETTINGS_BYTES]
        return Wish.model_validate(tomllib.loads(data.decode()))
    except ValidationError as errors:
        found = errors.errors(include_input=False, include_url=False)
        faults = [(".".join(map(str, one["loc"])), one["msg"]) for one in found]
        raise SettingsRefused([SettingsFault(file, *fault) for fault in faults]) from None
    except ValueError:  # whose text may show a line of the file
        raise SettingsRefused([SettingsFault(file, "", "is not TOML")]) from None


def profile(wish: Wish, uuid: str) -> str:
    """Spell it as a profile, which has the secret in it."""
    lines = ["[connection]", f"id=edged-{wish.kind}", f"uuid={uuid}", f"type={wish.kind}"]
    lines.append(f"autoconnect-priority={limits.NETWORK_PRIORITY}")
    if wish.interface is not None:
        lines.append(f"interface-name={wish.interface}")
    if wish.wifi is not None:
        ssid = "".join(f"{byte};" for byte in wish.wifi.ssid.encode())
        lines += ["[wifi]", "mode=infrastructure", f"ssid={ssid}"]
        lines += ["hidden=true"] if wish.wifi.hidden else []
        secret = _escaped(wish.wifi.psk.get_secret_value())
        lines += ["[wifi-security]", f"key-mgmt={wish.wifi.security}", f"psk={secret}"]
    lines += ["[ipv4]", *_ipv4(wish.ipv4), "[ipv6]", "method=auto"]
    return "\n".join((*lines, ""))


def _ipv4(wish: Ipv4 | None) -> list[str]:
    if wish is None:
        return ["method=auto"]
    gateway = "" if wish.gateway is None else f",{wish.gateway}"
    lines = ["method=manual", f"address1={wish.address}{gateway}"]
    return [*lines, f"dns={''.join(f'{one};' for one in wish.dns)}"] if wish.dns else lines


def _escaped(text: str) -> str:
    """Spell a text as GLib's key files do: a space at its beginning would be lost."""
    text = text.replace("\\", "\\\\")
    return "\\s" + text[1:] if text.startswith(" ") else text
