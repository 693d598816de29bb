import hashlib
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import b64

from signon.core import pkce

UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")


def nonce() -> str:
    return pkce.new_nonce_and_verifier()[0]


def verifier() -> str:
    return pkce.new_nonce_and_verifier()[1]


@pytest.mark.parametrize("make", [pkce.new_random, nonce, verifier])
def test_random_values_are_unique_and_of_the_right_alphabet(make):
    """Each value must be new, 43 characters of the unreserved set (RFC 7636 4.1)."""
    values = {make() for _ in range(10_000)}
    assert len(values) == 10_000
    assert all(UNRESERVED.match(value) and len(value) == 43 for value in values)


def test_random_values_are_256_bits_of_secrets(monkeypatch):
    """Each value must be 32 octets of the operating system's randomness and of nothing else."""
    asked = []
    monkeypatch.setattr(secrets, "token_urlsafe", lambda octets: asked.append(octets) or "value")
    monkeypatch.setattr(secrets, "token_bytes", bytes)
    assert pkce.new_random() == "value"
    assert asked == [32]
    assert pkce.new_nonce_and_verifier() == (b64(bytes(32)), b64(bytes(32)))


def test_nonce_and_verifier_share_nothing():
    """The nonce, which the provider and its tokens show, must tell nothing of the verifier."""
    one, other = pkce.new_nonce_and_verifier()
    assert one != other


@given(st.text(alphabet="ABCabc019-._~", min_size=43, max_size=128))
def test_challenge_is_the_hash_of_the_verifier(verifier):
    """The challenge must be base64url of SHA-256 of the verifier's ASCII, without padding (RFC 7636 4.2)."""
    challenge = pkce.challenge_s256(verifier)
    assert challenge == b64(hashlib.sha256(verifier.encode()).digest())
    assert len(challenge) == 43
    assert challenge != verifier
