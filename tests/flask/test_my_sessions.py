import re

import pytest
import time_machine
from tests.flask.double import CLICKED, FETCHED, HTTPS, LINKED, LOCAL, Visitor, break_store, code_of, query_of

from signon.core.errors import StoreUnavailable
from signon.flask import my_sessions as module
from signon.flask.my_sessions import MAX_BODY_BYTES
from signon.flask.signals import session_ended, signed_out

NOW = 1_800_000_000
AT_NOW = "2027-01-15 08:00Z"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
PATH = "/auth/sessions"
SUBMITTED = {**CLICKED, "Origin": LOCAL}


@pytest.fixture
def here(app, op):
    """Somebody's Firefox, signed in."""
    return signed_in(app, op, FIREFOX)


@pytest.fixture
def phone(app, op, here):
    """The same person's telephone, signed in later."""
    return signed_in(app, op, SAFARI)


@pytest.fixture
def stranger(app, op):
    """Somebody else, signed in at the same provider."""
    return signed_in(app, op, FIREFOX, sub="person-2", name="Malee")


@pytest.fixture
def told(app):
    """The signals: (what, who, why)."""
    seen = []

    def ended(_app, *, login, reason):
        seen.append(("ended", login.person.name, reason))

    def out(_app, *, user):
        seen.append(("out", user.name))

    with session_ended.connected_to(ended, app), signed_out.connected_to(out, app):
        yield seen


@pytest.fixture
def revoked(monkeypatch):
    """The people whose tokens are revoked, one for each session."""
    seen = []

    def note(response, sessions):
        seen.extend(session.login.person.name for session in sessions)
        return response

    monkeypatch.setattr(module, "revoke_afterwards", note)
    return seen


def signed_in(app, op, agent, **claims):
    visitor = Visitor(app, op, headers={"Accept": "text/html", "User-Agent": agent})
    visitor.sign_in(**claims)
    return visitor


def listed(visitor):
    """The sessions as JSON."""
    response = visitor.get(PATH, **FETCHED)
    assert response.status_code == 200
    return response.json["sessions"]


def handle_of(visitor):
    return next(place["handle"] for place in listed(visitor) if place["current"])


def end(visitor, asked, **headers):
    """Press a button of the page."""
    return visitor.post(PATH, data={"end": asked}, **{**SUBMITTED, **headers})


def end_by_script(visitor, asked):
    return visitor.client.post(PATH, json={"end": asked}, base_url=visitor.at, headers=FETCHED)


def test_list_says_where_and_when(app, op):
    """Each session: provider's label, browser's family, when it began and was last seen, and which one asks."""
    with time_machine.travel(NOW, tick=False) as clock:
        first = signed_in(app, op, FIREFOX)
        clock.shift(3600)
        second = signed_in(app, op, SAFARI)
        clock.shift(-3000)
        first.get("/me")
        clock.shift(3000)
        places = [{name: place[name] for name in place if name != "handle"} for place in listed(second)]
    assert places == [
        {
            "provider": "OpenID",
            "browser": "Safari on iPhone",
            "signed_in_at": NOW + 3600,
            "last_seen_at": NOW + 3600,
            "current": True,
        },
        {
            "provider": "OpenID",
            "browser": "Firefox on Linux",
            "signed_in_at": NOW,
            "last_seen_at": NOW + 600,
            "current": False,
        },
    ]


def test_list_is_of_one_identity(here, phone, stranger):
    """Nobody sees a session of somebody else, nor of the same subject at another provider."""
    assert [place["browser"] for place in listed(here)] == ["Firefox on Linux", "Safari on iPhone"]
    assert [place["browser"] for place in listed(stranger)] == ["Firefox on Linux"]


def test_same_subject_elsewhere_is_somebody_else(make_app, make_provider, ops):
    """Identity is issuer and subject: the same subject at another issuer is another person."""
    other = make_provider("other", "https://other.example")
    app = make_app({"providers": [make_provider(), other]})
    one, two = Visitor(app, ops["https://op.example"]), Visitor(app, ops["https://other.example"])
    one.sign_in("/auth/login/oidc")
    two.sign_in("/auth/login/other")
    assert [place["provider"] for place in listed(one)] == ["OpenID"]
    assert [place["provider"] for place in listed(two)] == ["Other"]
    assert end_by_script(one, handle_of(two)).status_code == 404
    assert end_by_script(one, "others").json == {"ended": 0}
    assert two.who() == "Somchai"


def test_nothing_secret_is_shown(here, phone):
    """Neither page nor JSON may hold a session id, a token, a claim or the subject."""
    answers = here.get(PATH).text + here.get(PATH, **FETCHED).text
    for visitor in (here, phone):
        assert visitor.cookies()["signon-80"] not in answers
    for secret in ("person-1", "Somchai", "s@example.org", "access-", "142.0", "op.example"):
        assert secret not in answers


def test_handles_are_no_ids(here, phone):
    """What a list calls a session must sign nobody in."""
    for place in listed(here):
        cookie = f"signon-80={place['handle']}"
        assert here.get("/who", Cookie=cookie).text == "nobody"


def test_page_shows_them(here, phone):
    """The page lists this session first and marks it, and has a button for each other, for all others, for all."""
    text = here.get(PATH).text
    assert re.findall(r"<strong>([^<]+)</strong>", text) == ["Firefox on Linux", "Safari on iPhone"]
    assert text.count("This one") == 1
    assert text.index("Firefox on Linux") < text.index("This one") < text.index("Safari on iPhone")
    assert re.findall(r'name="end" value="([^"]+)"', text) == [handle_of(phone), "others", "everywhere"]
    assert 'datetime="' in text
    assert 'action="/auth/sessions"' in text


def test_page_of_one_session(here):
    """With no other session there is none to end but this one."""
    text = here.get(PATH).text
    assert re.findall(r'name="end" value="([^"]+)"', text) == ["everywhere"]
    assert "You are signed in nowhere else." in text


def test_page_calls_an_unknown_browser_so(app, op):
    """A browser that we don't know is said to be unknown, and its own words are nowhere."""
    visitor = signed_in(app, op, "<b>Nobody's</b> browser/1.0")
    text = visitor.get(PATH).text
    assert "Unknown browser" in text
    assert "Nobody" not in text
    assert listed(visitor)[0]["browser"] == ""


def test_page_says_how_long_ago(app, op):
    """Times are said from now on back, in words; the exact time is there for machines."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = signed_in(app, op, FIREFOX)
        assert "Signed in with OpenID" in visitor.get(PATH).text
        assert ">just now<" in visitor.get(PATH).text
        assert f'datetime="{AT_NOW}"' in visitor.get(PATH).text
        clock.shift(59)
        assert ">just now<" in visitor.get(PATH).text
        clock.shift(1)
        assert ">1 minute ago<" in visitor.get(PATH).text


def test_session_of_a_provider_that_is_gone(app, op, here):
    """A session of a provider that was taken out is listed under the name that it had."""
    party = app.extensions["signon"].party
    object.__setattr__(party, "providers", {})
    assert [place["provider"] for place in listed(here)] == ["oidc"]


def test_ending_one_ends_that_one(here, phone, stranger, told, revoked):
    """The session whose button was pressed ends, its end is told, its tokens are revoked; no other's are."""
    response = end(here, handle_of(phone))
    assert (response.status_code, response.headers["Location"]) == (303, "/auth/sessions?ended=1")
    assert [visitor.who() for visitor in (here, phone, stranger)] == ["Somchai", "nobody", "Malee"]
    assert told == [("ended", "Somchai", "ended_elsewhere")]
    assert revoked == ["Somchai"]
    assert len(listed(here)) == 1


def test_ended_session_is_asked_to_sign_in_again(here, phone):
    """Who was signed out from elsewhere is sent to sign in at the next page, without a word about limits."""
    end(here, handle_of(phone))
    response = phone.get("/me")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("https://op.example/authorize")


@pytest.mark.parametrize("asked", ["", "x", "A" * 43, "A" * 42 + "=", "\u00e9", "A" * 900])
def test_unknown_handle_is_404_and_nothing_happens(here, phone, told, revoked, asked):
    """A handle of nobody's session must end nothing, by form and by JSON."""
    for response in (end(here, asked), end_by_script(here, asked)):
        assert (response.status_code, code_of(response)) == (404, "session_unknown")
    assert (here.who(), phone.who()) == ("Somchai", "Somchai")
    assert (told, revoked) == ([], [])


def test_handle_of_somebody_else_is_404_and_nothing_happens(here, stranger, told, revoked):
    """Knowing somebody's handle must be worth nothing: 404, the same as for none."""
    response = end(here, handle_of(stranger))
    assert (response.status_code, code_of(response)) == (404, "session_unknown")
    assert 'href="/auth/sessions"' in response.text
    assert stranger.who() == "Malee"
    assert (told, revoked) == ([], [])


def test_handle_of_an_ended_session_is_unknown(here, phone):
    """Pressed twice, the second time there is nothing to end."""
    handle = handle_of(phone)
    assert end(here, handle).status_code == 303
    assert code_of(end(here, handle)) == "session_unknown"


def test_ending_the_others_keeps_this_one(app, op, here, phone, stranger, told, revoked):
    """All sessions of this person but the one that asks end, each is told of; others' people's live."""
    third = signed_in(app, op, FIREFOX)
    response = end(here, "others")
    assert (response.status_code, response.headers["Location"]) == (303, "/auth/sessions?ended=2")
    assert [v.who() for v in (here, phone, third, stranger)] == ["Somchai", "nobody", "nobody", "Malee"]
    assert told == [("ended", "Somchai", "ended_elsewhere")] * 2
    assert revoked == ["Somchai"] * 2


def test_ending_the_others_reaches_a_sign_in_under_way(app, op, here):
    """Somebody who is just signing in as this person elsewhere gets no session by it."""
    with time_machine.travel(NOW, tick=False) as clock:
        here = signed_in(app, op, FIREFOX)
        thief = Visitor(app, op)
        location = thief.start()
        clock.shift(1)
        end(here, "others")
        clock.shift(1)
        assert code_of(thief.answer(location, auth_time=NOW)) == "session_ended_meanwhile"
        assert thief.who() == "nobody"
        assert here.who() == "Somchai"


def test_ending_everywhere_ends_this_one_too(here, phone, stranger, told, revoked):
    """Every session of this person ends, the cookie goes, and the browser goes on to the provider's sign-out."""
    hint = "id_token_hint"
    response = end(here, "everywhere")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("https://op.example/logout?")
    assert hint in query_of(response.headers["Location"])
    assert [visitor.who() for visitor in (here, phone, stranger)] == ["nobody", "nobody", "Malee"]
    assert here.sessions() == []
    assert told == [
        ("ended", "Somchai", "ended_elsewhere"),
        ("out", "Somchai"),
        ("ended", "Somchai", "signed_out"),
    ]
    assert revoked == ["Somchai"] * 2


def test_ending_everywhere_without_a_sign_out_at_the_provider(app, op):
    """Where the provider has no sign-out, the browser goes to the page after a sign-out."""
    op.metadata["end_session_endpoint"] = None
    visitor = signed_in(app, op, FIREFOX)
    assert end(visitor, "everywhere").headers["Location"] == "/auth/signed-out"
    assert visitor.who() == "nobody"


def test_ending_this_one_is_a_sign_out_here(here, phone, told, revoked):
    """One's own handle signs out of this application only; the other sessions live."""
    response = end(here, handle_of(here))
    assert (response.status_code, response.headers["Location"]) == (303, "/auth/signed-out")
    assert (here.who(), phone.who(), here.sessions()) == ("nobody", "Somchai", [])
    assert told == [("out", "Somchai"), ("ended", "Somchai", "signed_out")]
    assert revoked == ["Somchai"]


def test_scripts_get_json(here, phone):
    """A fetch gets 200 and how many have ended; everywhere, also where the browser is to go."""
    assert end_by_script(here, handle_of(phone)).json == {"ended": 1}
    assert end_by_script(here, "others").json == {"ended": 0}
    response = end_by_script(here, "everywhere")
    assert (response.status_code, response.json["ended"]) == (200, 1)
    assert response.json["next"].startswith("https://op.example/logout?")
    assert here.who() == "nobody"


def test_fetch_may_send_a_form(here, phone):
    """What decides between page and JSON is who asks, not how."""
    response = end(here, "others", **{"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"})
    assert (response.status_code, response.json) == (200, {"ended": 1})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"others"',
        b'{"end": ["others"]}',
        b'{"end": null}',
        b'{"end": "others", "end": "others"}',
        b'{"end": 1}',
        b"[" * 900,
        b'{"end": "others"' + b" " * MAX_BODY_BYTES + b"}",
        b"\xff",
    ],
)
def test_body_that_can_not_be_read_ends_nothing(here, phone, body):
    """JSON that isn't one clean object with one word, or is too long, is no session's: 404, never a 500."""
    response = here.client.post(PATH, data=body, content_type="application/json", base_url=LOCAL, headers=FETCHED)
    assert (response.status_code, code_of(response)) == (404, "session_unknown")
    assert phone.who() == "Somchai"


def test_form_that_is_too_long_ends_nothing(here, phone):
    """A form longer than any handle is read no further."""
    response = here.post(PATH, data={"x": "y" * MAX_BODY_BYTES, "end": "others"}, **SUBMITTED)
    assert code_of(response) == "session_unknown"
    assert phone.who() == "Somchai"


@pytest.mark.parametrize(
    "headers",
    [
        {**LINKED, "Origin": "https://evil.example"},
        {**LINKED, "Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8000"},
        {**LINKED, "Origin": "null"},
        {"Sec-Fetch-Site": None, "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"Sec-Fetch-Site": None, "Origin": None},
        {**LINKED, "Origin": "https://evil.example", "X-CSRF": "1"},
    ],
)
@pytest.mark.parametrize("asked", ["others", "everywhere"])
def test_other_sites_end_nothing(here, phone, headers, asked):
    """A request from elsewhere must be refused before anything is looked at."""
    response = end(here, asked, **headers)
    assert (response.status_code, code_of(response)) == (403, "cross_site")
    assert (here.who(), phone.who()) == ("Somchai", "Somchai")


def test_frontend_on_the_list_may_ask(make_app, op):
    """An origin of the exact list with `X-CSRF: 1` is answered."""
    app = make_app(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS="https://spa.example")
    visitor = Visitor(app, op, at=HTTPS)
    visitor.sign_in()
    headers = {**FETCHED, "Sec-Fetch-Site": "cross-site", "Origin": "https://spa.example", "X-CSRF": "1"}
    assert end(visitor, "others", **headers).json == {"ended": 0}
    assert end(visitor, "others", **{**headers, "X-CSRF": ""}).status_code == 403


@pytest.mark.parametrize("headers", [{}, CLICKED, LINKED])
def test_nobody_is_sent_to_sign_in(visitor, headers):
    """Without a session a navigation goes to sign in."""
    response = visitor.get(PATH, **headers)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("https://op.example/authorize")


def test_nobody_gets_401(visitor):
    """Without a session a fetch gets 401 with a code, and so does a request to end something."""
    for response in (visitor.get(PATH, **FETCHED), end_by_script(visitor, "everywhere")):
        assert (response.status_code, code_of(response)) == (401, "login_needed")


def test_get_ends_nothing(here, phone):
    """No link may end a session: only a POST does."""
    assert here.get(f"{PATH}?end=everywhere").status_code == 200
    assert (here.who(), phone.who()) == ("Somchai", "Somchai")


@pytest.mark.parametrize(
    ("count", "said"),
    [("1", "1 session has ended."), ("0", "0 sessions have ended."), ("12", "12 sessions have ended.")],
)
def test_page_says_what_was_done(here, count, said):
    """After our own form the page says how many have ended."""
    assert said in here.get(f"{PATH}?ended={count}", **CLICKED).text


@pytest.mark.parametrize(
    ("count", "headers"),
    [
        ("1", LINKED),
        ("1", {}),
        ("x", CLICKED),
        ("-1", CLICKED),
        ("\u0663", CLICKED),
        ("1" * 7, CLICKED),
        ("", CLICKED),
    ],
)
def test_nobody_else_makes_the_page_say_it(here, count, headers):
    """A link from another site, or a count that is none, must not make the page say that sessions have ended."""
    assert "ended." not in here.get(f"{PATH}?ended={count}", **headers).text


def test_page_is_unframed_and_strict(here):
    """The page keeps the policy of all our pages, and its forms their origin."""
    headers = here.get(PATH).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")
    assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "same-origin")


def test_answers_are_kept_by_nobody(here):
    """Page, JSON, redirects and refusals are one person's own: no cache keeps them."""
    answers = [
        here.get(PATH),
        here.get(PATH, **FETCHED),
        end(here, "x"),
        end(here, "others"),
        end(here, "everywhere"),
    ]
    for response in answers:
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Cookie" in response.headers["Vary"]


def test_store_that_fails_is_503(app, here, phone, monkeypatch, told):
    """While the store is away nothing is said to have ended, and afterwards everybody is still signed in."""
    with monkeypatch.context() as patch:
        break_store(app, patch, "mark_ended")
        for asked in ("others", "everywhere"):
            response = end(here, asked)
            assert (response.status_code, code_of(response)) == (503, "store_unavailable")
    assert (here.who(), phone.who()) == ("Somchai", "Somchai")
    assert told == []


@pytest.mark.parametrize(
    ("asked", "fails_at", "gone"), [("others", 2, 1), ("everywhere", 2, 1), ("everywhere", 3, 2)]
)
def test_store_that_fails_midway(app, op, here, phone, monkeypatch, told, revoked, asked, fails_at, gone):
    """Those that have ended by then are told of and lose their tokens; the answer is 503, and this one lives."""
    signed_in(app, op, FIREFOX)
    store = app.extensions["signon"].party.sessions.store
    through, calls = store.delete, iter(range(1, fails_at))

    def fail(key):
        if next(calls, None) is None:
            raise StoreUnavailable("store_unavailable", "away")
        return through(key)

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", fail)
        response = end(here, asked)
    assert (response.status_code, code_of(response)) == (503, "store_unavailable")
    assert here.who() == "Somchai"
    assert told == [("ended", "Somchai", "ended_elsewhere")] * gone
    assert revoked == ["Somchai"] * gone


def test_path_can_be_had_elsewhere(make_app, op):
    """The page is where `SIGNON_SESSIONS_PATH` says, under the prefix of a base URL, too."""
    app = make_app(SIGNON_BASE_URL=f"{HTTPS}/shop", SIGNON_SESSIONS_PATH="/my/places")
    visitor = Visitor(app, op, at=f"{HTTPS}/shop")
    visitor.sign_in()
    assert 'action="/shop/my/places"' in visitor.get("/my/places").text
    response = end(visitor, "others", Origin=HTTPS)
    assert response.status_code == 404
    response = visitor.post("/my/places", data={"end": "others"}, **{**SUBMITTED, "Origin": HTTPS})
    assert response.headers["Location"] == "/shop/my/places?ended=0"


def test_limit_is_told_here_too(make_app, op):
    """Whoever comes back too late is told which limit it was, as on any other page."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = Visitor(make_app(SIGNON_IDLE_SECONDS=600), op)
        visitor.sign_in()
        clock.shift(600)
        assert code_of(visitor.get(PATH)) == "session_idle"
