"""An issuer of codes (README.md): a second reading of spec/credentials.md."""

from hil.issuer.codes import Issuer, Stay
from hil.issuer.plain import hashed
from hil.issuer.qr import png, qr
from hil.issuer.rotating import Phone
from hil.issuer.tamper import forged, of_other_tenant, with_wrong_key

__all__ = [
    "Issuer",
    "Phone",
    "Stay",
    "forged",
    "hashed",
    "of_other_tenant",
    "png",
    "qr",
    "with_wrong_key",
]
