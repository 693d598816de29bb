import dataclasses
import json

import pytest
from jwcrypto import jwk

from signon.core.provider import AccessTokenProfile
from signon.core.values import Secret
from signon.providers import FACTORIES, oidc
from signon.providers.common import ACCESS_TOKEN_PROFILES, common_fields, read_private_keys
from signon.providers.keywords import COMMON, Reader

EC = jwk.JWK.generate(kty="EC", crv="P-256", kid="ec-1")
OTHER = jwk.JWK.generate(kty="EC", crv="P-384", kid="ec-2")
RSA = jwk.JWK.generate(kty="RSA", size=2048, kid="rsa-1")
PEM = EC.export_to_pem(private_key=True, password=None).decode()
SECRET = "s" * 64


def reader(**given):
    return Reader(provider="staff", given=given, settings={}, keywords=COMMON)


def key_text(*keys, **said):
    """A JWK Set of private keys; what is said of the first of them."""
    members = [key.export(as_dict=True) for key in keys]
    members[0] |= said
    return json.dumps({"keys": members})


def problems(**given):
    read = reader(**{"client_id": "c", **given})
    common_fields(read, label="Staff")
    return read.problems


def test_fields_follow_from_the_keywords():
    """Each common keyword must reach the field that it is about."""
    read = reader(
        client_id="c",
        client_secret=SECRET,
        client_auth="client_secret_post",
        scope="openid email",
        id_token_alg="ES256",
        response_mode="form_post",
        prompt="login",
        max_age="60",
        acr_values="a b",
        userinfo="always",
        userinfo_alg="PS256",
        callback_path="/a",
        logout_callback_path="/b",
        post_logout_path="/c",
        backchannel_logout_path="/d",
        frontchannel_logout_path="/e",
        initiate_path="/f",
        sign_out="here",
        proxy="http://proxy.example",
        label="Our staff",
        par="true",
        access_token_alg="PS256",
        introspection_alg="ES384",
    )
    fields = common_fields(read, label="Staff")
    client = fields.pop("client")
    assert (client.client_id, client.secret, client.auth) == ("c", Secret(SECRET), "client_secret_post")
    assert fields == {
        "name": "staff",
        "label": "Our staff",
        "scopes": ("openid", "email"),
        "id_token_algs": frozenset({"ES256"}),
        "response_type": "code",
        "response_mode": "form_post",
        "prompt": "login",
        "max_age_seconds": 60,
        "acr_values": ("a", "b"),
        "userinfo": "always",
        "userinfo_alg": "PS256",
        "callback_path": "/a",
        "logout_callback_path": "/b",
        "post_logout_path": "/c",
        "backchannel_logout_path": "/d",
        "frontchannel_logout_path": "/e",
        "initiate_path": "/f",
        "sign_out_scope": "here",
        "ca_file": None,
        "proxy": "http://proxy.example",
        "private_keys": (),
        "id_token_encryption": None,
        "userinfo_encryption": None,
        "par": True,
        "access_tokens": AccessTokenProfile(algs=frozenset({"PS256"})),
        "introspection_alg": "ES384",
    }
    assert read.problems == []


def test_defaults_are_the_safe_ones():
    """With nothing but an id: RS256, query, the usual scopes, no maximum age, the vendor's label."""
    fields = common_fields(reader(client_id="c"), label="Staff")
    assert fields["id_token_algs"] == {"RS256"}
    assert (fields["response_mode"], fields["userinfo"], fields["par"]) == ("query", "missing", False)
    assert fields["scopes"] == ("openid", "profile", "email")
    assert (fields["max_age_seconds"], fields["label"]) == (None, "Staff")
    assert fields["sign_out_scope"] == "everywhere"
    assert (fields["access_tokens"], fields["introspection_alg"]) == (AccessTokenProfile(), None)
    assert (fields["client"].secret, fields["client"].auth, fields["client"].key) == (None, None, None)


LOOSENED = {
    "rfc9068": set(),
    "untyped": {"kind_may_be_unsaid", "azp_may_stand_in", "jti_may_be_missing"},
    "introspected": {"introspected"},
    "introspected-without-audience": {"introspected", "audience_may_be_missing"},
}


@pytest.mark.parametrize("name", ACCESS_TOKEN_PROFILES)
def test_access_tokens_are_loosened_by_name(name):
    """Each profile must loosen what it says and nothing else, each loosening with its evidence."""
    profile = common_fields(reader(client_id="c", access_token_profile=name), label="")["access_tokens"]
    switches = {field.name for field in dataclasses.fields(profile) if getattr(profile, field.name) is True}
    assert switches == LOOSENED[name]
    assert bool(profile.deviations) is (len(switches) > 0 and name != "introspected")
    assert all(deviation.why and deviation.evidence and deviation.date for deviation in profile.deviations)


def test_thaid_is_asked_about_its_tokens():
    """Nothing is known of the shape of ThaID's access tokens: it is asked about each."""
    assert FACTORIES["thaid"](settings={}).access_tokens == AccessTokenProfile(introspected=True)


def test_access_tokens_are_never_signed_with_a_shared_secret():
    """A secret of ours is no key of an issuer's: who can verify by it could forge by it."""
    (problem,) = problems(access_token_alg="HS256")
    assert problem.startswith("STAFF_ACCESS_TOKEN_ALG='HS256' is none of RS256,")


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_two_names_of_one_algorithm(alg):
    """RFC 9864 gave EdDSA with Ed25519 a second name: either stands for both, and for no other."""
    assert common_fields(reader(client_id="c", id_token_alg=alg), label="")["id_token_algs"] == {
        "EdDSA",
        "Ed25519",
    }


@pytest.mark.parametrize(
    ("given", "beginning"),
    [
        (
            {"client_auth": "client_secret_basic"},
            "STAFF_CLIENT_AUTH is client_secret_basic: set STAFF_CLIENT_SECRET",
        ),
        (
            {"client_auth": "client_secret_post"},
            "STAFF_CLIENT_AUTH is client_secret_post: set STAFF_CLIENT_SECRET",
        ),
        ({"client_auth": "private_key_jwt"}, "STAFF_CLIENT_AUTH is private_key_jwt: set STAFF_PRIVATE_KEY"),
        (
            {"id_token_alg": "HS256"},
            "STAFF_ID_TOKEN_ALG means HS256, which needs a STAFF_CLIENT_SECRET of at least 32",
        ),
        ({"id_token_alg": "HS256", "client_secret": "s" * 31}, "STAFF_ID_TOKEN_ALG means HS256"),
        ({"id_token_alg": "HS512", "client_secret": "s" * 63}, "STAFF_ID_TOKEN_ALG means HS512"),
        ({"userinfo_alg": "HS384", "client_secret": "s" * 47}, "STAFF_USERINFO_ALG means HS384"),
        ({"introspection_alg": "HS256", "client_secret": "s" * 31}, "STAFF_INTROSPECTION_ALG means HS256"),
        ({"client_auth": "client_secret_jwt", "client_secret": "s" * 31}, "STAFF_CLIENT_AUTH means HS256"),
        ({"id_token_encryption": "RSA-OAEP-256"}, "STAFF_ID_TOKEN_ENCRYPTION is set: set STAFF_PRIVATE_KEY, too"),
        ({"userinfo_encryption": "RSA-OAEP-256"}, "STAFF_USERINFO_ENCRYPTION is set: set STAFF_PRIVATE_KEY, too"),
        (
            {"userinfo_encryption": "RSA-OAEP-256", "private_key": key_text(RSA, use="sig")},
            "STAFF_PRIVATE_KEY has no key that may decrypt, which STAFF_USERINFO_ENCRYPTION needs",
        ),
        (
            {"id_token_encryption": "RSA-OAEP-256", "private_key": key_text(RSA, key_ops=["sign"])},
            "STAFF_PRIVATE_KEY has no key that may decrypt, which STAFF_ID_TOKEN_ENCRYPTION needs",
        ),
        ({"id_token_encryption": "RSA-OAEP-256", "private_key": "no key"}, "STAFF_PRIVATE_KEY is no key"),
        ({"client_id": ""}, "STAFF_CLIENT_ID is not set"),
        *[
            ({"client_auth": "private_key_jwt", "private_key": text, "client_assertion_alg": alg}, beginning)
            for text, alg, beginning in [
                (PEM, "PS256", "STAFF_CLIENT_ASSERTION_ALG=PS256 does not go with the key that signs"),
                (PEM, "ES384", "STAFF_CLIENT_ASSERTION_ALG=ES384 does not go with the key that signs"),
                (PEM, "HS256", "STAFF_CLIENT_ASSERTION_ALG=HS256 does not go with the key that signs"),
                (key_text(RSA, alg="RS256"), "PS256", "STAFF_CLIENT_ASSERTION_ALG=PS256 does not go"),
                (key_text(EC, use="enc"), "ES256", "STAFF_PRIVATE_KEY has no key that may sign"),
                (key_text(EC, alg="ECDH-ES"), "", "STAFF_PRIVATE_KEY has no key that may sign"),
                ("no key", "", "STAFF_PRIVATE_KEY is no key"),
            ]
        ],
        (
            {"client_auth": "client_secret_jwt", "client_secret": SECRET, "client_assertion_alg": "RS256"},
            "STAFF_CLIENT_ASSERTION_ALG=RS256 is signed with a private key, and STAFF_CLIENT_AUTH is client_",
        ),
    ],
)
def test_values_that_contradict_each_other(given, beginning):
    """Values that are right each alone and wrong together are one problem that says what is missing."""
    (problem,) = problems(**given)
    assert problem.startswith(beginning)


@pytest.mark.parametrize(
    "given",
    [
        {"client_auth": "none"},
        {"client_auth": "none", "client_secret": "s"},
        {"client_secret": "short"},
        {"id_token_alg": "HS256", "client_secret": "s" * 32},
        {"id_token_alg": "HS256", "client_secret": "ก" * 11},
        {"id_token_alg": "HS512", "client_secret": "s" * 64},
        {"client_auth": "client_secret_jwt", "client_secret": "s" * 32},
        {"client_auth": "private_key_jwt", "private_key": PEM},
        {"client_auth": "private_key_jwt", "private_key": PEM, "client_assertion_alg": "ES256"},
        {"client_auth": "private_key_jwt", "private_key": key_text(RSA), "client_assertion_alg": "PS384"},
        {"client_auth": "private_key_jwt", "private_key": key_text(RSA, alg="PS256")},
        {"client_auth": "client_secret_jwt", "client_secret": SECRET, "client_assertion_alg": "HS512"},
        {"userinfo_encryption": "ECDH-ES", "private_key": PEM},
        {"userinfo_encryption": "ECDH-ES", "private_key": key_text(EC, key_ops=["sign", "deriveKey"])},
        {"userinfo_encryption": "ECDH-ES", "private_key": key_text(EC, use="enc")},
    ],
)
def test_values_that_go_together(given):
    """Bounds are met on the right side, and secrets measured in octets."""
    assert problems(**given) == []


@pytest.mark.parametrize("how", ["pem", "pem on one line", "jwk", "jwk set", "file", "file of a jwk"])
def test_private_key_comes_in_many_ways(tmp_path, how):
    """A PEM, also on one line, a JWK, a JWK Set, or a file with one."""
    file = tmp_path / "key"
    one = EC.export_private()
    text = {
        "pem": PEM,
        "pem on one line": PEM.replace("\n", r"\n"),
        "jwk": one,
        "jwk set": f'{{"keys": [{one}, {OTHER.export_private()}]}}',
        "file": str(file),
        "file of a jwk": str(file),
    }[how]
    file.write_text(one if how == "file of a jwk" else PEM)
    read = reader(private_key=text)
    keys = read_private_keys(read)
    assert read.problems == []
    assert [key.kty for key in keys] == (["EC", "EC"] if how == "jwk set" else ["EC"])


def test_first_private_key_signs():
    """Of several keys the first is the client's own; all of them open."""
    fields = common_fields(
        reader(client_id="c", private_key=f'{{"keys": [{EC.export_private()}, {OTHER.export_private()}]}}'),
        label="",
    )
    assert fields["client"].key.kid == "ec-1"
    assert [key.kid for key in fields["private_keys"]] == ["ec-1", "ec-2"]


@pytest.mark.parametrize("said", [{"use": "enc"}, {"alg": "ECDH-ES+A256KW"}, {"key_ops": ["deriveKey"]}])
def test_key_for_encryption_signs_nothing(said):
    """A key that is there to open what is encrypted is passed over where assertions are signed (RFC 7517 4)."""
    fields = common_fields(reader(client_id="c", private_key=key_text(EC, OTHER, **said)), label="")
    assert fields["client"].key.kid == "ec-2"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "/nowhere/at/all",
            "x" * 5000,
            "a\0b",
            "-----BEGIN PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END PRIVATE KEY-----",
        ),
        *("{}", "{not json", '{"kty":"oct","k":"AAAA"}', EC.export_public()),
    ],
)
def test_private_key_that_is_none(text):
    """What is no private key is one problem, which shows nothing of it."""
    read = reader(private_key=text)
    assert read_private_keys(read) == ()
    (problem,) = read.problems
    assert problem.startswith("STAFF_PRIVATE_KEY")
    assert text not in problem


def test_broken_key_is_one_problem_only(tmp_path):
    """A key that can't be read must not be said to be missing as well."""
    found = oidc(
        name="staff",
        settings={},
        issuer="https://op.example",
        client_id="c",
        client_auth="private_key_jwt",
        private_key=str(tmp_path / "none"),
        userinfo_encryption="ECDH-ES",
    ).problems
    assert found == ("STAFF_PRIVATE_KEY is no key, and names no file that can be read",)


@pytest.mark.parametrize("vendor", ["thaid", "authmachine"])
@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"pkce": "false", "nonce": "tolerated"}, True),
        ({"pkce": "false", "nonce": "required"}, False),
        ({"pkce": "true", "nonce": "tolerated"}, False),
    ],
)
def test_a_code_stays_bound_to_its_browser(vendor, settings, wrong):
    """A profile without PKCE must demand the nonce: without both a stolen code works in any browser."""
    provider = FACTORIES[vendor](settings={}, **settings)
    assert any("can't go together" in problem for problem in provider.problems) == wrong


def test_thaid_without_openid_needs_pkce():
    """Where no ID token comes there is no nonce to look at, so PKCE can't be switched off."""
    provider = FACTORIES["thaid"](settings={}, pkce="false", scope="pid")
    assert any("can't go together" in problem for problem in provider.problems)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (None, "query"),
        ("code", "query"),
        ("code id_token", "fragment"),
        ("id_token", "fragment"),
        ("token id_token", "fragment"),
        ("id_token token", "fragment"),
    ],
)
def test_answer_comes_by_the_usual_mode_of_its_type(kind, mode):
    """Where no mode is set a code comes by query and tokens by fragment; form_post is there for all."""
    given = {"client_id": "c"} if kind is None else {"client_id": "c", "response_type": kind}
    fields = common_fields(reader(**given), label="Staff")
    assert (fields["response_type"], fields["response_mode"]) == (kind or "code", mode)
    posted = common_fields(reader(**given, response_mode="form_post"), label="Staff")
    assert posted["response_mode"] == "form_post"
    assert not problems(**given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"response_type": "id_token", "response_mode": "query"}, "STAFF_RESPONSE_MODE=query can't go together"),
        (
            {"response_type": "code id_token", "response_mode": "query"},
            "STAFF_RESPONSE_MODE=query can't go together",
        ),
        ({"response_type": "code id_token", "scope": "email"}, "needs openid in STAFF_SCOPE"),
        ({"response_type": "id_token", "userinfo": "always"}, "which STAFF_USERINFO=always needs"),
        ({"response_type": "token"}, "STAFF_RESPONSE_TYPE='token' is none of"),
        ({"response_type": "code token"}, "STAFF_RESPONSE_TYPE='code token' is none of"),
    ],
)
def test_what_does_not_go_with_tokens_by_the_browser(given, problem):
    """Tokens never come by query, want openid, and an ID token alone can't ask for more."""
    (only,) = problems(**given)
    assert problem in only
