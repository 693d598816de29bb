"""A certificate for a key that belongs to nobody, to be put in a forged header."""

import base64
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signon_idp.keys import foreign_key

_DAYS = 365


@cache
def foreign_certificate(alg: str) -> str:
    """A self-signed certificate of the foreign key for `alg`: DER in base64, as `x5c` wants (RFC 7515 4.1.6)."""
    private: Any = foreign_key(alg).get_op_key("sign")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody.example.net")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=_DAYS))
        .sign(private, None if alg == "EdDSA" else hashes.SHA256())
    )
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
