"""Fixtures: `signon_idp`, a running provider in its first state, and `signon_idp_factory` for one's own.

Everything heavy is imported inside the fixtures: a test run that uses none of them pays nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from signon_idp import Idp


@pytest.fixture(scope="session")
def _signon_idp_server() -> Iterator["Idp"]:
    from signon_idp import start
    from signon_idp.demo import demo_client

    with start(clients=(demo_client(),)) as idp:
        yield idp


@pytest.fixture
def signon_idp(_signon_idp_server: "Idp") -> "Idp":
    """A running provider without a fault that knows the client `demo` and nobody's session.

    The server is shared by the whole run; everything it remembers is new for each test.
    """
    _signon_idp_server.reset()
    return _signon_idp_server


@pytest.fixture
def signon_idp_factory() -> Iterator[Callable[..., "Idp"]]:
    """`start` with its keywords; what it started stops after the test."""
    from signon_idp import start

    with ExitStack() as running:

        def begin(**options: Any) -> "Idp":
            return running.enter_context(start(**options))

        yield begin
