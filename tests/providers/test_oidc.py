import pytest

from signon.core.values import Secret
from signon.providers import oidc
from signon.providers.oidc import KEYWORDS

ISSUER = "https://op.example/realms/x/"
SETTINGS = {"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": "client-1", "OIDC_CLIENT_SECRET": "a-secret-of-the-client"}


def test_three_settings_are_enough():
    """Issuer, id and secret make a provider; the issuer stays exactly as it was written."""
    provider = oidc(settings=SETTINGS)
    assert provider.problems == ()
    assert (provider.name, provider.label, provider.issuer) == ("oidc", "OpenID", ISSUER)
    assert (provider.client.client_id, provider.client.secret) == ("client-1", Secret("a-secret-of-the-client"))
    assert provider.scopes == ("openid", "profile", "email")
    assert (provider.metadata, provider.deviations, provider.forwarded) == (None, (), frozenset())


def test_environment_is_enough(monkeypatch):
    """Called by hand without a mapping, the factory reads the environment."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name.replace("OIDC", "STAFF"), value)
    provider = oidc(name="staff")
    assert (provider.problems, provider.label, provider.client.client_id) == ((), "Staff", "client-1")


def test_nothing_set_is_two_problems():
    """Without anything the problems are what is missing, each once."""
    problems = oidc(settings={}).problems
    assert [problem.split()[0] for problem in problems] == ["OIDC_ISSUER", "OIDC_CLIENT_ID"]


@pytest.mark.parametrize(
    ("scope", "fine"), [("openid", True), ("profile openid", True), ("profile", False), ("OpenID", False)]
)
def test_openid_must_be_asked_for(scope, fine):
    """A generic provider must be asked for `openid` (OIDC Core 3.1.2.1)."""
    problems = oidc(settings=SETTINGS, scope=scope).problems
    assert (problems == ()) is fine
    assert fine or problems == ("OIDC_SCOPE must contain openid (OIDC Core 3.1.2.1)",)


def test_wrong_value_is_said_once():
    """A keyword that is looked at more than once must be one problem."""
    problems = oidc(settings=SETTINGS, userinfo_alg="XX", client_auth="x", id_token_encryption="y").problems
    assert len(problems) == len(set(problems)) == 3


def test_argument_wins():
    """An argument must win over the setting."""
    assert oidc(settings=SETTINGS, client_id="given").client.client_id == "given"


def test_provider_shows_no_secret():
    """Neither secret nor proxy may be in a provider's repr."""
    provider = oidc(settings=SETTINGS, proxy="http://user:hunter2@proxy.example")
    assert "a-secret-of-the-client" not in repr(provider)
    assert "hunter2" not in repr(provider)


def test_unknown_settings_are_left_alone():
    """Other software may have an `OIDC_...` of its own."""
    assert oidc(settings={**SETTINGS, "OIDC_ISSUER_URL": "x", "OIDC_FOO": "y"}).problems == ()


def test_keywords_are_the_common_ones():
    """A generic provider has no keyword of its own."""
    assert {keyword.name for keyword in KEYWORDS} >= {"issuer", "client_id", "client_secret"}
