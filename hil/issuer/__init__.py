"""An issuer of codes (README.md): a second reading of spec/credentials.md."""

from hil.issuer.codes import Issuer
from hil.issuer.qr import png, qr
from hil.issuer.tamper import forged, of_other_tenant, with_wrong_key

__all__ = ["Issuer", "forged", "of_other_tenant", "png", "qr", "with_wrong_key"]
