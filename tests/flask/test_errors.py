import json
import logging

import pytest
from flask import Blueprint
from tests.flask.double import FETCHED, HTTPS, TYPED, Visitor, break_store, code_of, reference_of

from signon.core.errors import (
    ConfigurationError,
    MalformedAnswer,
    OperatorError,
    PersonError,
    PersonRefused,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    StoreUnavailable,
    SuspectError,
    TokenRejected,
    UnknownKey,
)
from signon.flask import Refused
from signon.flask.messages import MESSAGES
from signon.flask.state import memo

ERRORS = [
    (PersonError("cancelled", "m"), 403, logging.INFO),
    (Refused("reason"), 403, logging.INFO),
    (SuspectError("odd", "m"), 400, logging.WARNING),
    (ProviderError("odd", "m"), 502, logging.WARNING),
    (ProviderRefused("provider_refused", "m", error="e"), 502, logging.WARNING),
    (PersonRefused("access_denied", "m", error="access_denied"), 403, logging.WARNING),
    (MalformedAnswer("token_not_json", "m"), 502, logging.WARNING),
    (TokenRejected("id_token_exp", "m"), 502, logging.WARNING),
    (UnknownKey("id_token_key", "m"), 502, logging.WARNING),
    (ProviderUnavailable("token_timeout", "m"), 503, logging.WARNING),
    (StoreUnavailable("store_unavailable", "m"), 503, logging.WARNING),
    (OperatorError("odd", "m"), 502, logging.ERROR),
    (ConfigurationError(("one", "two")), 502, logging.ERROR),
]


@pytest.fixture
def raising(app, visitor):
    """A visitor of a page that raises what it is given."""
    held = []

    @app.get("/raise")
    def page():
        raise held[0]

    def visit(error, **headers):
        held[:] = [error]
        return visitor.get("/raise", **headers)

    return visit


@pytest.mark.parametrize(
    ("code", "left"), [("access_denied", True), ("id_token_organization", True), ("id_token_exp", False)]
)
def test_way_out_of_the_provider(app, visitor, code, left):
    """Who is denied, and would be again, must have a way to sign out at the provider, as must no other page."""

    @app.get("/denied")
    def denied():
        memo()["provider"] = "oidc"
        raise ProviderRefused(code, "m", error="e")

    link = '<a class="button quiet" href="/auth/logout?provider=oidc">Sign out at OpenID</a>'
    assert (link in visitor.get("/denied").text) is left
    navigation = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (
        visitor.get("/auth/logout?provider=oidc", **navigation)
        .headers["Location"]
        .startswith(f"{visitor.op.issuer}/logout?")
    )
    visitor.op.metadata["end_session_endpoint"] = None
    app.extensions["signon"].party.runtime._caches.clear()
    assert link not in visitor.get("/denied").text


@pytest.mark.parametrize(("name", "left"), [("oidc", True), ("staff", False)])
def test_way_out_is_to_the_provider_that_it_names(make_app, make_provider, op, monkeypatch, name, left):
    """Who is signed in by another provider would leave that one: no such way out, nor where it isn't known."""
    app = make_app({"providers": [make_provider("oidc"), make_provider("staff", "https://staff.example")]})

    @app.get("/denied")
    def denied():
        memo()["provider"] = name
        raise PersonRefused("access_denied", "m", error="access_denied")

    visitor = Visitor(app, op)
    assert "/auth/logout?provider=" in visitor.get("/denied").text
    visitor.sign_in("/auth/login/oidc")
    assert ("/auth/logout?provider=" in visitor.get("/denied").text) is left
    break_store(app, monkeypatch, "load")
    response = visitor.get("/denied")
    assert (response.status_code, code_of(response)) == (403, "access_denied")
    assert "/auth/logout?provider=" not in response.text


@pytest.mark.parametrize(("error", "status", "level"), ERRORS, ids=[type(e).__name__ for e, *_ in ERRORS])
def test_every_error_is_a_page_for_a_person(raising, caplog, error, status, level):
    """Wherever an error of ours comes up: its status, a page with code, reference and one button, one log line."""
    response = raising(error)
    assert (response.status_code, code_of(response)) == (status, error.code)
    assert response.content_type == "text/html; charset=utf-8"
    assert response.text.count('class="button"') == 1
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("signon", level)
    assert record.signon_reference == reference_of(response)
    assert (record.signon_code, record.signon_fault) == (error.code, error.fault)
    assert reference_of(response) in record.getMessage()


@pytest.mark.parametrize(("error", "status", "level"), ERRORS, ids=[type(e).__name__ for e, *_ in ERRORS])
def test_every_error_is_problem_json_for_a_program(raising, caplog, error, status, level):
    """RFC 9457: type, title, status, detail, and our code and reference; the operator's words stay in the log."""
    response = raising(error, **FETCHED)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "private, no-store"
    body = response.json
    assert set(body) == {"type", "title", "status", "detail", "code", "reference"}
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, error.code)
    assert body["title"]
    assert body["detail"]
    assert caplog.records[0].signon_reference == body["reference"]
    assert caplog.records[0].levelno == level


@pytest.mark.parametrize("headers", [TYPED, {**TYPED, "Accept": "application/json"}, {}])
def test_person_gets_a_page(raising, headers):
    """A navigation, or a plain client that asks for HTML, gets a page."""
    assert raising(PersonError("x", "m"), **headers).mimetype == "text/html"


@pytest.mark.parametrize("headers", [FETCHED, {"Accept": "application/json"}, {"Accept": "*/*"}, {"Accept": ""}])
def test_program_gets_json(raising, headers):
    """Everything else gets problem+json."""
    assert raising(PersonError("x", "m"), **headers).mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("token_timeout", "m"), StoreUnavailable("store_unavailable", "m")]
)
def test_503_says_when_to_try_again(raising, error):
    """Every 503 has its Retry-After, every other status none."""
    for headers in ({}, FETCHED):
        assert raising(error, **headers).headers["Retry-After"] == str(error.retry_after_seconds)
    assert "Retry-After" not in raising(OperatorError("x", "m")).headers


def test_providers_text_is_quoted_as_theirs(raising):
    """What a provider said is escaped, cut, on one line, and marked as its words."""
    said = "<script>alert(1)</script>\r\nSet-Cookie: x=y\x00 " + "long " * 100
    response = raising(ProviderRefused("provider_refused", "m", error="invalid_scope", description=said))
    assert (
        "<p>It said:</p><blockquote>&lt;script&gt;alert(1)&lt;/script&gt;??Set-Cookie: x=y? long" in response.text
    )
    quoted = response.text.partition("<blockquote>")[2].partition("</blockquote>")[0]
    assert len(quoted) < 250
    assert "<script>" not in response.text


def test_providers_text_is_logged_on_one_line(raising, caplog):
    """The log has the provider's own code and words, on the one line of this error."""
    raising(ProviderRefused("provider_refused", "m", error="bad\nline", description="more\nlines"))
    message = caplog.records[0].getMessage()
    assert "\n" not in message
    assert "provider_error='bad?line' 'more?lines'" in message


@pytest.mark.parametrize("name", ["x%0aFAKE%20LINE", "x%0d%0aFAKE", "x%1b[31mFAKE", "x" * 3000])
def test_address_writes_no_log_line(visitor, caplog, name):
    """The provider's name in an address must not write lines of its own into the log."""
    visitor.get(f"/auth/login/{name}")
    message = caplog.records[0].getMessage()
    assert message.isprintable()
    assert len(message) < 400


def test_messages_of_errors_are_not_shown(raising):
    """What is written for developers must not be in a page or an answer."""
    for headers in ({}, FETCHED):
        assert "for-developers" not in raising(OperatorError("x", "for-developers"), **headers).text


def test_operators_error_says_nothing_of_the_set_up(raising):
    """A visitor must not read what is set up wrongly."""
    text = raising(ConfigurationError(("SIGNON_KEYS is short",))).text
    assert "SIGNON" not in text


@pytest.mark.parametrize(
    ("error", "target"),
    [
        (StoreUnavailable("store_unavailable", "m"), "/raise"),
        (SuspectError("state_used", "m"), "/"),
        (SuspectError("cross_site", "m"), "/"),
        (PersonError("role_needed", "m"), "/"),
        (OperatorError("anything", "m"), "/"),
        (PersonError("anything", "m"), "/auth/login"),
        (ProviderUnavailable("token_timeout", "m"), "/auth/login"),
    ],
)
def test_button_leads_on(raising, error, target):
    """The one button leads to what can be done: this page again, the application, or a new sign-in."""
    assert f'<a class="button" href="{target}">' in raising(error).text


def test_page_is_asked_for_again_as_it_was(app, visitor):
    """The button to try again leads to the very page, with its query and the encoding of its path."""

    @app.get("/papers/<path:name>")
    def paper(name):
        raise StoreUnavailable("store_unavailable", name)

    text = visitor.get("/papers/a%3Fb?year=2025&sort=%C3%A4").text
    assert '<a class="button" href="/papers/a%3Fb?year=2025&amp;sort=%C3%A4">' in text


def test_store_failure_of_a_post_leads_to_the_application(app, visitor):
    """A page that was posted can't be asked for again: the button leads into the application."""

    @app.post("/post")
    def page():
        raise StoreUnavailable("store_unavailable", "m")

    assert '<a class="button" href="/">' in visitor.post("/post").text


def test_links_have_the_path_of_the_base_url(make_app, op):
    """Every link of an error page must have the path before it."""
    app = make_app(SIGNON_BASE_URL=f"{HTTPS}/shop", SIGNON_AFTER_LOGIN="/start")
    app.add_url_rule("/a", "a", lambda: (_ for _ in ()).throw(SuspectError("state_used", "m")))
    app.add_url_rule("/b", "b", lambda: (_ for _ in ()).throw(StoreUnavailable("store_unavailable", "m")))
    app.add_url_rule("/c", "c", lambda: (_ for _ in ()).throw(Refused("no")))
    visitor = Visitor(app, op, at=HTTPS)
    assert 'href="/shop/start"' in visitor.get("/a").text
    assert 'href="/shop/b"' in visitor.get("/b").text
    assert 'href="/shop/auth/login"' in visitor.get("/c").text


def test_refusal_outside_a_sign_in_has_no_provider_to_leave(raising):
    """`Refused` raised by a page shows its reason and a way on, without a form for nobody's provider."""
    response = raising(Refused("Not <here>."))
    assert "<blockquote>Not &lt;here&gt;.</blockquote>" in response.text
    assert "<form" not in response.text


def test_errors_of_blueprints_come_out_of_the_same_door(app, visitor):
    """An error inside a blueprint must be answered alike."""
    part = Blueprint("part", "part")
    part.add_url_rule("/part", "page", lambda: (_ for _ in ()).throw(PersonError("x", "m")))
    app.register_blueprint(part)
    assert code_of(visitor.get("/part")) == "x"


def test_page_names_the_provider_by_its_label(make_app, make_provider, op):
    """A message about a provider must call it what the button calls it."""
    visitor = Visitor(make_app({"providers": [make_provider(label="City <Office>")]}), op)
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "m")
    response = visitor.get("/auth/login")
    assert "City &lt;Office&gt; can&#39;t be reached" in response.text
    assert visitor.get("/auth/login", Accept="application/json").json["title"] == "City <Office> can't be reached"


def test_json_is_written_as_it_is(raising):
    """The body must be one JSON object in UTF-8, however odd a code is."""
    body = json.loads(raising(PersonError("x", "m"), **FETCHED).data)
    assert body["title"] == MESSAGES["person"].title
