import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NOW,
    answer,
    ec_key,
    encrypted,
    json_answer,
    key_set,
    metadata,
    outcome,
    provider,
    public_jwk,
    rsa_key,
    signed,
    with_changes,
)

from signon.core.client_auth import Client
from signon.core.errors import (
    MalformedAnswer,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
    TokenRejected,
    UnknownKey,
)
from signon.core.keys import KeySet
from signon.core.tokens import TokenSet
from signon.core.userinfo import is_signed, read_userinfo, userinfo_request, wants_userinfo
from signon.core.values import Secret

TOKENS = TokenSet(access_token=Secret(ACCESS_TOKEN), scope=("openid",))
JWT = "application/jwt"


def read(response, *, of_provider=None, keys: KeySet | None = None):
    return read_userinfo(
        response,
        provider=of_provider or provider(),
        issuer=ISSUER,
        subject="person-1",
        keys=key_set() if keys is None else keys,
        now=NOW,
    )


def jwt(alg: str = "RS256", *, key=None, header: object = None, **changes: object):
    claims = with_changes({"iss": ISSUER, "aud": CLIENT_ID, "sub": "person-1", "name": "Mia"}, changes)
    return answer(signed(claims, alg=alg, key=key, header=header).encode(), content_type=JWT)


WANTED = [
    ("never", {}, ("openid", "profile"), False),
    ("always", {"name": "Mia", "email": "a@b.example"}, ("openid",), True),
    ("missing", {}, ("openid",), False),
    ("missing", {}, ("openid", "profile"), True),
    ("missing", {"name": ""}, ("openid", "profile"), True),
    ("missing", {"name": None}, ("openid", "profile"), True),
    ("missing", {"name": "Mia"}, ("openid", "profile"), False),
    ("missing", {"name": "Mia"}, ("openid", "profile", "email"), True),
    ("missing", {"name": "Mia", "email": "a@b.example"}, ("openid", "profile", "email"), False),
    ("missing", {}, ("openid", "pid"), False),
]


@pytest.mark.parametrize(("policy", "claims", "scope", "wanted"), WANTED)
def test_userinfo_is_asked_by_the_providers_policy(policy, claims, scope, wanted):
    """The endpoint must be asked always, never, or when a scope's claim is missing."""
    assert wants_userinfo(provider(userinfo=policy), metadata(), claims, scope) is wanted


def test_provider_without_the_endpoint_is_not_asked():
    """Without an endpoint nothing can be asked; where it always must be, that is the provider's fault."""
    without = metadata(userinfo_endpoint=None)
    for policy in ("missing", "never"):
        assert wants_userinfo(provider(userinfo=policy), without, {}, ("openid", "profile")) is False
    with pytest.raises(MalformedAnswer) as error:
        wants_userinfo(provider(userinfo="always"), without, {}, ("openid",))
    assert error.value.code == "metadata_userinfo_endpoint_missing"


def test_token_goes_into_the_header():
    """The access token must be in the header and nowhere else (RFC 6750 2.1)."""
    request = userinfo_request(provider(headers={"X-Region": "th"}), metadata(), TOKENS)
    assert (request.method, request.url, request.document) == ("GET", f"{ISSUER}/userinfo", "userinfo")
    assert request.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert request.headers["X-Region"] == "th"
    assert request.headers["Accept"] == "application/json, application/jwt"
    assert request.body is None
    assert ACCESS_TOKEN not in repr(request)


def test_token_goes_into_a_form_where_the_provider_wants_that():
    """For a provider that asks for a form, the token must be in it and not in the header (RFC 6750 2.2)."""
    request = userinfo_request(provider(userinfo_form=True), metadata(), TOKENS)
    assert (request.method, request.url) == ("POST", f"{ISSUER}/userinfo")
    assert dict(parse_qsl(request.body.decode())) == {"access_token": ACCESS_TOKEN}
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers


def test_claims_are_read():
    """The claims of the same subject must come back, from JSON and from a signed answer."""
    assert read(json_answer({"sub": "person-1", "name": "Mia"})) == {"sub": "person-1", "name": "Mia"}
    assert read(jwt())["name"] == "Mia"
    assert is_signed(jwt())
    assert not is_signed(json_answer({}))


def test_hook_translates_and_the_subject_is_checked_after():
    """A provider's hook must be able to supply standard claims, and can't escape the check of the subject."""
    dialect = provider(read_userinfo=lambda wire, now: {"sub": wire["id"], "at": now})
    assert read(json_answer({"id": "person-1"}), of_provider=dialect) == {"sub": "person-1", "at": NOW}
    with pytest.raises(TokenRejected) as error:
        read(json_answer({"id": "person-2", "sub": "person-1"}), of_provider=dialect)
    assert error.value.code == "userinfo_sub_mismatch"


FAULTS = {
    "sub absent": (json_answer({"name": "Mia"}), MalformedAnswer, "userinfo_sub_missing"),
    "sub null": (json_answer({"sub": None}), MalformedAnswer, "userinfo_sub_missing"),
    "sub empty": (json_answer({"sub": ""}), MalformedAnswer, "userinfo_sub_missing"),
    "sub a list": (json_answer({"sub": ["person-1"]}), MalformedAnswer, "userinfo_sub_missing"),
    "sub another": (json_answer({"sub": "person-2"}), TokenRejected, "userinfo_sub_mismatch"),
    "sub in capitals": (json_answer({"sub": "Person-1"}), TokenRejected, "userinfo_sub_mismatch"),
    "sub with a blank": (json_answer({"sub": "person-1 "}), TokenRejected, "userinfo_sub_mismatch"),
    "sub not ASCII": (json_answer({"sub": "สมหญิง"}), TokenRejected, "userinfo_sub_mismatch"),
    "401": (answer(b"", status=401), ProviderRefused, "userinfo_refused"),
    "403": (json_answer({"sub": "person-1"}, status=403), ProviderRefused, "userinfo_refused"),
    "404": (answer(b"", status=404), ProviderError, "userinfo_status"),
    "307": (answer(b"", status=307), ProviderError, "userinfo_redirect"),
    "500": (answer(b"", status=500), ProviderUnavailable, "userinfo_server_error"),
    "HTML": (answer(b"<html>", content_type="text/html"), MalformedAnswer, "userinfo_content_type"),
    "not JSON": (answer(b"{"), MalformedAnswer, "userinfo_not_json"),
    "not UTF-8": (answer(b"\xff"), MalformedAnswer, "userinfo_not_utf8"),
    "a list": (answer(b"[]"), MalformedAnswer, "userinfo_not_object"),
    "text": (answer(b'"person-1"'), MalformedAnswer, "userinfo_not_object"),
    "a member twice": (
        answer(b'{"sub":"person-2","sub":"person-1"}'),
        MalformedAnswer,
        "userinfo_duplicate_member",
    ),
    "a bad number": (answer(b'{"sub":"person-1","a":Infinity}'), MalformedAnswer, "userinfo_bad_number"),
    "too deep": (answer(b'{"a":' * 99 + b"1" + b"}" * 99), MalformedAnswer, "userinfo_too_deep"),
    "half a character": (answer(b'{"sub":"\\ud800"}'), MalformedAnswer, "userinfo_lone_surrogate"),
    "JWT as JSON": (
        answer(signed({"sub": "person-1"}).encode()),
        MalformedAnswer,
        "userinfo_not_json",
    ),
    "JSON as JWT": (json_answer({"sub": "person-1"}, content_type=JWT), TokenRejected, "userinfo_not_compact"),
    "JWT of a foreign key": (jwt(key=rsa_key("attacker")), TokenRejected, "userinfo_signature"),
    "JWT unsigned": (jwt("none"), TokenRejected, "userinfo_alg_mismatch"),
    "JWT nOnE": (jwt(header={"alg": "nOnE"}), TokenRejected, "userinfo_alg_mismatch"),
    "JWT of another alg": (jwt("PS256"), TokenRejected, "userinfo_alg_mismatch"),
    "JWT by HMAC": (jwt("HS256"), TokenRejected, "userinfo_alg_mismatch"),
    "JWT of an unknown key": (jwt(header={"kid": "k2"}), UnknownKey, "userinfo_unknown_key"),
    "JWT with crit": (jwt(header={"crit": ["x"]}), TokenRejected, "userinfo_header_crit"),
    "JWT encrypted": (answer(encrypted("{}").encode(), content_type=JWT), TokenRejected, "userinfo_encrypted"),
    "JWT not ASCII": (answer(b"\xff.e30.AA", content_type=JWT), TokenRejected, "userinfo_not_base64url"),
    "JWT of a list": (answer(signed(b"[]").encode(), content_type=JWT), MalformedAnswer, "userinfo_not_object"),
    "JWT without iss": (jwt(iss=ABSENT), TokenRejected, "userinfo_iss"),
    "JWT of another iss": (jwt(iss=ISSUER + "/"), TokenRejected, "userinfo_iss"),
    "JWT without aud": (jwt(aud=ABSENT), TokenRejected, "userinfo_aud"),
    "JWT of another aud": (jwt(aud=["client-2"]), TokenRejected, "userinfo_aud"),
    "JWT of another sub": (jwt(sub="person-2"), TokenRejected, "userinfo_sub_mismatch"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_userinfo_has_its_code(response, error_class, code):
    """Userinfo with one fault must be refused with that fault's class and code."""
    with pytest.raises(error_class) as error:
        read(response)
    assert type(error.value) is error_class
    assert error.value.code == code


def test_signed_answer_may_name_others_too():
    """A signed answer must name us among its audiences (OIDC Core 5.3.2)."""
    assert read(jwt(aud=["client-2", CLIENT_ID]))["sub"] == "person-1"


def test_registered_signature_is_demanded():
    """Where userinfo is registered to come signed, plain JSON and other algorithms must be refused."""
    registered = provider(userinfo_alg="ES256")
    keys = key_set(public_jwk(ec_key()), public_jwk(rsa_key()))
    assert read(jwt("ES256"), of_provider=registered, keys=keys)["name"] == "Mia"
    for response, code in (
        (json_answer({"sub": "person-1"}), "userinfo_not_signed"),
        (jwt(), "userinfo_alg_mismatch"),
    ):
        with pytest.raises(TokenRejected) as error:
            read(response, of_provider=registered, keys=keys)
        assert error.value.code == code


def test_signature_by_the_client_secret():
    """A registered HMAC must be keyed by the client secret."""
    registered = provider(userinfo_alg="HS256", client=Client(client_id=CLIENT_ID, secret=Secret(CLIENT_SECRET)))
    assert read(jwt("HS256"), of_provider=registered)["name"] == "Mia"
    with pytest.raises(TokenRejected) as error:
        read(jwt("HS256", key=b"x" * 64), of_provider=registered)
    assert error.value.code == "userinfo_signature"


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["sub", "iss", "aud", "name"]), st.none() | st.just("person-1") | st.text()
    ).map(lambda claims: json.dumps(claims).encode()),
    st.sampled_from(["application/json", JWT, "text/html"]),
    st.sampled_from([200, 401, 500]),
)
def test_any_answer_gives_claims_or_our_error(body, content_type, status):
    """Whatever comes from the endpoint, the reader must give claims of our subject or an error of ours."""
    result = outcome(lambda: read(answer(body, status=status, content_type=content_type)))
    assert isinstance(result, SignOnError) or result["sub"] == "person-1"
