from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NONCE,
    NOW,
    answer,
    at_hash,
    claims,
    encrypted,
    json_answer,
    key_set,
    metadata,
    pem,
    provider,
    public_jwk,
    rsa_key,
    signed,
    with_changes,
)

from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderRefused,
    ProviderUnavailable,
    RefreshEnded,
    SignOnError,
    TokenRejected,
    UnknownKey,
)
from signon.core.flow import KeysWanted
from signon.core.http import HttpRequest
from signon.core.jose import private_keys
from signon.core.person import Login, to_login, to_person
from signon.core.refresh import Refreshed, refresh
from signon.core.tokens import TokenSet
from signon.core.values import Secret

LATER = NOW + 3600
AT_SIGN_IN = claims(auth_time=NOW - 5, name="Mia", acr="high", sid="s-1", groups=["a"])
TOKENS = TokenSet(
    access_token=Secret("the-old-access-token"),
    scope=("openid", "profile"),
    expires_at=LATER,
    issued_at=NOW,
    refresh_token=Secret("the-old-refresh-token"),
    id_token=Secret("the.old.token"),
)


def signed_in(**changes: object) -> Login:
    said = with_changes(AT_SIGN_IN, changes)
    person = replace(to_person(said, provider="op", issuer=ISSUER), public_subject="our key")
    return to_login(person, said, now=NOW, scope=TOKENS.scope)


def later(**changes: object) -> str:
    """An ID token of the refresh, as a provider should write it: without nonce (OIDC Core 12.2)."""
    return signed(claims(**{"nonce": ABSENT, "iat": LATER, "exp": LATER + 300, **changes}))


def given_tokens(**changes: object):
    usual = {"access_token": "the-new-access-token", "token_type": "Bearer", "expires_in": 600}
    return json_answer(with_changes(usual, changes))


def run(*answers: object, login: Login | None = None, tokens: TokenSet = TOKENS, of_provider=None):
    """Drive a refresh with answers in their order (an error is thrown in); give its result and what it asked."""
    flow = refresh(
        provider=of_provider or provider(),
        metadata=metadata(),
        tokens=tokens,
        login=login or signed_in(),
        now=LATER,
    )
    asked, waiting = [], list(answers)
    step = partial(next, flow)
    while True:
        try:
            asked.append(step())
        except StopIteration as end:
            assert not waiting, "the flow has not asked for everything"
            return end.value, asked
        given = waiting.pop(0)
        step = partial(flow.throw if isinstance(given, SignOnError) else flow.send, given)


def failure(*answers: object, **context: object) -> SignOnError:
    with pytest.raises(SignOnError) as error:
        run(*answers, **context)
    return error.value


def refreshed(**changes: object) -> Refreshed:
    done, _ = run(key_set(), given_tokens(id_token=later(**changes)), key_set())
    return done


def test_keys_are_had_before_the_refresh_token_is_used():
    """The keys must come first: an answer that can't be verified would cost the refresh token."""
    _, asked = run(key_set(), given_tokens(id_token=later()), key_set())
    assert asked[0] == KeysWanted()
    assert isinstance(asked[1], HttpRequest)
    error = failure(ProviderUnavailable("jwks_timeout", "no answer"))
    assert (type(error), error.code) == (ProviderUnavailable, "jwks_timeout")


def test_request_has_the_refresh_token_and_no_scope():
    """One form with the refresh token and our authentication, and nothing that asks for more (RFC 6749 6)."""
    _, asked = run(key_set(), given_tokens(), of_provider=provider(headers={"X-Region": "th"}))
    request = asked[1]
    assert (request.method, request.url, request.document) == ("POST", f"{ISSUER}/token", "token")
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": "the-old-refresh-token",
    }
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Region"] == "th"


def test_new_tokens_take_the_place_of_the_old():
    """Access, refresh and ID token must be the new ones, with their own times (G4)."""
    token = later(at_hash=at_hash("the-new-access-token"))
    given = given_tokens(id_token=token, refresh_token="the-new-refresh-token", claims={"pid": "1"})
    done, _ = run(key_set(), given, key_set())
    assert done.tokens == TokenSet(
        access_token=Secret("the-new-access-token"),
        scope=TOKENS.scope,
        expires_at=LATER + 600,
        issued_at=LATER,
        refresh_token=Secret("the-new-refresh-token"),
        id_token=Secret(token),
    )


def test_answer_without_them_leaves_refresh_and_id_token():
    """A provider that gives neither a new refresh token nor an ID token changes neither (RFC 6749 6, G3)."""
    done, asked = run(key_set(), given_tokens(claims={"pid": "1"}))
    assert len(asked) == 2
    assert done.tokens.refresh_token == TOKENS.refresh_token
    assert done.tokens.id_token == TOKENS.id_token
    assert done.tokens.claims == {}
    assert done.login == signed_in()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("openid profile", ("openid", "profile")),
        ("openid", ("openid",)),
        ("openid profile admin", ("openid", "profile")),
        ("admin", ()),
        (None, ("openid", "profile")),
    ],
)
def test_scope_never_grows(said, kept):
    """A smaller scope is honoured, a larger one is not believed, and without a word it stays (G6)."""
    done, _ = run(key_set(), given_tokens(scope=said))
    assert (done.tokens.scope, done.login.scope) == (kept, kept)


def test_what_it_says_of_the_person_is_taken_over():
    """New claims of the person must count; those left out stay, and so does our own key for them."""
    login = refreshed(name="Mia K.", groups=["b"]).login
    assert (login.person.name, login.claims["groups"]) == ("Mia K.", ["b"])
    assert login.person.public_subject == "our key"
    assert refreshed(email="m@example.org").login.person.name == "Mia"


def test_new_address_is_not_verified_by_the_old_one():
    """An address that the sign-in had verified must not lend that to the one that has taken its place."""
    before = signed_in(email="old@example.org", email_verified=True)
    for email, is_verified in (("new@example.org", False), ("old@example.org", True)):
        done, _ = run(key_set(), given_tokens(id_token=later(email=email)), key_set(), login=before)
        assert (done.login.person.email, done.login.person.email_verified) == (email, is_verified)


def test_how_they_signed_in_stays():
    """A refresh is no sign-in: nothing of how and when it was done may change."""
    before, login = signed_in(), refreshed(acr="low", sid="s-2", amr=["pwd"], auth_time=NOW - 5).login
    for name in ("acr", "amr", "sid", "auth_time", "signed_in_at"):
        assert getattr(login, name) == getattr(before, name), name
    assert {name: login.claims[name] for name in ("iat", "exp", "nonce", "acr", "sid")} == {
        name: before.claims[name] for name in ("iat", "exp", "nonce", "acr", "sid")
    }


REJECTED = {
    "G1 iss": ({"iss": "https://evil.example"}, "id_token_iss"),
    "G1 sub": ({"sub": "person-2"}, "id_token_sub_changed"),
    "G1 sub absent": ({"sub": ""}, "id_token_sub_missing"),
    "G1 aud": ({"aud": "client-2"}, "id_token_aud"),
    "G1 aud and others": ({"aud": [CLIENT_ID, "client-2"]}, "id_token_aud_extra"),
    "G1 iat too old": ({"iat": LATER - 661}, "id_token_iat_old"),
    "G1 iat of the future": ({"iat": LATER + 61}, "id_token_iat_future"),
    "G2 auth_time": ({"auth_time": LATER}, "id_token_auth_time_changed"),
    "G2 auth_time as text": ({"auth_time": str(NOW - 5)}, "id_token_auth_time_changed"),
    "G2 azp": ({"azp": "client-2"}, "id_token_azp"),
    "G2 nonce": ({"nonce": "of another sign-in"}, "id_token_nonce_mismatch"),
    "G3 exp": ({"exp": LATER - 61}, "id_token_expired"),
    "G3 at_hash": ({"at_hash": at_hash("the-old-access-token")}, "id_token_at_hash"),
}


@pytest.mark.parametrize(("changes", "code"), REJECTED.values(), ids=REJECTED)
def test_token_that_is_not_of_this_sign_in_is_refused(changes, code):
    """A new ID token with one claim wrong must fail by that claim's check, and leave no new token (G1-G3, G8)."""
    error = failure(key_set(), given_tokens(id_token=later(**changes)), key_set())
    assert (type(error), error.code) == (TokenRejected, code)


def test_time_of_the_sign_in_is_the_earliest():
    """`iat` may not be before the sign-in's, but for two clocks of the provider (G1)."""
    soon = claims(iat=NOW, auth_time=NOW - 5)
    for seconds, code in ((60, None), (61, "id_token_iat_before_sign_in")):
        flow = refresh(
            provider=provider(), metadata=metadata(), tokens=TOKENS, login=signed_in(**soon), now=NOW + 1
        )
        next(flow)
        flow.send(key_set())
        flow.send(given_tokens(id_token=later(iat=NOW - seconds, exp=NOW + 300)))
        try:
            flow.send(key_set())
        except StopIteration:
            found = None
        except TokenRejected as error:
            found = error.code
        assert found == code


@pytest.mark.parametrize(
    "changes",
    [{}, {"nonce": NONCE}, {"auth_time": NOW - 5}, {"aud": [CLIENT_ID]}, {"azp": CLIENT_ID}, {"acr": None}],
)
def test_what_may_be_absent_or_equal_is_accepted(changes):
    """nonce, auth_time and azp may be missing or as they were; how `aud` is written doesn't count (G1, G2)."""
    assert refreshed(**changes).login.person.subject == "person-1"


def test_sign_in_without_them_has_nothing_to_compare():
    """A sign-in whose token had no `auth_time` takes none over; without a nonce none may come now (G2)."""
    bare = signed_in(auth_time=None, nonce=None)
    done, _ = run(key_set(), given_tokens(id_token=later(auth_time=LATER)), key_set(), login=bare)
    assert done.login.auth_time is None
    error = failure(key_set(), given_tokens(id_token=later(nonce=NONCE)), key_set(), login=bare)
    assert error.code == "id_token_nonce_mismatch"


def test_demands_of_the_sign_in_are_not_made_again():
    """Nobody has signed in now, so neither `max_age` nor `acr_values` of the provider's settings count."""
    strict = provider(max_age_seconds=60, acr_values=("high",), prompt="login")
    done, _ = run(key_set(), given_tokens(id_token=later()), key_set(), of_provider=strict)
    assert done.login.acr == "high"


def test_checks_of_the_provider_count():
    """A profile's extra checks must judge the new token, too, and see the sign-in's claims."""
    seen = []

    def check(said, expected):
        seen.append((said["sub"], expected.original["nonce"]))
        raise TokenRejected("id_token_own", "no")

    error = failure(
        key_set(), given_tokens(id_token=later()), key_set(), of_provider=provider(extra_checks=(check,))
    )
    assert (error.code, seen) == ("id_token_own", [("person-1", NONCE)])


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (lambda: signed(claims(iat=LATER, exp=LATER + 9), alg="none"), "id_token_alg_none"),
        (lambda: signed(claims(iat=LATER, exp=LATER + 9), alg="HS256"), "id_token_alg_mismatch"),
        (lambda: signed(claims(iat=LATER, exp=LATER + 9), key=rsa_key("attacker")), "id_token_signature"),
        (lambda: "a.b", "id_token_not_compact"),
    ],
)
def test_signature_and_alg_are_checked_as_at_the_sign_in(token, code):
    """A new ID token that anybody could have written must be refused (G3)."""
    assert failure(key_set(), given_tokens(id_token=token()), key_set()).code == code


def test_newer_keys_are_asked_for_once():
    """A token of a key that is newer than the set must be verified with the set as it is then."""
    old = key_set(public_jwk(rsa_key(), kid="old"))
    done, asked = run(key_set(), given_tokens(id_token=later()), old, key_set())
    assert asked[-1] == KeysWanted(unknown_to=old)
    assert done.login.person.name == "Mia"
    error = failure(key_set(), given_tokens(id_token=later()), old, old)
    assert type(error) is UnknownKey


def test_token_signed_with_the_secret_needs_no_keys():
    """Where ID tokens are signed with our secret, no key set may be asked for."""
    shared = provider(id_token_algs=frozenset({"HS256"}))
    token = signed(claims(iat=LATER, exp=LATER + 300), alg="HS256", key=CLIENT_SECRET.encode())
    done, asked = run(given_tokens(id_token=token), of_provider=shared)
    assert len(asked) == 1
    assert done.tokens.id_token.reveal() == token


def test_sign_in_without_an_id_token_needs_no_keys():
    """Where the sign-in left no ID token none is expected; one that comes is judged all the same."""
    bare = replace(TOKENS, id_token=None)
    done, asked = run(given_tokens(), tokens=bare)
    assert (len(asked), done.tokens.id_token) == (1, None)
    error = failure(given_tokens(id_token=later(sub="person-2")), key_set(), tokens=bare)
    assert error.code == "id_token_sub_changed"


def test_encrypted_token_is_opened():
    """Where encryption is registered, a plain token is refused and an encrypted one opened (G3)."""
    ours = provider(id_token_encryption="RSA-OAEP-256", private_keys=private_keys(pem(rsa_key("ours"))))
    assert failure(key_set(), given_tokens(id_token=later()), of_provider=ours).code == "id_token_not_encrypted"
    token = later()
    done, _ = run(key_set(), given_tokens(id_token=encrypted(token)), key_set(), of_provider=ours)
    assert done.login.person.name == "Mia"
    assert done.tokens.id_token == Secret(token)


def test_without_a_refresh_token_it_is_not_tried():
    """Nothing is asked without a refresh token, and the error must say what to ask for."""
    error = failure(tokens=replace(TOKENS, refresh_token=None))
    assert (type(error), error.code) == (OperatorError, "refresh_token_missing")
    assert "offline_access" in str(error)


def test_final_refusal_is_told_from_others():
    """A refusal by a code that the profile calls final is `RefreshEnded`; another may pass."""
    error = failure(key_set(), json_answer({"error": "invalid_grant"}, status=400))
    assert (type(error), error.code, error.error) == (RefreshEnded, "refresh_ended", "invalid_grant")
    error = failure(key_set(), json_answer({"error": "invalid_request"}, status=400))
    assert (type(error), error.code) == (ProviderRefused, "token_refused")
    error = failure(key_set(), answer(b"{"))
    assert (type(error), error.code) == (MalformedAnswer, "token_not_json")
    error = failure(key_set(), ProviderUnavailable("token_timeout", "no answer"))
    assert (type(error), error.code) == (ProviderUnavailable, "token_timeout")


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")), st.sampled_from([200, 400, 401]))
def test_any_bytes_leave_tokens_or_our_error(body, status):
    """Whatever comes from the token endpoint, a refresh must end with new tokens or an error of ours."""
    try:
        done, _ = run(key_set(), answer(body, status=status))
    except SignOnError:
        return
    assert isinstance(done, Refreshed)
