import stat
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from signon_demo.certificate import make_certificate


def test_a_certificate_is_for_localhost_and_for_days(tmp_path):
    """It names localhost and 127.0.0.1, is valid now and for a week at most, and can sign no other."""
    certificate_file, _ = make_certificate(tmp_path)
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    now = datetime.now(UTC)
    assert certificate.not_valid_before_utc < now < certificate.not_valid_after_utc <= now + timedelta(days=7)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_its_key_is_its_owners_and_a_new_one_each_time(tmp_path):
    """The key goes with the certificate, nobody else may read it, and it is never made twice."""
    keys = set()
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        certificate_file, key_file = make_certificate(folder)
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        key = load_pem_private_key(key_file.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        assert certificate.public_key() == key.public_key()
        keys.add(key.private_numbers().private_value)
    assert len(keys) == 2
