from dataclasses import replace

import pytest

from signon_idp import Client, Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.pingone import (
    API_AUDIENCE,
    PINGONE,
    PINGONE_OF_2023,
    PINGONE_ON_ITS_OWN_DOMAIN,
    PINGONE_UNTYPED,
)
from signon_idp.dialects.pingone_people import ENVIRONMENT_ID, ORGANIZATION_ID

ORIGIN = "http://127.0.0.1:9004"
BASE = f"/{ENVIRONMENT_ID}/as"
ISSUER = ORIGIN + BASE
CLIENT = demo_client("pingone")
(AFTER_LOGOUT,) = CLIENT.post_logout_redirect_uris
MIA = "7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11"


def walk_at(dialect, clock, helpers):
    return helpers.Walk(Idp(dialect=dialect, origin=ORIGIN, clients=(CLIENT,), now=clock), CLIENT)


@pytest.fixture
def walk(clock, helpers):
    return walk_at(PINGONE, clock, helpers)


def tokens(walk, persona: str = "mia", **changes):
    return walk.tokens(persona, **changes)


def end(walk, **query: str):
    return walk.http.get(walk.path("end_session"), query_string=query)


def test_discovery(walk):
    """Quirk 1: issuer and addresses have the environment and /as in them, and no slash at the end."""
    document = walk.http.get(f"{BASE}/.well-known/openid-configuration").json
    assert document["issuer"] == ISSUER
    for name, path in (
        ("authorization", "authorize"),
        ("token", "token"),
        ("userinfo", "userinfo"),
        ("end_session", "signoff"),
        ("introspection", "introspect"),
        ("revocation", "revoke"),
        ("pushed_authorization_request", "par"),
        ("device_authorization", "device_authorization"),
    ):
        assert document[f"{name}_endpoint"] == f"{ISSUER}/{path}"
    assert document["jwks_uri"] == f"{ISSUER}/jwks"
    assert document["claims_parameter_supported"] is False
    assert document["require_pushed_authorization_requests"] is False
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert "pi.flow" in document["response_modes_supported"]
    assert {"client_secret_jwt", "private_key_jwt"} <= set(document["token_endpoint_auth_methods_supported"])


def test_custom_domain(clock, helpers):
    """Quirk 1: a custom domain's issuer has no environment, and a hint of the other issuer counts for nothing."""
    custom = walk_at(PINGONE_ON_ITS_OWN_DOMAIN, clock, helpers)
    assert custom.http.get("/as/.well-known/openid-configuration").json["issuer"] == f"{ORIGIN}/as"
    regional = walk_at(PINGONE, clock, helpers)
    token = tokens(regional)["id_token"]
    code = custom.sign_in("arun")
    assert code.status_code == 303
    end(custom, id_token_hint=token, client_id="other")
    # Without a hint that counts, the browser's own session is what ends.
    assert custom.authorize().status_code == 200


def test_id_token(walk, helpers):
    """The ID token has environment, organization, session and policy beside the standard's claims."""
    claims = helpers.claims_of(tokens(walk)["id_token"])
    assert (claims["iss"], claims["sub"], claims["env"], claims["org"]) == (
        ISSUER,
        MIA,
        ENVIRONMENT_ID,
        ORGANIZATION_ID,
    )
    assert (claims["acr"], claims["amr"], claims["groups"]) == ("Single_Factor", ["pwd"], ["staff", "editors"])
    assert {"auth_time", "sid", "at_hash", "nonce", "preferred_username"} <= set(claims)
    assert not {"jti", "email_verified"} & set(claims)


def test_mapped_subject(walk, helpers):
    """Quirk 4: where a mapping has changed the subject, p1.userId has the user's id."""
    claims = helpers.claims_of(tokens(walk, "sam")["id_token"])
    assert (claims["sub"], claims["p1.userId"]) == ("employee-0042", "c9e1d7a5-2f3b-4c6d-8e9f-0a1b2c3d4e5f")


def test_policies(walk, helpers):
    """Quirk 3: acr_values are policies by name, in order; the first is what the sign-in does and says."""
    found = helpers.claims_of(tokens(walk, acr_values="Multi_Factor Single_Factor")["id_token"])
    assert (found["acr"], found["amr"]) == ("Multi_Factor", ["pwd", "otp", "mfa"])
    refused = helpers.answer(walk.authorize(acr_values="Single_Factor Two Words"))
    assert (refused["error"], "Two is not assigned" in refused["error_description"].replace("policy ", "")) == (
        "invalid_request",
        True,
    )


def test_access_token(walk, helpers):
    """Quirk 6: the access token is a JWT for the platform's API, and says so in its header."""
    found = tokens(walk)
    claims = helpers.claims_of(found["access_token"])
    assert helpers.header_of(found["access_token"])["typ"] == "at+jwt"
    assert (claims["aud"], claims["client_id"], claims["sub"], claims["env"]) == (
        [API_AUDIENCE],
        "demo",
        MIA,
        ENVIRONMENT_ID,
    )
    assert (found["expires_in"], claims["acr"]) == (3600, "Single_Factor")


def test_access_token_without_typ(clock, helpers):
    """Quirk 6: until March 2027 the header need not say what the token is."""
    token = tokens(walk_at(PINGONE_UNTYPED, clock, helpers))["access_token"]
    assert helpers.header_of(token)["typ"] == "JWT"


def test_access_token_of_a_resource(walk, helpers):
    """A custom resource's token has its own audience and neither environment nor organization."""
    walk.idp.register(replace(CLIENT, extra_scopes=("orders.read",)))
    claims = helpers.claims_of(tokens(walk, scope="openid orders.read")["access_token"])
    assert (claims["aud"], claims["scope"]) == (["demo"], "openid orders.read")
    assert not {"env", "org"} & set(claims)


def test_revocation(walk):
    """Quirk 2: the platform API's access tokens can't be revoked; a custom resource's and refresh tokens can."""
    walk.idp.register(replace(CLIENT, extra_scopes=("orders.read",)))
    found = tokens(walk, scope="openid offline_access p1:read:userPassword")

    def revoke(token: str) -> int:
        form = {"token": token}
        return walk.http.post(walk.path("revocation"), data=form, auth=("demo", CLIENT.client_secret)).status_code

    assert revoke(found["access_token"]) == 200
    assert walk.userinfo(found["access_token"]).status_code == 200
    assert revoke(found["refresh_token"]) == 200
    assert walk.userinfo(found["access_token"]).status_code == 401
    custom = tokens(walk, scope="openid orders.read")["access_token"]
    assert revoke(custom) == 200
    assert walk.userinfo(custom).status_code == 401


def test_userinfo(walk):
    """Userinfo has a number for the time of change, an object for the address, and no email_verified."""
    token = tokens(walk, scope="openid profile email address")["access_token"]
    found = walk.userinfo(token).json
    assert (found["updated_at"], found["address"]["country"], found["middle_name"]) == (1777000000, "AT", "J")
    assert "email_verified" not in found
    assert walk.http.post(walk.path("userinfo"), headers={"Authorization": f"Bearer {token}"}).json == found


def test_userinfo_is_for_people(walk):
    """A token without a person gets the platform's error."""
    walk.idp.register(replace(CLIENT, extra_scopes=("orders.read",)))
    token = walk.token(grant_type="client_credentials").json["access_token"]
    answer = walk.userinfo(token)
    assert (answer.status_code, answer.json["code"]) == (403, "ACCESS_FAILED")


def test_basic_stands_alone(walk, helpers):
    """Strict: beside Basic not even the client_id may be in the body; pushed requests have it by RFC 9126."""
    code = walk.code("mia")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CLIENT.redirect_uris[0],
        "code_verifier": helpers.VERIFIER,
    }
    auth = ("demo", CLIENT.client_secret)
    both = walk.http.post(walk.path("token"), data={**form, "client_id": "demo"}, auth=auth)
    assert (both.status_code, both.json["error"]) == (400, "invalid_request")
    assert walk.http.post(walk.path("token"), data=form, auth=auth).status_code == 200
    assert walk.http.post(walk.path("pushed"), data=walk.parameters(), auth=auth).status_code == 201


def test_refresh_rotates(walk):
    """Each refresh gives a new token and retires the old one."""
    first = tokens(walk)["refresh_token"]
    second = walk.token(grant_type="refresh_token", refresh_token=first).json["refresh_token"]
    assert second != first
    assert walk.token(grant_type="refresh_token", refresh_token=first).json["error"] == "invalid_grant"


def test_rolling_grace(walk):
    """The vendor's rolling grace: the token before works once more, where it is set."""
    walk.idp.refresh_grace_seconds = 15
    first = tokens(walk)["refresh_token"]
    answers = [walk.token(grant_type="refresh_token", refresh_token=first) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_access_token_ends_in_time(walk, helpers):
    """The exp inside an access token is the end that was told beside it."""
    walk.idp.access_token_seconds = 60
    claims = helpers.claims_of(tokens(walk)["access_token"])
    assert claims["exp"] - claims["iat"] == 60


def test_signoff(walk):
    """Signoff acts at once, hint or not, and brings the state back; without an address there is a page."""
    token = tokens(walk)["id_token"]
    response = end(walk, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT, state="s")
    assert response.headers["Location"] == f"{AFTER_LOGOUT}?state=s"
    assert "form_token" in walk.authorize().text
    walk.sign_in("mia")
    assert end(walk, post_logout_redirect_uri=AFTER_LOGOUT).headers["Location"] == AFTER_LOGOUT
    assert "form_token" in walk.authorize().text
    walk.sign_in("mia")
    assert "You are signed out" in end(walk).text


def test_signoff_to_a_strange_address(walk):
    """An address that no application has registered is an error page with the platform's code."""
    token = tokens(walk)["id_token"]
    for query in ({"id_token_hint": token}, {}):
        page = end(walk, post_logout_redirect_uri="http://localhost:5000/elsewhere", **query)
        assert (page.status_code, "INVALID_DATA" in page.text) == (400, True)


def test_signoff_with_an_expired_hint(walk, clock, helpers):
    """An expired hint is accepted; an environment of 2023 shows an error page for it."""
    for dialect, status in ((PINGONE, 303), (PINGONE_OF_2023, 400)):
        one = walk_at(dialect, clock, helpers)
        token = tokens(one)["id_token"]
        fine = end(one, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT)
        assert fine.status_code == 303
        clock.time += 3600
        response = end(one, id_token_hint=token, post_logout_redirect_uri=AFTER_LOGOUT)
        assert (response.status_code, "INVALID_DATA" in response.text) == (status, status == 400)


def test_wrong_redirect_address(walk):
    """A wrong address is not redirected to: the page has the platform's code."""
    page = walk.authorize(redirect_uri="http://localhost:5000/elsewhere")
    assert (page.status_code, "INVALID_DATA" in page.text) == (400, True)


@pytest.mark.parametrize("alg", ["HS256", "PS256", "ES256"])
def test_rs256_alone(walk, alg):
    """ID tokens are signed with RS256 and nothing else."""
    with pytest.raises(ValueError, match="does not sign with"):
        walk.idp.register(replace(CLIENT, id_token_signed_response_alg=alg))


def test_settings():
    """What an application sets: issuer and API, since no region is on this computer."""
    assert PINGONE.settings(ISSUER, CLIENT) == {
        "ISSUER": ISSUER,
        "API_URL": f"{ISSUER}/v1",
        "CLIENT_ID": "demo",
        "CLIENT_SECRET": CLIENT.client_secret,
    }
    public = PINGONE.settings(ISSUER, Client(client_id="c", token_endpoint_auth_method="none"))
    assert public == {"ISSUER": ISSUER, "API_URL": f"{ISSUER}/v1", "CLIENT_ID": "c", "CLIENT_AUTH": "none"}
