"""Another network by NetworkManager itself: kept when the broker answers over it, else undone."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from edged.exits import Exit
from edged.network.wish import Wifi, Wish, profile
from tests.drivers.rigs import until
from tests.e2e.network import BROKER, HERE, PATIENCE_S, Place, place
from tests.edged.settings_files import GOOD

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not HERE, reason="needs root and Debian's network-manager"),
]

RIGHT = '[ipv4]\naddress = "10.9.0.7/24"\ngateway = "10.9.0.1"\n'
OTHER = RIGHT.replace("10.9.0.7", "10.9.0.8")
WRONG = RIGHT.replace("10.9.0.", "10.8.0.")


@pytest.fixture
async def there(folder: Path) -> AsyncIterator[Place]:
    async with place(folder) as made:
        yield made


async def ask(there: Place, text: str, within_s: int = 2) -> tuple[Exit, str]:
    """Ask for a network; how it ended, and what was said."""
    config, wish = there.folder / "edged.toml", there.folder / "wish.toml"
    cloud = f'host = "{BROKER}"\ntenant = "acme"\nca_file = "{there.folder}/ca.crt"'
    config.write_text(f'state_dir = "{there.folder}/state"{GOOD}[cloud]\n{cloud}\n')
    wish.touch(0o600)
    wish.write_text(text)
    code, _, err = await there.edged(
        "network", str(wish), "--within", str(within_s), "--config", str(config)
    )
    return Exit(code), err


async def has_address(there: Place, wanted: str) -> None:
    """Wait until the cable's end has this address."""
    async with asyncio.timeout(PATIENCE_S):
        while await there.address() != wanted:
            pass


async def test_a_network_is_kept_when_the_broker_answers_over_it_and_undone_when_not(
    there: Place,
) -> None:
    assert (await ask(there, WRONG))[0] is Exit.NETWORK_REFUSED
    assert await there.address() == "", "there was none before"
    assert await ask(there, RIGHT) == (Exit.OK, "")
    assert await there.address() == "10.9.0.7/24"
    code, err = await ask(there, WRONG)
    assert (code, "is not reached" in err) == (Exit.NETWORK_REFUSED, True)
    assert await there.address() == "10.9.0.7/24"
    assert (await ask(there, OTHER))[0] is Exit.OK
    assert await there.address() == "10.9.0.8/24"
    assert there.profiles("run") == []
    (kept,) = there.profiles("etc")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "10.9.0.8" in kept.read_text()


async def test_a_change_that_is_broken_off_is_undone(there: Place) -> None:
    assert (await ask(there, RIGHT))[0] is Exit.OK
    asking = asyncio.create_task(ask(there, WRONG, within_s=60))
    await until(lambda: there.profiles("run") != [])
    (program,) = there.inside("network", "--within")
    os.kill(program, signal.SIGHUP)  # the line to whoever asked is cut: it goes on
    await has_address(there, "10.8.0.7/24")
    os.kill(program, signal.SIGTERM)
    await asking
    assert await there.address() == "10.9.0.7/24"
    assert there.profiles("run") == []


async def test_a_secret_is_spelt_so_that_it_is_read_as_it_was(there: Place) -> None:
    """There is no radio here: the profile is loaded, and NetworkManager says what it read."""
    for psk in ("eight or more", "  two before", "back\\slash\\s and = # ; [x]", "0" * 63):
        wifi = Wifi(ssid="Café; front", psk=SecretStr(psk), hidden=True)
        uuid = str(uuid4())
        file = there.folder / "etc/system-connections/edged-wifi.nmconnection"
        file.write_text(profile(Wish(wifi=wifi), uuid))
        file.chmod(0o600)
        kept = "/etc/NetworkManager/system-connections/edged-wifi.nmconnection"
        assert (await there.run("nmcli", "connection", "load", kept))[0] == 0
        fields = "802-11-wireless.ssid,802-11-wireless-security.psk,802-11-wireless.hidden"
        shown = ("--escape", "no", "--get-values", fields, "connection", "show", uuid)
        code, out, err = await there.run("nmcli", "--show-secrets", *shown)
        assert (code, out) == (0, f"Café; front\n{psk}\nyes\n"), err
