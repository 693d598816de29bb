import base64

import pytest
from cryptography import x509

from signon_idp.faults.foreign import foreign_certificate


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_certificate(alg):
    """The certificate is DER in base64, signed by its own key."""
    certificate = x509.load_der_x509_certificate(base64.b64decode(foreign_certificate(alg)))
    certificate.verify_directly_issued_by(certificate)
