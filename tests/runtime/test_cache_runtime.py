from __future__ import annotations

import os
import threading

import pytest

from signon.core.client_auth import Client
from signon.core.flow import KeysWanted
from signon.core.http import HttpRequest, HttpResponse
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.runtime import cache
from signon.runtime.cache import Runtime

ISSUER = "https://x.example"
METADATA = Metadata(
    issuer=ISSUER,
    authorization_endpoint=f"{ISSUER}/authorize",
    token_endpoint=f"{ISSUER}/token",
    jwks_uri=f"{ISSUER}/jwks",
)
JWKS = b"""{"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                      "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"""  # RFC 7515 A.3.1


def provider(**options):
    settings = {"name": "x", "label": "X", "issuer": ISSUER, "client": Client(client_id="c"), "metadata": METADATA}
    return Provider(**{**settings, **options})


class Sender:
    """In the transport's place: each answer is a set of keys."""

    def __init__(self):
        self.asked = []

    def send(self, request):
        self.asked.append(request.url)
        headers = {"content-type": "application/json", "cache-control": "max-age=1000"}
        return HttpResponse(status=200, headers=headers, body=JWKS)


@pytest.fixture
def sender(monkeypatch):
    sender = Sender()
    monkeypatch.setattr(cache, "transport_for", lambda _provider: sender)
    return sender


@pytest.fixture
def runtime(sender):
    return Runtime()


def test_a_provider_has_one_cache(runtime):
    """The same provider, and an equal one, have the same cache; another name has another."""
    first = provider()
    assert runtime.cache(first) is runtime.cache(first)
    assert runtime.cache(provider()) is runtime.cache(first)
    assert runtime.cache(provider(name="y")) is not runtime.cache(first)


def test_another_provider_under_the_name_starts_afresh(runtime):
    """What is known of one provider says nothing of another that took its name."""
    first, second = provider(), provider(issuer="https://y.example")
    before = runtime.cache(first)
    assert runtime.cache(second) is not before
    assert runtime.cache(second) is runtime.cache(second)


def test_threads_that_come_first_together_share_the_cache(runtime, monkeypatch):
    """Eight threads that all find no cache end up with the same one."""
    barrier = threading.Barrier(8)
    made = []

    class Slow(cache.ProviderCache):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)
            barrier.wait(5)

    monkeypatch.setattr(cache, "ProviderCache", Slow)
    caches = []
    threads = [threading.Thread(target=lambda: caches.append(runtime.cache(provider()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(made) == len(caches) == 8
    assert len(set(map(id, caches))) == 1


def test_another_process_has_another_cache(runtime, monkeypatch):
    """After a fork nothing is shared: a lock held by a thread of the parent would never be let go."""
    before = runtime.cache(provider())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert runtime.cache(provider()) is not before


def test_the_providers_metadata_are_handed_on(runtime):
    """An application asks the runtime for them."""
    assert runtime.metadata(provider()) == METADATA


def test_the_clock_is_the_runtimes(sender):
    """The caches measure by the clock that was given."""
    now = [0.0]
    runtime = Runtime(clock=lambda: now[0])
    keys = runtime.cache(provider()).keys()
    newer = runtime.cache(provider()).keys(keys)
    now[0] += 29.9
    assert runtime.cache(provider()).keys(newer) is newer
    now[0] += 0.1
    assert runtime.cache(provider()).keys(newer) is not newer


def test_a_flow_is_run_with_the_providers_connections_and_keys(runtime, sender):
    """Requests go to the transport, `KeysWanted` to the cache."""

    def flow():
        response = yield HttpRequest(method="GET", url=METADATA.token_endpoint, document="token")
        keys = yield KeysWanted()
        newer = yield KeysWanted(unknown_to=keys)
        return response.status, keys, newer

    status, keys, newer = runtime.run(provider(), flow())
    assert status == 200
    assert keys is not newer
    assert sender.asked == [METADATA.token_endpoint, METADATA.jwks_uri, METADATA.jwks_uri]
