from jwcrypto.jwk import JWK

from signon_idp import practice_key


def test_halves_belong_together():
    """What is registered is the public half of what the application has, and no more than that."""
    (public,) = practice_key.public_keys()["keys"]
    private = JWK.from_pem(practice_key.private_pem().encode())
    assert private.thumbprint() == JWK(**public).thumbprint()
    assert not public.keys() & {"d", "p", "q", "dp", "dq", "qi"}
    assert (public["kty"], public["use"]) == ("RSA", "enc")


def test_one_pair_for_the_process():
    """Each time it is the same pair."""
    assert practice_key.private_pem() == practice_key.private_pem()
