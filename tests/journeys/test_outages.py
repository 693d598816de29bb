"""A provider that is down, comes up, goes down again, or drips its answers."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.journeys.serving import free_port, serving
from tests.journeys.stage import ORIGIN, Stage, client_for, code_of, settings_for
from tests.journeys.visitor import sign_in

from signon.runtime import document, transport
from signon_idp import Idp, start
from signon_idp.dialects import DIALECTS

DEADLINE_SECONDS = 1.5
DRIP_SECONDS = 0.05


@pytest.fixture
def forgetful(monkeypatch):
    """What failed is asked for anew at once."""
    monkeypatch.setattr(document, "FAILURE_SECONDS", 0.0)


@pytest.fixture
def impatient(monkeypatch):
    """Every exchange has a deadline that a test can wait for."""
    quick = transport.Transport(total_seconds=DEADLINE_SECONDS)
    monkeypatch.setattr(transport, "_TRANSPORTS", {(None, None): quick})


@pytest.fixture
def absent(load_minimal, forgetful, tmp_path):
    """An application whose provider is not there yet."""
    port = free_port()
    idp = Idp(dialect=DIALECTS["oidc"], origin=f"http://127.0.0.1:{port}", clients=(client_for(),))
    app = load_minimal(SIGNON_PROVIDERS="oidc", **settings_for(idp, client_for()))
    return Stage(app=app, idp=idp, store=tmp_path / "sessions.sqlite3")


def test_down_and_up(absent, plant):
    """The application starts, its public page works, a sign-in says 503 and when to try again, and then works."""
    visitor = absent.visitor()
    assert visitor.get(f"{ORIGIN}/").status_code == 200
    for page in (visitor.get(f"{ORIGIN}/me"), visitor.get(f"{ORIGIN}/auth/login")):
        assert (code_of(page), page.status_code) == ("metadata_unreachable", 503)
        assert int(page.headers["Retry-After"]) > 0
        assert not visitor.cookies
    with start(port=absent.idp.port, clients=(client_for(),)) as idp:
        present = replace(absent, idp=idp)
        visitor, late = present.visitor(), present.visitor()
        assert sign_in(visitor, f"{ORIGIN}/me").json()["preferred_username"] == "somying"
        answer = present.begin(late)
        plant(*idp.secrets)
    assert visitor.get(f"{ORIGIN}/me").status_code == 200, "a session needs no provider"
    page = late.get(answer)
    assert (code_of(page), page.status_code) == ("token_unreachable", 503)
    assert int(page.headers["Retry-After"]) > 0
    assert not late.sessions()


def test_signing_out_while_it_is_down(absent):
    """A provider that can't be asked where its own sign-out is costs nobody the local one."""
    visitor = absent.visitor()
    page = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert page.url == f"{ORIGIN}/auth/signed-out"


def test_a_program_gets_problem_json(absent):
    """A client that asks for no page learns code and time to wait from problem+json (RFC 9457)."""
    page = absent.visitor().get(f"{ORIGIN}/auth/login", Accept="application/json")
    assert page.headers["Content-Type"] == "application/problem+json"
    assert (page.json()["code"], page.json()["status"]) == ("metadata_unreachable", 503)


def drip(environ, start_response):
    """A discovery document that begins well, and never ends."""
    start_response("200 OK", [("Content-Type", "application/json")])
    yield b"{"
    for _ in range(200):
        time.sleep(DRIP_SECONDS)
        yield b" "


def test_dripping_metadata(load_minimal, impatient, tmp_path):
    """A provider that sends a byte now and then holds nobody for longer than the deadline, however many wait."""
    with serving(drip) as port:
        idp = Idp(dialect=DIALECTS["oidc"], origin=f"http://127.0.0.1:{port}", clients=(client_for(),))
        app = load_minimal(SIGNON_PROVIDERS="oidc", **settings_for(idp, client_for()))
        stage = Stage(app=app, idp=idp, store=tmp_path / "sessions.sqlite3")
        begun = time.monotonic()
        with ThreadPoolExecutor(6) as people:
            pages = list(people.map(lambda _: stage.visitor().get(f"{ORIGIN}/me"), range(6)))
        assert time.monotonic() - begun < 3 * DEADLINE_SECONDS, "one fetch for all, not one after the other"
    assert [(code_of(page), page.status_code) for page in pages] == [("metadata_timeout", 503)] * 6


@pytest.mark.usefixtures("impatient")
def test_dripping_tokens(stage):
    """A token endpoint that drips is waited for once, and other people's pages are served meanwhile."""
    visitor, other = stage.visitor(), stage.visitor()
    answer = stage.begin(visitor)
    begun = time.monotonic()
    with stage.idp.fault("token_drip"):
        pages = []
        waiting = threading.Thread(target=lambda: pages.append(visitor.get(answer)))
        waiting.start()
        assert other.get(f"{ORIGIN}/").status_code == 200
        assert not pages
        waiting.join()
    assert DEADLINE_SECONDS * 0.9 < time.monotonic() - begun < 3 * DEADLINE_SECONDS
    assert (code_of(pages[0]), pages[0].status_code) == ("token_timeout", 503)
