import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import ISSUER, NOW, outcome

from signon.core.access_token import TokenExpectations, VerifiedAccessToken
from signon.core.bearer import (
    MAX_BEARER_CHARACTERS,
    BearerRefused,
    challenge,
    check_authentication,
    check_scopes,
    protected_resource,
    read_bearer,
    scope_words,
)
from signon.core.introspected import judge_introspected
from signon.core.provider import AccessTokenProfile
from signon.core.values import Secret

DOCUMENT = "https://app.example/.well-known/oauth-protected-resource"
_PARAMETER = re.compile(r'([a-z_]+)="([\x20\x21\x23-\x5b\x5d-\x7e]*)"')


def token(**claims: object) -> VerifiedAccessToken:
    profile = AccessTokenProfile(introspected=True, audience_may_be_missing=True)
    expected = TokenExpectations(issuer=ISSUER, audience="api", profile=profile, now=NOW)
    return judge_introspected(claims, expected=expected)


def parameters(text: str) -> dict[str, str]:
    """The parameters of a challenge, read by the grammar of RFC 9110 11.6.1."""
    scheme, _, rest = text.partition(" ")
    assert scheme == "Bearer"
    found = [_PARAMETER.fullmatch(part) for part in rest.split(", ")]
    assert all(found), text
    names = [match[1] for match in found]
    assert len(set(names)) == len(names)
    return {match[1]: match[2] for match in found}


# reading


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
@pytest.mark.parametrize("text", ["a", "a.b-c_d~e+f/g", "abc=", "abc==", "0" * (MAX_BEARER_CHARACTERS - 9)])
def test_token_is_read(scheme, text):
    """The scheme is written in any case, and any token of RFC 6750 2.1 comes back as it is."""
    assert read_bearer(f"{scheme} {text}") == Secret(text)


FAULTS = {
    "nothing": ("", "access_token_missing", "", 401),
    "another scheme": ("Basic YTpi", "access_token_missing", "", 401),
    "DPoP": ("DPoP abc", "access_token_missing", "", 401),
    "a longer scheme": ("Bearerx abc", "access_token_missing", "", 401),
    "a tab": ("Bearer\tabc", "access_token_missing", "", 401),
    "the scheme alone": ("Bearer", "access_token_malformed", "invalid_token", 401),
    "the scheme and a blank": ("Bearer ", "access_token_malformed", "invalid_token", 401),
    "two words": ("Bearer a b", "access_token_malformed", "invalid_token", 401),
    "a blank at the end": ("Bearer a ", "access_token_malformed", "invalid_token", 401),
    "a line end": ("Bearer a\n", "access_token_malformed", "invalid_token", 401),
    "quotes": ('Bearer "a"', "access_token_malformed", "invalid_token", 401),
    "padding alone": ("Bearer ==", "access_token_malformed", "invalid_token", 401),
    "padding inside": ("Bearer a=b", "access_token_malformed", "invalid_token", 401),
    "a comma": ("Bearer a,b", "access_token_malformed", "invalid_token", 401),
    "not ASCII": ("Bearer \u00e9", "access_token_malformed", "invalid_token", 401),
    "half a character": ("Bearer \ud800", "access_token_malformed", "invalid_token", 401),
    "too long": ("Bearer " + "a" * MAX_BEARER_CHARACTERS, "access_token_too_large", "invalid_token", 401),
    "two tokens": ("Bearer a, Bearer b", "authorization_repeated", "invalid_request", 400),
    "two tokens, close together": ("Bearer a,bearer b", "authorization_repeated", "invalid_request", 400),
}


@pytest.mark.parametrize(("credentials", "code", "error", "status"), FAULTS.values(), ids=FAULTS)
def test_each_fault_has_its_code_word_and_status(credentials, code, error, status):
    """What is no bearer token must be refused with its code, the standard's word and status (RFC 6750 3.1)."""
    with pytest.raises(BearerRefused) as refused:
        read_bearer(credentials)
    assert (refused.value.code, refused.value.error, refused.value.status) == (code, error, status)


@given(st.text() | st.text().map("Bearer {}".format))
def test_any_header_gives_a_token_or_our_error(credentials):
    """Whatever the header is, it must give a token that is part of it, or a refusal without a word of it."""
    found = outcome(lambda: read_bearer(credentials))
    assert isinstance(found, Secret | BearerRefused)
    if isinstance(found, Secret):
        assert credentials.endswith(f" {found.reveal()}")


# scopes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", ()),
        ((), ()),
        ("a", ("a",)),
        ("a  b", ("a", "b")),
        (["a", "b"], ("a", "b")),
        ("p1:read!", ("p1:read!",)),
    ],
)
def test_scopes_are_words(given, words):
    """Scopes are given with blanks between, or one by one; their order stays."""
    assert scope_words(given) == words


@pytest.mark.parametrize("scopes", ['a"b', "a\\b", "\u00e9", ["a b"], [""], "a\x7f"])
def test_what_no_scope_can_be_is_refused_at_once(scopes):
    """A scope that no token can have must be an error where it is written (RFC 6749 3.3)."""
    with pytest.raises(ValueError, match="is no scope"):
        scope_words(scopes)


@pytest.mark.parametrize(
    ("has", "wanted", "fine"),
    [
        ("a b", ("a",), True),
        ("a b", ("b", "a"), True),
        ("", (), True),
        ("ab", ("a",), False),
        ("a", ("A",), False),
    ],
)
def test_token_needs_every_scope(has, wanted, fine):
    """A token must be good for all that is wanted, letter for letter."""
    assert (outcome(lambda: check_scopes(token(scope=has), wanted)) is None) is fine


def test_missing_scope_says_what_would_do():
    """A token that is not good for this must be refused with 403 and every scope that is needed."""
    with pytest.raises(BearerRefused) as refused:
        check_scopes(token(scope="a"), ("b", "a"))
    assert (refused.value.code, refused.value.status) == ("access_token_scope", 403)
    said = parameters(challenge(refused.value, resource_metadata=DOCUMENT))
    assert (said["error"], said["scope"]) == ("insufficient_scope", "b a")


# step-up

HIGH = ("urn:high", "urn:higher")


@pytest.mark.parametrize(
    ("claims", "acr_values", "max_age", "fine"),
    [
        ({"acr": "urn:high"}, HIGH, None, True),
        ({"acr": "urn:higher", "auth_time": NOW - 300}, HIGH, 300, True),
        ({"auth_time": NOW - 360}, (), 300, True),
        ({"auth_time": NOW - 360.1}, (), 300, False),
        ({"acr": "urn:low"}, HIGH, None, False),
        ({"acr": ["urn:high"]}, HIGH, None, False),
        ({}, HIGH, None, False),
        ({}, (), 300, False),
        ({"auth_time": "now"}, (), 300, False),
        ({"auth_time": True}, (), 2_000_000_000, False),
        ({"auth_time": NOW + 60}, (), 300, True),
        ({"auth_time": NOW + 60.1}, (), 300, False),
        ({"acr": "urn:high", "auth_time": NOW - 1000}, HIGH, 300, False),
    ],
)
def test_sign_in_behind_a_token_must_be_enough(claims, acr_values, max_age, fine):
    """What is asked of the sign-in must be said in the token, and what it doesn't say is not so (RFC 9470 5)."""
    check = outcome(
        lambda: check_authentication(token(**claims), acr_values=acr_values, max_age_seconds=max_age, now=NOW)
    )
    assert (check is None) is fine


@pytest.mark.parametrize(
    ("acr_values", "max_age", "asked"),
    [
        (HIGH, None, {"acr_values": "urn:high urn:higher"}),
        ((), 0, {"max_age": "0"}),
        (HIGH, 5, {"acr_values": "urn:high urn:higher", "max_age": "5"}),
    ],
)
def test_weak_sign_in_says_what_would_do(acr_values, max_age, asked):
    """A token of a weak or old sign-in must be refused with 401 and what is asked for (RFC 9470 3)."""
    with pytest.raises(BearerRefused) as refused:
        check_authentication(token(), acr_values=acr_values, max_age_seconds=max_age, now=NOW)
    assert (refused.value.code, refused.value.status) == ("access_token_step_up", 401)
    said = parameters(challenge(refused.value, resource_metadata=DOCUMENT))
    assert said.pop("error") == "insufficient_user_authentication"
    assert said.pop("error_description") == "this needs a stronger or a more recent sign-in"
    assert said == {**asked, "resource_metadata": DOCUMENT}


# challenges


def test_without_a_token_nothing_is_wrong():
    """Who sent no token learns where to get one, and no error (RFC 6750 3.1)."""
    missing = outcome(lambda: read_bearer(""))
    assert challenge(missing, resource_metadata=DOCUMENT) == f'Bearer resource_metadata="{DOCUMENT}"'


def test_wrong_token_is_told_why():
    """Who sent a token that is no good learns the standard's word and a sentence."""
    refused = BearerRefused("access_token_expired", "the access token has expired", error="invalid_token")
    assert parameters(challenge(refused, resource_metadata=DOCUMENT)) == {
        "error": "invalid_token",
        "error_description": "the access token has expired",
        "resource_metadata": DOCUMENT,
    }


@given(st.text(), st.text())
def test_challenge_can_always_be_read(message, acr):
    """Whatever a value holds, no quote, backslash or control character may end it early (RFC 6750 3)."""
    refused = BearerRefused("x", message, error="insufficient_user_authentication", parameters={"acr_values": acr})
    text = challenge(refused, resource_metadata=DOCUMENT)
    assert re.fullmatch(rf"Bearer {_PARAMETER.pattern}(?:, {_PARAMETER.pattern})*", text)
    assert text.count('"') == 8


def test_document_says_how_to_get_in():
    """The metadata document has the API's identifier, whose tokens open it, and how they are sent (RFC 9728 2)."""
    assert protected_resource(resource="https://app.example", issuers=[ISSUER], scopes={"b", "a"}) == {
        "resource": "https://app.example",
        "authorization_servers": [ISSUER],
        "scopes_supported": ["a", "b"],
        "bearer_methods_supported": ["header"],
    }


def test_document_has_no_empty_lists():
    """A member without values must be left out (RFC 9728 3.2)."""
    document = protected_resource(resource="https://app.example", issuers=[], scopes=())
    assert set(document) == {"resource", "bearer_methods_supported"}
