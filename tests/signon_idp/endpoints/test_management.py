from dataclasses import replace

from signon_idp import Client, Idp
from signon_idp.dialects.oidc import OIDC

OTHER = Client(client_id="other", client_secret="other-secret")
PUBLIC = Client(client_id="public", token_endpoint_auth_method="none")
DEMO_AUTH = ("demo", "practice-secret-of-the-demo-client")


def introspect(walk, token, *, auth=DEMO_AUTH, **fields):
    return walk.http.post("/introspect", data={"token": token, **fields}, auth=auth)


def revoke(walk, token, *, auth=DEMO_AUTH, **fields):
    return walk.http.post("/revoke", data={"token": token, **fields}, auth=auth)


def test_live_tokens_are_described(walk, clock):
    """A live token is active, with its scope, client, person and times (RFC 7662 2.2)."""
    tokens = walk.tokens()
    found = introspect(walk, tokens["access_token"]).json
    assert found["active"] is True
    assert found["token_type"] == "Bearer"
    assert (found["sub"], found["username"], found["client_id"]) == ("5c1f0b7e-somying", "somying", "demo")
    assert (found["iat"], found["exp"]) == (int(clock.time), int(clock.time) + 3600)
    assert "token_type" not in introspect(walk, tokens["refresh_token"]).json
    assert introspect(walk, tokens["refresh_token"]).json["active"] is True


def test_clients_own_token_is_about_the_client(walk):
    """A client_credentials token's sub is the client, and it has no user name."""
    token = walk.token(grant_type="client_credentials").json["access_token"]
    found = introspect(walk, token).json
    assert found["sub"] == "demo"
    assert "username" not in found


def test_dead_tokens_are_inactive_and_nothing_more(walk, clock):
    """Unknown, used, revoked and expired tokens give active: false alone (RFC 7662 2.2)."""
    tokens = walk.tokens()
    walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    revoke(walk, tokens["access_token"])
    late = walk.tokens()["access_token"]
    clock.time += 3600
    for token in ("unknown", tokens["refresh_token"], tokens["access_token"], late):
        assert introspect(walk, token).json == {"active": False}


def test_introspection_needs_a_client_with_a_secret(walk):
    """Nobody and public clients learn nothing; another confidential client may ask."""
    walk.idp.register(PUBLIC)
    walk.idp.register(OTHER)
    token = walk.tokens()["access_token"]
    for response in (introspect(walk, token, auth=None), introspect(walk, token, auth=None, client_id="public")):
        assert (response.status_code, response.json["error"]) == (401, "invalid_client")
    assert introspect(walk, token, auth=("other", "other-secret")).json["active"] is True
    assert introspect(walk, "").json["error"] == "invalid_request"


def test_revoked_access_token(walk):
    """Revoking an access token ends it alone."""
    tokens = walk.tokens()
    response = revoke(walk, tokens["access_token"])
    assert (response.status_code, response.data, "Content-Type" in response.headers) == (200, b"", False)
    assert walk.userinfo(tokens["access_token"]).status_code == 401
    assert walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200


def test_revoked_refresh_token(walk):
    """Revoking a refresh token ends the access tokens of its family too (RFC 7009 2.1)."""
    tokens = walk.tokens()
    assert revoke(walk, tokens["refresh_token"], token_type_hint="refresh_token").status_code == 200
    assert walk.userinfo(tokens["access_token"]).status_code == 401
    again = walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.json["error"] == "invalid_grant"


def test_refresh_tokens_alone(clock, helpers):
    """Where revocation spares the grant, all refresh tokens of the family end, and the access tokens live on."""
    dialect = replace(OIDC, revocation_ends_grant=False)
    walk = helpers.Walk(Idp(dialect=dialect, origin="http://127.0.0.1:9000", clients=(helpers.DEMO,), now=clock))
    walk.idp.refresh_grace_seconds = 15
    first, bystander = walk.tokens(), walk.tokens()
    second = walk.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    revoke(walk, first["refresh_token"])
    for pair in (first, second):
        again = walk.token(grant_type="refresh_token", refresh_token=pair["refresh_token"])
        assert again.json["error"] == "invalid_grant"
        assert walk.userinfo(pair["access_token"]).status_code == 200
    again = walk.token(grant_type="refresh_token", refresh_token=bystander["refresh_token"])
    assert again.status_code == 200


def test_revocation_refusals(walk):
    """Another client's token is refused, an unknown one is fine, a missing one isn't, nobody may."""
    walk.idp.register(OTHER)
    token = walk.tokens()["access_token"]
    other = revoke(walk, token, auth=("other", "other-secret"))
    assert (other.status_code, other.json["error"]) == (400, "invalid_grant")
    assert walk.userinfo(token).status_code == 200
    assert revoke(walk, "unknown").status_code == 200
    assert revoke(walk, "").json["error"] == "invalid_request"
    assert revoke(walk, token, auth=None).json["error"] == "invalid_client"


def test_public_client_revokes_its_own(walk, helpers):
    """A public client revokes by its client_id (RFC 7009 2.1)."""
    walk.idp.register(PUBLIC)
    assert revoke(walk, "unknown", auth=None, client_id="public").status_code == 200
