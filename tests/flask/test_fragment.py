"""The page that carries an answer from the fragment to us, and how its form is told from others."""

import html
import logging
import re

import pytest
from tests.flask.double import LINKED, LOCAL, TYPED, Visitor, code_of

from signon.core.callback import KNOWN
from signon.flask.fragment import MARK

CALLBACK = "/auth/callback/oidc"


@pytest.fixture
def visitor(make_app, make_provider, op):
    """Somebody at an application whose answers come by fragment."""
    return Visitor(make_app({"providers": [make_provider(response_mode="fragment")]}), op)


def test_page_carries_the_known_fields_and_nothing_else(visitor):
    """A callback without an answer gets a page whose one script, allowed by its nonce, knows our fields alone."""
    response = visitor.get(CALLBACK, **LINKED)
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    (nonce,) = re.findall(r"script-src 'nonce-([^']+)'", policy)
    assert policy.startswith("default-src 'none';")
    (script,) = re.findall(r"<script([^>]*)>", response.text)
    assert script == f' nonce="{nonce}"'
    assert all(f'"{name}"' in response.text for name in KNOWN)
    field = f'<input type="hidden" name="{MARK}" value="1">'
    assert f'<form method="post" action="{CALLBACK}" id="answer">{field}</form>' in response.text
    assert not re.search(r"(src|href)=\"(https?:)?//", response.text)
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in response.headers["Cache-Control"]


def test_page_says_what_to_do_without_script(visitor):
    """Who has scripts off is told so, and can start again."""
    text = html.unescape(visitor.get(CALLBACK, **LINKED).text)
    (said,) = re.findall(r"<noscript>(.*?)</noscript>", text, re.DOTALL)
    assert "scripts are off" in said
    assert 'href="/auth/login/oidc"' in said


def test_page_is_for_answers_by_fragment_alone(make_app, make_provider, op):
    """With a provider that answers by query a callback without an answer stays an error."""
    plain = Visitor(make_app(), op)
    response = plain.get(CALLBACK, **TYPED)
    assert (response.status_code, code_of(response)) == (400, "state_missing")


@pytest.mark.parametrize("query", ["?code=x", "?error=access_denied", "?id_token=a.b.c", "?access_token="])
def test_answer_in_the_query_is_judged_as_one(visitor, query):
    """A query that has parts of an answer is none, whatever may be in the fragment."""
    response = visitor.get(CALLBACK + query, **LINKED)
    assert (response.status_code, code_of(response)) == (400, "state_missing")


def test_empty_fragment_ends_in_an_error(visitor):
    """The form of a page whose fragment was empty is answered with an error page, not with the page again."""
    response = visitor.post(CALLBACK, data={MARK: "1"}, Origin=LOCAL)
    assert (response.status_code, code_of(response)) == (400, "state_missing")


def carried(visitor, location, **headers):
    return visitor.post(CALLBACK, data={MARK: "1", **visitor.op.authorize(location)}, Origin=LOCAL, **headers)


def test_carried_answer_signs_in(visitor):
    """What the page posts is the answer."""
    location = visitor.start()
    assert "response_mode=fragment" in location
    assert carried(visitor, location).status_code == 303
    assert visitor.who() == "Somchai"


def test_form_of_a_provider_is_no_fragment(visitor):
    """A form_post where a fragment was asked for is refused, also after our page has posted it again."""
    answer = visitor.op.authorize(visitor.start())
    again = visitor.post(CALLBACK, data={MARK: "1", **answer}, Origin="https://op.example")
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', again.text))
    assert fields == answer, "the mark is not among them"
    response = visitor.post(CALLBACK, data=fields, Origin=LOCAL)
    assert (response.status_code, code_of(response)) == (400, "callback_wrong_mode")


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_fragment_where_another_mode_was_asked_for(make_app, make_provider, op, mode):
    """Nor does a carried answer pass in a sign-in that asked for something else."""
    visitor = Visitor(make_app({"providers": [make_provider(response_mode=mode)]}), op)
    response = carried(visitor, visitor.start())
    assert code_of(response) == "callback_wrong_mode"
    assert not visitor.sessions()


def test_looking_ahead_is_no_answer(visitor):
    """HEAD gets no page."""
    assert visitor.head(CALLBACK).status_code == 405


@pytest.mark.parametrize(
    ("kind", "warned"), [("code", False), ("code id_token", False), ("id_token", True), ("token id_token", True)]
)
def test_warning_at_the_start(make_app, make_provider, caplog, kind, warned):
    """A provider whose tokens come without a code is warned about, by name, with what to set."""
    with caplog.at_level(logging.WARNING, "signon"):
        make_app({"providers": [make_provider("staff", response_type=kind)]})
    assert ("STAFF_RESPONSE_TYPE=code" in caplog.text) is warned
