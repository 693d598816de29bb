from __future__ import annotations

import json
import threading

import pytest

from signon.core.client_auth import Client
from signon.core.errors import MalformedAnswer, ProviderError, ProviderUnavailable
from signon.core.http import HttpResponse
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.runtime.cache import ProviderCache

ISSUER = "https://x.example"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
JWKS = f"{ISSUER}/jwks"
KEY = {  # RFC 7515 A.3.1
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def metadata_document(*, jwks_uri=JWKS):
    return {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": jwks_uri,
    }


def provider(**options):
    settings = {"name": "x", "label": "X", "issuer": ISSUER, "client": Client(client_id="c"), **options}
    return Provider(**settings)


class Wire:
    """A provider's documents by address, and what was asked for."""

    def __init__(self):
        self.documents = {DISCOVERY: metadata_document(), JWKS: {"keys": [{**KEY, "kid": "a"}]}}
        self.cache_control = "max-age=1000"
        self.asked = []
        self.arrived = threading.Condition()

    def send(self, request):
        with self.arrived:
            self.asked.append(request.url)
            self.arrived.notify_all()
        answer = self.documents[request.url]
        if isinstance(answer, Exception):
            raise answer
        headers = {"content-type": "application/json", "cache-control": self.cache_control}
        return HttpResponse(status=200, headers=headers, body=json.dumps(answer).encode())

    def wait_for(self, count):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.asked) >= count, 5)


def background_done():
    for thread in threading.enumerate():
        if thread.name.startswith("signon-x-"):
            thread.join(5)


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def kept(wire, now):
    return ProviderCache(provider(), send=wire.send, clock=lambda: now[0])


def test_metadata_and_keys_are_fetched_once(kept, wire):
    """However often they are asked for, each is one request, read once."""
    assert kept.metadata().token_endpoint == f"{ISSUER}/token"
    keys = kept.keys()
    assert [key.kid for key in keys.keys] == ["a"]
    assert kept.metadata() is kept.metadata()
    assert kept.keys() is keys
    assert wire.asked == [DISCOVERY, JWKS]


def test_fixed_metadata_is_not_asked_for(wire):
    """A provider without a discovery document has its metadata in its profile."""
    document = metadata_document()
    fixed = Metadata(**document)
    kept = ProviderCache(provider(metadata=fixed), send=wire.send)
    assert kept.metadata() is fixed
    kept.keys()
    assert wire.asked == [JWKS]


def test_the_document_may_be_elsewhere(wire):
    """A profile's discovery address is used, and its issuer judged all the same (OIDC Discovery 4.3)."""
    elsewhere = "https://y.example/configuration"
    wire.documents[elsewhere] = metadata_document()
    kept = ProviderCache(provider(discovery_url=elsewhere), send=wire.send)
    assert kept.metadata().issuer == ISSUER
    assert wire.asked == [elsewhere]
    wire.documents[elsewhere] = {**metadata_document(), "issuer": f"{ISSUER}/"}
    with pytest.raises(ProviderError) as caught:
        ProviderCache(provider(discovery_url=elsewhere), send=wire.send).metadata()
    assert caught.value.code == "metadata_issuer_mismatch"


@pytest.mark.parametrize("either_slash", [True, False])
def test_the_other_slash_is_a_deviation(wire, either_slash):
    """The issuer may differ in its last slash where the profile says so, and nowhere else."""
    wire.documents[DISCOVERY] = {**metadata_document(), "issuer": f"{ISSUER}/"}
    kept = ProviderCache(provider(either_slash=either_slash), send=wire.send)
    if either_slash:
        assert kept.metadata().issuer == f"{ISSUER}/"
        return
    with pytest.raises(ProviderError) as caught:
        kept.metadata()
    assert caught.value.code == "metadata_issuer_mismatch"


def test_addresses_of_the_profile_win(wire):
    """Keys are fetched from where the profile says, whatever the metadata say."""
    elsewhere = "https://y.example/jwks"
    wire.documents[elsewhere] = wire.documents[JWKS]
    kept = ProviderCache(provider(endpoints={"jwks_uri": elsewhere}), send=wire.send)
    kept.keys()
    assert wire.asked == [DISCOVERY, elsewhere]


def test_the_servers_lifetime_counts(kept, wire, now):
    """After `max-age` both are renewed behind: the old ones are served meanwhile."""
    kept.keys()
    now[0] += 999
    kept.keys()
    assert len(wire.asked) == 2
    now[0] += 1
    assert [key.kid for key in kept.keys().keys] == ["a"]
    wire.wait_for(4)
    assert sorted(wire.asked[2:]) == [DISCOVERY, JWKS]
    background_done()


def test_an_unknown_key_is_asked_for_once(kept, wire):
    """A rotated key is found by one fetch; a made-up one costs no more than that."""
    old = kept.keys()
    wire.documents[JWKS] = {"keys": [{**KEY, "kid": "b"}]}
    new = kept.keys(old)
    assert [key.kid for key in new.keys] == ["b"]
    assert kept.keys(old) is new
    for _ in range(1000):
        assert kept.keys(new) is new
    assert wire.asked == [DISCOVERY, JWKS, JWKS]


@pytest.mark.parametrize("answer", [{"keys": "none"}, {"keys": [{**KEY, "d": "x"}]}, {"keys": []}])
def test_refused_keys_never_replace_good_ones(kept, wire, answer):
    """A malformed set, a leaked private key or an empty set leaves the good copy in use."""
    good = kept.keys()
    wire.documents[JWKS] = answer
    assert kept.keys(good) is good
    assert kept.keys() is good


def test_refused_keys_are_told_where_there_are_no_good_ones(kept, wire):
    """With nothing held the reader's own error comes out."""
    wire.documents[JWKS] = {"keys": "none"}
    with pytest.raises(MalformedAnswer) as caught:
        kept.keys()
    assert caught.value.code == "jwks_keys_missing"


def test_another_jwks_uri_drops_the_keys(kept, wire, now):
    """Keys of an address that the provider has given up verify nothing more."""
    kept.keys()
    moved = f"{ISSUER}/moved"
    wire.documents[DISCOVERY] = metadata_document(jwks_uri=moved)
    wire.documents[moved] = ProviderUnavailable("jwks_timeout", "too slow")
    now[0] += 1000
    kept.metadata()
    background_done()
    with pytest.raises(ProviderUnavailable) as caught:
        kept.keys()
    assert caught.value.code == "jwks_timeout"
    wire.documents[moved] = {"keys": [{**KEY, "kid": "b"}]}
    now[0] += 1
    assert [key.kid for key in kept.keys().keys] == ["b"]


def test_keys_fetched_from_the_old_address_come_too_late(wire, now):
    """A fetch that began before the move doesn't bring the old keys back when it lands."""
    gate, entered = threading.Event(), threading.Event()
    moved = f"{ISSUER}/moved"
    wire.documents[moved] = {"keys": [{**KEY, "kid": "b"}]}

    def send(request):
        response = wire.send(request)
        if request.url == JWKS:
            entered.set()
            assert gate.wait(5)
        return response

    kept = ProviderCache(provider(), send=send, clock=lambda: now[0])
    late = threading.Thread(target=kept.keys)
    late.start()
    assert entered.wait(5)
    wire.documents[DISCOVERY] = metadata_document(jwks_uri=moved)
    now[0] += 1000
    kept.metadata()
    background_done()
    assert [key.kid for key in kept.keys().keys] == ["b"]
    gate.set()
    late.join(5)
    assert [key.kid for key in kept.keys().keys] == ["b"]


def test_warming_fetches_both_in_the_background(kept, wire):
    """After the start-up the first sign-in finds both."""
    kept.warm()
    wire.wait_for(2)
    background_done()
    kept.keys()
    assert wire.asked == [DISCOVERY, JWKS]


def test_warming_never_fails(kept, wire, caplog, monkeypatch):
    """A provider that is down at the start is a line in the log, and a lack of threads not even that."""
    wire.documents[DISCOVERY] = ProviderUnavailable("metadata_unreachable", "refused")
    kept.warm()
    wire.wait_for(1)
    background_done()
    assert caplog.messages == ["x: no new metadata (metadata_unreachable)"]

    def no_thread(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    kept.warm()
