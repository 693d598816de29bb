from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp import Client
from signon_idp.jws import draft, write
from signon_idp.keys import secret_key

OTHER = Client(client_id="other", client_secret="other-secret", redirect_uris=("http://localhost:5001/cb",))


def refused(response) -> tuple[int, str]:
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, response.json["error"]


def test_tokens_for_a_code(walk, clock):
    """A code gives access, refresh and ID token, with type, lifetime and scope, uncacheable (RFC 6749 5.1)."""
    response = walk.exchange(walk.code())
    assert response.headers["Cache-Control"] == "no-store"
    assert {**response.json, "access_token": 1, "refresh_token": 1, "id_token": 1} == {
        "access_token": 1,
        "refresh_token": 1,
        "id_token": 1,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid profile email offline_access",
    }


def test_no_refresh_token_without_offline_access(walk):
    """Only offline_access gives a refresh token (OIDC Core 11)."""
    assert "refresh_token" not in walk.tokens(scope="openid")


def test_no_id_token_without_openid(walk):
    """Without openid it is plain OAuth: no ID token, also when refreshed."""
    tokens = walk.tokens(scope="profile offline_access")
    assert "id_token" not in tokens
    refreshed = walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert "id_token" not in refreshed.json


def test_reused_code_revokes_its_tokens(walk):
    """A second use of a code is invalid_grant and ends what the first use gave (RFC 6749 4.1.2)."""
    code = walk.code()
    tokens = walk.exchange(code).json
    assert walk.userinfo(tokens["access_token"]).status_code == 200
    assert refused(walk.exchange(code)) == (400, "invalid_grant")
    assert walk.userinfo(tokens["access_token"]).status_code == 401
    again = walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused(again) == (400, "invalid_grant")


def test_reused_code_is_known_after_its_expiry(walk, clock):
    """A second use still ends the tokens when the code's minute is over."""
    code = walk.code()
    tokens = walk.exchange(code).json
    clock.time += 120
    assert refused(walk.exchange(code)) == (400, "invalid_grant")
    assert walk.userinfo(tokens["access_token"]).status_code == 401


def test_code_is_redeemed_once_by_many_threads(walk, helpers):
    """Of eight uses at the same time one gets tokens."""
    code = walk.code()
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: helpers.Walk(walk.idp).exchange(code).status_code, range(8)))
    assert sorted(replies) == [200, *[400] * 7]


def test_code_expires(walk, clock):
    """A code works until its last second and not at it."""
    code, late = walk.code(), walk.code()
    clock.time += 59
    assert walk.exchange(code).status_code == 200
    clock.time += 1
    assert refused(walk.exchange(late)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "no-such-code"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://localhost:5000/auth/callback/oidc/"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "v" * 42}, "invalid_grant"),
        ({"code_verifier": "v" * 129}, "invalid_grant"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_bad_code_requests(walk, changes, error):
    """Each wrong part of a code request is refused by its registered error (RFC 6749 5.2, RFC 7636 4.6)."""
    assert refused(walk.exchange(**{"code": walk.code(), **changes})) == (400, error)


def test_another_clients_code(walk, helpers):
    """A code is worth nothing to another client, and is still good for its own."""
    code = walk.code()
    walk.idp.register(OTHER)
    other = helpers.Walk(walk.idp, OTHER).exchange(code, redirect_uri=helpers.CALLBACK)
    assert refused(other) == (400, "invalid_grant")
    assert walk.exchange(code).status_code == 200


def test_verifier_without_challenge(walk, helpers):
    """A verifier where no challenge was is refused: someone may have stripped it (RFC 9700 2.1.1)."""
    walk.idp.register(replace(helpers.DEMO, require_pkce=False))
    plain = {"code_challenge": None, "code_challenge_method": None}
    assert refused(walk.exchange(walk.code(**plain))) == (400, "invalid_grant")
    assert walk.exchange(walk.code(**plain), code_verifier=None).status_code == 200


def test_refresh_rotates(walk, helpers, clock):
    """A refresh gives new tokens; its ID token has no nonce, the old auth_time and the same sid (Core 12.2)."""
    first = walk.tokens()
    clock.time += 100
    second = walk.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    before, after = (helpers.claims_of(tokens["id_token"]) for tokens in (first, second))
    assert "nonce" not in after
    assert {name: after[name] - before[name] for name in ("iat", "auth_time")} == {"iat": 100, "auth_time": 0}
    assert (after["sub"], after["sid"], after["aud"]) == (before["sub"], before["sid"], before["aud"])


def test_refresh_reuse_ends_the_family(walk):
    """A refresh token used twice ends the whole family (RFC 9700 4.14.2)."""
    first = walk.tokens()
    second = walk.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    for token in (first["refresh_token"], second["refresh_token"]):
        assert refused(walk.token(grant_type="refresh_token", refresh_token=token)) == (400, "invalid_grant")
    assert walk.userinfo(second["access_token"]).status_code == 401


def refresh(walk, token: str):
    return walk.token(grant_type="refresh_token", refresh_token=token)


def test_refresh_grace(walk, clock):
    """Within the grace the token used last works again, and both pairs live; at its end a use ends the family."""
    walk.idp.refresh_grace_seconds = 15
    first = walk.tokens()["refresh_token"]
    second = refresh(walk, first).json
    clock.time += 14.9
    third = refresh(walk, first).json
    assert len({first, second["refresh_token"], third["refresh_token"]}) == 3
    for pair in (second, third):
        assert walk.userinfo(pair["access_token"]).status_code == 200
    clock.time += 0.1
    assert refused(refresh(walk, first)) == (400, "invalid_grant")
    for pair in (second, third):
        assert walk.userinfo(pair["access_token"]).status_code == 401
        assert refused(refresh(walk, pair["refresh_token"])) == (400, "invalid_grant")


def test_refresh_grace_is_for_the_token_before_alone(walk):
    """Once its successor was used, an older token ends the family, grace or not."""
    walk.idp.refresh_grace_seconds = 15
    first = walk.tokens()["refresh_token"]
    second = refresh(walk, first).json["refresh_token"]
    third = refresh(walk, second).json["refresh_token"]
    assert refused(refresh(walk, first)) == (400, "invalid_grant")
    assert refused(refresh(walk, third)) == (400, "invalid_grant")


def test_refresh_grace_is_no_pardon(walk, helpers):
    """A revoked token stays dead within the grace."""
    walk.idp.refresh_grace_seconds = 15
    first = walk.tokens()["refresh_token"]
    refresh(walk, first)
    walk.http.post("/revoke", data={"token": first}, auth=("demo", helpers.SECRET))
    assert refused(refresh(walk, first)) == (400, "invalid_grant")


@pytest.mark.parametrize(("grace", "answered"), [(0, 1), (15, 8)])
def test_many_refreshes_at_once(walk, helpers, grace, answered):
    """Of eight uses at the same time one gets tokens; within a grace all do."""
    walk.idp.refresh_grace_seconds = grace
    token = walk.tokens()["refresh_token"]
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: refresh(helpers.Walk(walk.idp), token).status_code, range(8)))
    assert sorted(replies) == [*[200] * answered, *[400] * (8 - answered)]


def test_refreshes_are_counted(walk, helpers):
    """Each refresh that gave tokens counts for its client and session; one that was refused doesn't."""
    tokens = walk.tokens()
    sid = helpers.claims_of(tokens["id_token"])["sid"]
    assert walk.idp.refreshes["demo", sid] == 0
    refresh(walk, refresh(walk, tokens["refresh_token"]).json["refresh_token"])
    refresh(walk, tokens["refresh_token"])
    assert walk.idp.refreshes == {("demo", sid): 2}


def test_access_token_seconds(walk, clock):
    """Access tokens live as long as the provider is told."""
    walk.idp.access_token_seconds = 5
    tokens = walk.tokens()
    assert tokens["expires_in"] == 5
    clock.time += 4.9
    assert walk.userinfo(tokens["access_token"]).status_code == 200
    clock.time += 0.1
    assert walk.userinfo(tokens["access_token"]).status_code == 401


def test_refresh_scope_may_only_shrink(walk):
    """A refresh may ask for fewer scopes and not for more; the next one may have all of them again."""
    token = walk.tokens()["refresh_token"]
    more = walk.token(grant_type="refresh_token", refresh_token=token, scope="openid phone")
    assert refused(more) == (400, "invalid_scope")
    fewer = walk.token(grant_type="refresh_token", refresh_token=token, scope="openid").json
    assert fewer["scope"] == "openid"
    assert set(walk.userinfo(fewer["access_token"]).json) == {"sub"}
    again = walk.token(grant_type="refresh_token", refresh_token=fewer["refresh_token"]).json
    assert again["scope"] == "openid profile email offline_access"


def test_bad_refresh_requests(walk, helpers, clock):
    """An unknown, foreign, expired or mistaken refresh token is invalid_grant, a missing one invalid_request."""
    tokens = walk.tokens()
    walk.idp.register(OTHER)
    other = helpers.Walk(walk.idp, OTHER)
    assert refused(walk.token(grant_type="refresh_token")) == (400, "invalid_request")
    for who, value in ((walk, "unknown"), (walk, tokens["access_token"]), (other, tokens["refresh_token"])):
        assert refused(who.token(grant_type="refresh_token", refresh_token=value)) == (400, "invalid_grant")
    clock.time += walk.idp.dialect.lifetimes.refresh_token
    expired = walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused(expired) == (400, "invalid_grant")


def test_client_credentials(walk):
    """A client gets a token for itself: its own scopes, no ID token, no refresh token."""
    tokens = walk.token(grant_type="client_credentials", scope="orders.read").json
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}
    assert tokens["scope"] == "orders.read"
    more = walk.token(grant_type="client_credentials", scope="orders.read openid")
    assert refused(more) == (400, "invalid_scope")


def test_grant_types_are_registered(walk, helpers):
    """A client may use only the grant types it is registered for, a public one never client_credentials."""
    walk.idp.register(replace(helpers.DEMO, grant_types=("authorization_code",)))
    assert refused(walk.token(grant_type="client_credentials")) == (400, "unauthorized_client")
    assert "refresh_token" not in walk.tokens()
    walk.idp.register(Client(client_id="public", token_endpoint_auth_method="none"))
    public = walk.token(grant_type="client_credentials", client_id="public")
    assert refused(public) == (400, "unauthorized_client")


def test_repeated_parameter(walk):
    """A repeated form parameter is invalid_request (RFC 6749 3.2)."""
    response = walk.http.post("/token", data={"grant_type": ["refresh_token", "refresh_token"]})
    assert refused(response) == (400, "invalid_request")


def test_only_forms(walk):
    """A JSON body is invalid_request."""
    assert refused(walk.http.post("/token", json={"grant_type": "client_credentials"})) == (400, "invalid_request")


def test_get_is_refused(walk):
    """The token endpoint takes POST alone."""
    assert walk.http.get("/token").status_code == 405


def test_dialect_shapes_the_answer(clock, helpers):
    """A dialect may reshape the token answer, the ID token's claims and errors, and make its own access tokens."""
    from signon_idp import Idp
    from signon_idp.dialects.oidc import OIDC

    dialect = replace(
        OIDC,
        token_members=lambda members, scene: {**members, "client": scene.client.client_id},
        id_token_claims=lambda claims, scene: {**claims, "pid": scene.grant.persona.id},
        error_members=lambda members, _scene: {"message": members["error"]},
        make_access_token=lambda grant, _scene: f"at-{grant.persona.id}",
    )
    walk = helpers.Walk(Idp(dialect=dialect, origin="http://127.0.0.1:9000", clients=(helpers.DEMO,), now=clock))
    tokens = walk.tokens()
    assert (tokens["client"], tokens["access_token"]) == ("demo", "at-somying")
    assert helpers.claims_of(tokens["id_token"])["pid"] == "somying"
    assert walk.exchange("none").json == {"message": "invalid_grant"}


def test_client_assertion(walk, helpers, clock):
    """A client that is registered for it gets its tokens by an assertion, once (RFC 7523 2.2)."""
    client = replace(helpers.DEMO, token_endpoint_auth_method="client_secret_jwt")
    walk.idp.register(client)
    claims = {"iss": "demo", "sub": "demo", "aud": walk.idp.issuer, "jti": "1", "exp": clock() + 60}
    assertion = write(draft(claims, key=secret_key(helpers.SECRET), alg="HS256"))
    form = {
        "client_id": "demo",
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert walk.exchange(walk.code(), **form).status_code == 200
    again = walk.exchange(walk.code(), **form)
    assert (again.status_code, again.json["error"]) == (401, "invalid_client")
    assert "used before" in again.json["error_description"]


def test_encrypted_id_token(walk, helpers):
    """A client that registered encryption gets its ID token inside a JWE, signed all the same."""
    key = JWK.generate(kty="EC", crv="P-256")
    jwks = {"keys": [key.export_public(as_dict=True)]}
    walk.idp.register(replace(helpers.DEMO, jwks=jwks, id_token_encrypted_response_alg="ECDH-ES"))
    token = walk.tokens()["id_token"]
    sealed = JWE()
    sealed.deserialize(token, key)
    signed = sealed.payload.decode()
    assert helpers.claims_of(signed)["sub"] == "5c1f0b7e-somying"
    assert walk.idp.keys.verify(signed) is not None
    assert {token, signed} <= walk.idp.secrets
