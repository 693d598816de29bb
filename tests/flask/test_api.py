import inspect
import json
import logging
import secrets
import time
from io import BytesIO

import pytest
import time_machine
from flask import Response, request
from tests.flask.double import CLICKED, FETCHED, HTTPS, ISSUER, KEY, LOCAL, Visitor, by_hand
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


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", [FORM, FORM.upper(), f"{FORM}; charset=utf-8"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_token_in_the_form_beside_it_is_a_second_one(app, call, kind, method):
    """A token in a form and one in the header are two (RFC 6750 2 and 3.1); a wrong header is told first."""
    app.add_url_rule("/form", "form", token_required(audience=AUDIENCE)(orders), methods=["POST", "PUT", "DELETE"])

    def send(token):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        return app.test_client().open(
            "/form", method=method, base_url=LOCAL, data="access_token=x", headers=headers
        )

    check_refusal(send(issued()), code="access_token_in_form", status=400, error="invalid_request")
    assert send("abc").json["code"] == "access_token_not_compact"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"amount=1&no_access_token=2"),
        (FORM, b'{"access_token": 1}'),
        (FORM, b"access_token=x&" + b"y" * 500_000),
        ("application/json", b'{"access_token": "x"}'),
        ("text/plain", b"access_token=x"),
    ],
)
def test_view_reads_the_body_as_it_came(app, kind, body):
    """Whatever a form is looked through for, the view must get all of it; other bodies are not looked at."""

    @token_required(audience=AUDIENCE)
    def echo():
        return request.get_data()

    app.add_url_rule("/echo", "echo", echo, methods=["POST"])
    headers = {"Authorization": f"Bearer {issued()}", "Content-Type": kind}
    assert app.test_client().post("/echo", base_url=LOCAL, data=body, headers=headers).data == body


def test_form_of_no_length_is_left_to_the_view(app):
    """A body that comes in chunks may be endless: the view must get it as it comes, and nobody else."""

    class Endless(BytesIO):
        def read(self, size=-1):
            assert 0 <= size <= 1024, "all of it at once"
            return b"access_token=x&".ljust(size, b"y")

    @token_required(audience=AUDIENCE)
    def first():
        return request.stream.read(1024)

    app.add_url_rule("/first", "first", first, methods=["POST"])
    environ = {"wsgi.input": Endless(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    headers = {"Authorization": f"Bearer {issued()}", "Content-Type": FORM}
    response = app.test_client().post("/first", base_url=LOCAL, headers=headers, environ_overrides=environ)
    assert response.data.startswith(b"access_token=x&y")


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


@pytest.fixture
def with_apis(make_app, make_provider):
    """Make an application with APIs of these audiences: the keywords of each guard by its path."""

    def with_apis(*guards, **settings):
        providers = [make_provider(access_token_alg="ES256"), make_provider("partner", "https://partner.example")]
        app = make_app({"providers": providers}, **settings)
        for number, given in enumerate(guards):
            app.add_url_rule(f"/{number}", str(number), token_required(**given)(lambda: "in"))
        return app.test_client()

    return with_apis


def challenged_with(client, path, at=LOCAL):
    challenge = client.get(path, base_url=at).headers["WWW-Authenticate"]
    return challenge.removeprefix('Bearer resource_metadata="').removesuffix('"')


@pytest.mark.parametrize("tail", ["/api", "/api/", "/api/orders", "/a%20b"])
def test_api_with_a_path_has_a_document_of_its_own(with_apis, tail):
    """Its identifier's path follows the well-known one, and the document is about it alone (RFC 9728 3.1, 3.3)."""
    client = with_apis(
        {"audience": f"{HTTPS}{tail}", "scopes": "b a", "provider": "oidc"}, {"scopes": "c"}, SIGNON_BASE_URL=HTTPS
    )
    address = challenged_with(client, "/0")
    assert address == f"{HTTPS}{METADATA_PATH}{tail}"
    response = client.get(address.removeprefix(HTTPS), base_url=HTTPS)
    assert response.json == {
        "resource": f"{HTTPS}{tail}",
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["a", "b"],
    }
    assert response.headers["Cache-Control"] == "public, max-age=300"
    whole = client.get(METADATA_PATH, base_url=HTTPS).json
    assert (whole["resource"], whole["scopes_supported"]) == (HTTPS, ["c"])
    assert whole["authorization_servers"] == [ISSUER, "https://partner.example"]


@pytest.mark.parametrize(
    "audience", [None, HTTPS, f"{HTTPS}/api?a", f"{HTTPS}.evil/api", "https://other.example/api", "orders"]
)
def test_api_of_another_name_is_the_application(with_apis, audience):
    """What is called otherwise than by an address of ours has no document but the application's."""
    client = with_apis({"audience": audience, "scopes": "a"}, SIGNON_BASE_URL=HTTPS)
    assert challenged_with(client, "/0") == f"{HTTPS}{METADATA_PATH}"
    assert client.get(METADATA_PATH, base_url=HTTPS).json["resource"] == HTTPS
    assert client.get(f"{METADATA_PATH}/api", base_url=HTTPS).status_code == 404


def test_slash_after_the_host_is_left_out(with_apis):
    """An identifier of host and slash has its document where the host's is (RFC 9728 3.1), and stays itself."""
    client = with_apis({"audience": f"{HTTPS}/"}, SIGNON_BASE_URL=HTTPS)
    assert challenged_with(client, "/0") == f"{HTTPS}{METADATA_PATH}"
    assert client.get(METADATA_PATH, base_url=HTTPS).json["resource"] == f"{HTTPS}/"


def test_document_behind_a_path_prefix(with_apis):
    """Behind a proxy's prefix the document is where the challenge says, and where RFC 9728 3.1 puts it, should the
    proxy send that here, too.
    """
    client = with_apis({"audience": f"{HTTPS}/shop/api"}, {}, SIGNON_BASE_URL=f"{HTTPS}/shop")
    assert challenged_with(client, "/0", HTTPS) == f"{HTTPS}/shop{METADATA_PATH}/api"
    for path, resource in [("/api", "/shop/api"), ("/shop/api", "/shop/api"), ("/shop", "/shop"), ("", "/shop")]:
        assert client.get(METADATA_PATH + path, base_url=HTTPS).json["resource"] == HTTPS + resource
    assert client.get(f"{METADATA_PATH}/shopping", base_url=HTTPS).status_code == 404


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
