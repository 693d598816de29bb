"""The application's own tokens: kept, renewed in time, fetched once for all threads."""

import logging
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest
from tests.core.forge import outcome
from tests.flask.double import json_response

from signon.core.errors import OperatorError, ProviderRefused, ProviderUnavailable
from signon.service import service_tokens
from signon.service.service_tokens import AGAIN_SECONDS, KEPT, UNSAID_SECONDS, service_token

LIFE = 300


@pytest.fixture
def asked(op, plant, monkeypatch):
    """The forms of all token requests; each is answered with a token of its own."""
    forms = []

    def answer(request):
        forms.append(dict(parse_qsl(request.body.decode())))
        token = f"service-{secrets.token_hex(12)}"
        plant(token)
        return json_response({"access_token": token, "token_type": "Bearer", "expires_in": LIFE})

    monkeypatch.setattr(op, "_token", answer)
    return forms


def token(party, **wanted):
    return service_token(party, party.providers["oidc"], **wanted).access_token.reveal()


DOWN = ProviderUnavailable("token_timeout", "the token endpoint did not answer in time")


def test_token_is_kept(party, asked):
    """One request must be enough, however often the token is asked for."""
    assert len({token(party) for _ in range(5)}) == 1
    assert asked == [{"grant_type": "client_credentials"}]


def test_each_scope_and_audience_has_its_own(party, asked):
    """Another scope or audience is another token; the order of the words of a scope says nothing."""
    tokens = [token(party), token(party, scope=("b", "a")), token(party, audience="https://api.example")]
    assert len(set(tokens)) == 3
    assert token(party, scope=("a", "b", "a")) == tokens[1]
    assert [form.get("scope") for form in asked] == [None, "a b", None]
    assert [form.get("audience") for form in asked] == [None, None, "https://api.example"]


def test_each_application_and_provider_has_its_own(make_party, make_provider, asked):
    """Applications share no token, nor do two settings of one provider."""
    first, second = make_party(), make_party(make_provider(scope="openid"))
    assert token(first) != token(second)


@pytest.mark.parametrize(("later", "requests"), [(LIFE - 60 - 1, 1), (LIFE - 60, 2), (LIFE, 2)])
def test_token_is_renewed_before_its_end(party, clock, asked, later, requests):
    """A minute before its end the token must be replaced, so that whoever gets it can use it."""
    token(party)
    clock.now += later
    token(party)
    assert len(asked) == requests


def test_life_that_nobody_says(party, op, clock):
    """A token without a lifetime is used for a while, and not for ever."""
    op.failing["token"] = json_response({"access_token": "without-an-end", "token_type": "Bearer"})
    token(party)
    clock.now += UNSAID_SECONDS - 61
    token(party)
    assert op.documents().count("token") == 1
    clock.now += 1
    token(party)
    assert op.documents().count("token") == 2


def test_failure_with_nothing_held(party, op, asked):
    """Where there is no token the failure must be told, and the next call tries again."""
    op.failing["token"] = DOWN
    assert outcome(lambda: token(party)) is DOWN
    del op.failing["token"]
    assert token(party).startswith("service-")


def test_old_token_serves_while_it_is_good(party, op, clock, asked, caplog):
    """A provider that fails costs nothing while the old token is good; it is left alone for a moment."""
    first = token(party)
    op.failing["token"] = DOWN
    clock.now += LIFE - 30
    with caplog.at_level(logging.WARNING, "signon"):
        assert token(party) == token(party) == first
    assert op.documents().count("token") == 2, "the failure is remembered"
    assert "token_timeout" in caplog.text
    clock.now += AGAIN_SECONDS
    assert token(party) == first
    assert op.documents().count("token") == 3
    clock.now += 30
    assert outcome(lambda: token(party)).code == "token_timeout"


@pytest.mark.parametrize(
    ("answer", "status", "error", "code"),
    [
        ({"error": "invalid_client"}, 401, OperatorError, "token_invalid_client"),
        ({"error": "invalid_scope"}, 400, ProviderRefused, "token_refused"),
    ],
)
def test_refusal_is_told(party, op, answer, status, error, code):
    """What the provider refuses has its code."""
    op.failing["token"] = json_response(answer, status=status)
    refused = outcome(lambda: token(party))
    assert isinstance(refused, error)
    assert refused.code == code


def test_public_client(make_party, make_provider, op):
    """A client that can't prove who it is never asks."""
    party = make_party(make_provider(client_secret="", client_auth="none"))
    assert outcome(lambda: token(party)).code == "client_credentials_public"
    assert "token" not in op.documents()


class Gate:
    """A token endpoint that answers when it is told to."""

    def __init__(self, answer):
        self.asked, self.go = threading.Semaphore(0), threading.Event()
        self.answer = answer

    def __call__(self, _request):
        self.asked.release()
        assert self.go.wait(5)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return json_response(self.answer)


GOOD = {"access_token": "the-token-of-the-flight", "token_type": "Bearer", "expires_in": LIFE}


def crowd(party, gate, monkeypatch, *, size=8):
    """Ask from many threads at once, and let the provider answer when all of the others wait."""
    waiting = threading.Semaphore(0)
    usual = service_tokens._wait

    def wait(flight):
        waiting.release()
        return usual(flight)

    monkeypatch.setattr(service_tokens, "_wait", wait)
    with ThreadPoolExecutor(size) as pool:
        calls = [
            pool.submit(lambda: outcome(lambda: service_token(party, party.providers["oidc"])))
            for _ in range(size)
        ]
        assert gate.asked.acquire(timeout=5)
        for _ in range(size - 1):
            assert waiting.acquire(timeout=5)
        gate.go.set()
        return [call.exception() or call.result() for call in calls]


def test_one_request_for_a_crowd(party, op, monkeypatch):
    """Threads that ask at the same time must share one request and its token."""
    gate = Gate(GOOD)
    monkeypatch.setattr(op, "_token", gate)
    found = crowd(party, gate, monkeypatch)
    assert {tokens.access_token.reveal() for tokens in found} == {"the-token-of-the-flight"}
    assert op.documents().count("token") == 1


def test_a_crowd_shares_a_failure(party, op, monkeypatch):
    """Nor do those who waited try one after the other when it fails."""
    gate = Gate(DOWN)
    monkeypatch.setattr(op, "_token", gate)
    assert {error.code for error in crowd(party, gate, monkeypatch)} == {"token_timeout"}
    assert op.documents().count("token") == 1


def test_flight_that_breaks_off_lets_nobody_wait(party, op, monkeypatch):
    """A fault of our own ends the wait of the others, and the next call tries again."""
    gate = Gate(KeyError("a bug"))
    monkeypatch.setattr(op, "_token", gate)
    found = crowd(party, gate, monkeypatch)
    assert sorted(type(each).__name__ for each in found) == ["KeyError"] + ["ProviderUnavailable"] * 7
    assert {each.code for each in found if isinstance(each, ProviderUnavailable)} == {"service_token_waiting"}
    gate.answer = GOOD
    assert token(party) == "the-token-of-the-flight"


def test_nobody_waits_while_the_old_one_is_good(party, op, clock, asked, monkeypatch):
    """While one thread renews a token the others go on with the old one."""
    first = token(party)
    clock.now += LIFE - 30
    gate = Gate(GOOD)
    monkeypatch.setattr(op, "_token", gate)
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(token, party)
        assert gate.asked.acquire(timeout=5)
        assert token(party) == first
        gate.go.set()
        assert renewing.result() == "the-token-of-the-flight"


def test_wait_is_bounded(party, op, monkeypatch):
    """Whoever waits for a request that never ends is let go."""
    gate = Gate(GOOD)
    monkeypatch.setattr(op, "_token", gate)
    monkeypatch.setattr(service_tokens, "_FLIGHT_SECONDS", 0.01)
    with ThreadPoolExecutor(1) as pool:
        flying = pool.submit(token, party)
        assert gate.asked.acquire(timeout=5)
        refused = outcome(lambda: token(party))
        gate.go.set()
        flying.result()
    assert (type(refused), refused.code) == (ProviderUnavailable, "service_token_waiting")


def test_tokens_are_bounded(party, asked):
    """The token asked for least recently makes room, so that made-up scopes fill no memory."""
    first = token(party, scope=("first",))
    for number in range(KEPT):
        token(party, scope=(f"scope-{number}",))
    assert token(party, scope=(f"scope-{KEPT - 1}",)) != first
    before = len(asked)
    assert token(party, scope=("first",)) != first
    assert len(asked) == before + 1
