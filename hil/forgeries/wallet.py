"""Good codes of every kind with a proof, and what a device has to know to take them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from hil.issuer import Issuer, Phone, Stay
from policy.codes import IssuerKey
from policy.model import KeyRole

TENANT = "acme"
STORE = 258
MEMBERS = 8


@dataclass(frozen=True, slots=True)
class Wallet:
    """`codes`: good codes; `strange`: good ones elsewhere, of another tenant, store or member.

    `keys` and `store_keys`, by the member's handle, are what the device knows.
    """

    codes: tuple[bytes, ...]
    strange: tuple[bytes, ...]
    keys: Mapping[int, IssuerKey]
    store_keys: Mapping[bytes, bytes]


def wallet(dice: random.Random) -> Wallet:
    """Have a wallet issued: every kind, for some people each."""
    seeds = {kid: dice.randbytes(32) for kid in range(1, 5)}
    handles = [dice.randbytes(8) for _ in range(MEMBERS)]
    phones = [Phone(TENANT, 4, dice.randbytes(32), handle) for handle in handles]
    roles = {1: KeyRole.MEMBER, 2: KeyRole.STAFF, 3: KeyRole.BOOKING}
    office = {kid: Issuer(TENANT, kid, seeds[kid]) for kid in roles}
    rival = {kid: Issuer(f"{TENANT}-2", kid, seeds[kid]) for kid in roles}
    keys = {kid: IssuerKey(kid, role, office[kid].public) for kid, role in roles.items()}
    own = [text for handle in handles for text in _issued(office, handle, dice)]
    own += [phone.r1(STORE, dice.getrandbits(32)) for phone in phones]
    strange = [text for handle in handles for text in _issued(rival, handle, dice)]
    strange += [phone.r1(STORE + 1, dice.getrandbits(32)) for phone in phones]
    strange += [
        Phone(TENANT, 4, dice.randbytes(32), phone.member).r1(STORE, dice.getrandbits(32))
        for phone in phones
    ]
    return Wallet(
        codes=tuple(text.encode() for text in own),
        strange=tuple(text.encode() for text in strange),
        keys={**keys, 4: IssuerKey(4, KeyRole.ROTATING, None)},
        store_keys={phone.member: phone.store_key(STORE) for phone in phones},
    )


def _issued(by: Mapping[int, Issuer], handle: bytes, dice: random.Random) -> tuple[str, ...]:
    at, minutes, nonce = dice.getrandbits(31), dice.getrandbits(16), dice.getrandbits(32)
    stay = Stay(dice.randbytes(8), dice.randbytes(8), at, minutes, dice.randbytes(8))
    return (
        by[1].m1(handle, at, minutes, nonce),
        by[1].f1(handle, minutes),
        by[2].t1(handle, at, minutes, nonce, store=dice.randbytes(8)),
        by[2].t2(handle, minutes),
        by[3].b1(stay, handle, at, uses=dice.getrandbits(8)),
    )
