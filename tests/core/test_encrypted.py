import pytest
from tests.core.forge import (
    claims,
    compact,
    ec_key,
    encrypted,
    pem,
    provider,
    rsa_key,
    signed,
)

from signon.core.encrypted import open_token
from signon.core.errors import TokenRejected
from signon.core.header import read_header
from signon.core.jose import private_keys
from signon.core.values import Secret

OURS = private_keys(pem(rsa_key("ours")))
INSIDE = signed(claims())


def opened(token: str, *, registered: str | None = None, keys=OURS) -> str:
    ours = provider(private_keys=keys)
    return open_token(Secret(token), provider=ours, registered=registered, document="id_token").reveal()


def test_plain_token_comes_back_where_no_encryption_is_registered():
    """A token that comes plain must stay as it is, with keys of ours or without."""
    assert opened(INSIDE) == INSIDE
    assert opened(INSIDE, keys=()) == INSIDE


def test_encrypted_token_is_opened():
    """An encrypted token must give the signed one inside, registered or not."""
    assert opened(encrypted(INSIDE)) == INSIDE
    assert opened(encrypted(INSIDE), registered="RSA-OAEP-256") == INSIDE


def test_plain_token_is_refused_where_encryption_is_registered():
    """A token that had to come encrypted and did not must be refused (OIDC Core 3.1.3.7, step 1)."""
    with pytest.raises(TokenRejected) as error:
        opened(INSIDE, registered="RSA-OAEP-256")
    assert error.value.code == "id_token_not_encrypted"


def test_another_encryption_than_the_registered_one_is_refused():
    """Only the registered key encryption may be opened, whatever our keys could do."""
    with pytest.raises(TokenRejected) as error:
        opened(encrypted(INSIDE, header={"alg": "RSA-OAEP"}), registered="RSA-OAEP-256")
    assert error.value.code == "id_token_encryption_alg"


def test_without_keys_of_ours_encryption_was_not_agreed():
    """Without a private key nothing can be opened: the reader of the header must then refuse it."""
    token = opened(encrypted(INSIDE), keys=())
    with pytest.raises(TokenRejected) as error:
        read_header(token, document="id_token")
    assert error.value.code == "id_token_encrypted"


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ('{"sub":"person-1"}', "id_token_not_compact"),
        (encrypted(INSIDE), "id_token_encrypted"),
        ("é.é.é", "id_token_not_base64url"),
        ("", "id_token_not_compact"),
    ],
    ids=["bare claims", "encrypted again", "not ASCII", "nothing"],
)
def test_what_is_inside_must_be_a_signed_token(inside, code):
    """Encryption proves nothing of who wrote it: what is inside is judged as any token (RFC 8725 3.3)."""
    with pytest.raises(TokenRejected) as error:
        read_header(opened(encrypted(inside)), document="id_token")
    assert error.value.code == code


def test_unsigned_token_inside_is_found_out():
    """An unsigned token in an encrypted one must come out as what it is."""
    unsigned = compact({"alg": "none"}, claims(), b"")
    assert read_header(opened(encrypted(unsigned)), document="id_token").alg == "none"


def test_each_of_our_keys_is_tried():
    """A token that names none of our keys must be opened with the one that fits."""
    both = (*private_keys(pem(ec_key("P-256", "ours"))), *OURS)
    assert opened(encrypted(INSIDE), keys=both) == INSIDE
    to_ec = encrypted(INSIDE, to=ec_key("P-256", "ours"), header={"alg": "ECDH-ES+A256KW"})
    assert opened(to_ec, keys=both) == INSIDE
