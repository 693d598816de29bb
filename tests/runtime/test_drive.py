from __future__ import annotations

import pytest

from signon.core.errors import ProviderUnavailable
from signon.core.flow import KeysWanted
from signon.core.http import HttpRequest, HttpResponse
from signon.core.keys import KeySet
from signon.runtime.drive import run

REQUEST = HttpRequest(method="GET", url="https://provider.example/x", document="token")
RESPONSE = HttpResponse(status=200, headers={}, body=b"x")
KEYS = KeySet(keys=())


def never(_argument):
    pytest.fail("must not be called")


def test_requests_are_sent_and_their_answers_come_back():
    """The flow is sent what `send` answers to what it yields, and its value is returned."""

    def flow():
        first = yield REQUEST
        second = yield REQUEST
        return first, second

    sent = []
    assert run(flow(), send=lambda request: sent.append(request) or RESPONSE, keys=never) == (RESPONSE, RESPONSE)
    assert sent == [REQUEST, REQUEST]


def test_keys_are_asked_for_with_the_set_that_lacked_one():
    """`KeysWanted` goes to `keys`, with its `unknown_to`."""
    held = KeySet(keys=(), skipped=1)

    def flow():
        first = yield KeysWanted()
        second = yield KeysWanted(unknown_to=held)
        return first, second

    asked = []
    assert run(flow(), send=never, keys=lambda unknown: asked.append(unknown) or KEYS) == (KEYS, KEYS)
    assert asked[0] is None
    assert asked[1] is held


def test_a_flow_without_steps_returns_its_value():
    """A flow that needs nothing is finished at its first step."""

    def flow():
        return 7
        yield REQUEST

    assert run(flow(), send=never, keys=never) == 7


@pytest.mark.parametrize("step", [REQUEST, KeysWanted()])
def test_a_failure_is_thrown_into_the_flow(step):
    """The flow meets the error at its `yield`, and goes on as it decides."""
    failure = ProviderUnavailable("token_timeout", "too slow")

    def fail(_argument):
        raise failure

    def flow():
        try:
            yield step
        except ProviderUnavailable as met:
            return met
        pytest.fail("the failure was lost")

    assert run(flow(), send=fail, keys=fail) is failure


def test_the_flow_may_go_on_after_a_failure():
    """A step yielded while a failure is being handled is answered like any other."""
    answers = [ProviderUnavailable("jwks_timeout", "too slow"), RESPONSE]

    def send(_request):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def flow():
        try:
            yield REQUEST
        except ProviderUnavailable:
            return (yield REQUEST)

    assert run(flow(), send=send, keys=never) is RESPONSE


def test_a_failure_that_the_flow_does_not_catch_comes_out():
    """Uncaught, the error leaves by `run`, the same object."""
    failure = ProviderUnavailable("token_timeout", "too slow")

    def fail(_argument):
        raise failure

    def flow():
        yield REQUEST

    with pytest.raises(ProviderUnavailable) as caught:
        run(flow(), send=fail, keys=never)
    assert caught.value is failure


def test_a_bug_of_the_sender_is_not_hidden_from_anybody():
    """What is no `SignOnError` isn't the flow's business, not even a `StopIteration` that looks like its end."""
    seen = []

    def fail(_argument):
        raise StopIteration("not the flow's")

    def flow():
        try:
            yield REQUEST
        except Exception as met:
            seen.append(met)
            raise

    with pytest.raises(StopIteration, match="not the flow's"):
        run(flow(), send=fail, keys=never)
    assert seen == []
