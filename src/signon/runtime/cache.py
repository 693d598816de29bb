"""What is known of each provider, once per process for all threads: its metadata and its keys.

Nothing here is shared across a fork: a process that finds itself another makes its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from typing import TypeVar

from signon.core.errors import SignOnError
from signon.core.flow import Answer, Step
from signon.core.http import HttpRequest, HttpResponse
from signon.core.keys import KeySet, jwks_request, read_jwks
from signon.core.metadata import Metadata, discovery_request, read_discovery
from signon.core.provider import Provider, settle
from signon.runtime.document import Document, lifetime_seconds
from signon.runtime.drive import run
from signon.runtime.transport import transport_for

T = TypeVar("T")


class ProviderCache:
    """Metadata and keys of one provider."""

    def __init__(
        self,
        provider: Provider,
        *,
        send: Callable[[HttpRequest], HttpResponse],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: Document[Metadata] = self._document(self._fetch_metadata, name="metadata")
        self._keys: tuple[str, Document[KeySet]] | None = None

    def metadata(self) -> Metadata:
        """The provider's fixed metadata, or its discovery document."""
        return self.provider.metadata or self._metadata.get()

    def keys(self, unknown_to: KeySet | None = None) -> KeySet:
        """The provider's keys. `unknown_to`: a set that lacked the key a token named, so a newer one is wanted.

        Where there is no newer one to be had, it is the set we hold, and the token is refused by it.
        """
        keys = self._keys_at(self.metadata().jwks_uri)
        return keys.get() if unknown_to is None else keys.newer_than(unknown_to)

    def warm(self) -> None:
        """Fetch both in the background, so that the first sign-in needn't wait. Failures show in the log only."""
        name = f"signon-{self.provider.name}-warm"
        with suppress(RuntimeError):  # no thread to be had: the first sign-in fetches
            threading.Thread(target=self._warm, name=name, daemon=True).start()

    def _warm(self) -> None:
        with suppress(SignOnError):
            self.keys()

    def _keys_at(self, jwks_uri: str) -> Document[KeySet]:
        """The keys of this address. With another address in new metadata, the old one's keys are gone."""
        with self._lock:
            if self._keys is None or self._keys[0] != jwks_uri:
                self._keys = (jwks_uri, self._document(partial(self._fetch_keys, jwks_uri), name="jwks"))
            return self._keys[1]

    def _document(self, fetch: Callable[[], tuple[T, float]], *, name: str) -> Document[T]:
        return Document(fetch, name=name, provider=self.provider.name, clock=self._clock)

    def _fetch_metadata(self) -> tuple[Metadata, float]:
        issuer = self.provider.issuer
        response = self._send(discovery_request(issuer, url=self.provider.discovery_url))
        metadata = read_discovery(response, issuer=issuer, either_slash=self.provider.either_slash)
        return settle(self.provider, metadata), lifetime_seconds(response.headers)

    def _fetch_keys(self, jwks_uri: str) -> tuple[KeySet, float]:
        response = self._send(jwks_request(jwks_uri))
        return read_jwks(response), lifetime_seconds(response.headers)


class Runtime:
    """The providers of one application, as this process knows them."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._caches: dict[tuple[int, str], ProviderCache] = {}

    def cache(self, provider: Provider) -> ProviderCache:
        """The one cache of this provider in this process."""
        key = (os.getpid(), provider.name)
        cache = self._caches.get(key)
        if cache is not None and (cache.provider is provider or cache.provider == provider):
            return cache
        new = ProviderCache(provider, send=transport_for(provider).send, clock=self._clock)
        if cache is None:
            return self._caches.setdefault(key, new)
        self._caches[key] = new  # another provider under the name: what is known of the first says nothing of it
        return new

    def metadata(self, provider: Provider) -> Metadata:
        """The provider's metadata."""
        return self.cache(provider).metadata()

    def run(self, provider: Provider, flow: Generator[Step, Answer, T]) -> T:
        """Run a flow with this provider's connections and keys."""
        return run(flow, send=transport_for(provider).send, keys=self.cache(provider).keys)
