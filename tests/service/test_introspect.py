from dataclasses import replace

import pytest
from tests.flask.double import ISSUER, KEY, Ops, json_response
from tests.service.token_op import TokenOp

from signon.core.errors import OperatorError, ProviderUnavailable
from signon.core.values import Secret
from signon.service import introspect as module
from signon.service.introspect import ACTIVE_SECONDS, INACTIVE_SECONDS, introspect

TOKEN = Secret("an-access-token-that-nobody-may-log")


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    for name in ("_ACTIVE", "_INACTIVE"):
        monkeypatch.setattr(module, name, module._Answers())


@pytest.fixture
def ops(monkeypatch, plant):
    """The usual provider, which can be asked what a token is."""
    plant(KEY, TOKEN.reveal())
    found = Ops({ISSUER: TokenOp(plant)})
    monkeypatch.setattr("signon.runtime.cache.transport_for", found.transport_for)
    return found


@pytest.fixture
def ask(party, op):
    """Ask about a token; gives the answer, and how often the provider was asked so far."""

    def ask(token=TOKEN, **changes):
        provider = replace(party.providers["oidc"], **changes)
        answer = introspect(party, provider, token)
        return answer, op.documents().count("introspection")

    return ask


def says(op, **members):
    op._introspection = lambda _request: json_response(members)


def test_active_token_is_asked_about_once_a_minute(ask, clock):
    """What was said of a good token is remembered for a minute, and not longer."""
    answer, _ = ask()
    assert (answer.active, answer.subject) == (True, "person-1")
    clock.now += ACTIVE_SECONDS - 0.1
    assert ask() == (answer, 1)
    clock.now += 0.1
    assert ask() == (answer, 2)


def test_never_past_the_tokens_end(ask, op, clock):
    """The answer is forgotten when the token itself ends, whichever comes first."""
    says(op, active=True, exp=clock.now + 7)
    ask()
    clock.now += 6.9
    assert ask()[1] == 1
    clock.now += 0.1
    says(op, active=False)
    answer, asked = ask()
    assert (answer.active, asked) == (False, 2)


def test_inactive_token_is_asked_about_again_soon(ask, op, clock):
    """A no is remembered for a few seconds only: a token may be asked about before it is known everywhere."""
    op.active = False
    assert ask()[0].active is False
    clock.now += INACTIVE_SECONDS - 0.1
    assert ask()[1] == 1
    op.active = True
    clock.now += 0.1
    answer, asked = ask()
    assert (answer.active, asked) == (True, 2)


def test_other_tokens_and_other_clients_are_others(ask, party):
    """Another token, issuer or client is another question: each is told what concerns it."""
    ask()
    assert ask(Secret(TOKEN.reveal() + "x"))[1] == 2
    client = replace(party.providers["oidc"].client, secret=None, auth="none", client_id="client-2")
    assert ask(client=client)[1] == 3
    assert ask()[1] == 3


def test_random_strings_drive_out_no_good_token(ask, op, monkeypatch):
    """Thousands of strings that are no tokens must leave the answers about good ones, and a bounded memory."""
    monkeypatch.setattr(module, "KEPT", 10)
    ask()
    op.active = False
    for number in range(100):
        ask(Secret(f"no-token-{number}"))
    op.active = True
    assert ask()[1] == 101
    assert (len(module._ACTIVE._held), len(module._INACTIVE._held)) == (1, 10)


def test_latest_answers_are_kept(ask, monkeypatch):
    """Of more good tokens than are kept the ones asked about last stay."""
    monkeypatch.setattr(module, "KEPT", 2)
    for name in ("a", "b", "c"):
        ask(Secret(name))
    assert ask(Secret("c"))[1] == 3
    assert ask(Secret("b"))[1] == 3
    assert ask(Secret("a"))[1] == 4


def test_failure_is_not_remembered(ask, op):
    """A provider that fails is asked again at once; no token is good or bad by that."""
    op.failing["introspection"] = ProviderUnavailable("introspection_timeout", "no answer")
    with pytest.raises(ProviderUnavailable) as error:
        ask()
    assert error.value.code == "introspection_timeout"
    del op.failing["introspection"]
    assert ask()[0].active is True


def test_provider_that_cannot_be_asked(ask, op):
    """Without an endpoint it is the operator who has to choose another way."""
    op.metadata["introspection_endpoint"] = None
    with pytest.raises(OperatorError) as error:
        ask()
    assert error.value.code == "introspection_unsupported"


def test_no_token_is_kept(ask):
    """Only hashes may be in the memory of answers."""
    ask()
    assert TOKEN.reveal().encode() not in b"".join(module._ACTIVE._held)
    assert {len(key) for key in module._ACTIVE._held} == {32}
