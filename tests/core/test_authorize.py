from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    CLIENT_ID,
    ISSUER,
    NOW,
    REDIRECT_URI,
    STATE,
    answer,
    json_answer,
    metadata,
    outcome,
    provider,
)

from signon.core.authorize import _OURS, Wishes, begin, prepare, pushed_request, read_pushed
from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
)
from signon.core.pkce import challenge_s256
from signon.core.provider import SignUp


def start(of_provider=None, of_metadata=None, **arguments: object):
    usual = {"redirect_uri": REDIRECT_URI, "state": STATE, "now": NOW}
    known = of_metadata or metadata()
    parameters, transaction = prepare(of_provider or provider(), known, **(usual | arguments))
    url = begin(known, parameters)
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


def test_challenge_is_left_out_by_a_deviation_alone():
    """Only a provider that is known not to take PKCE may be sent none; state and nonce still go."""
    _, sent, transaction = start(provider(pkce=False))
    assert not {"code_challenge", "code_challenge_method"} & sent.keys()
    assert transaction.verifier == ""
    assert sent["state"]
    assert sent["nonce"]


@pytest.mark.parametrize(
    ("kind", "has_code"), [("code id_token", True), ("id_token", False), ("token id_token", False)]
)
def test_response_type_is_sent_as_it_is_written(kind, has_code):
    """The response type must be sent and remembered; a challenge goes only where a code comes back."""
    _, sent, transaction = start(provider(response_type=kind, response_mode="fragment"))
    assert (sent["response_type"], transaction.response_type) == (kind, kind)
    assert sent["response_mode"] == "fragment"
    assert ("code_challenge" in sent, bool(transaction.verifier)) == (has_code, has_code)
    assert sent["nonce"] == transaction.nonce


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


@pytest.mark.parametrize("name", sorted(_OURS - {"prompt"}))
def test_extra_parameter_may_not_be_one_of_ours(name):
    """No setting may override a parameter of the protocol, nor hand in a request object that would."""
    wished = Wishes(parameters={name: "x"})
    for context in ((provider(authorize_parameters={name: "x"}), None), (None, wished)):
        with pytest.raises(OperatorError) as error:
            start(context[0], wishes=context[1])
        assert error.value.code == "authorize_parameter_reserved"
        assert name in str(error.value)


def test_parameters_of_one_sign_in_are_sent_and_remembered():
    """What one sign-in asks of the provider's own must win over its settings, and be there for its checks."""
    staff = provider(authorize_parameters={"organization": "org_1", "audience": "https://api.example"})
    _, sent, transaction = start(staff, wishes=Wishes(parameters={"organization": "org_2"}))
    assert (sent["organization"], sent["audience"]) == ("org_2", "https://api.example")
    assert transaction.asked == {"organization": "org_2"}


def test_extra_prompt_counts_as_one():
    """A `prompt` among the extra parameters must be sent once, and be judged by as any other."""
    _, sent, transaction = start(provider(prompt="consent"), wishes=Wishes(parameters={"prompt": "login"}))
    assert sent["prompt"] == "login"
    assert transaction.fresh is True
    _, sent, _ = start(wishes=Wishes(prompt="none", parameters={"prompt": "login"}))
    assert sent["prompt"] == "none"


def test_sign_up_sends_the_providers_parameters():
    """A sign-up must send what the provider wants for it; a sign-in, or one without a place for it, must not."""
    page = provider(sign_up=SignUp(parameters={"prompt": "create", "screen_hint": "signup"}))
    _, sent, transaction = start(page, wishes=Wishes(sign_up=True))
    assert (sent["prompt"], sent["screen_hint"], transaction.asked) == ("create", "signup", {})
    assert "screen_hint" not in start(page)[1]
    assert "screen_hint" not in start(wishes=Wishes(sign_up=True))[1]


def test_page_of_the_providers_own_takes_the_same_parameters():
    """A page elsewhere must get the parameters that the authorization endpoint would."""
    assert begin(metadata(), {"a": "b"}, at=f"{ISSUER}/register?x=y") == f"{ISSUER}/register?x=y&a=b"


def test_issuer_of_a_transaction_is_the_metadatas():
    """The transaction must remember the issuer as its metadata spells it: answers are compared with that."""
    assert start(of_metadata=metadata(issuer=f"{ISSUER}/"))[2].issuer == f"{ISSUER}/"


PAR = metadata(pushed_authorization_request_endpoint=f"{ISSUER}/par")


def test_pushed_request_is_an_authenticated_form():
    """A pushed request must carry all parameters in its body, with our authentication (RFC 9126 2.1)."""
    parameters, _ = prepare(provider(), PAR, redirect_uri=REDIRECT_URI, state=STATE, now=NOW)
    request = pushed_request(provider(headers={"X-Region": "th"}), PAR, parameters, now=NOW)
    assert (request.method, request.url, request.document) == ("POST", f"{ISSUER}/par", "par")
    assert dict(parse_qsl(request.body.decode())) == parameters
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Region"] == "th"


def test_pushing_needs_its_endpoint():
    """A request that must be pushed must not go another way (RFC 9126 5)."""
    with pytest.raises(OperatorError) as error:
        pushed_request(provider(), metadata(), {}, now=NOW)
    assert error.value.code == "par_unsupported"


@pytest.mark.parametrize("status", [200, 201])
def test_pushed_answer_leaves_two_parameters(status):
    """Only our id and the request's address may be left for the browser (RFC 9126 4)."""
    response = json_answer({"request_uri": "urn:example:1", "expires_in": 60}, status=status)
    assert read_pushed(response, provider=provider(), now=NOW) == {
        "client_id": CLIENT_ID,
        "request_uri": "urn:example:1",
    }


PUSHED = {
    "no address": (json_answer({"expires_in": 60}, status=201), MalformedAnswer, "par_request_uri_missing"),
    "address a number": (json_answer({"request_uri": 1}, status=201), MalformedAnswer, "par_request_uri_invalid"),
    "not JSON": (answer(b"x", status=201), MalformedAnswer, "par_not_json"),
    "refused": (json_answer({"error": "invalid_request"}, status=400), ProviderRefused, "par_refused"),
    "client refused": (json_answer({"error": "invalid_client"}, status=401), OperatorError, "par_invalid_client"),
    "404": (answer(b"", status=404), ProviderError, "par_status"),
    "redirect": (answer(b"", status=302), ProviderError, "par_redirect"),
    "503": (answer(b"", status=503), ProviderUnavailable, "par_server_error"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), PUSHED.values(), ids=PUSHED)
def test_each_failed_push_has_its_code(response, error_class, code):
    """A push that fails must fail with the code of its fault, and not fall back to a plain request."""
    with pytest.raises(error_class) as error:
        read_pushed(response, provider=provider(), now=NOW)
    assert type(error.value) is error_class
    assert error.value.code == code


@given(st.integers(100, 599), st.binary() | st.just(b'{"request_uri":"urn:x"}') | st.just(b'{"error":"x"}'))
def test_any_answer_to_a_push_gives_parameters_or_our_error(status, body):
    """Whatever comes from the endpoint, the reader must give parameters or an error of ours."""
    result = outcome(lambda: read_pushed(answer(body, status=status), provider=provider(), now=NOW))
    assert isinstance(result, dict | SignOnError)


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
    assert "hidden" not in repr(Wishes(id_token_hint="hidden", keep={"hidden": "hidden"}))


def test_application_keeps_texts_for_itself():
    """What is to be kept must be in the transaction as it was then, and neither in the request nor in a repr."""
    keep = {"iceCream": "a&b=c", "": "รสวานิลลา"}
    _, sent, transaction = start(wishes=Wishes(keep=keep))
    keep.clear()
    assert transaction.kept == {"iceCream": "a&b=c", "": "รสวานิลลา"}
    assert sent.keys() == start()[1].keys()
    assert "a&b=c" not in f"{sent.values()}{transaction!r}"
    assert start()[2].kept == {}


@pytest.mark.parametrize("keep", [{"flavour": None}, {"flavour": 1}, {1: "flavour"}, {"flavour": ["x"]}])
def test_only_texts_are_kept(keep):
    """Anything else would come back as something else: `kept_not_texts` before anything is asked."""
    with pytest.raises(OperatorError) as error:
        start(wishes=Wishes(keep=keep))
    assert error.value.code == "kept_not_texts"
