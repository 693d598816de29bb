import pytest
from tests.flask.double import HTTPS, Visitor, code_of, query_of

from signon.core.authorize import Wishes
from signon.flask.begin import go_to_provider, go_to_sign_in, login_address, start_sign_in
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
