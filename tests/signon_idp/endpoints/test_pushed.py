from dataclasses import replace

import pytest

URN = "urn:ietf:params:oauth:request_uri:"


def push(walk, **changes):
    form = walk.parameters(**{"client_id": None, **changes})
    return walk.http.post(walk.path("pushed"), data=form, auth=("demo", walk.client.client_secret))


def by_reference(walk, uri: str, **changes: str):
    return walk.http.get(walk.path("authorize"), query_string={"client_id": "demo", "request_uri": uri, **changes})


def test_pushed_request_signs_in(walk, helpers):
    """A pushed request gets 201 and a reference that leads to the sign-in, with everything it asked for."""
    response = push(walk, login_hint="somebody@people.example")
    assert (response.status_code, response.json["expires_in"]) == (201, 60)
    assert response.json["request_uri"].startswith(URN)
    assert response.headers["Cache-Control"] == "no-store"
    page = by_reference(walk, response.json["request_uri"])
    assert 'value="somebody@people.example"' in page.text
    answer = helpers.answer(walk.submit(page, persona="mei"))
    assert answer["state"] == "state-1"
    assert helpers.claims_of(walk.exchange(answer["code"]).json["id_token"])["nonce"] == "nonce-1"


def test_only_the_reference_counts(walk, helpers):
    """What stands in the query beside the reference changes nothing (RFC 9126 4, RFC 9101 6.3)."""
    uri = push(walk).json["request_uri"]
    page = by_reference(walk, uri, state="planted", scope="openid")
    assert helpers.answer(walk.submit(page, persona="mei"))["state"] == "state-1"


def test_reference_is_used_once(walk):
    """A second use, another client's use and an expired one are refused on a page."""
    uri = push(walk).json["request_uri"]
    assert by_reference(walk, uri).status_code == 200
    again = by_reference(walk, uri)
    assert (again.status_code, "invalid_request_uri" in again.text) == (400, True)
    uri = push(walk).json["request_uri"]
    assert "invalid_request_uri" in by_reference(walk, uri, client_id="other").text
    assert by_reference(walk, uri).status_code == 200, "which didn't use it up"


def test_reference_expires(walk, clock):
    """After its time a reference is unknown."""
    uri = push(walk).json["request_uri"]
    clock.time += 60
    assert "invalid_request_uri" in by_reference(walk, uri).text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "http://localhost:5000/elsewhere"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"request_uri": URN + "x"}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_request"),
        ({"client_id": "other"}, "invalid_request"),
        ({"scope": "email"}, None),
    ],
)
def test_judged_when_pushed(walk, helpers, changes, error):
    """A request is judged as at the authorization endpoint, and refused as an OAuth error (RFC 9126 2.3)."""
    walk.idp.register(replace(helpers.DEMO, client_id="other"))
    response = push(walk, **changes)
    assert response.status_code == (201 if error is None else 400)
    assert response.json.get("error") == error


def test_client_must_authenticate(walk):
    """Without its secret a client pushes nothing."""
    response = walk.http.post(walk.path("pushed"), data=walk.parameters(), auth=("demo", "wrong"))
    assert (response.status_code, response.json["error"]) == (401, "invalid_client")


def test_secret_is_not_carried_on(walk, helpers):
    """Credentials in the form are no part of the request that the browser's pages carry."""
    walk.idp.register(replace(helpers.DEMO, token_endpoint_auth_method="client_secret_post"))
    form = walk.parameters(client_secret=helpers.SECRET)
    uri = walk.http.post(walk.path("pushed"), data=form).json["request_uri"]
    page = by_reference(walk, uri)
    assert page.status_code == 200
    assert helpers.SECRET not in page.text


def test_required(walk, helpers):
    """A client that must push gets its plain requests back with an error, and pushed ones through."""
    walk.idp.register(replace(helpers.DEMO, require_pushed_authorization_requests=True))
    assert helpers.answer(walk.authorize())["error"] == "invalid_request"
    page = by_reference(walk, push(walk).json["request_uri"])
    assert "code" in helpers.answer(walk.submit(page, persona="mei"))


def test_foreign_request_uri(walk):
    """A reference that was never one of ours is no reason to fetch anything."""
    page = walk.authorize(request_uri="http://evil.example/request.jwt")
    assert "request_uri_not_supported" in page.headers["Location"]
