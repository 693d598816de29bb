import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import time_machine
from flask import Flask
from jwcrypto import jwk
from tests.flask.double import (
    CLICKED,
    HTTPS,
    ISSUER,
    LINKED,
    LOCAL,
    TYPED,
    Visitor,
    break_store,
    code_of,
    query_of,
    set_cookies,
)

from signon.core.errors import ProviderUnavailable
from signon.core.provider import SignUp
from signon.flask import Refused, SignOn
from signon.flask.state import KEY

OTHER = "https://other.example"
NOW = 1_800_000_000


@pytest.fixture
def two(make_app, make_provider, op):
    """A visitor of an application with two providers."""
    providers = [make_provider("staff", label="Staff"), make_provider("partners", OTHER, label="Partners")]
    return Visitor(make_app({"providers": providers}), op)


# Signing in


def test_sign_in_travels_through_every_room(visitor, op):
    """A whole sign-in: one cookie and a redirect, the answer, a session, the page that was wanted by a 303."""
    location = visitor.start("/auth/login?next=/me?x=1")
    asked = query_of(location)
    assert asked["redirect_uri"] == f"{LOCAL}/auth/callback/oidc"
    assert asked["scope"] == "openid profile email"
    assert {len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge")} == {True}
    assert not visitor.sessions()
    response = visitor.answer(location)
    assert (response.status_code, response.headers["Location"]) == (303, "/me?x=1")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert visitor.get("/me?x=1").text == "me Somchai"
    assert op.documents() == ["metadata", "token", "jwks"]


def test_warm_sign_in_is_one_request(visitor, op):
    """Once metadata and keys are known, a sign-in must cost one request to the provider."""
    visitor.sign_in()
    op.asked.clear()
    visitor.sign_in()
    assert op.documents() == ["token"]


def test_start_writes_nothing_to_the_store(app, visitor, monkeypatch):
    """A sign-in must start even where the store is away: it has nothing to write."""
    break_store(app, monkeypatch)
    assert visitor.start().startswith(f"{ISSUER}/authorize?")


def test_redirect_to_the_provider_has_no_second_copy_of_its_values(visitor):
    """The redirect must have no body: Flask's own repeats the address, state and nonce in a page."""
    response = visitor.get("/auth/login")
    assert (response.status_code, response.data) == (302, b"")
    assert response.headers["Cache-Control"] == "private, no-store"


def test_only_provider_starts_at_once_several_are_chosen_from(visitor, two):
    """Plain login starts the only provider; with several it is the chooser, in their order, `next` kept."""
    assert visitor.start("/auth/login").startswith(f"{ISSUER}/authorize?")
    page = two.get("/auth/login?next=/me")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "private, no-store")
    assert not two.transactions()
    links = re.findall(r'href="(/auth/login/[^"]*)"', page.text)
    assert links == ["/auth/login/staff?next=%2Fme", "/auth/login/partners?next=%2Fme"]
    assert "Sign in with Staff" in page.text
    assert two.start(links[1], **CLICKED).startswith(f"{OTHER}/authorize?")


def test_chooser_drops_a_hostile_next(two):
    """A return path that leads elsewhere must not be in any link."""
    assert "evil" not in two.get("/auth/login?next=//evil.example").text


@pytest.mark.parametrize("name", ["nobody", "oidc2", "OIDC", "%00", "x%0aFAKE", "ก", "<script>"])
def test_unknown_provider(visitor, name):
    """A provider that isn't there must be 404 `provider_unknown`, with nothing asked of anybody."""
    response = visitor.get(f"/auth/login/{name}")
    assert (response.status_code, code_of(response)) == (404, "provider_unknown")
    assert "<script>" not in response.text.partition("</style>")[2]
    assert 'href="/auth/login"' in response.text
    assert visitor.op.asked == []


def test_sign_in_parameters_stop_here(visitor):
    """Parameters of the login route must change nothing of the request to the provider."""
    before = query_of(visitor.start("/auth/login"))
    after = query_of(
        visitor.start(
            "/auth/login?redirect_uri=https://evil.example&scope=admin&prompt=none&state=x&client_id=y&request=z"
        )
    )
    fresh = {"state", "nonce", "code_challenge"}
    assert {k: v for k, v in after.items() if k not in fresh} == {
        k: v for k, v in before.items() if k not in fresh
    }
    assert after["state"] != "x"


def test_profile_forwards_its_own_parameters_only(make_app, make_provider, op):
    """Of a query only what the profile names, short and plain, may go on; an asking page keeps it."""
    provider = replace(make_provider(), forwarded=frozenset({"organization", "invitation"}))
    visitor = Visitor(make_app({"providers": [provider]}), op)
    query = urlencode({"organization": "org_1", "invitation": "ก", "scope": "admin"})
    asked = query_of(visitor.start(f"/auth/login?{query}"))
    assert asked["organization"] == "org_1"
    assert "invitation" not in asked
    assert asked["scope"] == "openid profile email"
    assert "organization" not in query_of(visitor.start(f"/auth/login?organization={'x' * 129}"))
    assert "organization=org_1" in visitor.get(f"/auth/login?{query}", **LINKED).text


def test_sign_up_goes_where_the_provider_has_it(make_app, make_provider, op):
    """Plain sign-up starts the only provider that has one; one without answers `sign_up_unavailable`."""
    joining = replace(make_provider("joining"), sign_up=SignUp(parameters={"screen_hint": "signup"}))
    visitor = Visitor(make_app({"providers": [joining]}), op)
    assert query_of(visitor.start("/auth/signup?next=/me"))["screen_hint"] == "signup"
    both = Visitor(make_app({"providers": [joining, make_provider("plain", OTHER)]}), op)
    page = both.get("/auth/signup?next=/me")
    assert re.findall(r'href="(/auth/signup/[^"]*)"', page.text) == ["/auth/signup/joining?next=%2Fme"]
    response = both.get("/auth/signup/plain")
    assert (response.status_code, code_of(response)) == (403, "sign_up_unavailable")
    assert 'href="/auth/signup/joining"' in both.get("/auth/signup/joining", **LINKED).text


def test_four_tabs_finish_in_any_order(visitor):
    """Sign-ins in four tabs must all finish, each where it wanted to go, in any order."""
    locations = [visitor.start(f"/auth/login?next=/wide/{number}") for number in range(4)]
    for number in (2, 0, 3, 1):
        assert visitor.answer(locations[number]).headers["Location"] == f"/wide/{number}"
    assert not visitor.transactions()


def test_second_sign_in_replaces_the_session(app, visitor):
    """Signing in while signed in gives a new session; the old one's cookie is dead."""
    visitor.sign_in()
    old = visitor.cookies()["signon-80"]
    visitor.sign_in(sub="person-2", name="Malee")
    assert visitor.cookies()["signon-80"] != old
    assert visitor.who() == "Malee"
    thief = Visitor(app, visitor.op)
    thief.client.set_cookie("signon-80", old)
    assert thief.who() == "nobody"


def test_planted_session_is_not_taken_over(visitor):
    """A session id from before the sign-in must not be the one after it."""
    visitor.client.set_cookie("signon-80", "A" * 43)
    visitor.sign_in()
    assert visitor.cookies()["signon-80"] != "A" * 43


# Answers that can't be used


def failed(response, code, status, *, button=True):
    """The marks of every refused answer: its code, no session, nothing kept, no referrer, a page with a way on."""
    assert (code_of(response), response.status_code) == (code, status)
    assert not [name for name, (value, _) in set_cookies(response).items() if "-tx-" not in name and value]
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Content-Security-Policy" in response.headers
    if button:
        assert 'class="button"' in response.text
    return response


def call(visitor, *pairs, path="/auth/callback/oidc", **headers):
    return visitor.get(f"{path}?{urlencode(pairs)}", **headers)


def begun(visitor, path="/auth/login"):
    """A sign-in up to the provider's answer."""
    return visitor.op.authorize(visitor.start(path))


def test_state_missing(visitor):
    """An answer without state, or with an empty one, is refused before anything is asked."""
    pairs = begun(visitor)
    visitor.op.asked.clear()
    failed(call(visitor, ("code", pairs["code"])), "state_missing", 400)
    failed(call(visitor, ("code", pairs["code"]), ("state", "")), "state_missing", 400)
    failed(call(visitor), "state_missing", 400)
    assert visitor.op.asked == []
    assert len(visitor.transactions()) == 1


def test_state_repeated(visitor):
    """Two states, alike or not, are refused, and neither is used up."""
    pairs = begun(visitor)
    twice = (("state", pairs["state"]), ("code", pairs["code"]), ("state", pairs["state"]))
    failed(call(visitor, *twice), "state_repeated", 400)
    assert call(visitor, *pairs.items()).status_code == 303


@pytest.mark.parametrize("state", ["x", "A" * 64, "%00", "ก", "\ud800", "../../etc", "<script>", "a" * 4000])
def test_state_unknown(visitor, state):
    """A state that we never made is told apart from one that was lost."""
    response = visitor.get(
        f"/auth/callback/oidc?{urlencode({'code': 'c', 'state': state}, errors='surrogatepass')}"
    )
    failed(response, "state_unknown", 400)


def test_forged_state_is_unknown(visitor):
    """A state of ours with one character changed is not ours."""
    pairs = begun(visitor)
    state = pairs["state"]
    forged = state[:-1] + ("A" if state[-1] != "A" else "B")
    failed(call(visitor, ("code", "c"), ("state", forged)), "state_unknown", 400)


def test_state_used(visitor):
    """An answer works once; after that it is told to be used, with a way into the application."""
    pairs = begun(visitor, "/auth/login?next=/me")
    assert call(visitor, *pairs.items()).status_code == 303
    visitor.op.asked.clear()
    response = failed(call(visitor, *pairs.items()), "state_used", 400)
    assert 'href="/"' in response.text
    assert visitor.op.asked == []
    assert visitor.who() == "Somchai"


def test_state_used_with_its_cookie(visitor, app):
    """A cookie kept from before must not make an answer work a second time."""
    pairs = begun(visitor)
    jar = dict(visitor.client._cookies)
    assert call(visitor, *pairs.items()).status_code == 303
    visitor.client._cookies.update(jar)
    visitor.op.asked.clear()
    failed(call(visitor, *pairs.items()), "state_used", 400)
    assert visitor.op.asked == []


def test_state_used_by_a_failed_answer(visitor):
    """A refused answer has used its state, too."""
    pairs = begun(visitor)
    failed(call(visitor, ("state", pairs["state"]), ("error", "access_denied")), "access_denied", 403)
    failed(call(visitor, *pairs.items()), "state_used", 400)


def test_state_of_another_browser(app, visitor, op):
    """An answer in a browser that did not start the sign-in gets nowhere, and the right browser still can."""
    pairs = begun(visitor)
    victim = Visitor(app, op)
    op.asked.clear()
    failed(call(victim, *pairs.items()), "state_other_browser", 400)
    victim.start()
    failed(call(victim, *pairs.items()), "state_other_browser", 400)
    assert "token" not in op.documents()
    assert call(visitor, *pairs.items()).status_code == 303


def test_cookie_of_another_sign_in_under_this_ones_name(visitor):
    """A transaction's value under another's name must not pass for it."""
    first = begun(visitor)
    (name,) = visitor.transactions()
    second = begun(visitor)
    (other,) = set(visitor.transactions()) - {name}
    visitor.client.set_cookie(name, visitor.cookies()[other])
    failed(call(visitor, *first.items()), "state_other_browser", 400)
    assert call(visitor, *second.items()).status_code == 303


@pytest.mark.parametrize("with_cookie", [True, False])
def test_state_expired(visitor, with_cookie):
    """15 minutes after its start a sign-in is over, whether or not the cookie is still there."""
    with time_machine.travel(NOW, tick=False) as clock:
        late, later = begun(visitor), begun(visitor)
        names = visitor.transactions()
        jar = dict(visitor.client._cookies)
        clock.shift(900)
        visitor.client._cookies.update(jar)
        assert call(visitor, *late.items()).status_code == 303
        clock.shift(1)
        visitor.client._cookies.clear()
        if with_cookie:
            visitor.client._cookies.update({key: c for key, c in jar.items() if c.key in names})
        response = failed(call(visitor, *later.items()), "state_expired", 400)
    assert 'href="/auth/login/oidc' in response.text


def test_state_of_another_provider(two):
    """An answer at one provider's address in another's sign-in is refused before anything is asked of either."""
    location = two.start("/auth/login/staff")
    pairs = two.op.authorize(location)
    two.op.asked.clear()
    failed(call(two, *pairs.items(), path="/auth/callback/partners"), "state_other_provider", 400)
    assert two.op.asked == []
    assert call(two, *pairs.items(), path="/auth/callback/staff").status_code == 303


def test_mix_up_never_sends_a_code_to_another_token_endpoint(two, ops):
    """A code from one provider must never reach the other's token endpoint."""
    location = two.start("/auth/login/partners")
    two.op = ops[OTHER]
    pairs = two.op.authorize(location)
    assert call(two, *pairs.items(), path="/auth/callback/partners").status_code == 303
    assert "token" not in ops[ISSUER].documents()
    assert "token" in ops[OTHER].documents()


ANSWERS = [
    ("iss_mismatch", 400, {"iss": "https://evil.example"}),
    ("iss_mismatch", 400, {"iss": f"{ISSUER}/"}),
    ("iss_mismatch", 400, {"iss": "", "code": "x"}),
    ("iss_mismatch", 400, {"iss": "https://evil.example", "error": "access_denied", "code": None}),
    ("code_missing", 502, {"code": None}),
    ("code_missing", 502, {"code": ""}),
    ("code_invalid", 502, {"code": "a\nb"}),
    ("code_invalid", 502, {"code": "กขค"}),
    ("code_and_error", 502, {"error": "access_denied"}),
    ("callback_unrequested_id_token", 400, {"id_token": "x"}),
    ("callback_unrequested_access_token", 400, {"access_token": "x"}),
    ("callback_unrequested_response", 400, {"response": "x"}),
    ("access_denied", 403, {"code": None, "error": "access_denied"}),
    ("login_required", 403, {"code": None, "error": "login_required"}),
    ("consent_required", 403, {"code": None, "error": "consent_required"}),
    ("interaction_required", 403, {"code": None, "error": "interaction_required"}),
    ("provider_server_error", 503, {"code": None, "error": "server_error"}),
    ("provider_temporarily_unavailable", 503, {"code": None, "error": "temporarily_unavailable"}),
    ("provider_refused", 502, {"code": None, "error": "invalid_scope"}),
    ("provider_refused", 502, {"code": None, "error": "<script>"}),
]


@pytest.mark.parametrize(("code", "status", "changes"), ANSWERS)
def test_answer_is_refused(visitor, code, status, changes):
    """Each cause has its own code and status; no token is asked for, and the sign-in is over."""
    pairs = {**begun(visitor, "/auth/login?next=/me"), **changes}
    visitor.op.asked.clear()
    response = failed(call(visitor, *((k, v) for k, v in pairs.items() if v is not None)), code, status)
    assert "token" not in visitor.op.documents()
    assert not visitor.transactions()
    assert visitor.who() == "nobody"
    assert 'href="/auth/login/oidc?next=%2Fme"' in response.text
    assert ("Retry-After" in response.headers) is (status == 503)


@pytest.mark.parametrize("name", ["code", "iss", "error", "id_token"])
def test_parameter_is_repeated(visitor, name):
    """A parameter that comes twice is refused by its own name."""
    pairs = begun(visitor)
    response = call(visitor, *pairs.items(), (name, "x"), (name, "x"))
    failed(response, f"{name}_repeated", 400)


def test_iss_missing(make_app, op):
    """Where the metadata promises `iss`, an answer without it is refused (RFC 9207 2.4)."""
    op.metadata["authorization_response_iss_parameter_supported"] = True
    visitor = Visitor(make_app(), op)
    failed(call(visitor, *begun(visitor).items()), "iss_missing", 400)
    assert call(visitor, *begun(visitor).items(), ("iss", ISSUER)).status_code == 303


def test_unknown_parameters_are_ignored(visitor):
    """Parameters that nobody knows must change nothing (RFC 6749 4.1.2)."""
    assert (
        call(visitor, *begun(visitor).items(), ("session_state", "x"), ("foo", "1"), ("foo", "2")).status_code
        == 303
    )


@pytest.mark.parametrize(
    ("document", "code", "status"),
    [("token", "token_timeout", 503), ("jwks", "jwks_timeout", 503), ("userinfo", "userinfo_timeout", 503)],
)
def test_provider_fails_at_the_callback(visitor, document, code, status):
    """A provider that goes away in the middle is 503 with Retry-After, and the sign-in is over."""
    pairs = begun(visitor)
    visitor.op.claims = {"sub": "person-1"}
    visitor.op.codes[pairs["code"]] = (visitor.op.codes[pairs["code"]][0], visitor.op.claims)
    visitor.op.failing[document] = ProviderUnavailable(code, "no answer")
    response = failed(call(visitor, *pairs.items()), code, status)
    assert response.headers["Retry-After"] == "10"
    assert not visitor.transactions()
    assert visitor.who() == "nobody"


def test_provider_is_down_when_a_sign_in_starts(visitor):
    """The application runs without its provider; a start is 503 with Retry-After, and works once it is back."""
    visitor.op.failing["metadata"] = ProviderUnavailable("metadata_unreachable", "no answer")
    assert visitor.get("/").text == "home"
    response = visitor.get("/auth/login?next=/me")
    assert (response.status_code, code_of(response)) == (503, "metadata_unreachable")
    assert response.headers["Retry-After"] == "10"
    assert 'href="/auth/login/oidc?next=%2Fme"' in response.text
    assert not visitor.transactions()


def test_rejected_token_signs_nobody_in(visitor):
    """A token that fails a check is 502, without session, and without what it said in the page."""
    pairs = begun(visitor)
    query, claims = visitor.op.codes[pairs["code"]]
    visitor.op.codes[pairs["code"]] = (query, {**claims, "aud": "another-client", "name": "Mallory"})
    response = failed(call(visitor, *pairs.items()), "id_token_aud", 502)
    assert "Mallory" not in response.text
    assert visitor.who() == "nobody"


def test_failed_sign_in_leaves_the_old_session(visitor):
    """Who is signed in stays so when another sign-in fails."""
    visitor.sign_in()
    pairs = begun(visitor)
    failed(call(visitor, ("state", pairs["state"]), ("error", "access_denied")), "access_denied", 403)
    assert visitor.who() == "Somchai"


def test_store_fails_at_the_claim(app, visitor, monkeypatch):
    """Where the store can't say whether an answer was used: 503, Retry-After, the cookie stays, a reload works."""
    pairs = begun(visitor, "/auth/login?next=/me")
    with monkeypatch.context() as patch:
        break_store(app, patch)
        visitor.op.asked.clear()
        response = failed(call(visitor, *pairs.items()), "store_unavailable", 503)
        assert response.headers["Retry-After"] == "5"
        assert not response.headers.getlist("Set-Cookie")
        assert visitor.op.asked == []
    assert len(visitor.transactions()) == 1
    response = call(visitor, *pairs.items())
    assert (response.status_code, response.headers["Location"]) == (303, "/me")


@pytest.mark.parametrize("operation", ["was_claimed", "create", "epoch", "index_add", "ended_since"])
def test_store_fails_elsewhere(app, visitor, monkeypatch, operation):
    """Wherever else the store fails in a sign-in: 503, no session, and a new sign-in works afterwards."""
    pairs = begun(visitor)
    if operation == "was_claimed":
        visitor.client._cookies.clear()
    with monkeypatch.context() as patch:
        break_store(app, patch, operation)
        failed(call(visitor, *pairs.items()), "store_unavailable", 503)
    assert not visitor.sessions()
    assert visitor.sign_in().status_code == 303


def test_page_that_was_wanted_is_kept_when_the_store_fails(app, visitor, monkeypatch):
    """Whose sign-in the store could not keep begins again by one button, and ends where they wanted to go."""
    pairs = begun(visitor, "/auth/login?next=/me")
    with monkeypatch.context() as patch:
        break_store(app, patch, "create")
        response = failed(call(visitor, *pairs.items()), "store_unavailable", 503)
    assert 'class="button" href="/auth/login/oidc?next=%2Fme"' in response.text


def test_store_fails_when_the_old_session_is_ended(app, visitor, monkeypatch):
    """A sign-in that can't end the old session must not leave two: 503, and the old one stays."""
    visitor.sign_in()
    pairs = begun(visitor)
    with monkeypatch.context() as patch:
        break_store(app, patch, "delete")
        failed(call(visitor, *pairs.items()), "store_unavailable", 503)
    assert visitor.who() == "Somchai"


def test_session_ended_meanwhile(app, visitor):
    """Where the provider ended the person's sessions after this sign-in's start, it must not make a new one."""
    with time_machine.travel(NOW, tick=False) as clock:
        pairs = begun(visitor)
        clock.shift(5)
        app.extensions[KEY].party.sessions.end_subject(ISSUER, "person-1", now=NOW + 5)
        clock.shift(5)
        failed(call(visitor, *pairs.items()), "session_ended_meanwhile", 403)
        assert visitor.who() == "nobody"


@pytest.mark.parametrize(
    ("method", "purpose"), [("HEAD", None), ("GET", "prefetch"), ("HEAD", "prefetch"), ("POST", "prefetch")]
)
def test_answer_is_not_used_ahead(visitor, method, purpose):
    """A HEAD or a prefetch must not use an answer up: the person's own visit still works."""
    pairs = begun(visitor)
    path = f"/auth/callback/oidc?{urlencode(pairs)}"
    response = visitor.get(path, method=method, **({"Sec-Purpose": purpose} if purpose else {}))
    assert response.status_code == 405
    assert not response.headers.getlist("Set-Cookie")
    assert call(visitor, *pairs.items()).status_code == 303


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_callback_takes_get_and_post_only(visitor, method):
    """Other methods must not reach the answer."""
    assert visitor.get("/auth/callback/oidc?state=x", method=method).status_code == 405


@pytest.mark.parametrize("path", ["/auth/callback/nobody", "/auth/callback/", "/auth/callback"])
def test_callback_of_nobody(visitor, path):
    """There is no address for providers that aren't there."""
    assert visitor.get(f"{path}?state=x").status_code == 404


# form_post


@pytest.fixture
def posting(make_app, make_provider, op):
    """A visitor whose provider answers by form_post."""
    app = make_app({"providers": [make_provider(response_mode="form_post")]}, SIGNON_BASE_URL=HTTPS)
    return Visitor(app, op, at=HTTPS)


FROM_PROVIDER = {**LINKED, "Origin": ISSUER}
FROM_OURSELVES = {**CLICKED, "Origin": HTTPS}


@pytest.mark.parametrize(
    "headers",
    [FROM_PROVIDER, {**FROM_PROVIDER, "Sec-Fetch-Site": "same-site"}, {"Origin": ISSUER}, {"Origin": "null"}],
)
def test_post_of_the_provider_is_posted_again(posting, app, monkeypatch, headers):
    """A cross-site POST gets a page that posts the known fields to the same path: by script with a nonce, or by
    a button, with no cookie needed and no store touched.
    """
    break_store(posting.client.application, monkeypatch)
    fields = {"code": 'c"><script>', "state": "s", "iss": ISSUER, "evil": "x", "error": "e"}
    response = posting.post("/auth/callback/oidc?code=y", data=fields, **headers)
    assert response.status_code == 200
    assert not response.headers.getlist("Set-Cookie")
    assert re.findall(r'name="(\w+)" value="([^"]*)"', response.text) == [
        ("code", "c&#34;&gt;&lt;script&gt;"),
        ("state", "s"),
        ("iss", ISSUER),
        ("error", "e"),
    ]
    assert '<form method="post" action="/auth/callback/oidc" id="answer">' in response.text
    assert '<button class="button">' in response.text
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', response.text))
    assert f"script-src 'nonce-{nonce}'" in response.headers["Content-Security-Policy"]
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_posted_sign_in_finishes(posting):
    """The second post, from our own page, must finish the sign-in like any other."""
    location = posting.start("/auth/login?next=/me")
    assert query_of(location)["response_mode"] == "form_post"
    pairs = posting.op.authorize(location)
    page = posting.post("/auth/callback/oidc", data=pairs, **FROM_PROVIDER)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    response = posting.post("/auth/callback/oidc", data=fields, **FROM_OURSELVES)
    assert (response.status_code, response.headers["Location"]) == (303, "/me")
    assert posting.who() == "Somchai"


@pytest.mark.parametrize("headers", [{}, {"Origin": HTTPS}, {"Sec-Fetch-Site": "none"}])
def test_plain_client_posts_the_answer_itself(posting, headers):
    """A client without Fetch Metadata must not be sent round in circles."""
    pairs = begun(posting)
    assert posting.post("/auth/callback/oidc", data=pairs, **headers).status_code == 303


def test_answer_by_another_mode_is_refused(posting, visitor):
    """A GET in a form_post sign-in, and a POST in a query one, are refused."""
    failed(call(posting, *begun(posting).items()), "callback_wrong_mode", 400)
    response = visitor.post("/auth/callback/oidc", data=begun(visitor), Origin=LOCAL)
    failed(response, "callback_wrong_mode", 400)


def test_query_of_a_post_is_not_read(posting):
    """A code beside the form must not be mixed into it."""
    pairs = begun(posting)
    response = posting.post(
        f"/auth/callback/oidc?code={pairs['code']}", data={"state": pairs["state"]}, Origin=HTTPS
    )
    failed(response, "code_missing", 502)


def test_post_repeats_are_seen(posting):
    """Two states in a form are refused as in a query."""
    pairs = begun(posting)
    data = [("state", pairs["state"]), ("state", pairs["state"]), ("code", "c")]
    response = posting.post(
        "/auth/callback/oidc", data=urlencode(data), Origin=HTTPS, Content_Type="application/x-www-form-urlencoded"
    )
    failed(response, "state_repeated", 400)


# on_login


def test_application_refuses_somebody(make_app, op):
    """`Refused` shows the reason and signs out at the provider; there is no session, and the old one stays."""

    def judge(login):
        if login.person.name == "Mallory":
            raise Refused("Ask the <office> first.")

    visitor = Visitor(make_app({"on_login": judge}), op)
    visitor.sign_in()
    response = visitor.answer(visitor.start("/auth/login?next=/me"), sub="person-2", name="Mallory")
    assert (response.status_code, code_of(response)) == (403, "refused")
    assert "Ask the &lt;office&gt; first." in response.text
    assert '<form method="post" action="/auth/logout">' in response.text
    assert '<input type="hidden" name="provider" value="oidc">' in response.text
    assert 'href="/auth/login/oidc?next=%2Fme"' in response.text
    assert response.headers["Referrer-Policy"] == "same-origin", "else the form's own Origin is null"
    assert visitor.who() == "Somchai"


def test_refused_person_signs_out_at_the_provider(make_app, op):
    """Without a session the form of that page must still lead to the provider's sign-out."""

    def judge(_login):
        raise Refused("No.")

    visitor = Visitor(make_app({"on_login": judge}), op)
    assert visitor.answer(visitor.start()).status_code == 403
    response = visitor.post("/auth/logout", data={"provider": "oidc"}, Origin=LOCAL)
    location = response.headers["Location"]
    assert location.startswith(f"{ISSUER}/logout?")
    assert "id_token_hint" not in query_of(location)
    assert query_of(location)["client_id"] == "client-1"


# Signing out


def test_sign_out_ends_here_and_then_at_the_provider(app, visitor):
    """First the session, then a 303 to the provider with hint, client, landing page and a fresh state."""
    visitor.sign_in()
    copied = visitor.cookies()["signon-80"]
    response = visitor.get("/auth/logout", **CLICKED)
    assert response.status_code == 303
    location = response.headers["Location"]
    assert location.startswith(f"{ISSUER}/logout?")
    asked = query_of(location)
    assert asked["post_logout_redirect_uri"] == f"{LOCAL}/auth/logout/callback/oidc"
    assert asked["id_token_hint"].count(".") == 2
    assert len(asked["state"]) >= 43
    thief = Visitor(app, visitor.op)
    thief.client.set_cookie("signon-80", copied)
    assert thief.who() == "nobody"


def test_sign_out_page_says_who(visitor):
    """The page that asks must say who is signed in, or that nobody is."""
    assert "not signed in" in visitor.get("/auth/logout").text
    visitor.sign_in(name="<b>Somchai</b>")
    assert "&lt;b&gt;Somchai&lt;/b&gt;" in visitor.get("/auth/logout").text


@pytest.mark.parametrize(
    ("configured", "main", "other"),
    [("everywhere", "This signs you out at OpenID, too.", "here"), ("here", "You stay signed in", "everywhere")],
)
def test_sign_out_page_offers_how_far(make_app, make_provider, op, configured, main, other):
    """The page must say what its main button does, as configured, and have a second one for the other."""
    visitor = Visitor(make_app({"providers": [make_provider(sign_out=configured)]}), op)
    visitor.sign_in()
    page = visitor.get("/auth/logout").text
    assert main in page
    assert f'<button class="button" name="scope" value="{configured}">Sign out</button>' in page
    assert f'<button class="button quiet" name="scope" value="{other}">' in page


@pytest.mark.parametrize("somebody", [True, False])
@pytest.mark.parametrize("how", ["no sign-out", "metadata away"])
def test_sign_out_page_offers_no_more_than_there_is(app, visitor, how, somebody):
    """Where there is nothing to leave at the provider, or nobody knows, the page must have one button."""
    if how == "no sign-out":
        visitor.op.metadata["end_session_endpoint"] = None
    if somebody:
        visitor.sign_in()
    if how == "metadata away":
        app.extensions[KEY].party.runtime._caches.clear()
        visitor.op.failing["metadata"] = ProviderUnavailable("metadata_unreachable", "no answer")
    page = visitor.get("/auth/logout").text
    assert page.count("<button") == 1
    assert "scope" not in page
    assert "OpenID" not in page


@pytest.mark.parametrize(
    ("names", "query", "offered"),
    [
        (("oidc",), "", True),
        (("oidc", "staff"), "?provider=oidc", True),
        (("oidc", "staff"), "", False),
        (("oidc", "staff"), "?provider=nosuch", False),
    ],
)
def test_sign_out_at_the_provider_alone(make_app, make_provider, op, names, query, offered):
    """Who has no session here must be offered to leave the provider, where it is known which, and get there."""
    visitor = Visitor(make_app({"providers": [make_provider(name) for name in names]}), op)
    page = visitor.get(f"/auth/logout{query}").text
    assert ("you may still be at" in page) is offered
    if offered:
        fields = {"provider": "oidc", "scope": "everywhere"}
        assert '<input type="hidden" name="provider" value="oidc">' in page
        location = visitor.post("/auth/logout", data=fields, Origin=LOCAL).headers["Location"]
        assert location.startswith(f"{op.issuer}/logout?")


@pytest.mark.parametrize("configured", ["everywhere", "here"])
@pytest.mark.parametrize("chosen", ["everywhere", "here", None, "", "elsewhere"])
def test_sign_out_goes_as_far_as_was_chosen(make_app, make_provider, op, configured, chosen):
    """The person's choice must decide, else the setting; here the session ends in any case."""
    visitor = Visitor(make_app({"providers": [make_provider(sign_out=configured)]}), op)
    visitor.sign_in()
    data = None if chosen is None else {"scope": chosen}
    location = visitor.post("/auth/logout", data=data, Origin=LOCAL).headers["Location"]
    goes_on = (chosen if chosen in {"everywhere", "here"} else configured) == "everywhere"
    assert location.startswith(f"{ISSUER}/logout?") if goes_on else location == "/auth/signed-out"
    assert visitor.who() == "nobody"


@pytest.mark.parametrize("configured", ["everywhere", "here"])
def test_click_signs_out_as_configured(make_app, make_provider, op, configured):
    """A click on a link of ours asks nobody: it must go as far as the setting says."""
    visitor = Visitor(make_app({"providers": [make_provider(sign_out=configured)]}), op)
    visitor.sign_in()
    location = visitor.get("/auth/logout", **CLICKED).headers["Location"]
    assert location.startswith(ISSUER) is (configured == "everywhere")


def test_refused_person_leaves_the_provider_whatever_is_configured(make_app, make_provider, op):
    """Who has no session here must get out of the provider's: that alone is what they ask for."""

    def judge(_login):
        raise Refused("No.")

    app = make_app({"providers": [make_provider(sign_out="here")], "on_login": judge})
    visitor = Visitor(app, op)
    refused = visitor.answer(visitor.start())
    assert '<input type="hidden" name="scope" value="everywhere">' in refused.text
    for data in ({"provider": "oidc", "scope": "everywhere"}, {"provider": "oidc"}):
        location = visitor.post("/auth/logout", data=data, Origin=LOCAL).headers["Location"]
        assert location.startswith(f"{ISSUER}/logout?")


@pytest.mark.parametrize("button", ["everywhere", "here"])
def test_second_press_of_the_button(visitor, button):
    """Of a double click browsers follow the second answer: it must lead where the first one did."""
    visitor.sign_in()
    page = visitor.get("/auth/logout").text
    (named,) = re.findall(r'<input type="hidden" name="provider" value="(\w+)">', page)
    form = {"provider": named, "scope": button}
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies().items())
    first, second = (visitor.post("/auth/logout", form, Origin=LOCAL, Cookie=cookies) for _ in range(2))
    assert visitor.who() == "nobody"
    where, again = (response.headers["Location"].partition("?")[0] for response in (first, second))
    assert where == again == (f"{ISSUER}/logout" if button == "everywhere" else "/auth/signed-out")


def test_sign_out_of_nobody(visitor):
    """Without a session a sign-out must do no harm, and end on the signed-out page."""
    response = visitor.post("/auth/logout", Origin=LOCAL)
    assert (response.status_code, response.headers["Location"]) == (303, "/auth/signed-out")
    response = visitor.post("/auth/logout", data={"provider": "nobody"}, Origin=LOCAL)
    assert response.headers["Location"] == "/auth/signed-out"


@pytest.mark.parametrize("how", ["no end_session_endpoint", "metadata away"])
def test_sign_out_works_without_the_provider(visitor, how):
    """A provider without a sign-out, or one that is down, must cost nobody the sign-out here."""
    visitor.op.metadata["end_session_endpoint"] = None
    visitor.sign_in()
    if how == "metadata away":
        party = visitor.client.application.extensions[KEY].party
        party.runtime._caches.clear()
        visitor.op.failing["metadata"] = ProviderUnavailable("metadata_unreachable", "no answer")
    response = visitor.post("/auth/logout", Origin=LOCAL)
    assert response.headers["Location"] == "/auth/signed-out"
    assert visitor.who() == "nobody"


def test_sign_out_while_the_store_is_away(app, visitor, monkeypatch):
    """Where the session may still live: 503, and the cookie stays, so that a second try works."""
    visitor.sign_in()
    with monkeypatch.context() as patch:
        break_store(app, patch)
        response = visitor.post("/auth/logout", Origin=LOCAL)
        assert (response.status_code, code_of(response)) == (503, "store_unavailable")
        assert not response.headers.getlist("Set-Cookie")
    assert visitor.who() == "Somchai"
    assert visitor.post("/auth/logout", Origin=LOCAL).status_code == 303
    assert visitor.who() == "nobody"


def test_sign_out_at_the_provider_is_not_told_where_to_go(visitor):
    """Nothing of the request may choose the landing page."""
    visitor.sign_in()
    evil = "https://evil.example"
    query = urlencode(dict.fromkeys(("next", "return_to", "post_logout_redirect_uri", "state"), evil))
    response = visitor.post(
        f"/auth/logout?{query}", data={"post_logout_redirect_uri": evil, "next": evil}, Origin=LOCAL
    )
    assert "evil" not in response.headers["Location"]


@pytest.mark.parametrize("query", ["", "?state=x", "?state=x&state=y", "?next=//evil.example", "?error=x"])
def test_way_back_from_the_providers_sign_out(visitor, query):
    """With a wrong state, or none, people land on the signed-out page; a session that lives is left alone."""
    visitor.sign_in()
    response = visitor.get(f"/auth/logout/callback/oidc{query}")
    assert (response.status_code, response.headers["Location"]) == (303, "/auth/signed-out")
    assert visitor.who() == "Somchai"


def test_signed_out_page(visitor):
    """It must offer to sign in again, and the way into the application."""
    page = visitor.get("/auth/signed-out", **TYPED)
    assert page.status_code == 200
    assert 'href="/auth/login"' in page.text
    assert 'href="/"' in page.text


def test_landing_pages_can_be_had_elsewhere(make_app, make_provider, op):
    """After sign-in and sign-out people go where the settings say; an application's own page needs no state."""
    provider = make_provider(post_logout_path="/bye", callback_path="/back")
    visitor = Visitor(
        make_app({"providers": [provider]}, SIGNON_AFTER_LOGIN="/who?hello=1", SIGNON_AFTER_LOGOUT="/"), op
    )
    location = visitor.start()
    assert query_of(location)["redirect_uri"] == f"{LOCAL}/back"
    assert visitor.answer(location).headers["Location"] == "/who?hello=1"
    asked = query_of(visitor.post("/auth/logout", Origin=LOCAL).headers["Location"])
    assert asked["post_logout_redirect_uri"] == f"{LOCAL}/bye"
    assert "state" not in asked
    assert visitor.get("/auth/logout/callback/oidc").headers["Location"] == "/"


# Our keys


def test_public_keys_are_published(make_app, make_provider, visitor):
    """Our key set must hold public keys only, once each, and be public; without keys it is empty."""
    assert visitor.get("/auth/jwks.json").json == {"keys": []}
    pem = jwk.JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()
    providers = [make_provider(private_key=pem), make_provider("other", OTHER, private_key=pem)]
    app: Flask = make_app({"providers": providers})
    response = app.test_client().get("/auth/jwks.json")
    (key,) = response.json["keys"]
    assert (key["kty"], "d" in key) == ("EC", False)
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Cookie" not in response.headers.get("Vary", "")


def test_extension_without_an_application_has_no_routes(make_provider):
    """A SignOn that waits for its application must do nothing by itself."""
    assert SignOn(providers=[make_provider()]) is not None
