"""Who is let into the tenant: by a claim, by somebody who adopts, and again at each renewal.

What a request was answered stands in the tables, and its copies get the same: one key, one
certificate, however often a device asks, and whoever it was that lost the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509 import load_der_x509_csr
from cryptography.x509.oid import NameOID
from sqlalchemy import Connection, RowMapping, delete, func, select

from hil.cloud import claims, devices, dsse, limits, payloads, pki, store, trusts
from hil.cloud.claims import NotAdmitted
from hil.cloud.folder import Folder
from hil.cloud.payloads import Enrol, Renew
from hil.cloud.spelling import Rejected, b64, canonical, instant, unb64
from hil.cloud.tables import device, enrolment, renewal

CLAIMED_TWICE = "CLAIMED_TWICE"


@dataclass(frozen=True, slots=True)
class Registrar:
    """Admits devices of a tenant.

    `certificates`: the folder of the authority. `days`: the life of what it issues.
    """

    tenant: str
    certificates: Path
    days: int

    def asked(
        self, db: Connection, request: str, data: bytes, key: Ed25519PrivateKey, at: datetime
    ) -> bytes:
        """Return the answer to what came on the topic of a request; `key` signs it.

        Raises:
            Rejected: It is nobody's request.
        """
        enrol = payloads.read_enrol(data, self.tenant)
        if enrol.request != request:
            raise Rejected("of another request")
        known = _known(db, request)
        if known is not None and known["key"] != unb64(enrol.key):
            raise Rejected("of another request")
        if known is not None and known["answer"] is not None:
            return bytes(known["answer"])
        try:
            if enrol.proof is None:
                _wait(db, enrol, at)
                return self._sealed(_answer(enrol, "waiting", "NOT_ADOPTED"), None, key)
            return self._claimed(db, enrol, key, at)
        except NotAdmitted as refused:
            return self._sealed(_answer(enrol, "refused", str(refused)), None, key)

    def adopt(self, db: Connection, row: RowMapping, key: Ed25519PrivateKey, at: datetime) -> None:
        """Admit a device of `waiting`; it hears of it when it asks next.

        Raises:
            ValueError: Its request can't be answered.
        """
        words = {"serial": row["serial"], "key": b64(row["key"]), "csr": b64(row["csr"])}
        who = {"v": 1, "tenant": self.tenant, "device": row["device"], "request": row["request"]}
        try:
            self._admit(db, Enrol.model_validate({**who, **words, "proof": None}), None, key, at)
        except NotAdmitted as refused:
            raise ValueError(f"{row['device']}: {refused}") from refused

    def renewed(self, db: Connection, renew: Renew, key: Ed25519PrivateKey, at: datetime) -> bytes:
        """Return the next certificate of a device whose word this verifiably is.

        Raises:
            Rejected: Its request is none.
        """
        place = (renewal.c.device == renew.device, renewal.c.request == renew.request)
        known = db.execute(select(renewal.c.answer).where(*place)).scalar()
        if known is not None:
            return bytes(known)
        try:
            certificate = self._certificate(renew.device, renew.csr, at)
        except NotAdmitted as refused:
            raise Rejected("not a request for a certificate") from refused
        who = {"v": 1, "tenant": self.tenant, "device": renew.device, "request": renew.request}
        answer = dsse.seal("renewed", canonical({**who, "certificate": certificate}), key)
        row = {"device": renew.device, "request": renew.request, "at": instant(at)}
        store.add(db, renewal, [{**row, "answer": answer}])
        return answer

    def _claimed(self, db: Connection, enrol: Enrol, key: Ed25519PrivateKey, at: datetime) -> bytes:
        try:
            with db.begin_nested():  # a claim is used up by what is admitted only
                claim = claims.use_up(db, enrol, at)
                return self._admit(db, enrol, claim, key, at)
        except NotAdmitted as refused:
            if str(refused) == "CLAIM_USED":
                detail = f"serial {enrol.serial}, key {dsse.key_id(unb64(enrol.key))[:16]}"
                devices.raise_alarm(db, enrol.device, CLAIMED_TWICE, detail, at)
            raise

    def _admit(
        self,
        db: Connection,
        enrol: Enrol,
        claim: bytes | None,
        key: Ed25519PrivateKey,
        at: datetime,
    ) -> bytes:
        certificate = self._certificate(enrol.device, enrol.csr, at)
        devices.add(db, enrol.device, unb64(enrol.key), at)
        words = {"certificate": certificate, "trust": [b64(one) for one in trusts.after(db, 0)]}
        answer = self._sealed({**_answer(enrol, "granted", ""), **words}, claim, key)
        row = {**_row(enrol, at), "answer": answer}
        store.put(db, enrolment, row)
        return answer

    def _certificate(self, name: str, csr: str, at: datetime) -> str:
        """Certify the key of a request that its holder signed. Raises NotAdmitted."""
        try:
            found = load_der_x509_csr(unb64(csr))
            key, names = (
                found.public_key(),
                found.subject.get_attributes_for_oid(NameOID.COMMON_NAME),
            )
            sound = found.is_signature_valid and [one.value for one in names] == [name]
        except (Rejected, UnsupportedAlgorithm, ValueError) as error:
            raise NotAdmitted("BAD_REQUEST") from error
        if (
            not sound
            or not isinstance(key, ec.EllipticCurvePublicKey)
            or key.curve.name != "secp256r1"
        ):
            raise NotAdmitted("BAD_REQUEST")
        return pki.authority(self.certificates, at).device(name, key, at, self.days)

    def _sealed(self, told: dict[str, Any], claim: bytes | None, key: Ed25519PrivateKey) -> bytes:
        proof = None if claim is None else claims.proof(claim, "admission", told)
        return dsse.seal("admission", canonical({**told, "proof": proof}), key)


def of(folder: Folder) -> Registrar:
    """Return the registrar of a cloud's folder."""
    settings = folder.settings.enrolment
    days = limits.DEVICE_DAYS if settings is None else settings.days
    return Registrar(folder.settings.tenant, folder.certificates, days)


def waiting(db: Connection) -> Sequence[RowMapping]:
    """Return those who wait to be adopted, the longest first."""
    wanted = select(enrolment).where(enrolment.c.answer.is_(None))
    return db.execute(wanted.order_by(enrolment.c.seen_at)).mappings().all()


def is_known(db: Connection, name: str) -> bool:
    """Say whether there is a device of this name."""
    return db.execute(select(device.c.name).where(device.c.name == name)).first() is not None


def _known(db: Connection, request: str) -> RowMapping | None:
    wanted = select(enrolment).where(enrolment.c.request == request)
    return db.execute(wanted).mappings().one_or_none()


def _wait(db: Connection, enrol: Enrol, at: datetime) -> None:
    """Remember who waits; raises NotAdmitted when too many do."""
    silent = instant(at - timedelta(seconds=limits.WAITING_S))
    open_ones = enrolment.c.answer.is_(None)
    db.execute(delete(enrolment).where(open_ones, enrolment.c.seen_at < silent))
    count = db.execute(select(func.count()).select_from(enrolment).where(open_ones)).scalar_one()
    if count >= limits.WAITING and _known(db, enrol.request) is None:
        raise NotAdmitted("FULL")
    store.put(db, enrolment, {**_row(enrol, at), "answer": None})


def _row(enrol: Enrol, at: datetime) -> dict[str, Any]:
    keys = {"key": unb64(enrol.key), "csr": unb64(enrol.csr)}
    who = {"request": enrol.request, "device": enrol.device, "serial": enrol.serial}
    return {**who, **keys, "seen_at": instant(at)}


def _answer(enrol: Enrol, state: str, why: str) -> dict[str, Any]:
    who = {"v": 1, "tenant": enrol.tenant, "device": enrol.device, "request": enrol.request}
    return {**who, "state": state, "why": why, "certificate": "", "trust": [], "proof": None}
