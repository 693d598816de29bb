"""A generic provider with more security: client assertions, pushed requests, encrypted tokens and userinfo."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from jwcrypto.jwk import JWK
from tests.journeys.stage import ORIGIN, client_for, code_of, settings_for
from tests.journeys.visitor import Markup, Visitor, sign_in

from signon_idp.dialects.oidc import OIDC

RSA = JWK.generate(kty="RSA", size=2048)
EC = JWK.generate(kty="EC", crv="P-256")
KEYS = {"RSA": RSA, "EC": EC}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def pem(key: JWK) -> str:
    return key.export_to_pem(private_key=True, password=None).decode()


def jwks(*keys: JWK) -> dict[str, object]:
    """What a client registers: the public halves under the names that its own JWKS gives them."""
    return {"keys": [{**key.export_public(as_dict=True), "kid": key.thumbprint()} for key in keys]}


def jwk_set(*keys: JWK) -> str:
    """Our private keys as one text, the first of which signs."""
    return json.dumps({"keys": [key.export(as_dict=True) for key in keys]})


def by_key(*keys: JWK, **more: object) -> dict[str, object]:
    return {"token_endpoint_auth_method": "private_key_jwt", "client_secret": None, "jwks": jwks(*keys), **more}


def name_of(page) -> str | None:
    return page.json()["preferred_username"] if page.status_code == 200 else code_of(page)


SHAPES = {
    "PEM": pem,
    "PEM on one line": lambda key: pem(key).replace("\n", "\\n"),
    "JWK": lambda key: json.dumps(key.export(as_dict=True)),
    "JWK Set": jwk_set,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KEYS)
def test_private_key_jwt(new_stage, plant, kind, shape):
    """A key of either kind, written in any way, signs us in; our JWKS shows its public half and nothing else."""
    key = KEYS[kind]
    plant(str(key.export(as_dict=True)["d"]))
    stage = new_stage(client=by_key(key), client_auth="private_key_jwt", private_key=SHAPES[shape](key))
    visitor = stage.visitor()
    assert name_of(sign_in(visitor, f"{ORIGIN}/me")) == "somying"
    answer = visitor.get(f"{ORIGIN}/auth/jwks.json")
    (shown,) = answer.json()["keys"]
    assert not PRIVATE_MEMBERS & set(shown)
    assert {name: shown[name] for name in ("kty", "kid")} == {"kty": kind, "kid": key.thumbprint()}
    assert str(key.export(as_dict=True)["d"]) not in answer.text


def test_key_in_a_file(new_stage, tmp_path):
    """The setting may name a file that holds the key."""
    file = tmp_path / "key.pem"
    file.write_text(pem(EC))
    stage = new_stage(client=by_key(EC), client_auth="private_key_jwt", private_key=str(file))
    assert name_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "somying"


@pytest.mark.parametrize("alg", ["PS256", "RS384"])
def test_registered_assertion_algorithm(new_stage, alg):
    """An algorithm that is registered for the assertions is the one that is used."""
    client = by_key(RSA, token_endpoint_auth_signing_alg=alg)
    keywords = {"client_auth": "private_key_jwt", "private_key": pem(RSA)}
    assert name_of(
        sign_in(new_stage(client=client, **keywords, client_assertion_alg=alg).visitor(), f"{ORIGIN}/me")
    )
    refused = sign_in(new_stage(client=client, **keywords).visitor(), f"{ORIGIN}/me")
    assert name_of(refused) == "token_invalid_client"


@pytest.mark.parametrize("typ", ["client-authentication+jwt", "JWT"])
def test_typ_of_assertions(new_stage, typ):
    """Either typ of an assertion is taken."""
    stage = new_stage(
        client=by_key(EC), client_auth="private_key_jwt", private_key=pem(EC), client_assertion_typ=typ
    )
    assert name_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "somying"


def test_another_key_than_registered(new_stage, caplog):
    """A key that the provider doesn't know is the operator's to mend; each try has an assertion of its own."""
    stage = new_stage(client=by_key(EC), client_auth="private_key_jwt", private_key=pem(RSA))
    assert name_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "token_invalid_client"
    assert "401 invalid_client" in caplog.text
    assert stage.idp.calls["token"] == 1


def test_client_secret_jwt(new_stage):
    """The secret itself may sign the assertions, and then travels no more."""
    stage = new_stage(client={"token_endpoint_auth_method": "client_secret_jwt"}, client_auth="client_secret_jwt")
    for _ in range(2):
        assert name_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "somying"
    refused = new_stage(
        client={"token_endpoint_auth_method": "client_secret_jwt"}, client_auth="client_secret_basic"
    )
    assert name_of(sign_in(refused.visitor(), f"{ORIGIN}/me")) == "token_invalid_client"


PUSHES = {
    "basic": ({}, {}),
    "post": ({"token_endpoint_auth_method": "client_secret_post"}, {"client_auth": "client_secret_post"}),
    "secret": ({"token_endpoint_auth_method": "client_secret_jwt"}, {"client_auth": "client_secret_jwt"}),
    "key": (by_key(EC), {"client_auth": "private_key_jwt", "private_key": pem(EC)}),
    "none": ({"token_endpoint_auth_method": "none", "client_secret": None}, {}),
}


@pytest.mark.parametrize("name", PUSHES)
@pytest.mark.parametrize("required", [False, True])
def test_pushed_request(new_stage, name, required):
    """With every way of authentication the request is pushed, and the address has the reference alone."""
    client, keywords = PUSHES[name]
    client = {**client, "require_pushed_authorization_requests": required}
    stage = new_stage(client=client, par="true", **keywords)
    visitor = stage.visitor()
    sent = visitor.get(f"{ORIGIN}/me", stop_at="/authorize").headers["Location"]
    assert set(parse_qs(urlsplit(sent).query)) == {"client_id", "request_uri"}
    assert name_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "somying"
    assert stage.idp.calls["pushed"] == 2


def test_required_and_not_asked_for(new_stage, caplog):
    """Where the client must push and doesn't, the provider's refusal ends on a page of ours."""
    stage = new_stage(client={"require_pushed_authorization_requests": True})
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("provider_refused", 502)
    assert "must push" in caplog.text


@pytest.fixture
def demanding(signon_idp_factory):
    """A provider whose metadata says that everybody must push."""
    dialect = replace(
        OIDC, discovery_document=lambda d, _scene: {**d, "require_pushed_authorization_requests": True}
    )
    return signon_idp_factory(dialect=dialect)


def test_metadata_that_demands_it(demanding, load_minimal, plant):
    """Where the metadata demands pushed requests they are pushed with nothing set."""
    client = demanding.register(client_for())
    app = load_minimal(SIGNON_PROVIDERS="oidc", **settings_for(demanding, client))
    visitor = Visitor((ORIGIN, app), (demanding.origin, demanding.app))
    assert name_of(sign_in(visitor, f"{ORIGIN}/me")) == "somying"
    assert demanding.calls["pushed"] == 1
    plant(*demanding.secrets)


def test_refused_push_is_shown(new_stage, caplog):
    """A refused pushed request ends on a page with one next step, and nothing is sent plainly instead."""
    stage = new_stage(client={"redirect_uris": ("http://localhost:5000/elsewhere",)}, par="true")
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("par_refused", 502)
    assert Markup(page.text).links
    assert "400 invalid_request" in caplog.text
    assert stage.idp.calls["authorize"] == 0


def test_refused_client_at_the_push(new_stage):
    """A wrong secret shows at the push already, as the operator's."""
    page = new_stage(par="true", client_secret="not-the-one-that-was-registered").visitor().get(f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("par_invalid_client", 502)


ENCRYPTIONS = {"RSA-OAEP-256": RSA, "RSA-OAEP": RSA, "ECDH-ES": EC}


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256GCM"])
@pytest.mark.parametrize("alg", ENCRYPTIONS)
def test_encrypted_id_token(new_stage, alg, enc):
    """An ID token that is encrypted to us signs in, and its inside serves as hint at the sign-out."""
    client = {
        "jwks": jwks(RSA, EC),
        "id_token_encrypted_response_alg": alg,
        "id_token_encrypted_response_enc": enc,
    }
    stage = new_stage(client=client, private_key=jwk_set(RSA, EC), id_token_encryption=alg)
    visitor = stage.visitor()
    assert name_of(sign_in(visitor, f"{ORIGIN}/me")) == "somying"
    gone = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert gone.url == f"{ORIGIN}/auth/signed-out"
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text


def encrypted(**more: object) -> dict[str, object]:
    return {"jwks": jwks(RSA), "id_token_encrypted_response_alg": "RSA-OAEP-256", **more}


def test_plain_id_token_is_refused(new_stage):
    """Where encryption is registered a plain ID token signs nobody in (OIDC Core 3.1.3.7, step 1)."""
    stage = new_stage(private_key=pem(RSA), id_token_encryption="RSA-OAEP-256")
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("id_token_not_encrypted", 502)


def test_another_encryption_is_refused(new_stage):
    """An ID token that is encrypted in another way than registered signs nobody in."""
    stage = new_stage(client=encrypted(), private_key=pem(RSA), id_token_encryption="RSA-OAEP")
    assert code_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "id_token_encryption_alg"


def test_encrypted_to_another_key(new_stage):
    """An ID token that our key doesn't open signs nobody in."""
    other = JWK.generate(kty="RSA", size=2048)
    stage = new_stage(client=encrypted(), private_key=pem(other), id_token_encryption="RSA-OAEP-256")
    assert code_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "id_token_decryption"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("id_token_alg_none", "id_token_alg_none"),
        ("id_token_bad_signature", "id_token_signature"),
        ("id_token_wrong_aud", "id_token_aud"),
    ],
)
def test_what_is_inside_is_judged(new_stage, fault, code):
    """Encryption vouches for nobody: an unsigned or wrong token inside is refused as ever (RFC 8725 3.3)."""
    stage = new_stage(client=encrypted(), private_key=pem(RSA), id_token_encryption="RSA-OAEP-256")
    with stage.idp.fault(fault):
        assert code_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == code


def test_encryption_that_was_not_registered(new_stage):
    """With a key and no registration an encrypted ID token is opened all the same; without a key it can't be."""
    stage = new_stage(client=encrypted(), private_key=pem(RSA))
    assert name_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == "somying"
    refused = sign_in(new_stage(client=encrypted()).visitor(), f"{ORIGIN}/me")
    assert (code_of(refused), refused.status_code) == ("id_token_encrypted", 502)


def userinfo_client(**more: object) -> dict[str, object]:
    return {
        "jwks": jwks(RSA),
        "claims_in_id_token": False,
        "userinfo_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        **more,
    }


USERINFO = {"private_key": pem(RSA), "userinfo_encryption": "RSA-OAEP-256", "userinfo_alg": "RS256"}


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A128GCM"])
def test_encrypted_userinfo(new_stage, enc):
    """Userinfo that comes signed and then encrypted says who it is."""
    client = userinfo_client(userinfo_encrypted_response_enc=enc)
    page = sign_in(new_stage(client=client, **USERINFO).visitor(), f"{ORIGIN}/me")
    assert page.json()["name"] == "สมหญิง ใจดี"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"userinfo_encrypted_response_alg": None}, "userinfo_not_encrypted"),
        ({"userinfo_encrypted_response_alg": None, "userinfo_signed_response_alg": None}, "userinfo_not_signed"),
        ({"userinfo_encrypted_response_alg": "RSA-OAEP"}, "userinfo_encryption_alg"),
    ],
)
def test_userinfo_other_than_registered(new_stage, changes, code):
    """Where encryption is registered nothing else is taken from userinfo (OIDC Core 5.3.2)."""
    stage = new_stage(client=userinfo_client(**changes), **USERINFO)
    assert code_of(sign_in(stage.visitor(), f"{ORIGIN}/me")) == code


def test_userinfo_around_nothing_signed(new_stage):
    """A JWE around bare claims is refused: nobody signed them."""
    stage = new_stage(client=userinfo_client(userinfo_signed_response_alg=None), **USERINFO)
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert page.status_code == 502
    assert code_of(page).startswith("userinfo_")
