import inspect
import json
import logging
import secrets
import time

import pytest
import time_machine
from flask import Response
from tests.flask.double import CLICKED, FETCHED, HTTPS, ISSUER, KEY, LOCAL, Visitor
from tests.service.issued import AUDIENCE, OTHER_KEY, access_token, published

from signon.core.errors import ProviderUnavailable
from signon.flask import SignOn, current_user, login_required
from signon.flask.api import METADATA_PATH, current_token, protected_resource_metadata, token_required

DOCUMENT = f"{LOCAL}{METADATA_PATH}"


def issued(**changes) -> str:
    return access_token(now=time.time(), **changes)


@pytest.fixture
def app(make_app, make_provider):
    """The usual application with an API."""
    app = make_app({"providers": [make_provider(access_token_alg="ES256")]})
    add = app.add_url_rule
    add(
        "/orders",
        "orders",
        token_required(scopes="read:orders", audience=AUDIENCE)(orders),
        methods=["GET", "POST"],
    )
    add("/here", "here", token_required()(lambda: "here"))
    add("/both", "both", token_required(scopes=["a", "b"], audience=AUDIENCE)(lambda: "both"))
    add("/nobodys", "nobodys", token_required(provider="nobody")(lambda: "nobodys"))
    add(METADATA_PATH, "metadata", protected_resource_metadata)
    return app


def orders():
    return {
        "subject": current_token.subject,
        "client": current_token.client_id,
        "scopes": sorted(current_token.scopes),
        "jti": current_token.claims["jti"],
    }


@pytest.fixture
def call(app):
    """Ask for a path with a token, or with other headers."""

    def call(token=None, path="/orders", *, method="GET", at=LOCAL, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Bearer {token}"} if token is not None else {}
        return app.test_client().open(path, method=method, base_url=at, headers=sent)

    return call


# who gets in


def test_token_opens_the_api(call):
    """A genuine token gets the view's answer, and the view sees whose it is."""
    response = call(issued())
    assert response.json == {
        "subject": "person-1",
        "client": "client-1",
        "scopes": ["read:orders"],
        "jti": "token-1",
    }


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_scheme_is_written_in_any_case(call, scheme):
    """Authorization schemes have no case (RFC 9110 11.1)."""
    assert call(authorization=f"{scheme} {issued()}").status_code == 200


def test_audience_is_the_applications_address_where_none_is_given(call):
    """An API without an audience of its own takes tokens for the application's address, and no others."""
    assert call(issued(aud=LOCAL), "/here").status_code == 200
    assert call(issued(), "/here").json["code"] == "access_token_aud"


def test_audience_follows_the_base_url(make_app, make_provider):
    """Behind a base URL that is what tokens must be for, whatever host is asked."""
    app = make_app({"providers": [make_provider(access_token_alg="ES256")]}, SIGNON_BASE_URL=f"{HTTPS}/shop")
    app.add_url_rule("/here", "here", token_required()(lambda: "here"))
    client = app.test_client()

    def ask(audience):
        return client.get(
            "/here", base_url=LOCAL, headers={"Authorization": f"Bearer {issued(aud=audience)}"}
        ).status_code

    assert (ask(f"{HTTPS}/shop"), ask(LOCAL), ask(HTTPS)) == (200, 401, 401)


def test_token_is_for_its_request_alone(app, call):
    """After a request, and in one that needs no token, there is none."""
    app.add_url_rule("/open", "open", lambda: str(bool(current_token)))
    call(issued())
    assert call(issued(), "/open").text == "False"
    assert not current_token


def test_preflight_needs_no_token(call):
    """A browser asks what it may send before it sends a token."""
    assert call(method="OPTIONS").status_code == 200


# who doesn't


def check_refusal(response, *, code, status, error):
    assert (response.status_code, response.json["code"], response.json["status"]) == (status, code, status)
    assert response.content_type == "application/problem+json"
    assert set(response.json) == {"type", "title", "status", "detail", "code", "reference"}
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Authorization"
    assert "Location" not in response.headers
    assert not response.headers.getlist("Set-Cookie")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith(f'Bearer error="{error}", ' if error else "Bearer resource_metadata=")
    assert challenge.endswith(f'resource_metadata="{DOCUMENT}"')
    return challenge


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Basic YTpi"}, CLICKED, FETCHED, {"accept": "text/html"}]
)
def test_without_a_token_there_is_a_plain_challenge(call, headers):
    """Who sent no token gets 401 and no error, also a browser that navigates: nobody is redirected."""
    named = {name.replace("-", "_").lower(): value for name, value in headers.items()}
    response = call(**named)
    challenge = check_refusal(response, code="access_token_missing", status=401, error="")
    assert challenge == f'Bearer resource_metadata="{DOCUMENT}"'


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1}, "access_token_expired"),
        ({"aud": "https://other.example/"}, "access_token_aud"),
        ({"iss": "https://evil.example"}, "access_token_iss"),
        ({"typ": "JWT"}, "access_token_typ"),
        ({"key": OTHER_KEY}, "access_token_signature"),
    ],
)
def test_wrong_token_is_challenged_with_its_cause(call, changes, code):
    """A token that fails a check gets 401, `invalid_token` and a sentence (RFC 6750 3.1)."""
    response = call(issued(**changes))
    challenge = check_refusal(response, code=code, status=401, error="invalid_token")
    assert f'error_description="{response.json["detail"]}"' in challenge


def test_scope_that_is_missing_is_named(call):
    """A genuine token that is not good for this gets 403 and every scope that is needed."""
    response = call(issued(scope="a c"), "/both")
    challenge = check_refusal(response, code="access_token_scope", status=403, error="insufficient_scope")
    assert 'scope="a b"' in challenge
    assert call(issued(scope="b a"), "/both").text == "both"


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/orders?access_token=abc", {"authorization": "Bearer abc"}, "access_token_in_query"),
        ("/orders", {"authorization": "Bearer abc, Bearer def"}, "authorization_repeated"),
    ],
)
def test_two_tokens_are_a_bad_request(call, path, headers, code):
    """A request with two tokens must be refused as such: two readers could read one each (RFC 6750 2)."""
    check_refusal(call(path=path, **headers), code=code, status=400, error="invalid_request")


def test_parameter_of_a_like_name_is_no_token(call):
    """A parameter whose name only ends so must not be taken for a second token."""
    assert call(issued(), "/orders?no_access_token=1").status_code == 200


def test_token_in_the_query_or_a_form_is_not_looked_at(app, call):
    """A token anywhere else than in the header is no token."""
    assert call(path=f"/orders?access_token={issued()}").json["code"] == "access_token_missing"
    response = app.test_client().post("/orders", base_url=LOCAL, data={"access_token": issued()})
    assert response.json["code"] == "access_token_missing"


def test_session_is_no_token(app, op):
    """Somebody who is signed in in a browser must not get in by that, nor by an ID token (RFC 9068 5)."""
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.who() == "Somchai"
    assert visitor.get("/orders").json["code"] == "access_token_missing"
    bearer = f"Bearer {op.id_token(sub='person-1', nonce='n')}"
    assert visitor.get("/orders", Authorization=bearer).json["code"] == "access_token_typ"


def test_token_is_no_session(app, call):
    """A token must sign nobody in: pages with a login behind them stay closed to it."""
    app.add_url_rule("/page", "page", login_required(lambda: "page"))
    app.add_url_rule("/mixed", "mixed", token_required(audience=AUDIENCE)(lambda: str(bool(current_user))))
    assert call(issued(), "/page").json["code"] == "login_needed"
    response = call(issued(), "/mixed")
    assert response.text == "False"
    assert set(response.vary) == {"Authorization", "Cookie"}
    assert "no-store" in response.headers["Cache-Control"]


def test_thousand_random_strings_cost_nothing(call, op):
    """A thousand random strings get 401 each, and the provider is not asked once."""
    statuses = {call(secrets.token_urlsafe(40)).status_code for _ in range(1000)}
    assert (statuses, op.asked) == ({401}, [])


def test_answer_is_nobody_elses(call):
    """No cache may keep an answer to a token, whatever the view says of it."""
    assert call(issued()).headers["Cache-Control"] == "no-store"
    assert call(issued()).headers["Vary"] == "Authorization"


def test_view_that_varies_already_keeps_that(app, call):
    """What the view says of Vary must stay; what it says of caching must not."""
    headers = {"Vary": "Accept", "Cache-Control": "public, max-age=60"}
    app.add_url_rule(
        "/varied", "varied", token_required(audience=AUDIENCE)(lambda: Response("x", headers=headers))
    )
    response = call(issued(), "/varied")
    assert set(response.vary) == {"Accept", "Authorization"}
    assert response.headers["Cache-Control"] == "no-store"


def test_provider_that_is_away_is_503(call, op):
    """Where keys can't be had, nobody is told that their token is wrong."""
    op.failing["jwks"] = ProviderUnavailable("jwks_timeout", "too slow")
    response = call(issued())
    assert (response.status_code, response.json["code"]) == (503, "jwks_timeout")
    assert response.headers["Retry-After"]
    assert "WWW-Authenticate" not in response.headers
    assert "Authorization" in response.headers["Vary"]


def test_unknown_provider_is_the_operators_error(call):
    """An API that names a provider that there isn't must say so to those who run it."""
    response = call(issued(), "/nobodys")
    assert (response.status_code, response.json["code"]) == (502, "token_issuer_unknown")


def test_token_is_over_in_time(call):
    """A token that got in must be refused when its time is over."""
    text = issued()
    assert call(text).status_code == 200
    with time_machine.travel(time.time() + 361, tick=False):
        assert call(text).json["code"] == "access_token_expired"


def test_withdrawn_key_closes_the_door(call, op):
    """When newer keys are seen, a token of a withdrawn one is refused, however often it got in before."""
    text = issued()
    assert call(text).status_code == 200
    op.failing["jwks"] = published(OTHER_KEY)
    assert call(issued(key=OTHER_KEY, kid="k2")).status_code == 200
    assert call(text).json["code"] == "access_token_unknown_key"


def test_refusal_is_logged_without_the_token(call, caplog, plant):
    """The log has the code and the answer's reference, and nothing of the token."""
    caplog.set_level(logging.INFO, "signon")
    text = issued(exp=1)
    plant(text, text.rpartition(".")[2])
    response = call(text)
    (record,) = [record for record in caplog.records if record.name == "signon"]
    assert response.json["reference"] in record.getMessage()
    assert (record.signon_code, record.levelname) == ("access_token_expired", "INFO")
    assert text not in response.text


# the decorator


@pytest.mark.parametrize("scopes", ['a"b', ["a b"], [""]])
def test_scope_that_cant_be_fails_at_once(scopes):
    """A misspelt scope must be an error where it is written, and not for the first caller."""
    with pytest.raises(ValueError, match="is no scope"):
        token_required(scopes=scopes)


def test_view_keeps_its_name_and_signature():
    """A guarded view must stay itself."""

    def page(name: str, *, size: int = 1) -> str:
        """A page."""
        return f"{name} {size}"

    guarded = token_required()(page)
    assert (guarded.__name__, guarded.__doc__) == ("page", "A page.")
    assert inspect.signature(guarded) == inspect.signature(page)


def test_async_view_is_awaited(app, call, monkeypatch):
    """An async view runs as Flask runs one, below the guard."""

    def by_hand(view):
        def run():
            with pytest.raises(StopIteration) as done:  # no loop of our own: a browser's may be running here
                view().send(None)
            return done.value.value

        return run

    monkeypatch.setattr(app, "async_to_sync", by_hand)

    async def page():
        return current_token.subject

    app.add_url_rule("/async", "async", token_required(audience=AUDIENCE)(page))
    assert call(issued(), "/async").text == "person-1"
    assert call(None, "/async").status_code == 401


# the metadata document


def test_document_says_how_to_get_in(call):
    """The challenge leads to a document with the API's identifier, issuers and scopes (RFC 9728)."""
    response = call(path=METADATA_PATH)
    assert response.json == {
        "resource": LOCAL,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["a", "b", "read:orders"],
    }
    assert response.headers["Cache-Control"] == "public, max-age=300"


def test_guard_belongs_to_its_application(app, make_provider, call):
    """Another application of this process has a guard of its own: its providers' tokens and no others."""
    other = type(app)("other_application", instance_path=app.instance_path)
    other.config.update(SIGNON_SESSIONS="memory:", SIGNON_KEYS=KEY)
    partner = make_provider("partner", "https://partner.example", access_token_alg="ES256")
    SignOn(other, providers=[partner])
    other.add_url_rule("/orders", "orders", token_required(audience=AUDIENCE)(orders))
    headers = {"Authorization": f"Bearer {issued()}"}
    assert call(issued()).status_code == 200
    response = other.test_client().get("/orders", base_url=LOCAL, headers=headers)
    assert json.loads(response.text)["code"] == "access_token_iss"
