"""Tokens by the browser: what an answer brings, and that its hashes hold it together."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from signon_idp.id_token import half_hash

FRONT = {
    "response_types": ("code id_token", "id_token", "id_token token"),
    "grant_types": ("authorization_code", "implicit", "refresh_token"),
}


@pytest.fixture
def front(idp, helpers):
    """The same application, registered for tokens by the browser."""
    return helpers.Walk(idp, idp.register(replace(helpers.DEMO, **FRONT)))


def brought(response) -> dict[str, str]:
    """The parameters of an answer in the fragment."""
    assert response.status_code == 303, response.text
    target = urlsplit(response.headers["Location"])
    assert not target.query
    return dict(parse_qsl(target.fragment, keep_blank_values=True))


def test_implicit(front, helpers):
    """`id_token token` brings an access token that works and an ID token that holds its hash, and no code."""
    found = brought(front.sign_in(response_type="id_token token"))
    assert found.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss"}
    assert (found["token_type"], found["expires_in"]) == ("Bearer", "3600")
    claims = helpers.claims_of(found["id_token"])
    assert claims["at_hash"] == half_hash(found["access_token"], "RS256")
    assert ("c_hash" in claims, claims["nonce"]) == (False, "nonce-1")
    assert front.userinfo(found["access_token"]).json["sub"] == claims["sub"]


def test_id_token_alone(front, helpers):
    """`id_token` brings an ID token without hashes, and with all claims: nobody can ask for more (Core 5.4)."""
    front.idp.register(replace(front.client, claims_in_id_token=False))
    found = brought(front.sign_in(response_type="id_token"))
    assert found.keys() == {"id_token", "state", "iss"}
    claims = helpers.claims_of(found["id_token"])
    assert not {"at_hash", "c_hash"} & claims.keys()
    assert claims["email"] == "somying@people.example"


def test_hybrid(front, helpers):
    """`code id_token` brings both, the code's hash inside; the code then brings an ID token of the same person."""
    found = brought(front.sign_in(response_type="code id_token"))
    assert found.keys() == {"code", "id_token", "state", "iss"}
    first = helpers.claims_of(found["id_token"])
    assert first["c_hash"] == half_hash(found["code"], "RS256")
    assert "at_hash" not in first
    second = helpers.claims_of(front.exchange(found["code"]).json["id_token"])
    same = ("iss", "sub", "sid", "nonce", "auth_time", "name")
    assert [first[name] for name in same] == [second[name] for name in same]


def test_form_post_brings_the_same(front, helpers):
    """By form_post the same members come in a form."""
    response = front.sign_in(response_type="id_token token", response_mode="form_post")
    _, fields = helpers.forms_of(response.text)[0]
    assert {"id_token", "access_token", "token_type", "expires_in", "state"} <= fields.keys()


def test_refusal_goes_by_fragment(front):
    """An error goes where the tokens would have gone."""
    found = brought(front.authorize(response_type="id_token", prompt="none"))
    assert (found["error"], found["state"]) == ("login_required", "state-1")


def test_grant_type_implicit_is_none_of_the_token_endpoint(front):
    """The token endpoint knows no grant type implicit, whoever is registered for it."""
    assert front.token(grant_type="implicit").json["error"] == "unsupported_grant_type"


def test_client_of_the_code_flow_gets_no_tokens(walk):
    """A client that is registered for codes alone is refused."""
    assert brought(walk.sign_in(response_type="id_token"))["error"] == "unauthorized_client"


def test_dialect_without_it_registers_nobody_for_it(helpers):
    """A vendor that gives codes alone registers nobody for anything else."""
    from signon_idp import Idp
    from signon_idp.dialects.sgid import SGID

    client = replace(helpers.DEMO, token_endpoint_auth_method="client_secret_post", **FRONT)
    with pytest.raises(ValueError, match="sgid does not speak code id_token"):
        Idp(dialect=SGID, origin="http://127.0.0.1:9000", clients=(client,))
