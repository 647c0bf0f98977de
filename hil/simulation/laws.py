"""The laws of a chain: what each device, the cloud and the building must agree on.

Held after each event from the files of both sides, read beside them; and, once it is quiet, from
all that was recorded, as the contract says (hil.stores.verdict) and without the code of either.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from edged.store import audit
from hil.cloud import archive, occupancy, usage
from hil.simulation import hindsight
from hil.simulation.chain import Chain
from hil.simulation.household import Household
from hil.simulation.locker_laws import Stand
from hil.simulation.places import MEMBERS
from hil.site.rules import TENANT
from hil.stores import verdict
from hil.stores.verdict import Record
from policy.locker_model import Progress

_EVER: Final = (date(2020, 1, 1), date(2199, 1, 1))
_OWNERS: Final = {f"C-{member.name}": member.limit for member in MEMBERS}
_ALL: Final = 10_000_000


class Laws:
    """Holds them over a chain that is up."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._signed: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._rules: dict[str, int] = {}
        self._given_up: dict[str, set[int]] = {}
        self._disks: dict[str, int] = {}

    # --- after each event

    def hold(self) -> None:
        """Hold what is so at any moment."""
        for device, home in self._chain.households.items():
            home.witness.read()
            self._rules_rise(device, home)
            if (fault := home.site.daemon_fault) is not None and not home.restarting:
                self._chain.violate(f"{device}: the daemon ended: {fault!r}")
        self._chain.lockers.hold()
        if (fault := self._chain.office.fault) is not None:
            self._chain.violate(f"the cloud ended: {fault!r}")
        self._nothing_signed_is_lost()

    def _rules_rise(self, device: str, home: Household) -> None:
        """Hold that rules give way to newer ones only, or to those before while on trial.

        A disk that is put back has those of its day.
        """
        if self._disks.setdefault(device, 0) != home.put_back:
            self._disks[device], self._rules[device] = home.put_back, 0
        before, now = self._rules.get(device, 0), home.rules_version()
        given_up, count = self._given_up.setdefault(device, set()), self._chain.rare.count
        again = now > before and now in given_up
        count("rules taken again that had been taken back", again)
        count("several versions of rules at once", 0 < before < now - 1)
        for version, why in home.given_up():
            if version not in given_up:
                given_up.add(version)
                late, crashed = why.startswith("not confirmed"), why.startswith("the daemon ended")
                count("rules taken back, not confirmed in time", late)
                count("rules taken back behind two power cuts", crashed)
        if now < before and before not in given_up:
            self._chain.violate(f"{device}: rules went from version {before} to {now}")
        self._rules[device] = now

    def _nothing_signed_is_lost(self) -> None:
        """Hold that what a device takes for acknowledged is at the cloud, and stays there."""
        with self._chain.office.store.reading() as db:
            heads = {(row["device"], row["epoch"]): row for row in archive.heads(db)}
        for place, (seq, _) in self._signed.items():
            if place not in heads or heads[place]["seq"] < seq:
                self._chain.violate(f"{place[0]}: the cloud lost what it had signed, to {seq}")
        self._signed = {place: (row["seq"], row["hash"]) for place, row in heads.items()}
        for device, home in self._chain.households.items():
            stands = home.stands()
            if stands is None or not stands.cosigned:
                continue
            seq, _ = self._signed.get((device, stands.epoch), (0, b""))
            if stands.cosigned > seq:
                what = f"{stands.cosigned} acknowledged, the cloud has {seq}"
                self._chain.violate(f"{device}: {what}")

    # --- when it is quiet

    def quiet(self) -> bool:
        """Tell whether nobody has anything more to tell."""
        with self._chain.office.store.reading() as db:
            newest, unlearned = usage.newest(db), archive.unlearned(db)
        for home in self._chain.households.values():
            found = home.stands()
            if found is None or (found.seq, newest) != (found.cosigned, found.position):
                return False
            if home.rules_version() != self._chain.version or home.on_trial():
                return False
        ending = self._chain.lockers.ending().values()
        return not unlearned and all(one is Progress.STUCK for one in ending)

    def judge(self) -> Sequence[Record]:
        """Hold all that was recorded against itself; return it."""
        by_device: dict[str, list[Record]] = {}
        for device, home in self._chain.households.items():
            home.witness.read()
            journal = home.journal
            checked = audit.verify(journal)
            if not isinstance(checked, audit.Verified):
                self._chain.violate(f"{device}: the chain is broken: {checked}")
            mine = [one.data for one in audit.read_records(journal, 0, _ALL)]
            kept = self._kept(device)
            if home.put_back:  # the cloud has both pasts, and what they share twice
                kept = [*dict.fromkeys(kept)]
                both = set(mine)
                self._say(verdict.strays(device, mine, [one for one in kept if one in both]))
            else:
                self._say(verdict.strays(device, mine, kept))
            records = verdict.read(kept)
            self._say(verdict.doubled(device, records))
            by_device[device] = records
        for state, times in hindsight.shown(by_device, _OWNERS).items():
            self._chain.rare.count(state, times)
        every = [*itertools.chain.from_iterable(by_device.values())]
        self._count(every)
        self._orders(every)
        self._bookings(every)
        self._holders()
        return every

    def _say(self, found: Iterator[str]) -> None:
        for what in found:
            self._chain.violate(what)

    def _kept(self, device: str) -> list[bytes]:
        """Return the cloud's copy, each copy walked to its end."""
        kept: list[bytes] = []
        with self._chain.office.store.reading() as db:
            for head in archive.heads(db, device):
                if (broken := archive.verify(db, head)) is not None:
                    self._chain.violate(f"{device}: the cloud's copy: {broken.why}")
                kept += [data for _, data in archive.records(db, device, head["epoch"])]
        return kept

    def _count(self, every: Sequence[Record]) -> None:
        """Count anew, and hold it against what the cloud and each device count."""
        right = verdict.used(every)
        months = {str(one["service_date"])[:7] for one in every if one.get("service_date")}
        for device, home in self._chain.households.items():
            told = [
                {"owner": owner, "band": band, "count": count}
                for owner in _OWNERS
                for band, count in _counted(home, owner).items()
            ]
            self._say(verdict.miscounted(device, told, right))
        with self._chain.office.store.reading() as db:
            totals: Counter[tuple[str, str]] = Counter()
            for month in months:
                totals.update(usage.counts(db, month))
        told = [{"owner": o, "band": band, "count": n} for (o, band), n in totals.items()]
        self._say(verdict.miscounted("the cloud", told, right))
        for month in months:
            used = verdict.used(one for one in every if _counts_in(one, month))
            over = sum(bool(_OWNERS[o]) and n > _OWNERS[o] for (o, _), n in used.items())
            self._chain.rare.count("over a limit, at doors that did not know of each other", over)

    def _orders(self, every: Sequence[Record]) -> None:
        """Hold that no order was carried out twice, and that what was answered is recorded."""
        done = Counter(one["command"] for one in every if one["kind"] == "command")
        done.update(
            one["command"]
            for one in every
            if (one["kind"], one.get("result")) == ("locker_command", "OK")
        )
        for number, device in self._chain.orders.items():
            result = self._chain.office.result(number)
            self._chain.rare.count("order expired on its way", result == "EXPIRED")
            held = result == "SWITCHED_ON"
            self._chain.rare.count("a lockdown that the switch held beyond its end", held)
            forgot = self._chain.households[device].put_back and not done[number]
            if result == "OK" and done[number] != 1 and not forgot:
                self._chain.violate(f"order {number}: OK, and recorded {done[number]} times")

    def _bookings(self, every: Sequence[Record]) -> None:
        """Hold that a booking lets in its member by rules that have it, and uses up nothing."""
        for one in every:
            if one["kind"] != "passage" or not str(one["via"]).startswith("booking:"):
                continue
            what = (one["member"], one["via"].partition(":")[2])
            if what not in self._chain.bookings[one["rules_version"]] or one["usage_keys"]:
                self._chain.violate(f"{what[0]} was let in by {one['via']}: {one['usage_keys']}")

    def _holders(self) -> None:
        """Hold that the cloud would give each locker back as the device has it."""
        lockers, device = self._chain.lockers, self._chain.lockers.home.place.device
        lockers.hold()
        with self._chain.office.store.reading() as db:
            told = occupancy.restore(db, TENANT, device, "", self._chain.sky.true())
        for one in told["lockers"]:
            use = one["occupancy"] or {}
            kept = Stand(one["state"], use.get("id"), use.get("member"), use.get("end"))
            if kept != (right := lockers.stands[one["id"]]):
                what = f"the cloud says {kept}, the records {right}"
                self._chain.violate(f"{device}: {one['id']}: {what}")


def _counts_in(record: Record, month: str) -> bool:
    """Tell whether a record says what was used in a month, or what was taken back."""
    return record["kind"] == "outcome" or str(record.get("service_date")).startswith(month)


def _counted(home: Household, owner: str) -> Counter[str]:
    return Counter(key.band for key in audit.read_used(home.journal, [owner], *_EVER))


def chances(record: dict[str, Any]) -> str:
    """Spell what a record has that is no chance: all but ids, and hashes over them or folders."""
    chance = {"event_id", "command", "prev", "inputs", "fingerprint", "epoch", "began"}
    return json.dumps({k: v for k, v in record.items() if k not in chance}, sort_keys=True)
