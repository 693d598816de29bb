import json

import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp.jwe import encrypt, id_token_for, userinfo_for
from signon_idp.model import Client

RSA = JWK.generate(kty="RSA", size=2048, kid="rsa", use="sig", alg="RS256")
RSA_ENC = JWK.generate(kty="RSA", size=2048, kid="rsa-enc", use="enc")
EC = JWK.generate(kty="EC", crv="P-256")
JWKS = {"keys": [key.export_public(as_dict=True) for key in (RSA, RSA_ENC, EC)]}


def client(**changes: object) -> Client:
    return Client(client_id="c", client_secret="secret", jwks=JWKS, **changes)


def opened(text: str, key: JWK) -> tuple[dict[str, str], str]:
    sealed = JWE()
    sealed.deserialize(text, JWK(**{k: v for k, v in key.export(as_dict=True).items() if k not in {"use", "alg"}}))
    return json.loads(sealed.objects["protected"]), sealed.payload.decode()


@pytest.mark.parametrize(("alg", "key"), [("RSA-OAEP-256", RSA_ENC), ("RSA-OAEP", RSA_ENC), ("ECDH-ES", EC)])
@pytest.mark.parametrize("enc", ["A256GCM", "A128CBC-HS256"])
def test_opens_with_the_clients_key(alg, key, enc):
    """The token is encrypted to the key that fits and is meant for it, and says that a JWT is inside."""
    header, text = opened(encrypt("a.b.c", client(), alg=alg, enc=enc), key)
    assert (header["alg"], header["enc"], header["cty"], text) == (alg, enc, "JWT", "a.b.c")
    assert header.get("kid") == key.get("kid")


def test_needs_a_key_that_fits():
    """A client without such a key gets ValueError, and never a plain token."""
    with pytest.raises(ValueError, match="no key for ECDH-ES"):
        encrypt("x", Client(client_id="c", client_secret="s", jwks={"keys": []}), alg="ECDH-ES", enc="A256GCM")


def test_as_registered():
    """What is not registered stays plain; what is comes encrypted as registered."""
    assert id_token_for(client(), "a.b.c") == "a.b.c"
    assert userinfo_for(client(), "a.b.c") == "a.b.c"
    both = client(
        id_token_encrypted_response_alg="ECDH-ES",
        userinfo_encrypted_response_alg="RSA-OAEP-256",
        userinfo_encrypted_response_enc="A256GCM",
    )
    assert opened(id_token_for(both, "a.b.c"), EC)[0]["enc"] == "A128CBC-HS256"
    assert opened(userinfo_for(both, "a.b.c"), RSA_ENC)[0]["enc"] == "A256GCM"
