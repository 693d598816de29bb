import pytest

from signon_idp.errors import CallbackError, PageError
from signon_idp.model import Client
from signon_idp.rules.authorization import read_authorization, read_return_address

CLIENT = Client(client_id="demo", client_secret="s", redirect_uris=("http://localhost/cb",))
ALL_TYPES = ("code", "code id_token", "id_token", "id_token token")
FRONT = Client(
    client_id="front",
    client_secret="s",
    redirect_uris=("http://localhost/cb",),
    response_types=ALL_TYPES[1:],
    grant_types=("authorization_code", "implicit"),
)
LAX = Client(client_id="lax", client_secret="s", redirect_uris=("http://localhost/cb",), require_pkce=False)
GOOD = {
    "client_id": "demo",
    "redirect_uri": "http://localhost/cb",
    "response_type": "code",
    "scope": "openid email",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


def read(*, openid_required=False, response_types=("code",), **changes):
    pairs = tuple((name, value) for name, value in {**GOOD, **changes}.items() if value is not None)
    back = read_return_address(pairs, {"demo": CLIENT, "lax": LAX, "front": FRONT})
    return read_authorization(pairs, back, openid_required=openid_required, response_types=response_types)


def test_good_request():
    """A good request is read whole, and can be carried through a form as text."""
    wanted = read(prompt="login consent", max_age="0", acr_values="a b", nonce="n", login_hint="mei", state="s")
    assert wanted.back.client == CLIENT
    assert wanted.scopes == ("openid", "email")
    assert wanted.prompt == {"login", "consent"}
    assert (wanted.max_age, wanted.acr_values, wanted.nonce, wanted.login_hint) == (0, ("a", "b"), "n", "mei")
    assert wanted.text.startswith("client_id=demo&redirect_uri=http%3A%2F%2Flocalhost%2Fcb&")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "jwt"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://x.example"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "c" * 42}, "invalid_request"),
        ({"code_challenge": "c" * 44}, "invalid_request"),
        ({"code_challenge": "c" * 42 + "="}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "1" * 10}, "invalid_request"),
        ({"client_id": "lax", "code_challenge": None}, "invalid_request"),
    ],
)
def test_bad_requests(changes, error):
    """Each wrong parameter gives its registered error, to be sent to the application."""
    with pytest.raises(CallbackError) as caught:
        read(**changes)
    assert caught.value.error == error


def test_pkce_is_optional_where_the_client_says_so():
    """A client registered without PKCE may leave the challenge out, and may use it."""
    assert read(client_id="lax", code_challenge=None, code_challenge_method=None).code_challenge is None
    assert read(client_id="lax").code_challenge == "c" * 43


def test_openid_is_needed_where_the_dialect_says_so():
    """A dialect may insist on the openid scope."""
    assert read(scope=None).scopes == ()
    with pytest.raises(CallbackError, match="invalid_scope"):
        read(openid_required=True, scope="email")
    assert read(openid_required=True).scopes == ("openid", "email")


def test_empty_parameters_are_absent():
    """A parameter without a value is treated as left out (RFC 6749 3.1)."""
    wanted = read(nonce="", max_age="", prompt="")
    assert (wanted.nonce, wanted.max_age, wanted.prompt) == (None, None, frozenset())
    with pytest.raises(PageError, match="redirect_uri is missing"):
        read(redirect_uri="")


@pytest.mark.parametrize(
    "uri", ["http://localhost/cb/", "http://localhost/CB", "http://localhost:80/cb", "http://localhost/cb?x=1"]
)
def test_redirect_uri_letter_by_letter(uri):
    """The redirect URI is compared as text, never normalised (RFC 9700 2.1)."""
    with pytest.raises(PageError) as caught:
        read(redirect_uri=uri)
    assert caught.value.error == "redirect_uri_mismatch"


def read_front(**changes):
    return read(**{"client_id": "front", "response_types": ALL_TYPES, "nonce": "n", **changes})


@pytest.mark.parametrize("response_type", ["code id_token", "id_token code", "token id_token", "id_token"])
def test_words_of_a_response_type_come_in_any_order(response_type):
    """A response type is known by its words, and tokens go back in the fragment where nothing is said."""
    wanted = read_front(response_type=response_type)
    assert wanted.kind == set(response_type.split())
    assert wanted.back.response_mode == "fragment"
    assert read_front(response_type=response_type, response_mode="form_post").back.response_mode == "form_post"


def test_only_a_code_has_a_challenge():
    """Without a code no challenge is demanded, and one that comes is not kept; with one it is demanded."""
    assert read_front(response_type="id_token", code_challenge=None).code_challenge is None
    assert read_front(response_type="id_token").code_challenge is None
    assert read_front(response_type="code id_token").code_challenge == "c" * 43
    with pytest.raises(CallbackError, match="code_challenge is missing"):
        read_front(response_type="code id_token", code_challenge=None, code_challenge_method=None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "code"}, "unauthorized_client"),
        ({"response_type": "id_token", "client_id": "demo"}, "unauthorized_client"),
        ({"response_type": "id_token", "response_mode": "query"}, "invalid_request"),
        ({"response_type": "id_token", "nonce": None}, "invalid_request"),
        ({"response_type": "code id_token", "nonce": None}, "invalid_request"),
        ({"response_type": "id_token token", "scope": "email"}, "invalid_scope"),
    ],
)
def test_bad_requests_for_tokens(changes, error):
    """Tokens by the browser need a client that is registered for just that, a nonce, openid, and no query."""
    with pytest.raises(CallbackError) as caught:
        read_front(**changes)
    assert caught.value.error == error


def test_refusals_of_requests_for_tokens_go_by_fragment():
    """An error of a request for tokens goes where those would have gone, also where it asked for the query."""
    pairs = tuple({**GOOD, "response_type": "token", "response_mode": "query"}.items())
    assert read_return_address(pairs, {"demo": CLIENT}).response_mode == "fragment"
