import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from signon_idp import Client, Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.authmachine import API_TOKEN, AUTHMACHINE, authmachine_dialect

ORIGIN = "http://127.0.0.1:9002"
MARA = "6f0c2f1e-1d1b-4a53-9a31-0d6b6a3c9b10"
CLIENT = demo_client("authmachine")
(AFTER_LOGOUT,) = CLIENT.post_logout_redirect_uris


@pytest.fixture
def walk(clock, helpers):
    idp = Idp(dialect=AUTHMACHINE, origin=ORIGIN, clients=(CLIENT,), now=clock)
    return helpers.Walk(idp, CLIENT)


BARE = {"code_challenge": None, "code_challenge_method": None, "scope": "openid email profile"}
"""What the vendor's own applications send: no PKCE."""


def tokens(walk, helpers, persona: str = "mara.k", **changes):
    code = helpers.answer(walk.sign_in(persona, **{**BARE, **changes}))["code"]
    response = exchange(walk, code)
    assert response.status_code == 200, response.text
    return response.json


def exchange(walk, code: str, **changes: str | None):
    usual = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CLIENT.redirect_uris[0],
        "client_id": CLIENT.client_id,
        "client_secret": CLIENT.client_secret,
    }
    return walk.token(**{**usual, **changes})


def userinfo(walk, token: str):
    return walk.http.post(walk.path("userinfo"), data={"access_token": token}).json


def revoked(walk, token: str, **changes: str):
    usual = {
        "grant_type": "check_token_revoked",
        "client_id": CLIENT.client_id,
        "client_secret": CLIENT.client_secret,
        "access_token": token,
    }
    return walk.http.post("/oidc/token", data={**usual, **changes})


def test_discovery(walk):
    """Quirk 4: the document names a registration endpoint that is a page, and says nothing about PKCE."""
    document = walk.http.get("/.well-known/openid-configuration").json
    assert document["issuer"] == ORIGIN
    assert document["token_endpoint"] == f"{ORIGIN}/oidc/token"
    assert document["registration_endpoint"] == f"{ORIGIN}/oidc/register"
    assert document["end_session_endpoint"] == f"{ORIGIN}/oidc/end-session"
    assert document["jwks_uri"] == f"{ORIGIN}/oidc/jwks"
    assert not {
        name for name in document if "challenge" in name or "introspection" in name or "revocation" in name
    }
    assert {key["kty"] for key in walk.http.get("/oidc/jwks").json["keys"]} == {"RSA"}


def test_issuer_with_a_slash(clock):
    """Quirk 7: an installation may spell its issuer with a slash, and has its endpoints where they were."""
    idp = Idp(dialect=replace(AUTHMACHINE, issuer_suffix="/"), origin=ORIGIN, clients=(CLIENT,), now=clock)
    document = idp.app.test_client().get("/.well-known/openid-configuration").json
    assert (document["issuer"], document["token_endpoint"]) == (f"{ORIGIN}/", f"{ORIGIN}/oidc/token")
    assert document["registration_endpoint"] == f"{ORIGIN}/oidc/register"


def test_id_token_is_the_minimum(walk, helpers):
    """The ID token says who and for whom; everything else is at userinfo."""
    claims = helpers.claims_of(tokens(walk, helpers)["id_token"])
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "nonce"}
    assert claims["sub"] == MARA


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
def test_algorithm_per_client(walk, helpers, alg):
    """Quirk 8: each client has its own signature; others than these two are not spoken."""
    walk.idp.register(replace(CLIENT, id_token_signed_response_alg=alg))
    assert helpers.header_of(tokens(walk, helpers)["id_token"])["alg"] == alg
    with pytest.raises(ValueError, match="does not sign with ES256"):
        walk.idp.register(replace(CLIENT, id_token_signed_response_alg="ES256"))


def test_userinfo_by_form(walk, helpers):
    """Quirk 5: userinfo takes the token from a form, or the header, and says `id` and `username` beside `sub`."""
    token = tokens(walk, helpers)["access_token"]
    found = userinfo(walk, token)
    assert found == {
        "sub": MARA,
        "id": MARA,
        "username": "mara.k",
        "preferred_username": "mara.k",
        "name": "Mara Kind",
        "given_name": "Mara",
        "family_name": "Kind",
        "email": "mara.k@people.example",
        "email_verified": True,
    }
    assert walk.userinfo(token).json == found


def test_id_that_differs(walk, helpers):
    """Quirk 5: `id` need not be the subject."""
    found = userinfo(walk, tokens(walk, helpers, "ola")["access_token"])
    assert (found["id"], found["sub"]) == ("user-4711", "27c1d8d5-0f4a-4e28-8f5e-55f2c9b8a934")


def test_permissions_asked_for(walk, helpers):
    """Quirk 1: the flat claims parameter brings permissions to userinfo; objects without any are empty."""
    asked = json.dumps({"authmachine_permissions": ["billing", "garden"]})
    found = userinfo(walk, tokens(walk, helpers, claims=asked)["access_token"])
    assert found["authmachine_permissions"] == {"billing": ["view", "edit"], "garden": []}
    found = userinfo(walk, tokens(walk, helpers, "pat", claims=asked, prompt="login")["access_token"])
    assert found["authmachine_permissions"] == {"billing": [], "garden": []}


@pytest.mark.parametrize(
    "claims",
    ["x", "[]", "{}", '{"userinfo":{"email":null}}', '{"authmachine_permissions":"billing"}',
     '{"authmachine_permissions":[1]}'],
)  # fmt: skip
def test_claims_of_another_shape(walk, helpers, claims):
    """Quirk 1: a claims parameter of any other shape is refused."""
    assert helpers.answer(walk.authorize(**BARE, claims=claims))["error"] == "invalid_request"


def test_check_token_revoked(walk, helpers):
    """Quirk 2: the token endpoint tells whether a token was revoked; unknown ones and others' are gone, too."""
    token = tokens(walk, helpers)["access_token"]
    response = revoked(walk, token)
    assert (response.status_code, response.json) == (200, {"revoked": False})
    assert revoked(walk, "unknown").json == {"revoked": True}
    other = walk.idp.register(replace(CLIENT, client_id="other"))
    assert revoked(walk, token, client_id=other.client_id).json == {"revoked": True}
    assert revoked(walk, token, client_secret="wrong").status_code == 401
    assert revoked(walk, "").json["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, {"revoked": True}),
        ({"forgotten": "not_revoked"}, {"revoked": False}),
        ({"forgotten": "unsaid"}, {}),
    ],
)
def test_check_after_its_time(clock, helpers, told, said):
    """Quirk 2: what is said of an expired token is nowhere written; it counts as revoked unless told otherwise."""
    idp = Idp(dialect=authmachine_dialect(**told), origin=ORIGIN, clients=(CLIENT,), now=clock)
    walk = helpers.Walk(idp, CLIENT)
    token = tokens(walk, helpers)["access_token"]
    clock.time += 3599
    assert revoked(walk, token).json == {"revoked": False}
    clock.time += 1
    assert revoked(walk, token).json == said


@pytest.mark.parametrize("echoes", [True, False])
def test_nonce(clock, helpers, echoes):
    """Whether the ID token echoes the nonce is nowhere written: it does unless told otherwise."""
    idp = Idp(dialect=authmachine_dialect(echoes_nonce=echoes), origin=ORIGIN, clients=(CLIENT,), now=clock)
    claims = helpers.claims_of(tokens(helpers.Walk(idp, CLIENT), helpers)["id_token"])
    assert ("nonce" in claims) is echoes


def end(walk, **parameters: str):
    return walk.http.get("/oidc/end-session", query_string=parameters)


@pytest.mark.parametrize(
    ("revoke", "gone"), [({"revoke_tokens": "1"}, True), ({"revoke_tokens": "0"}, False), ({}, False)]
)
def test_sign_out(walk, helpers, revoke, gone):
    """Quirk 3: without a hint the sign-out acts at once and sends the state back; tokens end when asked."""
    token = tokens(walk, helpers)["access_token"]
    response = end(walk, scope="openid", post_logout_redirect_uri=AFTER_LOGOUT, state="s", **revoke)
    assert response.headers["Location"] == f"{AFTER_LOGOUT}?state=s"
    assert "form_token" in walk.authorize(**BARE).text, "the next sign-in asks again"
    assert revoked(walk, token).json == {"revoked": gone}


def test_sign_out_for_all(walk, helpers):
    """Quirk 2: with revoke_tokens every application of the session learns of it; other sessions go on."""
    stranger = helpers.Walk(walk.idp, CLIENT)
    theirs = tokens(stranger, helpers, "wichai")["access_token"]
    mine = [tokens(walk, helpers)["access_token"] for _ in range(2)]
    end(walk, post_logout_redirect_uri=AFTER_LOGOUT, revoke_tokens="1")
    assert [revoked(walk, token).json["revoked"] for token in (*mine, theirs)] == [True, True, False]


def test_sign_out_to_a_strange_address(walk, helpers):
    """Nobody is sent to an address that no application has registered, and nobody is signed out for it."""
    tokens(walk, helpers)
    response = end(walk, post_logout_redirect_uri="http://localhost:5000/elsewhere")
    assert (response.status_code, "redirect_uri_mismatch" in response.text) == (400, True)
    assert "code=" in walk.authorize(**BARE).headers["Location"]


def test_sign_out_without_address(walk, helpers):
    """Without an address the person ends on the signed-off page."""
    tokens(walk, helpers)
    assert "You are signed out" in end(walk).text


def test_sign_up(walk, helpers):
    """Quirk 4: the registration endpoint is a sign-up page, also for somebody known; `register` comes back."""
    tokens(walk, helpers)
    parameters = walk.parameters(**BARE, register="1")
    page = walk.http.get("/oidc/register", query_string=parameters)
    assert "Create an account" in page.text
    found = helpers.answer(walk.submit(page, form=0, persona="wichai"))
    assert (found["register"], found["state"]) == ("1", "state-1")
    assert exchange(walk, found["code"]).status_code == 200
    assert "register" not in helpers.answer(walk.authorize(**BARE, register="0"))


def test_consent(walk, helpers):
    """A client registered for it shows a consent page."""
    walk.idp.register(replace(CLIENT, require_consent=True))
    page = walk.submit(walk.authorize(**BARE), persona="mara.k")
    assert "Allow Demo application?" in page.text
    assert helpers.answer(walk.submit(page, answer="refuse"))["error"] == "access_denied"


def permissions(walk, user: str, header: str = f"Token {API_TOKEN}", **query):
    address = f"/api/scim/v1/Users/{user}/permissions"
    return walk.http.get(address, query_string=query, headers={"Authorization": header})


def test_permissions_api(walk):
    """Quirk 6: the API wants the word Token; objects repeat; a superuser is said to be one."""
    response = permissions(walk, MARA, object=["billing", "garden"])
    assert response.json == {"is_superuser": False, "permissions": {"billing": ["view", "edit"], "garden": []}}
    assert permissions(walk, "0b7f9a51-58a6-4a0e-b6f3-2f64cf3f7d21").json["is_superuser"] is True
    assert permissions(walk, "user-4711").json["permissions"] == {"billing": ["product_manager"]}
    assert permissions(walk, "nobody").status_code == 404
    for header in (f"Bearer {API_TOKEN}", "Token wrong", ""):
        assert permissions(walk, MARA, header).status_code == 401


def test_permissions_api_of_old(clock, helpers):
    """Quirk 6: the older shape is the map alone."""
    idp = Idp(dialect=authmachine_dialect(older_permissions=True), origin=ORIGIN, clients=(CLIENT,), now=clock)
    walk = helpers.Walk(idp, CLIENT)
    assert permissions(walk, MARA, object="billing").json == {"billing": ["view", "edit"]}


def test_basic_where_registered(walk, helpers):
    """A client that is registered for Basic authenticates so, and in no other way."""
    walk.idp.register(replace(CLIENT, token_endpoint_auth_method="client_secret_basic"))
    code = helpers.answer(walk.sign_in("pat", **BARE))["code"]
    assert exchange(walk, code).status_code == 401
    assert exchange(walk, code, client_id=None, client_secret=None).status_code == 200


def test_pkce_is_taken(walk, helpers):
    """A code challenge that is sent is checked."""
    code = helpers.answer(walk.sign_in("pat"))["code"]
    assert exchange(walk, code).json["error"] == "invalid_grant"
    assert exchange(walk, code, code_verifier=helpers.VERIFIER).status_code == 200


def test_settings():
    """What an application sets has the document's names; what is usual is left out."""
    assert AUTHMACHINE.settings(ORIGIN, CLIENT) == {
        "URL": ORIGIN,
        "CLIENT_ID": "demo",
        "CLIENT_SECRET": CLIENT.client_secret,
        "API_TOKEN": API_TOKEN,
    }
    basic = Client(client_id="c", client_secret="s" * 32, id_token_signed_response_alg="HS256")
    odd = AUTHMACHINE.settings(ORIGIN, basic)
    assert (odd["CLIENT_AUTH"], odd["ID_TOKEN_ALG"]) == ("client_secret_basic", "HS256")


def test_wrong_redirect_address(walk):
    """An address that is not registered ends on a page here."""
    page = walk.authorize(**BARE, redirect_uri="http://localhost:5000/oidc-callback?x=1")
    assert (page.status_code, "redirect_uri_mismatch" in page.text) == (400, True)


def test_answer_names_no_issuer(walk, helpers):
    """The answer has code and state alone: nothing is known of an `iss` here."""
    location = walk.sign_in("pat", **BARE).headers["Location"]
    assert set(parse_qs(urlsplit(location).query)) == {"code", "state"}
