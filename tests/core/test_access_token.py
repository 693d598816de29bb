import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NOW,
    b64,
    chain,
    compact,
    ed_key,
    encrypted,
    key_for,
    key_set,
    outcome,
    public_jwk,
    rsa_key,
    signed,
    unb64,
    with_changes,
)
from tests.core.forge import claims as id_token_claims

from signon.core import access_token
from signon.core.access_token import (
    TokenExpectations,
    VerifiedAccessToken,
    unverified_issuer,
    verify_access_token,
    verify_again,
)
from signon.core.errors import OperatorError, TokenRejected, UnknownKey
from signon.core.provider import AccessTokenProfile
from signon.core.values import Secret

AUDIENCE = "https://api.example/"
STRICT = AccessTokenProfile()
UNTYPED = AccessTokenProfile(kind_may_be_unsaid=True, azp_may_stand_in=True, jti_may_be_missing=True)
TYPED, PLAIN = {"typ": "at+jwt"}, {"typ": "JWT"}


def claims(**changes: object) -> dict[str, object]:
    """The claims of a genuine access token (RFC 9068 2.2), with changes."""
    genuine = {
        "iss": ISSUER,
        "exp": NOW + 300,
        "aud": AUDIENCE,
        "sub": "person-1",
        "client_id": CLIENT_ID,
        "iat": NOW,
        "jti": "token-1",
        "scope": "read:orders write:orders",
    }
    return with_changes(genuine, changes)


def expectations(profile: AccessTokenProfile = STRICT, **changes: object) -> TokenExpectations:
    return replace(TokenExpectations(issuer=ISSUER, audience=AUDIENCE, profile=profile, now=NOW), **changes)


def token(header: object = TYPED, *, alg: str = "RS256", key=None, **changes: object) -> str:
    return signed(claims(**changes), alg=alg, key=key, header=header)


def verify(text: str, profile: AccessTokenProfile = STRICT, *, keys=None, **expected) -> VerifiedAccessToken:
    return verify_access_token(Secret(text), keys=keys or key_set(), expected=expectations(profile, **expected))


def code_of(text: str, profile: AccessTokenProfile = STRICT, **given) -> str:
    with pytest.raises(TokenRejected) as error:
        verify(text, profile, **given)
    return error.value.code


# what is accepted


def test_genuine_token_is_verified():
    """A token of RFC 9068 must come back with whom it acts for, for whom, and what it is good for."""
    verified = verify(token())
    assert (verified.issuer, verified.subject, verified.client_id) == (ISSUER, "person-1", CLIENT_ID)
    assert verified.scopes == {"read:orders", "write:orders"}
    assert verified.claims == claims()


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_kind_is_a_media_type(typ):
    """`typ` is compared without case, with or without its first half (RFC 9068 4, RFC 7515 4.1.9)."""
    assert verify(token({"typ": typ})).subject == "person-1"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], [f"{ISSUER}/userinfo", AUDIENCE]])
def test_audience_is_text_or_list(audience):
    """`aud` may be one text, or a list in which this API is one of several (RFC 7519 4.1.3)."""
    assert verify(token(aud=audience)).issuer == ISSUER


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES512", "EdDSA"])
def test_registered_algorithm_is_accepted(alg):
    """A token signed with the registered algorithm gets in, whichever that is."""
    keys = key_set(public_jwk(key_for(alg)))
    assert verify(token(alg=alg), replace(STRICT, algs=frozenset({alg})), keys=keys).subject == "person-1"


def test_scope_may_be_absent():
    """A token without a scope is good for nothing in particular."""
    assert verify(token(scope=ABSENT)).scopes == frozenset()
    assert verify(token(scope="")).scopes == frozenset()


def test_permissions_can_be_what_counts():
    """By its profile a provider's `permissions`, a list, is where scopes are looked for; `scope` is then not."""
    permissions = replace(UNTYPED, scope_claim="permissions")
    given = token(PLAIN, permissions=["delete:orders", "read:orders"])
    assert verify(given, permissions).scopes == {"delete:orders", "read:orders"}
    assert verify(given, UNTYPED).scopes == {"read:orders", "write:orders"}
    assert verify(token(PLAIN), permissions).scopes == frozenset()
    for wrong in ("read:orders", ["read:orders", 1], {"read:orders": True}):
        assert code_of(token(PLAIN, permissions=wrong), permissions) == "access_token_scope_invalid"


# what is refused

FAULTS = {
    "iss absent": ({"iss": ABSENT}, "iss_missing"),
    "iss null": ({"iss": None}, "iss_missing"),
    "iss of another": ({"iss": "https://evil.example"}, "iss"),
    "iss with a slash more": ({"iss": f"{ISSUER}/"}, "iss"),
    "iss in capitals": ({"iss": ISSUER.upper()}, "iss"),
    "iss a list": ({"iss": [ISSUER]}, "iss"),
    "aud absent": ({"aud": ABSENT}, "aud_missing"),
    "aud null": ({"aud": None}, "aud_missing"),
    "aud empty": ({"aud": []}, "aud"),
    "aud of another": ({"aud": "https://other.example/"}, "aud"),
    "aud without its slash": ({"aud": AUDIENCE[:-1]}, "aud"),
    "aud a longer one": ({"aud": f"{AUDIENCE}orders"}, "aud"),
    "aud inside a text": ({"aud": f"x {AUDIENCE}"}, "aud"),
    "aud a number": ({"aud": 0}, "aud_invalid"),
    "aud an object": ({"aud": {AUDIENCE: 1}}, "aud_invalid"),
    "aud with a number": ({"aud": [AUDIENCE, 1]}, "aud_invalid"),
    "aud nested": ({"aud": [[AUDIENCE]]}, "aud_invalid"),
    "exp absent": ({"exp": ABSENT}, "exp_missing"),
    "exp text": ({"exp": str(NOW + 300)}, "exp_invalid"),
    "exp true": ({"exp": True}, "exp_invalid"),
    "exp over": ({"exp": NOW - 60}, "expired"),
    "iat absent": ({"iat": ABSENT}, "iat_missing"),
    "iat text": ({"iat": "now"}, "iat_invalid"),
    "iat in the future": ({"iat": NOW + 61}, "iat_future"),
    "nbf text": ({"nbf": "now"}, "nbf_invalid"),
    "nbf in the future": ({"nbf": NOW + 61}, "nbf"),
    "sub absent": ({"sub": ABSENT}, "sub_missing"),
    "sub empty": ({"sub": ""}, "sub_missing"),
    "sub a number": ({"sub": 1}, "sub_invalid"),
    "client_id absent": ({"client_id": ABSENT}, "client_id_missing"),
    "client_id absent, azp there": ({"client_id": ABSENT, "azp": CLIENT_ID}, "client_id_missing"),
    "client_id a list": ({"client_id": [CLIENT_ID]}, "client_id_invalid"),
    "jti absent": ({"jti": ABSENT}, "jti_missing"),
    "jti a number": ({"jti": 1}, "jti_invalid"),
    "scope a list": ({"scope": ["read:orders"]}, "scope_invalid"),
    "scope a number": ({"scope": 1}, "scope_invalid"),
    "bound to a key": ({"cnf": {"jkt": "thumbprint"}}, "bound"),
    "bound to a certificate": ({"cnf": {"x5t#S256": "thumbprint"}}, "bound"),
}


@pytest.mark.parametrize(("changes", "kind"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("profile", [STRICT, replace(UNTYPED, azp_may_stand_in=False, jti_may_be_missing=False)])
def test_each_fault_of_the_claims_has_its_code(changes, kind, profile):
    """A token with one fault must be refused with that fault's code, also where `typ` may say nothing."""
    assert code_of(token(**changes), profile) == f"access_token_{kind}"


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({"exp": NOW - 59.9}, True),
        ({"exp": NOW - 60}, False),
        ({"iat": NOW + 60}, True),
        ({"iat": NOW + 60.1}, False),
        ({"nbf": NOW + 60}, True),
        ({"nbf": NOW + 60.1}, False),
        ({"iat": NOW - 86_400}, True),
    ],
)
def test_clocks_may_be_a_minute_apart(changes, fine):
    """Times are judged with a minute's leeway, and not a moment more; a token may be old while it is valid."""
    assert isinstance(outcome(lambda: verify(token(**changes))), VerifiedAccessToken if fine else TokenRejected)


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE"])
@pytest.mark.parametrize("signature", [b"", b"x" * 256])
def test_unsigned_token_is_refused(alg, signature):
    """`none` in any spelling must be refused, whatever stands in the signature's place."""
    text = compact({"alg": alg, "typ": "at+jwt", "kid": "k1"}, claims(), signature)
    assert code_of(text) == "access_token_alg_none"
    assert code_of(text, replace(STRICT, algs=frozenset({"none", alg}))) == "access_token_alg_none"


@pytest.mark.parametrize("alg", ["RS384", "PS256", "ES256", "HS256", "rs256", ""])
def test_another_algorithm_is_refused(alg):
    """A token that names an algorithm that is not registered must be refused before any key is looked at."""
    text = compact({"alg": alg, "typ": "at+jwt", "kid": "k1"}, claims(), b"x" * 256)
    assert code_of(text) == "access_token_alg_mismatch"


def test_token_never_chooses_its_algorithm(monkeypatch):
    """Without the check of `alg` neither a public key nor a client's secret may serve as a shared one."""
    monkeypatch.setattr(access_token, "check_alg", lambda *_: None)
    for key in (json.dumps(public_jwk(rsa_key())), CLIENT_SECRET):
        with pytest.raises(OperatorError) as error:
            verify(token(alg="HS256", key=key.encode()))
        assert error.value.code == "client_secret_short"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", ABSENT, "logout+jwt", "dpop+jwt", "at+jwtx", ""])
def test_another_kind_of_token_is_refused(typ):
    """What doesn't say in its header that it is an access token must be refused by the standard's own profile."""
    assert code_of(token({"typ": typ})) == "access_token_typ"


@pytest.mark.parametrize(
    ("key", "kid", "code", "kind"),
    [
        (rsa_key("attacker"), "k1", "access_token_signature", TokenRejected),
        (rsa_key("attacker"), ABSENT, "access_token_signature", UnknownKey),
        (rsa_key(), "k2", "access_token_unknown_key", UnknownKey),
    ],
    ids=["foreign key", "foreign key, unnamed", "unknown key"],
)
def test_foreign_signature_is_refused(key, kid, code, kind):
    """Another's signature must be refused; newer keys are worth a look only where none of ours can be meant."""
    with pytest.raises(TokenRejected) as error:
        verify(token({**TYPED, "kid": kid}, key=key))
    assert (error.value.code, type(error.value)) == (code, kind)


def test_key_of_the_header_is_not_looked_at():
    """A key that the token brings along, or names an address of, must count for nothing (RFC 8725 3.10)."""
    header = {**TYPED, "jwk": public_jwk(rsa_key("attacker")), "jku": "https://evil.example/jwks", "x5c": ["x"]}
    assert code_of(token(header, key=rsa_key("attacker"))) == "access_token_signature"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("opaque", "access_token_not_compact"),
        ("a.b.c", "access_token_not_base64url"),
        (encrypted(token()), "access_token_encrypted"),
        (token({**TYPED, "crit": ["x"]}), "access_token_header_crit"),
        (token({**TYPED, "b64": False}), "access_token_header_b64"),
    ],
)
def test_other_shapes_are_refused(text, code):
    """What is not one signed JWS that we understand must be refused with the code of why."""
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"[]", "access_token_not_object"),
        (b"x", "access_token_not_json"),
        (b'{"aud":"a","aud":"b"}', "access_token_duplicate_member"),
        (b'{"exp":1e999}', "access_token_bad_number"),
    ],
)
def test_signed_payload_must_be_one_clean_object(payload, code):
    """A signed payload that two readers could read in two ways must be refused as a token."""
    assert code_of(signed(payload, header=TYPED)) == code


# each check is a lock

FORGERIES = {
    "check_issuer": ({"iss": "https://evil.example"}, "iss"),
    "check_audience": ({"aud": "https://other.example/"}, "aud"),
    "check_expiry": ({"exp": NOW - 61}, "expired"),
    "check_issued_at": ({"iat": NOW + 61}, "iat_future"),
    "check_not_before": ({"nbf": NOW + 61}, "nbf"),
    "check_subject": ({"sub": ""}, "sub_missing"),
    "check_client": ({"client_id": ABSENT}, "client_id_missing"),
    "check_token_id": ({"jti": ABSENT}, "jti_missing"),
    "check_scope": ({"scope": ["read:orders"]}, "scope_invalid"),
    "check_unbound": ({"cnf": {"jkt": "x"}}, "bound"),
}
UNTYPED_FORGERIES = {
    "check_other_kinds": ({"nonce": "n"}, "other_kind"),
    "check_client_is_no_audience": ({"aud": [AUDIENCE, CLIENT_ID]}, "for_its_client"),
}


def test_each_check_has_its_forgery():
    """Each check must have a forged token here, in the order in which they run."""
    assert [check.__name__ for check in access_token.CHECKS] == list(FORGERIES)
    assert [check.__name__ for check in access_token.UNTYPED_CHECKS] == list(UNTYPED_FORGERIES)
    assert set(access_token.CHECKED_AGAIN) < set(access_token.CHECKS)


def without(check, name: str) -> tuple:
    return tuple(other for other in getattr(access_token, name) if other is not check)


@pytest.mark.parametrize("check", access_token.CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_forged_token_gets_in(monkeypatch, check):
    """A token with one forged claim must be refused by that claim's check, and by nothing else."""
    changes, kind = FORGERIES[check.__name__]
    assert code_of(token(**changes)) == f"access_token_{kind}"
    monkeypatch.setattr(access_token, "CHECKS", without(check, "CHECKS"))
    assert isinstance(verify(token(**changes)), VerifiedAccessToken)


@pytest.mark.parametrize("check", access_token.UNTYPED_CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_an_untyped_forgery_gets_in(monkeypatch, check):
    """Where `typ` says nothing, a token of another kind must be refused by that check, and by nothing else."""
    changes, kind = UNTYPED_FORGERIES[check.__name__]
    forged = token(PLAIN, **changes)
    assert code_of(forged, UNTYPED) == f"access_token_{kind}"
    monkeypatch.setattr(access_token, "UNTYPED_CHECKS", without(check, "UNTYPED_CHECKS"))
    assert isinstance(verify(forged, UNTYPED), VerifiedAccessToken)


@pytest.mark.parametrize(
    ("step", "forged"),
    [
        ("check_typ", token(PLAIN)),
        ("check_alg", signed(claims(), header={**TYPED, "alg": "RS384"}, key=rsa_key())),
        ("verify_signature", token(key=rsa_key("attacker"))),
    ],
)
def test_without_its_step_the_forged_token_gets_in(monkeypatch, step, forged):
    """Kind, algorithm and signature must each be what refuses a token that is wrong in just that."""
    with pytest.raises(TokenRejected):
        verify(forged)
    unchecked = {"verify_signature": lambda text, **_: unb64(text.reveal().split(".")[1])}
    monkeypatch.setattr(access_token, step, unchecked.get(step, lambda *_: None))
    if step == "check_alg":
        monkeypatch.setattr(access_token, "verify_signature", unchecked["verify_signature"])
    assert isinstance(verify(forged), VerifiedAccessToken)


# an ID token is never an access token

ID_TOKENS = {
    "as it is": {},
    "without a nonce": {"nonce": ABSENT},
    "with azp": {"nonce": ABSENT, "azp": CLIENT_ID},
    "for the API, too": {"nonce": ABSENT, "azp": CLIENT_ID, "aud": [CLIENT_ID, AUDIENCE]},
    "for the API, too, with a hash": {"nonce": ABSENT, "at_hash": "x", "azp": "other", "aud": [AUDIENCE]},
    "with everything else": {"nonce": ABSENT, "jti": "x", "client_id": CLIENT_ID, "scope": "read:orders"},
}


@pytest.mark.parametrize("changes", ID_TOKENS.values(), ids=ID_TOKENS)
@pytest.mark.parametrize("header", [PLAIN, {}], ids=["JWT", "no typ"])
@pytest.mark.parametrize("audience", [AUDIENCE, CLIENT_ID])
@pytest.mark.parametrize("profile", [STRICT, UNTYPED], ids=["rfc9068", "untyped"])
def test_id_token_never_opens_an_api(changes, header, audience, profile):
    """An ID token must be refused by every profile, also where an API is called what a client is called."""
    forged = signed(id_token_claims(**changes), header=header)
    assert code_of(forged, profile, audience=audience).startswith("access_token_")


@pytest.mark.parametrize("profile", [STRICT, UNTYPED], ids=["rfc9068", "untyped"])
def test_logout_token_never_opens_an_api(profile):
    """A logout token must be refused, also an old one that has no `typ` (OIDC Back-Channel Logout 2.4)."""
    events = {"http://schemas.openid.net/event/backchannel-logout": {}}
    forged = signed(claims(aud=AUDIENCE, events=events), header=PLAIN)
    assert code_of(forged, profile) in {"access_token_typ", "access_token_other_kind"}


# profiles


@pytest.mark.parametrize(
    "given",
    [
        token(PLAIN, client_id=ABSENT, jti=ABSENT, azp=CLIENT_ID),
        token({}, aud=[AUDIENCE, f"{ISSUER}/userinfo"], client_id=ABSENT, jti=ABSENT, azp=CLIENT_ID),
        token(),
    ],
)
def test_untyped_profile_takes_older_tokens(given):
    """By its deviation a provider's older tokens get in, and those of RFC 9068, too."""
    verified = verify(given, UNTYPED)
    assert (verified.client_id, verified.subject) == (CLIENT_ID, "person-1")


def test_typed_token_may_be_for_its_own_client():
    """Where `typ` says what it is, a client may be its own API."""
    assert verify(token(aud=[AUDIENCE, CLIENT_ID]), UNTYPED).client_id == CLIENT_ID


@pytest.mark.parametrize("changes", [{"azp": ABSENT}, {"azp": ""}, {"azp": 1}])
def test_somebody_must_have_been_issued_it(changes):
    """Where `azp` stands in for `client_id`, one of them must still be there, as text."""
    forged = token(PLAIN, client_id=ABSENT, **changes)
    assert code_of(forged, UNTYPED) in {"access_token_azp_missing", "access_token_azp_invalid"}


def test_clients_own_token_may_name_nobody():
    """By its deviation a token may have no subject; one that is there must still be text."""
    lenient = replace(STRICT, subject_may_be_missing=True)
    assert verify(token(sub=ABSENT), lenient).subject is None
    assert code_of(token(sub=""), lenient) == "access_token_sub_missing"


# once more


def test_verified_token_is_judged_again():
    """A token that was verified must be refused when its time is over, for another API, and for another issuer."""
    verified = verify(token(nbf=NOW))
    verify_again(verified, expected=expectations(now=NOW + 359.9))
    for changes, kind in [
        ({"now": NOW + 360}, "expired"),
        ({"now": NOW - 61}, "nbf"),
        ({"audience": "https://other.example/"}, "aud"),
        ({"issuer": "https://other.example"}, "iss"),
    ]:
        with pytest.raises(TokenRejected) as error:
            verify_again(verified, expected=expectations(**changes))
        assert error.value.code == f"access_token_{kind}"


def test_only_the_verifier_makes_verified_tokens():
    """Nobody may put together a verified token by hand."""
    with pytest.raises(TypeError, match="verifier"):
        VerifiedAccessToken(
            issuer=ISSUER, subject="x", client_id=None, scopes=frozenset(), claims={}, seal=object()
        )


def test_nothing_of_the_token_shows():
    """Neither the value nor any error may hold the token or the person."""
    assert "person-1" not in repr(verify(token(jti="a-token-id-of-its-own")))
    text = token(exp=0, sub="a-person-of-their-own")
    error = outcome(lambda: verify(text))
    shown = "".join(f"{one!s}{one!r}{vars(one)!r}" for one in chain(error))
    assert not any(part in shown for part in (*text.split("."), "a-person-of-their-own"))


# whose keys to use


@pytest.mark.parametrize(
    ("text", "issuer"),
    [
        (token(), ISSUER),
        (token(key=rsa_key("attacker"), iss="https://evil.example"), "https://evil.example"),
        (token(iss=1), None),
        (token(iss=ABSENT), None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.!.c", None),
        (f"a.{b64(b'[]')}.c", None),
        (encrypted(token()), None),
    ],
)
def test_issuer_is_what_a_jwt_says(text, issuer):
    """Before any check a JWT says whose it is; anything else says nothing."""
    assert unverified_issuer(Secret(text)) == issuer


@given(st.text() | st.lists(st.binary(), min_size=3, max_size=3).map(lambda parts: ".".join(map(b64, parts))))
def test_any_text_gives_our_error(text):
    """Whatever comes as a token, the verifier must give an error of ours, and no issuer or some text."""
    assert isinstance(outcome(lambda: verify(text)), TokenRejected)
    assert isinstance(unverified_issuer(Secret(text)), str | None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
ED_KEYS = key_set(public_jwk(ed_key()))
ED = replace(UNTYPED, algs=frozenset({"EdDSA"}))


@given(st.dictionaries(st.sampled_from(list(claims(nbf=0, azp="", cnf=0, nonce=0, events=0))), JSON))
def test_any_signed_claims_give_a_token_or_our_error(changes):
    """Whatever an issuer signs, the verifier must give a token or an error of ours."""
    given = signed(claims(**changes), alg="EdDSA", header=PLAIN)
    found = outcome(lambda: verify(given, ED, keys=ED_KEYS))
    assert isinstance(found, VerifiedAccessToken | TokenRejected)
