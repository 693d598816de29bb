"""Answers that somebody has tampered with, reused or carried to another browser or another provider's address."""

import time
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import time_machine
from tests.journeys.stage import ORIGIN, Stage, client_for, code_of, settings_for
from tests.journeys.visitor import Markup, sign_in

from signon.sessions.transactions import open_transaction

ELSEWHERE = "https://issuer.example.net"


def changed(answer: str, *more: tuple[str, str], without: str = "") -> str:
    """The answer's address with one parameter less, and others behind the rest."""
    parts = urlsplit(answer)
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != without]
    return urlunsplit(parts._replace(query=urlencode([*pairs, *more])))


def put(answer: str, name: str, value: str) -> str:
    """The answer's address with another value of one parameter."""
    return changed(answer, (name, value), without=name)


def denied(answer: str) -> str:
    return changed(answer, ("error", "access_denied"), without="code")


def parameter(answer: str, name: str) -> str:
    return dict(parse_qsl(urlsplit(answer).query))[name]


def assert_refused(stage: Stage, visitor, page, *, code: str, status: int) -> None:
    """The page has this code and status and leads on; nobody is signed in by it."""
    assert (code_of(page), page.status_code) == (code, status)
    assert not visitor.sessions()
    assert stage.rows().get("records", 0) == 0
    assert Markup(page.text).links
    assert "no-store" in page.headers["Cache-Control"]


TAMPERED = {
    "no state": (lambda url: changed(url, without="state"), "state_missing", 400),
    "empty state": (lambda url: put(url, "state", ""), "state_missing", 400),
    "made-up state": (lambda url: put(url, "state", "x" * 64), "state_unknown", 400),
    "state cut short": (lambda url: put(url, "state", parameter(url, "state")[:-1]), "state_unknown", 400),
    "state not UTF-8": (lambda url: f"{changed(url, without='state')}&state=%ff%fe", "state_unknown", 400),
    "second, other state": (lambda url: changed(url, ("state", "other")), "state_repeated", 400),
    "same state twice": (lambda url: changed(url, ("state", parameter(url, "state"))), "state_repeated", 400),
    "second, other code": (lambda url: changed(url, ("code", "other")), "code_repeated", 400),
    "no code": (lambda url: changed(url, without="code"), "code_missing", 502),
    "code of odd characters": (lambda url: put(url, "code", "é\n"), "code_invalid", 502),
    "made-up code": (lambda url: put(url, "code", "made-up"), "token_invalid_grant", 502),
    "wrong iss": (lambda url: put(url, "iss", ELSEWHERE), "iss_mismatch", 400),
    "iss with a slash": (lambda url: put(url, "iss", parameter(url, "iss") + "/"), "iss_mismatch", 400),
    "second iss": (lambda url: changed(url, ("iss", ELSEWHERE)), "iss_repeated", 400),
    "no iss": (lambda url: changed(url, without="iss"), "iss_missing", 400),
    "access_denied": (denied, "access_denied", 403),
    "access_denied by another": (lambda url: put(denied(url), "iss", ELSEWHERE), "iss_mismatch", 400),
    "unknown error": (lambda url: changed(url, ("error", "odd"), without="code"), "provider_refused", 502),
    "code and error": (lambda url: changed(url, ("error", "access_denied")), "code_and_error", 502),
    "token beside the code": (
        lambda url: changed(url, ("access_token", "a-token")),
        "callback_unrequested_access_token",
        400,
    ),
}
"""How the answer's address is changed, the code of the error, and the status of its page."""


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered(stage, name):
    """Each way of tampering has its own code and no session, and the right answer does not work any more."""
    tamper, code, status = TAMPERED[name]
    visitor = stage.visitor()
    answer = stage.begin(visitor)
    page = visitor.get(tamper(answer))
    assert_refused(stage, visitor, page, code=code, status=status)
    found_its_transaction = not code.startswith("state_")
    again = visitor.get(answer)
    assert (code_of(again) == "state_used") == found_its_transaction
    assert (again.status_code == 200) == (not found_its_transaction)


def test_reused(stage):
    """An answer works once: the second time it says so, and the session of the first stays."""
    visitor = stage.visitor()
    answer = stage.begin(visitor)
    assert visitor.get(answer).json()["preferred_username"] == "somying"
    page = visitor.get(answer)
    assert (code_of(page), page.status_code) == ("state_used", 400)
    assert visitor.get(f"{ORIGIN}/me").status_code == 200
    assert stage.rows()["records"] == 1


def test_reused_with_its_cookie(stage):
    """An answer is used up even in a browser that kept the sign-in's cookie: its code is not sent again."""
    visitor = stage.visitor()
    answer = stage.begin(visitor)
    (name,) = visitor.transactions()
    kept = visitor.cookies[name]
    visitor.get(answer)
    other = stage.visitor()
    other.session.cookies.set(name, kept, domain="localhost.local", path="/")
    page = other.get(answer)
    assert (code_of(page), page.status_code) == ("state_used", 400)
    assert not other.sessions()
    assert stage.idp.calls["token"] == 1


def test_another_browser(stage):
    """An answer carried to another browser is refused there, and still works where it was started."""
    starter, other = stage.visitor(), stage.visitor()
    answer = stage.begin(starter)
    assert_refused(stage, other, other.get(answer), code="state_other_browser", status=400)
    assert starter.get(answer).status_code == 200


def test_another_browser_with_a_sign_in_of_its_own(stage):
    """A sign-in under way in the victim's browser does not let the attacker's answer in."""
    attacker, victim = stage.visitor(), stage.visitor()
    answer = stage.begin(attacker, persona="omar")
    own = stage.begin(victim)
    assert_refused(stage, victim, victim.get(answer), code="state_other_browser", status=400)
    assert victim.get(own).json()["preferred_username"] == "somying"


def test_another_persons_code(stage):
    """A code that was stolen and put into one's own answer is refused by its PKCE challenge (RFC 9700 4.5)."""
    thief, victim = stage.visitor(), stage.visitor()
    stolen = parameter(stage.begin(victim), "code")
    answer = changed(stage.begin(thief, persona="omar"), ("code", stolen), without="code")
    assert_refused(stage, thief, thief.get(answer), code="token_invalid_grant", status=502)


@pytest.fixture
def two(signon_idp, load_minimal, plant, tmp_path):
    """One application with two generic providers."""
    clients = {name: signon_idp.register(client_for(name)) for name in ("staff", "partners")}
    settings = [settings_for(signon_idp, client, name) for name, client in clients.items()]
    app = load_minimal(SIGNON_PROVIDERS="staff,partners", **settings[0], **settings[1])
    yield Stage(app=app, idp=signon_idp, store=tmp_path / "sessions.sqlite3")
    plant(*signon_idp.secrets)


def test_another_providers_transaction(two):
    """An answer that comes to another provider's address is refused, and still works at the right one."""
    visitor = two.visitor()
    answer = two.begin(visitor, page="/auth/login/staff")
    swapped = answer.replace("/callback/staff", "/callback/partners")
    page = visitor.get(swapped)
    assert_refused(two, visitor, page, code="state_other_provider", status=400)
    assert visitor.get(answer).status_code == 200


def test_another_providers_cookie(two):
    """Nor does it help to rename the cookie: the provider is inside the seal."""
    visitor = two.visitor()
    answer = two.begin(visitor, page="/auth/login/staff")
    other = two.begin(visitor, page="/auth/login/partners")
    mixed = changed(answer, ("state", parameter(other, "state")), without="state")
    page = visitor.get(mixed)
    assert_refused(two, visitor, page, code="state_other_provider", status=400)


@pytest.mark.parametrize("persona", ["nadia", None])
def test_the_person_says_no(stage, persona):
    """Who refuses at the provider, or leaves its page, gets a page of their own that offers to start again."""
    visitor = stage.visitor()
    start = visitor.get(f"{ORIGIN}/me")
    page = visitor.submit(start, persona=persona) if persona else visitor.submit(start, cancel="1")
    assert_refused(stage, visitor, page, code="access_denied", status=403)
    (again, *_) = Markup(page.text).links
    assert sign_in(visitor, ORIGIN + again).json()["preferred_username"] == "somying"


@pytest.mark.parametrize("keeps_cookie", [True, False])
def test_too_late(stage, keeps_cookie):
    """An answer after more than fifteen minutes says so, whether the browser still has the cookie or not."""
    visitor = stage.visitor()
    answer = stage.begin(visitor)
    (name,) = visitor.transactions()
    value = visitor.cookies[name]
    if keeps_cookie:
        visitor.session.cookies.set(name, value, domain="localhost.local", path="/")  # without an end
    with time_machine.travel(time.time() + 901):
        page = visitor.get(answer)
    assert_refused(stage, visitor, page, code="state_expired", status=400)


def test_answer_to_another_application(stage, load_minimal):
    """A state that an application with another key has made is none of ours."""
    visitor = stage.visitor()
    answer = stage.begin(visitor)
    environment = settings_for(stage.idp, next(iter(stage.idp.clients.values())))
    other = load_minimal(SIGNON_PROVIDERS="oidc", SIGNON_KEYS="another-key-of-another-application", **environment)
    foreign = Stage(app=other, idp=stage.idp, store=stage.store).visitor()
    foreign.session.cookies = visitor.session.cookies
    page = foreign.get(answer)
    assert (code_of(page), page.status_code) == ("state_unknown", 400)


def test_what_a_browser_remembers_is_never_logged(stage, plant):
    """The nonce and the PKCE verifier of a sign-in stay in the sealed cookie."""
    visitor = stage.visitor()
    answer = stage.begin(visitor)
    (name,) = visitor.transactions()
    sealed = visitor.cookies[name]
    transaction = open_transaction(stage.app.extensions["signon"].party.sealer, sealed, now=time.time())
    plant(transaction.nonce, transaction.verifier, sealed)
    page = visitor.get(answer)
    session_id = visitor.cookies[visitor.sessions()[0]]
    plant(session_id)
    assert page.status_code == 200
    assert transaction.verifier not in answer
