import dataclasses

import pytest
from tests.core.forge import NOW, metadata, provider

from signon.core.provider import AccessTokenProfile, settle

LOOSENED = (
    *("introspected", "kind_may_be_unsaid", "azp_may_stand_in", "jti_may_be_missing", "subject_may_be_missing"),
    *("audience_may_be_missing", "deviations"),
)


def test_provider_is_strict_where_nothing_is_said():
    """A provider of which nothing special is known must be held to the standard's defaults."""
    plain = provider()
    assert plain.scopes == ("openid", "profile", "email")
    assert plain.id_token_algs == {"RS256"}
    assert plain.response_mode == "query"
    assert plain.userinfo == "missing"
    assert plain.userinfo_alg is None
    assert (plain.extra_checks, plain.deviations, plain.problems) == ((), (), ())
    assert (plain.pkce, plain.nonce_may_be_missing) == (True, False)
    assert plain.access_tokens == AccessTokenProfile()
    assert plain.access_tokens.algs == {"RS256"}
    assert not any(getattr(plain.access_tokens, name) for name in LOOSENED)
    assert (plain.either_slash, plain.identity_from_introspection, plain.forwarded) == (False, False, frozenset())


@pytest.mark.parametrize("hook", ["read_tokens", "read_userinfo", "read_error"])
def test_hook_changes_nothing_where_none_is_given(hook):
    """Without a hook of its own a provider's JSON must be read as it is."""
    answer = {"a": 1}
    assert getattr(provider(), hook)(answer, NOW) is answer


def test_provider_is_frozen():
    """A provider must not be changeable once it is made, also not in its mappings."""
    plain = provider()
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain.issuer = "https://evil.example"
    for mapping in (plain.authorize_parameters, plain.endpoints, plain.headers, plain.sign_out[0].parameters):
        with pytest.raises(TypeError):
            mapping["a"] = "b"


def test_provider_does_not_show_what_may_be_secret():
    """Headers and the proxy's address may hold credentials and must not show."""
    shown = repr(provider(headers={"X-Api-Key": "hidden"}, proxy="http://user:hidden@proxy.example"))
    assert "hidden" not in shown


def test_addresses_that_the_profile_knows_win():
    """An endpoint of the profile must replace the metadata's, and all others stay (FAPI 2.0 5.3.3.1)."""
    settled = settle(provider(endpoints={"token_endpoint": "https://other.example/token"}), metadata())
    assert settled.token_endpoint == "https://other.example/token"
    assert settled.authorization_endpoint == metadata().authorization_endpoint
    assert settle(provider(), metadata()) == metadata()
