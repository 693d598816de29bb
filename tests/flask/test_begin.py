import html
import json
import re
from urllib.parse import quote

import pytest
from flask import request
from tests.flask.double import CLICKED, HTTPS, ISSUER, LINKED, Visitor, code_of, query_of
from tests.service.token_op import TokenOp

from signon.core.authorize import Wishes
from signon.flask import current_login, signed_in
from signon.flask.begin import go_to_provider, go_to_sign_in, login_address, start_sign_in
from signon.flask.fragment import MARK
from signon.flask.state import state

OTHER = "https://other.example"


def test_wishes_reach_the_provider(app, visitor):
    """What one page asks for beyond the settings must be in its request to the provider."""

    @app.get("/strong")
    def strong():
        wishes = Wishes(acr_values=("aal2",), login_hint="s@example.org", max_age_seconds=60)
        return go_to_provider(state().only_provider, next_path="/me", wishes=wishes)

    asked = query_of(visitor.start("/strong"))
    assert (asked["acr_values"], asked["login_hint"], asked["max_age"]) == ("aal2", "s@example.org", "60")


def test_only_provider_is_gone_to_others_are_chosen_from(make_app, make_provider, op):
    """Sign-in from a page goes to the only provider; with several to the chooser, which sets no cookie."""
    app = make_app({"providers": [make_provider(), make_provider("other", OTHER)]})
    visitor = Visitor(app, op)
    response = visitor.get("/me?x=1")
    assert (response.status_code, response.headers["Location"]) == (302, "/auth/login?next=%2Fme%3Fx%3D1")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert not response.headers.getlist("Set-Cookie")


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        ({}, "/shop/auth/login"),
        ({"provider": "oidc"}, "/shop/auth/login/oidc"),
        ({"next_path": "/me?x=1&y"}, "/shop/auth/login?next=%2Fme%3Fx%3D1%26y"),
        (
            {"provider": "oidc", "parameters": {"organization": "o"}, "sign_up": True},
            "/shop/auth/signup/oidc?organization=o",
        ),
        ({"parameters": {"a": "b"}, "next_path": "/"}, "/shop/auth/login?a=b&next=%2F"),
    ],
)
def test_address_of_the_login_route(make_app, arguments, address):
    """Links to login and sign-up must have the base URL's path, and keep what they were given."""
    app = make_app(SIGNON_BASE_URL=f"{HTTPS}/shop")
    with app.test_request_context("/"):
        assert login_address(**arguments) == address


def test_wishes_without_a_choice(app):
    """The only provider must get the wishes of the page."""
    with app.test_request_context("/me"):
        response = go_to_sign_in(next_path=None, wishes=Wishes(prompt="login"))
    assert query_of(response.headers["Location"])["prompt"] == "login"


@pytest.mark.parametrize("next_path", ["/me", "//evil.example", "/auth/logout", None])
def test_application_starts_a_sign_in_of_its_own(app, visitor, next_path):
    """A view of the application may start a sign-in with wishes; its return path is judged like any other."""

    @app.get("/step-up")
    def step_up():
        return start_sign_in(next_path=next_path, wishes=Wishes(acr_values=("aal2",)))

    location = visitor.start("/step-up")
    assert query_of(location)["acr_values"] == "aal2"
    assert visitor.answer(location, acr="aal2").headers["Location"] == ("/me" if next_path == "/me" else "/")


def test_application_chooses_the_provider(make_app, make_provider, op):
    """A view may name the provider; without a name the person chooses; an unknown one is 404."""
    app = make_app({"providers": [make_provider(), make_provider("other", OTHER)]})
    app.add_url_rule("/named/<name>", "named", lambda name: start_sign_in(name, next_path="/me"))
    app.add_url_rule("/choose", "choose", lambda: start_sign_in(next_path="/me"))
    visitor = Visitor(app, op)
    assert visitor.start("/named/other").startswith(f"{OTHER}/authorize?")
    assert visitor.start("/choose") == "/auth/login?next=%2Fme"
    response = visitor.get("/named/nobody")
    assert (response.status_code, code_of(response)) == (404, "provider_unknown")


# What the application keeps with a sign-in


@pytest.fixture
def make_shop(make_app, make_provider, ops, plant):
    """Somebody at an application that keeps a flavour with each sign-in which its own view starts."""

    def make(*, on_login=None, **keywords):
        ops[ISSUER] = TokenOp(plant)
        providers = [make_provider(**keywords)]
        app = make_app({"providers": providers, "on_login": on_login}, SIGNON_BASE_URL=HTTPS)

        @app.get("/buy")
        def buy():
            return start_sign_in(next_path="/kept", wishes=Wishes(keep={"flavour": request.args["flavour"]}))

        @app.get("/kept")
        def kept():
            return dict(current_login.kept)

        @app.post("/refresh")
        def refresh():
            current_login.refresh()
            return dict(current_login.kept)

        return Visitor(app, ops[ISSUER], at=HTTPS)

    return make


def by_query(visitor, location):
    return visitor.answer(location)


def by_form_post(visitor, location):
    """The provider's page posts, and ours once more."""
    sent = visitor.op.authorize(location)
    page = visitor.post("/auth/callback/oidc", data=sent, **{**LINKED, "Origin": ISSUER})
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    return visitor.post("/auth/callback/oidc", data=fields, **{**CLICKED, "Origin": HTTPS})


def by_fragment(visitor, location):
    sent = {MARK: "1", **visitor.op.authorize(location)}
    return visitor.post("/auth/callback/oidc", data=sent, **{**CLICKED, "Origin": HTTPS})


@pytest.mark.parametrize(
    ("mode", "finish"), [("query", by_query), ("form_post", by_form_post), ("fragment", by_fragment)]
)
@pytest.mark.parametrize("flavour", ["Vanilla", "รส & วานิลลา=1", ""])
def test_what_is_kept_is_there_after_the_sign_in(make_shop, mode, finish, flavour):
    """`on_login`, the signal and every page afterwards must have it, however the answer comes."""
    seen = []
    visitor = make_shop(response_mode=mode, on_login=lambda login: seen.append(login.kept))

    def tell(_app, user, login):
        seen.append(login.kept)

    with signed_in.connected_to(tell):
        response = finish(visitor, visitor.start(f"/buy?flavour={quote(flavour)}"))
    assert (response.status_code, response.headers["Location"]) == (303, "/kept")
    assert visitor.get("/kept").json == {"flavour": flavour}
    assert seen == [{"flavour": flavour}] * 2


def test_what_is_kept_lives_as_long_as_its_sign_in(make_shop):
    """A refresh must leave it; another sign-in must have none of it, since that may be another person's."""
    visitor = make_shop()
    by_query(visitor, visitor.start("/buy?flavour=Vanilla"))
    assert visitor.post("/refresh", Origin=HTTPS).json == {"flavour": "Vanilla"}
    visitor.sign_in()
    assert visitor.get("/kept").json == {}


def test_each_sign_in_under_way_has_its_own(make_shop):
    """Of two in one browser each must bring back what was kept with it."""
    visitor = make_shop()
    first, second = (visitor.start(f"/buy?flavour={flavour}") for flavour in ("Vanilla", "Chocolate"))
    for location, flavour in ((first, "Vanilla"), (second, "Chocolate")):
        by_query(visitor, location)
        assert visitor.get("/kept").json == {"flavour": flavour}


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/oidc", "/auth/auth-url", "/auth/auth-url/oidc"])
@pytest.mark.parametrize("name", ["keep", "kept", "keep[flavour]"])
def test_nobody_but_the_application_keeps(make_shop, path, name):
    """A query of the routes that start a sign-in must add nothing."""
    visitor = make_shop()
    response = visitor.get(f"{path}?{name}={quote(json.dumps({'flavour': 'x'}))}&flavour=x", **{"X-CSRF": "1"})
    by_query(visitor, response.json["url"] if "url" in path else response.headers["Location"])
    assert visitor.get("/kept").json == {}


def test_too_much_to_keep_is_an_error_at_once(make_shop, caplog):
    """It must be a 400 that says so, before the browser goes anywhere; the log says how much there is room for."""
    visitor = make_shop()
    flavour = "".join(f"{number:x}" for number in range(2000, 3000))
    response = visitor.get(f"/buy?flavour={flavour}")
    assert (response.status_code, code_of(response)) == (400, "kept_too_large")
    assert "That is too long to be kept" in html.unescape(response.text)
    assert 'href="/"' in response.text
    assert not visitor.transactions()
    assert re.search(r"is 3\d\d\d bytes long as JSON, and about [1-9]\d\d fit", caplog.text)
    assert flavour[:8] not in caplog.text
