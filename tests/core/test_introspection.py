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
    compact,
    encrypted,
    json_answer,
    key_for,
    key_set,
    metadata,
    outcome,
    provider,
    public_jwk,
    rsa_key,
    signed,
    with_changes,
)
from tests.core.forge import claims as id_token_claims

from signon.core import introspection
from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
    TokenRejected,
    UnknownKey,
)
from signon.core.introspection import (
    SIGNED,
    Introspection,
    introspection_request,
    read_introspection,
    read_signed_introspection,
    signed_answer,
)
from signon.core.values import Secret

KNOWN = metadata(introspection_endpoint=f"{ISSUER}/introspect")


def read(response) -> Introspection:
    return read_introspection(response, provider=provider(), now=NOW)


def test_request_is_an_authenticated_form():
    """The token must go in a form with our authentication, and show nowhere (RFC 7662 2.1)."""
    request = introspection_request(provider(headers={"X-Region": "th"}), KNOWN, Secret(ACCESS_TOKEN), now=NOW)
    assert (request.method, request.url, request.document) == ("POST", f"{ISSUER}/introspect", "introspection")
    assert dict(parse_qsl(request.body.decode())) == {"token": ACCESS_TOKEN, "token_type_hint": "access_token"}
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Region"] == "th"
    assert ACCESS_TOKEN not in repr(request)


def test_token_has_the_providers_prefix():
    """A provider that wants something before the token must get it."""
    request = introspection_request(provider(introspection_prefix="Bearer "), KNOWN, Secret(ACCESS_TOKEN), now=NOW)
    assert dict(parse_qsl(request.body.decode()))["token"] == f"Bearer {ACCESS_TOKEN}"


def test_asking_needs_its_endpoint():
    """A provider without the endpoint can't be asked."""
    with pytest.raises(OperatorError) as error:
        introspection_request(provider(), metadata(), Secret(ACCESS_TOKEN), now=NOW)
    assert error.value.code == "introspection_unsupported"


def test_active_token_is_described():
    """What the provider says of an active token must come back; what it leaves out is absent."""
    said = {"active": True, "sub": "person-1", "client_id": "c", "scope": "openid pid", "exp": NOW + 60}
    assert read(json_answer(said)) == Introspection(
        active=True, subject="person-1", client_id="c", scope=("openid", "pid"), expires_at=NOW + 60
    )
    assert read(json_answer(said)).claims == said
    assert read(json_answer({"active": True, "exp": "soon"})) == Introspection(active=True)
    assert read(json_answer({"active": True, "exp": True, "sub": ""})) == Introspection(active=True)


def test_inactive_token_has_nothing_to_say():
    """Nothing that comes beside `active: false` may be used (RFC 7662 2.2)."""
    assert read(json_answer({"active": False, "sub": "person-1", "scope": ["x"]})) == Introspection(active=False)


FAULTS = {
    "active absent": (json_answer({"sub": "person-1"}), MalformedAnswer, "introspection_active_invalid"),
    "active text": (json_answer({"active": "true"}), MalformedAnswer, "introspection_active_invalid"),
    "active one": (json_answer({"active": 1}), MalformedAnswer, "introspection_active_invalid"),
    "sub a number": (json_answer({"active": True, "sub": 1}), MalformedAnswer, "introspection_sub_invalid"),
    "scope a list": (
        json_answer({"active": True, "scope": ["a"]}),
        MalformedAnswer,
        "introspection_scope_invalid",
    ),
    "client_id a list": (
        json_answer({"active": True, "client_id": []}),
        MalformedAnswer,
        "introspection_client_id_invalid",
    ),
    "not JSON": (answer(b"x"), MalformedAnswer, "introspection_not_json"),
    "a list": (answer(b"[]"), MalformedAnswer, "introspection_not_object"),
    "HTML": (answer(b"{}", content_type="text/html"), MalformedAnswer, "introspection_content_type"),
    "refused": (json_answer({"error": "invalid_request"}, status=400), ProviderRefused, "introspection_refused"),
    "client refused": (
        json_answer({"error": "invalid_client"}, status=401),
        OperatorError,
        "introspection_invalid_client",
    ),
    "404": (answer(b"", status=404), ProviderError, "introspection_status"),
    "500": (answer(b"", status=500), ProviderUnavailable, "introspection_server_error"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_the_answer_has_its_code(response, error_class, code):
    """An answer with one fault must be refused with that fault's class and code."""
    with pytest.raises(error_class) as error:
        read(response)
    assert type(error.value) is error_class
    assert error.value.code == code


VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.text() | st.lists(st.text(), max_size=2)


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(["active", "sub", "client_id", "scope", "exp"]), VALUES).map(
        lambda said: json.dumps({"active": True} | said).encode()
    )
)
def test_any_bytes_give_an_answer_or_our_error(body):
    """Whatever comes, the reader must give an answer or an error of ours."""
    assert isinstance(outcome(lambda: read(answer(body))), Introspection | SignOnError)


# signed answers

SIGNING = provider(introspection_alg="RS256")
TYPED = {"typ": "token-introspection+jwt"}
SAID = {"active": True, "sub": "person-1", "scope": "openid"}


def test_signed_answer_is_asked_for():
    """Where answers are registered to come signed, that is what must be asked for, and only there (RFC 9701 4)."""
    asked = introspection_request(SIGNING, KNOWN, Secret(ACCESS_TOKEN), now=NOW)
    assert asked.headers["Accept"] == "application/token-introspection+jwt"
    usual = introspection_request(provider(), KNOWN, Secret(ACCESS_TOKEN), now=NOW)
    assert usual.headers["Accept"] == "application/json"


def said(**changes: object) -> dict[str, object]:
    """The claims of a genuine signed answer (RFC 9701 5), with changes."""
    genuine = {"iss": ISSUER, "aud": CLIENT_ID, "iat": NOW, "token_introspection": SAID}
    return with_changes(genuine, changes)


def signed_one(header: object = TYPED, *, alg: str = "RS256", key=None, **changes: object) -> str:
    return signed(said(**changes), alg=alg, key=key, header=header)


def judge(text: str, *, alg: str = "RS256", keys=None, of_provider=SIGNING) -> Introspection:
    token = signed_answer(answer(text.encode(), content_type=SIGNED), provider=of_provider, now=NOW)
    return read_signed_introspection(
        token, keys or key_set(), provider=of_provider, issuer=ISSUER, alg=alg, now=NOW
    )


def code_of(text: str, **given) -> str:
    with pytest.raises(TokenRejected) as error:
        judge(text, **given)
    return error.value.code


@pytest.mark.parametrize("typ", ["token-introspection+jwt", "Token-Introspection+JWT", SIGNED])
@pytest.mark.parametrize("audience", [CLIENT_ID, ["https://api.example", CLIENT_ID]])
def test_signed_answer_says_the_same(typ, audience):
    """What stands in the signed answer must come back as if it had come plain."""
    found = judge(signed_one({"typ": typ}, aud=audience))
    assert (found.active, found.subject, found.scope, found.claims) == (True, "person-1", ("openid",), SAID)
    assert judge(signed_one(token_introspection={"active": False, "sub": "x"})) == Introspection(active=False)


@pytest.mark.parametrize("alg", ["PS256", "ES384", "EdDSA", "HS256"])
def test_answer_is_signed_as_registered(alg):
    """The registered signature gets through, that of the client's secret too, and no other does."""
    keys = None if alg == "HS256" else key_set(public_jwk(key_for(alg)))
    assert judge(signed_one(alg=alg), alg=alg, keys=keys).active
    assert code_of(signed_one(alg=alg)) == "introspection_alg_mismatch"


SIGNED_FAULTS = {
    "iss absent": ({"iss": ABSENT}, "iss"),
    "iss with a slash more": ({"iss": f"{ISSUER}/"}, "iss"),
    "aud absent": ({"aud": ABSENT}, "aud"),
    "aud of another": ({"aud": "client-2"}, "aud"),
    "aud a longer one": ({"aud": f"{CLIENT_ID}0"}, "aud"),
    "aud an object": ({"aud": {CLIENT_ID: 1}}, "aud"),
    "iat absent": ({"iat": ABSENT}, "iat_invalid"),
    "iat text": ({"iat": str(NOW)}, "iat_invalid"),
    "iat true": ({"iat": True}, "iat_invalid"),
    "iat in the future": ({"iat": NOW + 60.1}, "iat_future"),
    "exp over": ({"exp": NOW - 60}, "expired"),
    "exp text": ({"exp": "never"}, "expired"),
    "exp null": ({"exp": None}, "expired"),
    "nothing said": ({"token_introspection": ABSENT}, "claim_missing"),
    "a list said": ({"token_introspection": [SAID]}, "claim_missing"),
    "said beside it": ({"token_introspection": ABSENT, "active": True}, "claim_missing"),
}


@pytest.mark.parametrize(("changes", "kind"), SIGNED_FAULTS.values(), ids=SIGNED_FAULTS)
def test_each_fault_of_a_signed_answer_has_its_code(changes, kind):
    """A signed answer with one fault must be refused with that fault's code."""
    assert code_of(signed_one(**changes)) == f"introspection_{kind}"


@pytest.mark.parametrize("changes", [{"iat": NOW + 60}, {"iat": NOW - 86_400}, {"exp": NOW - 59.9}])
def test_clocks_may_be_a_minute_apart(changes):
    """Times are judged with a minute's leeway; how old an answer may be is its maker's affair."""
    assert judge(signed_one(**changes)).active


def test_signed_answer_needs_its_verdict():
    """A signed answer that leaves open whether the token is active must be refused like a plain one."""
    with pytest.raises(MalformedAnswer) as error:
        judge(signed_one(token_introspection={"sub": "person-1"}))
    assert error.value.code == "introspection_active_invalid"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (signed_one({"typ": "JWT"}), "introspection_typ"),
        (signed_one({"typ": "at+jwt"}), "introspection_typ"),
        (signed_one({}), "introspection_typ"),
        (signed(id_token_claims(token_introspection=SAID)), "introspection_typ"),
        (compact({"alg": "none", **TYPED}, said(), b""), "introspection_alg_none"),
        (compact({"alg": "nOnE", **TYPED}, said(), b"x" * 256), "introspection_alg_none"),
        (signed_one(alg="HS256", key=json.dumps(public_jwk(rsa_key())).encode()), "introspection_alg_mismatch"),
        (signed_one(key=rsa_key("attacker")), "introspection_signature"),
        (
            signed_one({**TYPED, "jwk": public_jwk(rsa_key("attacker"))}, key=rsa_key("attacker")),
            "introspection_signature",
        ),
        (signed_one({**TYPED, "crit": ["x"]}), "introspection_header_crit"),
        (encrypted(signed_one()), "introspection_encrypted"),
        ("active", "introspection_not_compact"),
        ("", "introspection_not_compact"),
    ],
)
def test_what_the_provider_has_not_signed_is_refused(text, code):
    """Another kind of token, another's signature, and none at all must each be refused with the code of why."""
    assert code_of(text) == code


def test_newer_key_may_help():
    """An answer under a key that we don't hold must be told apart: newer keys may have it."""
    with pytest.raises(UnknownKey) as error:
        judge(signed_one({**TYPED, "kid": "k2"}))
    assert error.value.code == "introspection_unknown_key"


PLAIN_FAULTS = {
    "plain JSON": (json_answer(SAID), TokenRejected, "introspection_not_signed"),
    "another JWT": (answer(b"", content_type="application/jwt"), MalformedAnswer, "introspection_content_type"),
    "refused": (
        json_answer({"error": "invalid_client"}, status=401),
        OperatorError,
        "introspection_invalid_client",
    ),
    "500": (answer(b"", status=500, content_type=SIGNED), ProviderUnavailable, "introspection_server_error"),
    "404": (answer(b"", status=404, content_type=SIGNED), ProviderError, "introspection_status"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), PLAIN_FAULTS.values(), ids=PLAIN_FAULTS)
def test_plain_answer_is_not_taken_for_a_signed_one(response, error_class, code):
    """Where answers are registered to come signed, a plain one counts for nothing."""
    with pytest.raises(error_class) as error:
        signed_answer(response, provider=SIGNING, now=NOW)
    assert (type(error.value), error.value.code) == (error_class, code)


def test_signed_answer_that_was_not_agreed_is_refused():
    """Where nothing was registered, a signed answer is no answer: nobody has said whose signature counts."""
    with pytest.raises(MalformedAnswer) as error:
        read(answer(signed_one().encode(), content_type=SIGNED))
    assert error.value.code == "introspection_content_type"


FORGERIES = {
    "check_issuer": {"iss": "https://evil.example"},
    "check_audience": {"aud": "client-2"},
    "check_issued_at": {"iat": NOW + 61},
    "check_expiry": {"exp": NOW - 61},
}


@pytest.mark.parametrize("check", introspection.SIGNED_CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_forged_answer_gets_in(monkeypatch, check):
    """An answer with one forged claim must be refused by that claim's check, and by nothing else."""
    forged = signed_one(**FORGERIES[check.__name__])
    with pytest.raises(TokenRejected):
        judge(forged)
    rest = tuple(other for other in introspection.SIGNED_CHECKS if other is not check)
    monkeypatch.setattr(introspection, "SIGNED_CHECKS", rest)
    assert judge(forged).active


@pytest.mark.parametrize(
    ("step", "forged"),
    [
        ("check_typ", signed_one({"typ": "JWT"})),
        ("check_alg", signed_one({**TYPED, "alg": "RS512"}, key=rsa_key())),
    ],
)
def test_without_its_step_the_forged_answer_gets_in(monkeypatch, step, forged):
    """Kind and algorithm must each be what refuses an answer that is wrong in just that."""
    with pytest.raises(TokenRejected):
        judge(forged)
    monkeypatch.setattr(introspection, step, lambda *_: None)
    assert judge(forged).active


def test_nothing_of_the_answer_shows():
    """No error may hold the answer or the secret that it was judged by."""
    text = signed_one(sub="a-person-of-their-own", aud="client-2")
    error = outcome(lambda: judge(text))
    shown = f"{error!s}{error!r}{vars(error)!r}{error.__context__!r}"
    assert not any(part in shown for part in (*text.split("."), "a-person-of-their-own", CLIENT_SECRET))


CLAIMS = st.dictionaries(st.sampled_from([*said(exp=0)]), VALUES | st.just(SAID))


@given(st.binary() | CLAIMS.map(lambda changes: signed_one(alg="EdDSA", **changes).encode()))
def test_any_signed_bytes_give_an_answer_or_our_error(body):
    """Whatever comes signed, or as if it were, the reader must give an answer or an error of ours."""
    keys = key_set(public_jwk(key_for("EdDSA")))
    found = outcome(lambda: judge(body.decode("latin-1"), alg="EdDSA", keys=keys))
    assert isinstance(found, Introspection | SignOnError)
