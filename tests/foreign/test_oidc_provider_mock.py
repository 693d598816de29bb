"""`examples/minimal`, by environment alone, at PyPI's oidc-provider-mock."""

import warnings

import pytest
from tests.journeys.stage import ORIGIN, code_of
from tests.journeys.visitor import Markup, Visitor

with warnings.catch_warnings(record=True):  # its Authlib announces its own moves, past every filter
    from oidc_provider_mock import User, run_server_in_thread

SOMYING = User(
    sub="somying", claims={"name": "สมหญิง ใจดี", "email": "somying@people.example", "preferred_username": "somying"}
)
SECRET = "any-secret-will-do-for-this-one"


@pytest.fixture(scope="module")
def issuer():
    with run_server_in_thread(user_claims=(SOMYING,), require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def visitor(issuer, load_minimal, plant):
    plant(SECRET)
    app = load_minimal(
        SIGNON_PROVIDERS="oidc", OIDC_ISSUER=issuer, OIDC_CLIENT_ID="any-client", OIDC_CLIENT_SECRET=SECRET
    )
    return Visitor((ORIGIN, app))


def test_signs_in_and_out(visitor, issuer):
    """It signs in by the provider's page, is told who it is, signs out there, and the next sign-in asks again."""
    page = visitor.submit(visitor.get(f"{ORIGIN}/me"), sub="somying")
    assert page.url == f"{ORIGIN}/me"
    assert page.json() == {"provider": "oidc", "sub": "somying", **SOMYING.claims}
    at_provider = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert at_provider.url.startswith(issuer)
    gone = visitor.submit(at_provider)
    assert gone.url == f"{ORIGIN}/auth/signed-out"
    assert visitor.get(f"{ORIGIN}/me").url.startswith(issuer)


def test_refused(visitor):
    """Its answer to a no lacks the state that was sent (RFC 6749 4.1.2.1): our page says so, and leads on."""
    start = visitor.get(f"{ORIGIN}/me")
    page = visitor.submit(start, action="deny")
    assert (code_of(page), page.status_code) == ("state_missing", 400)
    assert not visitor.sessions()
    (again,) = Markup(page.text).links
    assert visitor.submit(visitor.get(f"{ORIGIN}{again}?next=/me"), sub="somying").json()["sub"] == "somying"
