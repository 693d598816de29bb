import logging
import threading
from urllib.parse import urlencode

import pytest
from tests.flask.double import (
    CLICKED,
    ISSUER,
    LINKED,
    LOCAL,
    Visitor,
    break_store,
    code_of,
    fail_after_the_first,
)

from signon.core.errors import ProviderUnavailable
from signon.flask import current_user, ended
from signon.flask.notices import MAX_BODY_BYTES
from signon.flask.signals import session_ended

TOLD = "/auth/backchannel-logout/oidc"
FRAMED = "/auth/frontchannel-logout/oidc"
OTHER = "https://other.example"


@pytest.fixture
def heard():
    """What `session_ended` has said: (reason, subject)."""
    seen = []

    def on(_sender, *, login, reason):
        seen.append((reason, login.person.subject))

    with session_ended.connected_to(on):
        yield seen


@pytest.fixture
def revoked(monkeypatch):
    """Whose tokens are handed over to be revoked, at once."""
    seen = []
    monkeypatch.setattr(ended, "revoke_tokens", lambda _party, session: seen.append(session.login.sid))
    monkeypatch.setattr(ended.background, "submit", lambda job: job())
    return seen


@pytest.fixture
def post(app):
    """Post a form as a provider does, with nothing that a browser sends; closes the answer as a server does."""

    def post(body: dict | str | bytes, *, path: str = TOLD, method: str = "POST", **headers: str):
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        data = urlencode(body) if isinstance(body, dict) else body
        response = app.test_client(use_cookies=False).open(
            path, method=method, data=data, headers=sent, base_url=LOCAL
        )
        response.close()
        return response

    return post


# The back channel


def test_logout_token_ends_the_session(visitor, post, op, heard):
    """An empty 200 that no cache keeps and that sets no cookie; whoever was signed in is so no more (2.8)."""
    visitor.sign_in(sid="s1")
    response = post({"logout_token": op.logout_token(sid="s1"), "other": "field"})
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert visitor.who() == "nobody"
    assert heard == [("backchannel", "person-1")]


def test_end_of_nobody(visitor, post, op, heard):
    """An unknown session is as good as one that has ended."""
    visitor.sign_in(sid="s1")
    assert post({"logout_token": op.logout_token(sid="s2")}).status_code == 200
    assert (visitor.who(), heard) == ("Somchai", [])


def refusal(response) -> tuple[int, str]:
    """Status and our code of a refusal, which must look as the standard says (2.8)."""
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert response.json.keys() == {"error", "error_description", "code", "reference"}
    return response.status_code, response.json["code"]


def test_tokens_that_are_refused(visitor, post, op):
    """Each forged, altered or misused token gets 400 with its code, and ends nothing."""
    visitor.sign_in(sid="s1")
    genuine = op.logout_token()
    used = op.logout_token(sid="s9")
    post({"logout_token": used})
    head, body, signature = genuine.split(".")
    changed = "A" if signature[9] != "A" else "B"
    wrong = {
        "logout_replayed": used,
        "logout_token_signature": f"{head}.{body}.{signature[:9]}{changed}{signature[10:]}",
        "logout_token_expired": op.logout_token(exp=1_000_000_000),
        "logout_token_exp_missing": op.logout_token(exp=None),
        "logout_token_nonce": op.logout_token(nonce="n"),
        "logout_token_aud": op.logout_token(aud="client-2"),
        "logout_token_iss": op.logout_token(iss="https://evil.example"),
        "logout_token_typ": op.logout_token(typ="at+jwt"),
        "logout_token_jti_missing": op.id_token(sub="person-1", nonce="n"),
        "logout_token_events": op.id_token(sub="person-1", nonce="n", jti="j"),
        "logout_token_nobody": op.logout_token(sub=None),
        "logout_sub_mismatch": op.logout_token(sid="s1", sub="person-2"),
        "logout_token_not_compact": "x",
    }
    assert {code: refusal(post({"logout_token": token})) for code, token in wrong.items()} == {
        code: (400, code) for code in wrong
    }
    assert visitor.who() == "Somchai"
    assert post({"logout_token": genuine}).status_code == 200
    assert visitor.who() == "nobody"


def test_wrong_algorithm(make_app, make_provider, op):
    """A token under another algorithm than the registered one gets 400 with its code."""
    app = make_app({"providers": [make_provider(id_token_alg="RS256")]})
    response = Visitor(app, op).post(TOLD, data={"logout_token": op.logout_token()})
    assert refusal(response) == (400, "logout_token_alg_mismatch")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "logout_token_missing"),
        ({"token": "x"}, "logout_token_missing"),
        ({"logout_token": ""}, "logout_token_missing"),
        (b"\xff\x00=&&&=", "logout_token_missing"),
        ("logout_token=x&logout_token=x", "logout_token_repeated"),
        ("logout_token=x&logout_token=", "logout_token_repeated"),
        ({"logout_token": "x" * MAX_BODY_BYTES}, "logout_too_large"),
    ],
)
def test_form_must_hold_exactly_one_token(post, op, body, code):
    """Anything but one token in a form of a sensible size gets 400, and costs no look at any key."""
    assert refusal(post(body)) == (400, code)
    assert op.documents() in ([], ["metadata"])


def test_token_in_the_query_is_none(post, op):
    """What stands in the address is not looked at: addresses end in logs."""
    response = post({}, path=f"{TOLD}?logout_token={op.logout_token()}")
    assert refusal(response) == (400, "logout_token_missing")


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "application/jwt"]
)
def test_other_content_types(post, kind):
    """Only an encoded form is read (2.5)."""
    assert refusal(post('{"logout_token": "x"}', **{"Content-Type": kind})) == (400, "logout_content_type")


def test_body_without_a_length_is_bounded(app):
    """Of a body that comes in pieces and never says its length no more is read than the limit."""

    class Endless:
        given = 0

        def read(self, size: int = -1) -> bytes:
            size = 8192 if size < 0 else size
            self.given += size
            return b"x" * size

        readline = read

    body = Endless()
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    response = app.test_client().post(
        TOLD,
        environ_overrides=environ,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"},
    )
    assert refusal(response) == (400, "logout_token_missing")
    assert body.given <= 2 * MAX_BODY_BYTES


def test_only_posts(visitor):
    """A GET gets 405, which no cache may keep either, and says what would do (RFC 9110 15.5.6)."""
    response = visitor.get(TOLD)
    assert refusal(response) == (405, "logout_method")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods(post, method):
    """Whatever isn't a POST is told the one method that there is, and not those of the framework."""
    response = post({}, method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("headers", [LINKED, CLICKED, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_where_it_comes_from_changes_nothing(visitor, post, op, headers):
    """What browsers say of themselves is no concern of a provider's, and its cookies are not looked at."""
    visitor.sign_in(sid="s1")
    assert post({"logout_token": op.logout_token(sid="s1")}, **headers).status_code == 200
    assert visitor.who() == "nobody"


def test_store_that_is_away(app, visitor, post, op, monkeypatch, heard):
    """Never a 200 while sessions may live: 503, to be sent again, and then it is no replay."""
    visitor.sign_in(sid="s1")
    token = op.logout_token(sid="s1")
    with monkeypatch.context() as patch:
        break_store(app, patch)
        response = post({"logout_token": token})
        assert refusal(response) == (503, "store_unavailable")
        assert int(response.headers["Retry-After"]) > 0
    assert heard == []
    assert post({"logout_token": token}).status_code == 200
    assert (visitor.who(), len(heard)) == ("nobody", 1)


@pytest.mark.parametrize(("operation", "done"), [("delete", ["s1"]), ("claim", ["s1", "s2"])])
def test_store_that_fails_midway(app, visitor, post, op, monkeypatch, heard, revoked, operation, done):
    """Still a 503; what has ended by then is told and its tokens go, since a second try finds only the rest."""
    visitor.sign_in(sid="s1")
    Visitor(app, op).sign_in(sid="s2")
    token = op.logout_token()
    with monkeypatch.context() as patch:
        if operation == "delete":
            fail_after_the_first(patch, app, "delete")
        else:
            break_store(app, patch, "claim")
        assert refusal(post({"logout_token": token})) == (503, "store_unavailable")
    assert (len(heard), len(revoked)) == (len(done), len(done))
    assert post({"logout_token": token}).status_code == 200
    assert (heard, sorted(revoked)) == ([("backchannel", "person-1")] * 2, ["s1", "s2"])


def test_provider_whose_keys_can_not_be_had(post, op):
    """Where nobody can tell whether it is genuine: 503."""
    op.failing["jwks"] = ProviderUnavailable("jwks_timeout", "no answer")
    response = post({"logout_token": op.logout_token()})
    assert refusal(response) == (503, "jwks_timeout")
    assert "Retry-After" in response.headers


def test_keys_of_a_wrong_metadata_document_are_not_the_tokens_fault(post, op):
    """A fault of the provider's documents is none of the request's."""
    op.metadata["issuer"] = "https://evil.example"
    response = post({"logout_token": op.logout_token()})
    assert refusal(response) == (502, "metadata_issuer_mismatch")


def test_refusal_is_logged_without_the_token(post, op, caplog):
    """One line with the code and the reference of the answer; the token is in no record of the run."""
    with caplog.at_level(logging.INFO, logger="signon"):
        response = post({"logout_token": op.logout_token(nonce="n")})
    (record,) = [record for record in caplog.records if record.name == "signon"]
    assert (record.signon_code, record.signon_reference) == ("logout_token_nonce", response.json["reference"])


def test_each_provider_at_its_own_path(make_app, make_provider, ops, op):
    """The path says by whose keys it is judged: another provider's token gets 400."""
    app = make_app({"providers": [make_provider(), make_provider("other", OTHER)]})
    visitor = Visitor(app, op)
    visitor.sign_in("/auth/login/oidc", sid="s1")
    token = ops[OTHER].logout_token(sid="s1")
    assert refusal(visitor.post(TOLD, data={"logout_token": token})) == (400, "logout_token_iss")
    assert visitor.post("/auth/backchannel-logout/other", data={"logout_token": token}).status_code == 200
    assert visitor.who() == "Somchai"
    assert visitor.post("/auth/backchannel-logout/third", data={"logout_token": token}).status_code == 404


def test_behind_a_base_url(secure, op):
    """Providers reach the application by a name that is nobody's business: no Host is looked at."""
    secure.sign_in(sid="s1")
    response = secure.post(TOLD, data={"logout_token": op.logout_token(sid="s1")}, at="http://10.0.0.7:8000")
    assert response.status_code == 200
    assert secure.who() == "nobody"


# Tokens


def test_tokens_of_the_session_are_revoked_after_the_answer(visitor, op, revoked, post):
    """Those of each session that ended, and of no other; a page that waits for nothing sends the answer first."""
    visitor.sign_in(sid="s1")
    Visitor(visitor.client.application, op).sign_in(sid="s2")
    post({"logout_token": op.logout_token(sid="s1")})
    assert revoked == ["s1"]


def test_offline_access_outlives_the_session(visitor, op, revoked, post, heard):
    """Tokens that were given to outlive the session are kept (2.7)."""
    op.token["scope"] = "openid offline_access"
    visitor.sign_in(sid="s1")
    post({"logout_token": op.logout_token(sid="s1")})
    assert (revoked, heard) == ([], [("backchannel", "person-1")])


# The front channel


def frame(visitor, **query: str):
    asked = {"iss": ISSUER, "sid": "s1", **query}
    return visitor.get(f"{FRAMED}?{urlencode({k: v for k, v in asked.items() if v})}")


def test_frame_ends_the_session(visitor, app, op, heard, revoked):
    """What it names ends without a cookie of anybody's, nothing is revoked, and the page can be framed."""
    visitor.sign_in(sid="s1")
    response = frame(Visitor(app, op))
    response.close()
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Security-Policy"] == f"default-src 'none'; frame-ancestors {ISSUER}"
    assert not {"X-Frame-Options", "Set-Cookie"} & set(response.headers.keys())
    assert visitor.who() == "nobody"
    assert (heard, revoked) == ([("frontchannel", "person-1")], [])


@pytest.mark.parametrize(
    "query",
    [
        f"?iss={ISSUER}&sid=s2",
        f"?iss={ISSUER}",
        "?sid=s1",
        "",
        "?iss=https://evil.example&sid=s1",
        f"?iss={ISSUER}&sid=s1&sid=s2",
        f"?iss={ISSUER}&iss={ISSUER}&sid=s1",
    ],
)
def test_frame_that_names_nothing_looks_the_same(visitor, heard, query):
    """Nobody can tell from the page whether anything ended, and nothing did."""
    visitor.sign_in(sid="s1")
    response = visitor.get(FRAMED + query)
    assert visitor.who() == "Somchai"
    assert heard == []
    right = frame(visitor)
    assert (response.status_code, response.data, dict(response.headers)) == (200, right.data, dict(right.headers))
    again = frame(visitor)
    assert (again.data, len(heard)) == (right.data, 1)


def test_frame_of_a_provider_whose_sign_out_is_elsewhere(visitor, op):
    """The page with the frames may be where the metadata says that people sign out."""
    op.metadata["end_session_endpoint"] = "https://login.op.example:8443/logout"
    policy = frame(visitor).headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors {ISSUER} https://login.op.example:8443")


@pytest.mark.parametrize("how", ["HEAD", "prefetch"])
def test_looking_ahead_ends_nothing(visitor, how):
    """Who only looks ahead gets the page, and nothing happens."""
    visitor.sign_in(sid="s1")
    path = f"{FRAMED}?{urlencode({'iss': ISSUER, 'sid': 's1'})}"
    response = visitor.head(path) if how == "HEAD" else visitor.get(path, Sec_Purpose="prefetch")
    assert (response.status_code, visitor.who()) == (200, "Somchai")


def test_frame_while_the_store_is_away(app, visitor, monkeypatch):
    """A session that may still live is not said to have ended."""
    visitor.sign_in(sid="s1")
    with monkeypatch.context() as patch:
        break_store(app, patch)
        response = frame(visitor)
        assert (response.status_code, code_of(response)) == (503, "store_unavailable")
    assert visitor.who() == "Somchai"


def test_frame_where_the_store_fails_midway(app, op, visitor, monkeypatch, heard):
    """Of two sessions under one id the one that has ended is told of, though the answer is a failure."""
    visitor.sign_in(sid="s1")
    Visitor(app, op).sign_in(sid="s1")
    with monkeypatch.context() as patch:
        fail_after_the_first(patch, app, "delete")
        assert frame(visitor).status_code == 503
    assert heard == [("frontchannel", "person-1")]
    assert frame(visitor).status_code == 200
    assert heard == [("frontchannel", "person-1")] * 2


# Beside everything else


def test_closed_application_leaves_them_open(app, post, op):
    """An application that closes every page lets providers in."""
    app.signon.protect(app)
    assert post({"logout_token": op.logout_token()}).status_code == 200


def test_nobody_is_sent_there_after_a_sign_in(visitor):
    """Neither is a page to come back to."""
    for path in (TOLD, FRAMED):
        visitor.answer(visitor.start(f"/auth/login?next={path}"))
        assert visitor.answer(visitor.start(f"/auth/login?next={path}")).headers["Location"] == "/"


def test_end_that_arrives_during_a_sign_in(secure, op, post):
    """Who comes back from the provider after it has ended their session there gets a page that says so."""
    location = secure.start()
    told = secure.post(TOLD, data={"logout_token": op.logout_token(sid="s1")})
    response = secure.answer(location, sid="s1")
    assert told.status_code == 200
    assert (response.status_code, code_of(response)) == (403, "session_ended_meanwhile")
    assert "signed out meanwhile" in response.text


def test_page_in_flight_keeps_nobody_signed_in(app, op):
    """A page that has read the session before the end finishes; the next one knows of the end."""
    inside, go_on, answers = threading.Event(), threading.Event(), []

    def slow() -> str:
        name = current_user.name
        inside.set()
        assert go_on.wait(5)
        return name

    app.add_url_rule("/slow", "slow", slow)
    visitor = Visitor(app, op)
    visitor.sign_in(sid="s1")
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies().items())
    page = threading.Thread(target=lambda: answers.append(visitor.get("/slow", Cookie=cookies).text))
    page.start()
    assert inside.wait(5)
    assert Visitor(app, op).post(TOLD, data={"logout_token": op.logout_token(sid="s1")}).status_code == 200
    go_on.set()
    page.join(5)
    assert (answers, visitor.who()) == (["Somchai"], "nobody")
