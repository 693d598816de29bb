"""Run a flow to its end: the only place where the steps of the core meet the network."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

from signon.core.errors import SignOnError
from signon.core.flow import Answer, KeysWanted, Step
from signon.core.http import HttpRequest, HttpResponse
from signon.core.keys import KeySet

T = TypeVar("T")


def run(
    flow: Generator[Step, Answer, T],
    *,
    send: Callable[[HttpRequest], HttpResponse],
    keys: Callable[[KeySet | None], KeySet],
) -> T:
    """Answer each step of the flow and return what it returns.

    A `SignOnError` of `send` or `keys` is thrown into the flow at its `yield`, so that the flow decides what
    a failure means; what the flow doesn't catch comes out of here.
    """
    advance: Callable[[], Step] = partial(next, flow)
    while True:
        try:
            step = advance()
        except StopIteration as finished:
            result: T = finished.value
            return result
        try:
            answer: Answer = keys(step.unknown_to) if isinstance(step, KeysWanted) else send(step)
        except SignOnError as failure:
            advance = partial(flow.throw, failure)
        else:
            advance = partial(flow.send, answer)
