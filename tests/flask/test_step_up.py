import time

import pytest
import time_machine
from tests.flask.double import CLICKED, FETCHED, ISSUER, LOCAL, Visitor, code_of, query_of
from tests.service.issued import AUDIENCE, access_token

from signon.flask.api import token_required
from signon.flask.step_up import step_up
from signon.flask.testing import sign_in

HIGH = "urn:high urn:higher"


@pytest.fixture
def make_pages(make_app, make_provider):
    """An application with pages and an API that want more than any sign-in."""

    def make(*providers):
        app = make_app({"providers": list(providers) or [make_provider(access_token_alg="ES256")]})
        add = app.add_url_rule
        add("/strong", "strong", step_up(acr=HIGH)(lambda: "strong"), methods=["GET", "POST"])
        add("/recent-sign-in", "recent_sign_in", step_up(max_age_seconds=300)(lambda: "recent"))
        add("/strict", "strict", step_up(acr=["urn:higher"], max_age_seconds=300)(lambda: "strict"))
        add(
            "/api", "api", token_required(audience=AUDIENCE)(step_up(acr=HIGH, max_age_seconds=300)(lambda: "api"))
        )
        return app

    return make


@pytest.fixture
def app(make_pages):
    return make_pages()


@pytest.fixture
def visitor(app, op):
    return Visitor(app, op)


# pages


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/strong", {"acr_values": HIGH}),
        ("/recent-sign-in", {"max_age": "300"}),
        ("/strict", {"acr_values": "urn:higher", "max_age": "300"}),
    ],
)
def test_nobody_is_asked_for_it_at_once(visitor, path, asked):
    """Who has not signed in is asked for what the page wants in the first sign-in."""
    sent = query_of(visitor.start(path))
    assert {name: sent[name] for name in ("acr_values", "max_age") if name in sent} == asked


def test_stronger_sign_in_opens_the_page(visitor):
    """Who signed in otherwise is sent to the same provider, comes back to the page, and gets in."""
    visitor.sign_in(acr="urn:low")
    before = visitor.cookies()
    location = visitor.start("/strong")
    assert location.startswith(f"{ISSUER}/authorize?")
    assert visitor.answer(location, acr="urn:higher").headers["Location"] == "/strong"
    assert visitor.get("/strong").text == "strong"
    assert visitor.cookies().keys() == before.keys()
    assert visitor.cookies() != before


@pytest.mark.parametrize(
    ("path", "claims", "code"),
    [
        ("/strong", {"acr": "urn:low"}, "id_token_acr"),
        ("/strong", {}, "id_token_acr"),
        ("/recent-sign-in", {"auth_time": 1}, "id_token_auth_time_old"),
        ("/recent-sign-in", {"auth_time": None}, "id_token_auth_time_missing"),
        ("/strict", {"acr": "urn:high"}, "id_token_acr"),
    ],
)
def test_answer_that_falls_short_is_an_error(visitor, path, claims, code):
    """A provider that did not do what was asked ends in an error after one try, and the old session stays."""
    visitor.sign_in(acr="urn:low", auth_time=int(time.time()) - 3600)
    response = visitor.answer(visitor.start(path), **claims)
    assert (response.status_code, code_of(response)) == (502, code)
    assert "Location" not in response.headers
    assert visitor.who() == "Somchai"


def test_old_sign_in_is_renewed(visitor):
    """A sign-in becomes too old with time, and a new one is new."""
    visitor.sign_in()
    assert visitor.get("/recent-sign-in").text == "recent"
    with time_machine.travel(time.time() + 370, tick=False):
        visitor.answer(visitor.start("/recent-sign-in"))
        assert visitor.get("/recent-sign-in").text == "recent"


def test_sign_in_that_is_enough_is_left_alone(app, visitor):
    """Who has signed in this well is asked nothing."""
    sign_in(visitor.client, {"acr": "urn:higher", "name": "Mia"})
    assert visitor.get("/strong").text == "strong"
    assert visitor.get("/strict").text == "strict"


def test_other_requests_get_problem_json(visitor):
    """What isn't a navigation gets 401 with a code; nothing has started."""
    assert code_of(visitor.get("/strong", **FETCHED)) == "login_needed"
    visitor.sign_in(acr="urn:low")
    for headers in (FETCHED, {**CLICKED, "Sec-Purpose": "prefetch"}):
        response = visitor.get("/strong", **headers)
        assert (response.status_code, code_of(response)) == (401, "step_up_needed")
    assert not visitor.transactions()


def test_form_is_not_sent_again(visitor):
    """After a POST the stronger sign-in ends at the start page: a form can't be sent again."""
    visitor.sign_in(acr="urn:low")
    response = visitor.post("/strong", data={"a": "field"}, **CLICKED)
    assert visitor.answer(response.headers["Location"], acr="urn:high").headers["Location"] == "/"


def test_person_chooses_first_where_there_are_several(make_pages, make_provider, ops):
    """With several providers the person chooses one, and is then asked for the rest by that one."""
    partner = make_provider("partner", "https://partner.example")
    visitor = Visitor(make_pages(make_provider(), partner), ops["https://partner.example"])
    assert visitor.get("/strong").headers["Location"] == "/auth/login?next=%2Fstrong"
    visitor.sign_in("/auth/login/partner?next=/strong")
    location = visitor.start("/strong")
    assert location.startswith("https://partner.example/authorize?")
    assert visitor.answer(location, acr="urn:high").headers["Location"] == "/strong"


# an API


def ask(app, token: str):
    return app.test_client().get("/api", base_url=LOCAL, headers={"Authorization": f"Bearer {token}"})


def test_token_of_a_strong_sign_in_opens_the_api(app):
    """A token that says how its person signed in gets in by that."""
    now = time.time()
    assert ask(app, access_token(now=now, acr="urn:high", auth_time=int(now))).text == "api"


@pytest.mark.parametrize(
    "changes", [{}, {"acr": "urn:low"}, {"acr": "urn:high", "auth_time": 1}, {"acr": "urn:high"}]
)
def test_weak_token_gets_a_challenge(app, changes):
    """A token of a weaker or older sign-in gets 401 and what would do, also in a browser (RFC 9470 3)."""
    response = ask(app, access_token(now=time.time(), **changes))
    assert (response.status_code, response.json["code"]) == (401, "access_token_step_up")
    challenge = response.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert f'acr_values="{HIGH}", max_age="300"' in challenge


def test_session_does_not_open_the_api(app, op):
    """A strong session must not stand in for a token."""
    visitor = Visitor(app, op)
    visitor.sign_in(acr="urn:high")
    assert visitor.get("/strong").text == "strong"
    assert visitor.get("/api").json["code"] == "access_token_missing"


def test_asking_for_nothing_is_a_mistake():
    """A guard that asks for nothing must be an error where it is written."""
    with pytest.raises(ValueError, match="acr or max_age_seconds"):
        step_up()
