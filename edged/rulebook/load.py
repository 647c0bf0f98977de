"""From an installer's rules file to active rules; in the daemon's worker, or without a daemon."""

from dataclasses import dataclass
from pathlib import Path

from edged.cloud.files import trust_file
from edged.control import client
from edged.control.wire import Verb
from edged.errors import NotFound, RulesFaulty
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.store import limits, rules
from edged.store.errors import RulesRefused
from edged.store.rules import RulesStore
from edged.store.state_dir import claim
from policy.model import Rules


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules that are active now: version, SHA-256 (hex), and how many members."""

    version: int
    fingerprint: str
    members: int


def read(path: Path) -> RuleSet:
    """Read a rules file.

    Raises:
        RulesFaulty: Something in it is wrong.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        data = file.read(limits.RULES_FILE_BYTES + 1)
    if len(data) > limits.RULES_FILE_BYTES:
        raise RulesFaulty([f"{path}: has more than {limits.RULES_FILE_BYTES} bytes"])
    found = rules_file.read(data)
    if isinstance(found, RuleSet):
        return found
    raise RulesFaulty(
        [f"{path}: {fault.path or 'file'}: {fault.message} ({fault.code})" for fault in found]
    )


def load(path: Path, state_dir: Path) -> Loaded:
    """Make a rules file the active one of a state directory that the caller holds.

    A device that trusts a cloud takes its rules from there alone (ARCHITECTURE, Who says what).

    Raises:
        RulesFaulty: Something in it is wrong.
        RulesRefused: It may not replace the active rules.
        StoreFailed, OSError: It can't be read or stored.
    """
    rule_set = read(path)
    if trust_file(state_dir).exists():
        raise RulesRefused(rule_set.rules.version, "this device takes its rules from its cloud")
    folder = state_dir / "rules"
    folder.mkdir(mode=0o700, exist_ok=True)
    rules.activate(folder, rules.build(rule_set, folder))
    return Loaded(rule_set.rules.version, rule_set.fingerprint, len(rule_set.records))


def hand_over(path: Path, state_dir: Path, control_socket: Path) -> Loaded:
    """Let the daemon load a rules file; where none runs, load it here.

    Raises:
        ControlRefused, DaemonUnreachable: The daemon said no, or nothing.
        StateInUse: No daemon listens, and yet somebody works there.
        RulesFaulty, RulesRefused, StoreFailed, OSError: As `load`.
    """
    try:
        answer = client.ask(control_socket, Verb.RULES_LOAD, path=str(path.absolute()))
    except client.DaemonAbsent:
        with claim(state_dir):
            return load(path, state_dir)
    return Loaded(
        int(str(answer["version"])), str(answer["fingerprint"]), int(str(answer["members"]))
    )


async def active(state_dir: Path) -> dict[str, object]:
    """Say what the active rules hold.

    Raises:
        NotFound: There are none.
        SchemaTooNew, StoreFailed: They can't be read.
    """
    store = await RulesStore.open(state_dir / "rules")
    try:
        if store.rules is None or store.fingerprint is None:
            raise NotFound("no rules are loaded")
        return summary(store.rules, store.fingerprint)
    finally:
        await store.close()


def summary(rules: Rules, fingerprint: str) -> dict[str, object]:
    """Say what a rule set holds, beside its members, in plain JSON values."""
    return {
        "tenant": rules.tenant,
        "version": rules.version,
        "issued_at": rules.issued_at.isoformat(),
        "fingerprint": fingerprint,
        "stores": sorted(rules.stores),
        "plans": sorted(rules.plans),
        "doors": sorted(rules.doors),
        "devices": sorted(rules.devices),
        "keys": sorted(rules.keys),
        "staff": sorted(rules.staff),
    }
