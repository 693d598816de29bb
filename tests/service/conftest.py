"""A relying party with no web framework around it, and a provider without a socket."""

import pytest
from tests.flask.double import CLIENT_ID, CLIENT_SECRET, ISSUER, KEY, Op, Ops

from signon.core.values import Secret
from signon.providers import oidc
from signon.runtime.cache import Runtime
from signon.service.party import RelyingParty
from signon.sessions.memory import MemoryStore
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import Sessions

NOW = 1_800_000_000.0
CALLBACK = "https://app.example.org/auth/callback/oidc"


class Clock:
    """POSIX seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The time of the application and of the provider."""
    clock = Clock()
    monkeypatch.setattr("tests.flask.double.time.time", clock)
    return clock


@pytest.fixture
def ops(monkeypatch, plant):
    plant(CLIENT_SECRET, KEY)
    found = Ops({ISSUER: Op(plant)})
    monkeypatch.setattr("signon.runtime.cache.transport_for", found.transport_for)
    return found


@pytest.fixture
def op(ops):
    return ops[ISSUER]


@pytest.fixture
def make_provider(ops, plant):
    def make(name="oidc", issuer=ISSUER, **given):
        ops.setdefault(issuer, Op(plant, issuer=issuer))
        usual = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "id_token_alg": "ES256"}
        return oidc(name=name, settings={}, issuer=issuer, **{**usual, **given})

    return make


@pytest.fixture
def make_party(clock, make_provider):
    """Make a relying party of these providers."""

    def make(*providers, **changes):
        sealer = Sealer([Secret(KEY)])
        return RelyingParty(
            **{
                "providers": {provider.name: provider for provider in providers or (make_provider(),)},
                "runtime": Runtime(),
                "sessions": Sessions(MemoryStore(), sealer, session_seconds=3600),
                "sealer": sealer,
                "clock": clock,
                "session_seconds": 3600,
                **changes,
            }
        )

    return make


@pytest.fixture
def party(make_party):
    return make_party()
