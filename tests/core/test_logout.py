from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.core.forge import CLIENT_ID, ISSUER, metadata, provider

from signon.core.logout import MAX_HINT_CHARACTERS, end_session_url, has_sign_out
from signon.core.provider import SignOutForm
from signon.core.values import Secret

LANDING = "https://app.example/auth/logout/callback/op"


def sent(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def leave(of_provider=None, of_metadata=None, *, id_token: str | None = "a.b.c", **more: object) -> str | None:
    return end_session_url(
        of_provider or provider(),
        of_metadata or metadata(),
        id_token=None if id_token is None else Secret(id_token),
        post_logout_redirect_uri=LANDING,
        state=more.get("state", "s1"),
        logout_hint=more.get("logout_hint"),
    )


def test_request_holds_what_the_standard_asks_for():
    """The hint, our id, the landing page and the state must go to the endpoint (RP-Initiated Logout 2)."""
    url = leave()
    assert url.startswith(f"{ISSUER}/logout?")
    assert sent(url) == {
        "id_token_hint": "a.b.c",
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": LANDING,
        "state": "s1",
    }


def test_provider_without_the_endpoint_has_no_address():
    """Where the provider has no such endpoint there must be nowhere to go."""
    assert leave(of_metadata=metadata(end_session_endpoint=None)) is None


def test_query_of_the_endpoint_and_parameters_of_the_provider_are_kept():
    """The endpoint's own query must stay, the provider's parameters come along, and ours win."""
    url = leave(
        provider(sign_out=(SignOutForm(parameters={"federated": "1", "client_id": "other"}),)),
        metadata(end_session_endpoint=f"{ISSUER}/logout?a=b"),
    )
    assert url.startswith(f"{ISSUER}/logout?a=b&")
    assert sent(url)["federated"] == "1"
    assert sent(url)["client_id"] == CLIENT_ID


TAKES_NO_HINT = provider(sign_out=(SignOutForm(sends=frozenset({"client_id", "state"})),))


@pytest.mark.parametrize(
    ("of_provider", "id_token"),
    [(provider(), None), (TAKES_NO_HINT, "a.b.c"), (TAKES_NO_HINT, "x" * (MAX_HINT_CHARACTERS + 1))],
    ids=["no token", "takes none", "takes none, however long"],
)
def test_without_a_hint_our_id_says_who_asks(of_provider, id_token):
    """Without a token, or for a provider that takes none, the client's id must do."""
    parameters = sent(leave(of_provider, id_token=id_token, state=None, logout_hint="sid-1"))
    assert parameters == {"client_id": CLIENT_ID, "post_logout_redirect_uri": LANDING}


def test_long_token_is_left_out_and_the_hint_goes_instead():
    """A token of the limit must be sent, a longer one be replaced by the logout hint."""
    assert sent(leave(id_token="x" * MAX_HINT_CHARACTERS, logout_hint="sid-1")).keys() == {
        "id_token_hint",
        "client_id",
        "post_logout_redirect_uri",
        "state",
    }
    long = sent(leave(id_token="x" * (MAX_HINT_CHARACTERS + 1), logout_hint="sid-1"))
    assert long.keys() == {"logout_hint", "client_id", "post_logout_redirect_uri", "state"}
    assert long["logout_hint"] == "sid-1"
    assert "logout_hint" not in sent(leave(id_token="x" * (MAX_HINT_CHARACTERS + 1)))


def test_first_form_with_an_endpoint_is_used():
    """The forms must be tried in order: one of the vendor's own serves where the metadata names no endpoint."""
    own = SignOutForm(
        endpoint=f"{ISSUER}/v2/logout", redirect_parameter="returnTo", sends=frozenset({"client_id"})
    )
    both = provider(sign_out=(SignOutForm(), own))
    assert leave(both).startswith(f"{ISSUER}/logout?")
    url = leave(both, metadata(end_session_endpoint=None))
    assert url.startswith(f"{ISSUER}/v2/logout?")
    assert sent(url) == {"returnTo": LANDING, "client_id": CLIENT_ID}


WITH_HINT = frozenset({"id_token_hint", "logout_hint"})


def test_both_hints_go_where_both_are_asked_for():
    """A provider that wants the session's id beside the token must get both, and without a token the id."""
    of_provider = provider(sign_out=(SignOutForm(sends=WITH_HINT),))
    usual = {"post_logout_redirect_uri": LANDING, "logout_hint": "sid-1"}
    assert sent(leave(of_provider, logout_hint="sid-1")) == {**usual, "id_token_hint": "a.b.c"}
    assert sent(leave(of_provider, id_token=None, logout_hint="sid-1")) == usual


@pytest.mark.parametrize("id_token", [None, "x" * (MAX_HINT_CHARACTERS + 1)])
def test_form_that_needs_a_hint_is_passed_over_without_one(id_token):
    """A sign-out that is refused without a token must be tried only with one that can be sent."""
    upstream = SignOutForm(endpoint=f"{ISSUER}/upstream", sends=WITH_HINT, needs_hint=True)
    both = provider(sign_out=(upstream, SignOutForm()))
    assert leave(both).startswith(f"{ISSUER}/upstream?")
    assert leave(both, id_token=id_token).startswith(f"{ISSUER}/logout?")
    assert leave(provider(sign_out=(upstream,)), id_token=id_token) is None


def test_who_has_a_sign_out():
    """Whether there is anything to leave at the provider must follow from its forms and metadata alone."""
    assert has_sign_out(provider(), metadata())
    assert not has_sign_out(provider(), metadata(end_session_endpoint=None))
    assert not has_sign_out(provider(sign_out=()), metadata())
    upstream = SignOutForm(endpoint=f"{ISSUER}/upstream", needs_hint=True)
    assert not has_sign_out(provider(sign_out=(upstream,)), metadata()), "nobody may have a token"


def test_provider_without_a_form_is_left_alone():
    """Where only the application has a session there must be nowhere to go."""
    assert leave(provider(sign_out=())) is None
