from dataclasses import replace

import pytest

from signon_idp import Client, Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.auth0 import AUTH0, AUTH0_OF_OLD, AUTH0_REVOKING_GRANTS, AUTH0_RFC9068, MULTI_FACTOR

ORIGIN = "http://127.0.0.1:9003"
ISSUER = f"{ORIGIN}/"
CLIENT = demo_client("auth0")
(AFTER_LOGOUT,) = CLIENT.post_logout_redirect_uris
API = "https://api.acme.example/"


def walk_at(dialect, clock, helpers):
    return helpers.Walk(Idp(dialect=dialect, origin=ORIGIN, clients=(CLIENT,), now=clock), CLIENT)


@pytest.fixture
def walk(clock, helpers):
    return walk_at(AUTH0, clock, helpers)


def exchange(walk, code: str, **changes: str | None):
    more = {"client_id": CLIENT.client_id, "client_secret": CLIENT.client_secret}
    return walk.exchange(code, **{**more, **changes})


def tokens(walk, helpers, persona: str = "mia", **changes):
    response = exchange(walk, helpers.answer(walk.sign_in(persona, **changes))["code"])
    assert response.status_code == 200, response.text
    return response.json


def test_discovery(walk):
    """Quirk 1: the issuer has its slash; the document is the vendor's, and stands at a second address, too."""
    document = walk.http.get("/.well-known/openid-configuration").json
    assert document == walk.http.get("/.well-known/oauth-authorization-server").json
    assert document["issuer"] == ISSUER
    assert document["authorization_endpoint"] == f"{ORIGIN}/authorize"
    assert document["token_endpoint"] == f"{ORIGIN}/oauth/token"
    assert document["revocation_endpoint"] == f"{ORIGIN}/oauth/revoke"
    assert document["pushed_authorization_request_endpoint"] == f"{ORIGIN}/oauth/par"
    assert document["jwks_uri"] == f"{ORIGIN}/.well-known/jwks.json"
    assert document["end_session_endpoint"] == f"{ORIGIN}/oidc/logout"
    assert document["id_token_signing_alg_values_supported"] == ["HS256", "RS256", "PS256"]
    assert not {"introspection_endpoint", "authorization_response_iss_parameter_supported"} & set(document)
    assert {key["kty"] for key in walk.http.get("/.well-known/jwks.json").json["keys"]} == {"RSA"}


def test_discovery_of_old(clock, helpers):
    """Quirk 3: a tenant may list no end session endpoint, and has one all the same."""
    walk = walk_at(AUTH0_OF_OLD, clock, helpers)
    assert "end_session_endpoint" not in walk.http.get("/.well-known/openid-configuration").json
    assert walk.http.get("/oidc/logout").status_code == 200


def test_id_token(walk, helpers):
    """The ID token has the document's names, its time of change as a text, and auth_time only where asked."""
    claims = helpers.claims_of(tokens(walk, helpers)["id_token"])
    assert set(claims) == {
        "iss", "sub", "aud", "iat", "exp", "sid", "nonce", "name", "given_name", "family_name", "nickname",
        "picture", "updated_at", "email", "email_verified",
    }  # fmt: skip
    assert (claims["iss"], claims["sub"], claims["updated_at"]) == (
        ISSUER,
        "auth0|66b1f0c2a7",
        "2026-05-02T08:11:09.000Z",
    )
    assert claims["exp"] - claims["iat"] == 36_000
    assert "auth_time" in helpers.claims_of(tokens(walk, helpers, prompt="login")["id_token"])
    assert "auth_time" in helpers.claims_of(tokens(walk, helpers, max_age="0")["id_token"])


def test_time_of_change_at_userinfo(walk, helpers):
    """At userinfo the time of change is a number."""
    assert walk.userinfo(tokens(walk, helpers)["access_token"]).json["updated_at"] == 1777709469


def test_step_up(walk, helpers):
    """Multi-factor is an acr that only the asker gets."""
    assert "acr" not in helpers.claims_of(tokens(walk, helpers)["id_token"])
    stepped = helpers.claims_of(tokens(walk, helpers, acr_values=MULTI_FACTOR)["id_token"])
    assert (stepped["acr"], stepped["amr"]) == (MULTI_FACTOR, ["mfa"])


@pytest.mark.parametrize("alg", ["HS256", "RS256", "PS256"])
def test_algorithms(walk, helpers, alg):
    """Each application has its signature; there is no elliptic one."""
    walk.idp.register(replace(CLIENT, id_token_signed_response_alg=alg))
    assert helpers.header_of(tokens(walk, helpers)["id_token"])["alg"] == alg
    with pytest.raises(ValueError, match="does not sign with ES256"):
        walk.idp.register(replace(CLIENT, id_token_signed_response_alg="ES256"))


def test_access_token_without_audience(walk, helpers):
    """Quirk 2: without an audience the access token is opaque, and opens userinfo."""
    found = tokens(walk, helpers)
    assert found["access_token"].count(".") == 0
    assert (found["expires_in"], found["token_type"]) == (86_400, "Bearer")
    assert walk.userinfo(found["access_token"]).json["sub"] == "auth0|66b1f0c2a7"


def test_access_token_with_audience(walk, helpers):
    """Quirk 2: with an audience it is a JWT in Auth0's profile, for the API and for userinfo."""
    token = tokens(walk, helpers, audience=API)["access_token"]
    claims = helpers.claims_of(token)
    assert claims["aud"] == [API, f"{ISSUER}userinfo"]
    assert (claims["azp"], claims["iss"], claims["sub"]) == ("demo", ISSUER, "auth0|66b1f0c2a7")
    assert not {"jti", "client_id"} & set(claims)
    assert walk.idp.keys.verify(token) is not None
    assert walk.userinfo(token).status_code == 200


def test_access_token_by_rfc9068(clock, helpers):
    """Quirk 2: the API's other profile has client_id, jti and its own typ."""
    walk = walk_at(AUTH0_RFC9068, clock, helpers)
    token = tokens(walk, helpers, audience=API, scope="openid profile")["access_token"]
    claims = helpers.claims_of(token)
    assert (claims["client_id"], helpers.header_of(token)["typ"]) == ("demo", "at+jwt")
    assert claims["jti"]
    assert "azp" not in claims


def test_client_credentials(walk):
    """A machine's token has the client's subject; without openid its audience is one text."""
    walk.idp.register(replace(CLIENT, extra_scopes=("read:orders",)))
    form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": CLIENT.client_secret}
    assert walk.token(**form).json["scope"] == "read:orders"


def test_refresh(walk, helpers):
    """Refresh tokens rotate; an old one is refused with 403 and ends the family."""
    first = tokens(walk, helpers)["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "demo", "client_secret": CLIENT.client_secret}
    second = walk.token(**form, refresh_token=first).json["refresh_token"]
    refused = walk.token(**form, refresh_token=first)
    assert (refused.status_code, refused.json) == (
        403,
        {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."},
    )
    assert walk.token(**form, refresh_token=second).status_code == 403


def test_errors(walk, helpers):
    """A wrong secret is access_denied with 401; a wrong code has the vendor's sentence."""
    code = helpers.answer(walk.sign_in("mia"))["code"]
    refused = exchange(walk, code, client_secret="wrong")
    assert (refused.status_code, refused.json["error"]) == (401, "access_denied")
    exchange(walk, code)
    again = exchange(walk, code)
    assert (again.status_code, again.json["error_description"]) == (403, "Invalid authorization code")
    other = exchange(walk, "x", client_id="nobody")
    assert (other.status_code, other.json["error"]) == (401, "invalid_client")
    assert exchange(walk, code, grant_type="password").json["error"] == "unsupported_grant_type"


def test_sign_up(walk, helpers):
    """screen_hint=signup shows the sign-up page; somebody known is just sent back unless prompt=login is there."""
    page = walk.authorize(screen_hint="signup")
    assert "Create an account" in page.text
    assert 'name="password"' not in page.text
    assert "code" in helpers.answer(walk.submit(page, persona="kit"))
    assert "code" in helpers.answer(walk.authorize(screen_hint="signup"))
    assert "Create an account" in walk.authorize(screen_hint="signup", prompt="login").text


def test_connection(walk, helpers):
    """A connection that the tenant doesn't have is refused; others lead to the sign-in."""
    assert helpers.answer(walk.authorize(connection="nosuch"))["error"] == "invalid_request"
    assert walk.authorize(connection="google-oauth2", **{"ext-theme": "dark"}).status_code == 200


def test_pushed_request(walk):
    """A pushed request is good for thirty seconds."""
    form = {**walk.parameters(), "client_secret": CLIENT.client_secret}
    response = walk.http.post("/oauth/par", data=form)
    assert (response.status_code, response.json["expires_in"]) == (201, 30)


def test_sign_out_with_hint(walk, helpers):
    """With the hint of this session the sign-out acts at once and brings the state back."""
    token = tokens(walk, helpers)["id_token"]
    sid = helpers.claims_of(token)["sid"]
    query = {"id_token_hint": token, "logout_hint": sid, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}
    response = walk.http.get("/oidc/logout", query_string=query)
    assert response.headers["Location"] == f"{AFTER_LOGOUT}?state=s"
    assert "form_token" in walk.authorize().text


def test_sign_out_asks(walk, helpers):
    """Without a hint, or with one of another session, a page asks first; a wrong logout_hint is refused."""
    token = tokens(walk, helpers)["id_token"]
    assert "Sign out here?" in walk.http.get("/oidc/logout", query_string={"client_id": "demo"}).text
    wrong = walk.http.get("/oidc/logout", query_string={"id_token_hint": token, "logout_hint": "other"})
    assert (wrong.status_code, "logout_hint_mismatch" in wrong.text) == (400, True)
    stranger = helpers.Walk(walk.idp, CLIENT)
    tokens(stranger, helpers)
    assert "Sign out here?" in stranger.http.get("/oidc/logout", query_string={"id_token_hint": token}).text


def test_sign_out_address_is_exact(walk, helpers):
    """Quirk 4: here the address must be the registered one with its query."""
    token = tokens(walk, helpers)["id_token"]
    query = {"id_token_hint": token, "post_logout_redirect_uri": f"{AFTER_LOGOUT}?x=1"}
    assert walk.http.get("/oidc/logout", query_string=query).status_code == 400


def test_sign_out_while_signed_out(walk, helpers):
    """Quirk 7: the sign-out works for somebody whom the application never let in."""
    token = tokens(walk, helpers)["id_token"]
    stranger = helpers.Walk(walk.idp, CLIENT)
    query = {"id_token_hint": token, "post_logout_redirect_uri": AFTER_LOGOUT}
    assert stranger.http.get("/oidc/logout", query_string=query).headers["Location"] == AFTER_LOGOUT


def test_revocation(walk, helpers):
    """Refresh tokens are revoked with 200 and nothing more; access tokens can't be, and outlive them."""
    found = tokens(walk, helpers)
    form = {"client_id": "demo", "client_secret": CLIENT.client_secret}
    for kind in ("access_token", "refresh_token"):
        answer = walk.http.post("/oauth/revoke", data={**form, "token": found[kind]})
        assert (answer.status_code, answer.data) == (200, b"")
    assert walk.userinfo(found["access_token"]).status_code == 200
    again = walk.token(grant_type="refresh_token", refresh_token=found["refresh_token"], **form)
    assert (again.status_code, again.json["error"]) == (403, "invalid_grant")


def test_revocation_at_an_old_tenant(clock, helpers):
    """A tenant that deletes grants ends the access tokens, too."""
    walk = walk_at(AUTH0_REVOKING_GRANTS, clock, helpers)
    found = tokens(walk, helpers)
    form = {"token": found["refresh_token"], "client_id": "demo", "client_secret": CLIENT.client_secret}
    walk.http.post("/oauth/revoke", data=form)
    assert walk.userinfo(found["access_token"]).status_code == 401


def test_leeway(walk, helpers):
    """The vendor's leeway: the token before works once more, where it is set."""
    walk.idp.refresh_grace_seconds = 15
    first = tokens(walk, helpers)["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "demo", "client_secret": CLIENT.client_secret}
    assert [walk.token(**form, refresh_token=first).status_code for _ in range(2)] == [200, 200]


def test_access_token_of_an_api_ends_in_time(walk, helpers):
    """The exp inside an access token is the end that was told beside it."""
    walk.idp.access_token_seconds = 60
    claims = helpers.claims_of(tokens(walk, helpers, audience="https://api.example")["access_token"])
    assert claims["exp"] - claims["iat"] == 60


def test_logout_tokens(walk, helpers):
    """Back-channel alone is advertised; the token's typ is JWT, and it has a trace_id and 120 seconds."""
    document = walk.http.get("/.well-known/openid-configuration").json
    assert (document["backchannel_logout_supported"], document["backchannel_logout_session_supported"]) == (
        True,
        True,
    )
    assert not [name for name in document if name.startswith("frontchannel")]
    token = walk.idp.backchannel_logout_token("demo", sub="auth0|1", sid="s-1")
    claims = helpers.claims_of(token)
    assert helpers.header_of(token)["typ"] == "JWT"
    assert (claims["exp"] - claims["iat"], claims["sub"], claims["sid"]) == (120, "auth0|1", "s-1")
    assert claims["trace_id"]
    with pytest.raises(ValueError, match="auth0 has no front-channel logout"):
        walk.idp.register(replace(CLIENT, frontchannel_logout_uri="http://localhost:5000/out"))


def test_settings():
    """What an application sets: the domain with its port, and how it authenticates."""
    assert AUTH0.settings(ISSUER, CLIENT) == {
        "DOMAIN": ORIGIN,
        "CLIENT_ID": "demo",
        "CLIENT_SECRET": CLIENT.client_secret,
        "CLIENT_AUTH": "client_secret_post",
    }
    public = Client(client_id="c", token_endpoint_auth_method="none")
    assert AUTH0.settings(ISSUER, public) == {"DOMAIN": ORIGIN, "CLIENT_ID": "c", "CLIENT_AUTH": "none"}
