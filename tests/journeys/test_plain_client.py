"""`examples/minimal/app.py` run as a program of its own, and a plain HTTP client without Sec-Fetch-*."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import MINIMAL, SEALING_KEY
from tests.journeys.serving import free_port, running
from tests.journeys.stage import client_for, code_of, settings_for
from tests.journeys.visitor import Markup, Visitor, sign_in

from signon_idp import Idp, start

SOMYING = {
    "provider": "oidc",
    "sub": "5c1f0b7e-somying",
    "name": "สมหญิง ใจดี",
    "preferred_username": "somying",
    "email": "somying@people.example",
}
MEI = {
    "provider": "oidc",
    "sub": "8d2a64c9-mei",
    "name": "Mei Lin Tan",
    "preferred_username": "mei",
    "email": None,
}


@dataclass(frozen=True)
class Served:
    """The running application, its provider, and the file that its output goes to."""

    origin: str
    idp: Idp
    output: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    port = free_port()
    origin = f"http://localhost:{port}"
    client = client_for(origin=origin)
    with start(clients=(client,)) as idp:
        settings = {
            "SIGNON_PROVIDERS": "oidc",
            "SIGNON_KEYS": SEALING_KEY,
            "SIGNON_SESSIONS": f"sqlite:///{folder}/sessions.sqlite3",
            **settings_for(idp, client),
        }
        command = [sys.executable, "-m", "flask", "--app", str(MINIMAL), "run", "-p", str(port)]
        with running(command, ready=f"{origin}/", output=folder / "output", settings=settings):
            yield Served(origin=origin, idp=idp, output=folder / "output")


@pytest.fixture
def visitor():
    return Visitor()


def test_signs_in_and_out(served, visitor):
    """It signs in, reads who it is, gets the sign-out page, posts its form; the next sign-in asks again."""
    page = sign_in(visitor, f"{served.origin}/me")
    assert page.url == f"{served.origin}/me"
    assert page.json() == SOMYING
    assert "สมหญิง ใจดี".encode() in page.content, "as plain UTF-8"
    assert page.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "no-store" in page.headers["Cache-Control"]
    confirmation = visitor.get(f"{served.origin}/auth/logout")
    assert (confirmation.status_code, len(visitor.sessions())) == (200, 1), "a GET without Sec-Fetch-* only asks"
    gone = visitor.submit(confirmation)
    assert gone.url.startswith(f"{served.origin}/auth/signed-out")
    assert not visitor.sessions()
    again = visitor.get(f"{served.origin}/me")
    assert again.url.startswith(served.idp.issuer)
    assert 'name="persona"' in again.text, "the provider asks who it is"
    assert visitor.submit(again, persona="mei").json() == MEI


def test_learns_where_to_sign_in(served, visitor):
    """A client that asks for no page gets 401 as problem+json, and the address that it can sign in at."""
    refused = visitor.get(f"{served.origin}/me", Accept="*/*")
    assert (refused.status_code, code_of(refused)) == (401, "login_needed")
    assert refused.headers["Content-Type"] == "application/problem+json"
    page = sign_in(visitor, f"{served.origin}{refused.json()['login']}?next=/me")
    assert page.json() == SOMYING


@pytest.mark.parametrize("origin", [None, "null", "http://localhost:1", "http://evil.example"])
def test_sign_out_wants_the_right_origin(served, visitor, origin):
    """Without its own Origin a post signs nobody out."""
    sign_in(visitor, f"{served.origin}/me")
    headers = {} if origin is None else {"Origin": origin}
    page = visitor.post(f"{served.origin}/auth/logout", {}, **headers)
    assert (page.status_code, code_of(page)) == (403, "cross_site")
    assert visitor.get(f"{served.origin}/me").json() == SOMYING


def test_what_the_first_page_links_to(served, visitor):
    """From the public page's one link a person gets in."""
    home = visitor.get(f"{served.origin}/")
    assert "Set-Cookie" not in home.headers
    (link,) = Markup(home.text).links
    assert sign_in(visitor, served.origin + link).json() == SOMYING


def test_an_address_of_another_host_name_is_left_once(served, visitor):
    """Without a base URL each loopback host is its own site: 127.0.0.1 is not registered, and says so itself."""
    other = served.origin.replace("localhost", "127.0.0.1")
    page = visitor.get(f"{other}/me")
    assert page.url.startswith(served.idp.issuer)
    assert page.status_code == 400, "the provider shows a page and sends nobody to an unregistered address"


def test_nothing_secret_in_the_output(served, visitor):
    """What the program has printed holds no secret; codes stand only in its lines about requests."""
    sign_in(visitor, f"{served.origin}/me")
    lines = served.output.read_text().splitlines()
    output = "\n".join(line for line in lines if "GET /auth/callback/oidc?" not in line)
    assert "Running on" in output
    assert not [secret for secret in served.idp.secrets if secret in output]
    assert "Traceback" not in output
