from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from tests.core.forge import CLIENT_ID, ISSUER, NOW, REDIRECT_URI, STATE, metadata, provider

from signon.core.authorize import _OURS, Wishes, begin
from signon.core.errors import OperatorError
from signon.core.pkce import challenge_s256


def start(of_provider=None, of_metadata=None, **arguments: object):
    usual = {"redirect_uri": REDIRECT_URI, "state": STATE, "now": NOW}
    url, transaction = begin(of_provider or provider(), of_metadata or metadata(), **(usual | arguments))
    return url, dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)), transaction


def test_request_holds_what_the_standard_asks_for():
    """The request must have each required parameter once, and the transaction remember what was sent."""
    url, sent, transaction = start()
    assert url.startswith(f"{ISSUER}/authorize?")
    assert sent == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile email",
        "state": STATE,
        "nonce": transaction.nonce,
        "code_challenge": challenge_s256(transaction.verifier),
        "code_challenge_method": "S256",
    }
    assert all(len(values) == 1 for values in parse_qs(urlsplit(url).query).values())
    assert (transaction.provider, transaction.issuer, transaction.client_id) == ("op", ISSUER, CLIENT_ID)
    assert (transaction.state, transaction.redirect_uri, transaction.started_at) == (STATE, REDIRECT_URI, NOW)
    assert (transaction.response_mode, transaction.scopes) == ("query", ("openid", "profile", "email"))
    assert (transaction.max_age_seconds, transaction.fresh, transaction.acr_values) == (None, False, ())


def test_each_request_has_values_of_its_own():
    """Nonce and verifier must be new for each request, and the verifier must stay here."""
    begun = [start() for _ in range(100)]
    assert len({transaction.nonce for *_, transaction in begun}) == 100
    assert len({transaction.verifier for *_, transaction in begun}) == 100
    assert all(transaction.verifier not in url for url, _, transaction in begun)


def test_pkce_nonce_and_state_are_sent_whatever_the_provider_lists():
    """S256, nonce and state must be sent also where PKCE is not advertised (RFC 9700 2.1)."""
    for methods in ((), ("S256",)):
        _, sent, _ = start(of_metadata=metadata(code_challenge_methods_supported=methods))
        assert sent["code_challenge_method"] == "S256"
        assert sent["nonce"]
        assert sent["state"]


def test_query_of_the_endpoint_is_kept():
    """Parameters that the endpoint's address has must stay in it (RFC 6749 3.1)."""
    url, sent, _ = start(of_metadata=metadata(authorization_endpoint=f"{ISSUER}/authorize?tenant=a%20b"))
    assert url.startswith(f"{ISSUER}/authorize?tenant=a%20b&")
    assert sent["tenant"] == "a b"


def test_settings_of_the_provider_are_sent_and_remembered():
    """What the provider's settings ask for must be in the request, and judged by later."""
    staff = provider(
        prompt="consent",
        max_age_seconds=300,
        acr_values=("high", "higher"),
        response_mode="form_post",
        scopes=("openid", "pid"),
        authorize_parameters={"audience": "https://api.example"},
    )
    _, sent, transaction = start(staff)
    assert sent["prompt"] == "consent"
    assert (sent["max_age"], transaction.max_age_seconds) == ("300", 300)
    assert (sent["acr_values"], transaction.acr_values) == ("high higher", ("high", "higher"))
    assert (sent["response_mode"], transaction.response_mode) == ("form_post", "form_post")
    assert (sent["scope"], transaction.scopes) == ("openid pid", ("openid", "pid"))
    assert sent["audience"] == "https://api.example"
    assert transaction.fresh is False


def test_wishes_win_over_settings():
    """What one sign-in wishes must replace its provider's settings, in the request and in the judgement."""
    wishes = Wishes(
        prompt="login",
        max_age_seconds=0,
        acr_values=("highest",),
        login_hint="mia@example.org",
        ui_locales="th en",
        id_token_hint="a.b.c",
    )
    staff = provider(prompt="consent", max_age_seconds=300, acr_values=("high",))
    _, sent, transaction = start(staff, wishes=wishes, next_path="/reports")
    assert (sent["prompt"], sent["max_age"], sent["acr_values"]) == ("login", "0", "highest")
    assert (sent["login_hint"], sent["ui_locales"], sent["id_token_hint"]) == ("mia@example.org", "th en", "a.b.c")
    assert (transaction.max_age_seconds, transaction.acr_values) == (0, ("highest",))
    assert transaction.next == "/reports"


@pytest.mark.parametrize(
    ("wishes", "fresh"),
    [
        (Wishes(), False),
        (Wishes(prompt="login"), True),
        (Wishes(prompt="consent login"), True),
        (Wishes(prompt="select_account"), False),
        (Wishes(prompt="nologin"), False),
        (Wishes(max_age_seconds=0), True),
        (Wishes(max_age_seconds=1), False),
    ],
)
def test_demand_for_a_new_sign_in_is_remembered(wishes, fresh):
    """`prompt=login` and `max_age=0` must be remembered, so that their answer is judged (OIDC Core 3.1.2.1)."""
    assert start(wishes=wishes)[2].fresh is fresh


@pytest.mark.parametrize("name", sorted(_OURS))
def test_extra_parameter_may_not_be_one_of_ours(name):
    """No setting may override a parameter of the protocol, nor hand in a request object that would."""
    with pytest.raises(OperatorError) as error:
        start(provider(authorize_parameters={name: "x"}))
    assert error.value.code == "authorize_parameter_reserved"
    assert name in str(error.value)


def test_every_parameter_of_a_request_is_reserved():
    """Each parameter that we send for its meaning must be reserved, and so must those that replace them all."""
    _, sent, _ = start()
    assert sent.keys() <= _OURS
    assert {"request", "request_uri", "prompt", "max_age", "acr_values", "response_mode"} <= _OURS


def test_transaction_and_wishes_hide_their_secrets():
    """The repr must hold neither state, nonce, verifier nor a token."""
    _, _, transaction = start()
    for hidden in (transaction.state, transaction.nonce, transaction.verifier):
        assert hidden not in repr(transaction)
    assert "hidden" not in repr(Wishes(id_token_hint="hidden"))
