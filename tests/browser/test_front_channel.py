"""The practice provider's signed-out page in a real browser: frames first, then back to the application."""

import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from signon_idp import Client

pytestmark = pytest.mark.browser
PKCE = {"code_challenge": "x" * 43, "code_challenge_method": "S256"}


@pytest.fixture
def applications():
    """A server with a thread for each request: Chromium opens connections that it doesn't use yet."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def visit(signon_idp, applications, browser_context):
    """Sign in at two applications on one server, then go to the end session endpoint; gives the page."""
    for path in ("/cb", "/home"):
        applications.expect_request(path).respond_with_data("here", content_type="text/html")
    origin = applications.url_for("").replace("127.0.0.1", "localhost").rstrip("/")
    for name in ("one", "two"):
        signon_idp.register(
            Client(
                client_id=name,
                client_secret="secret",
                redirect_uris=(f"{origin}/cb",),
                post_logout_redirect_uris=(f"{origin}/home",),
                frontchannel_logout_uri=f"{origin}/out/{name}",
                frontchannel_logout_session_required=True,
            )
        )
    page = browser_context.new_page()
    for name in ("one", "two"):
        query = {"client_id": name, "response_type": "code", "redirect_uri": f"{origin}/cb", "scope": "openid"}
        page.goto(f"{signon_idp.issuer}/authorize?{urlencode({**query, **PKCE})}")
        if page.url.startswith(signon_idp.issuer):
            page.locator('button[value="somying"]').click()
        page.wait_for_url(f"{origin}/cb*")

    def visit():
        query = {"client_id": "one", "post_logout_redirect_uri": f"{origin}/home", "state": "s-1"}
        page.goto(f"{signon_idp.issuer}/end-session?{urlencode(query)}")
        page.locator("form button").first.click()
        return page

    return visit


def framed(applications) -> set[str]:
    return {request.path for request, _ in applications.log if request.path.startswith("/out/")}


def test_frames_then_home(visit, applications, signon_idp):
    """Both applications are told in frames, with issuer and session, and the browser ends where it was to go."""
    applications.expect_request("/out/one").respond_with_data("bye")
    applications.expect_request("/out/two").respond_with_data("bye")
    begun = time.monotonic()
    page = visit()
    page.wait_for_url("**/home?state=s-1")
    assert time.monotonic() - begun < 1.9, "it goes on as soon as the frames have loaded"
    assert framed(applications) == {"/out/one", "/out/two"}
    for request, _ in applications.log:
        if request.path.startswith("/out/"):
            assert [name for name, _ in parse_qsl(urlsplit(request.url).query)] == ["iss", "sid"]
            assert request.headers["Sec-Fetch-Dest"] == "iframe"


def test_hanging_frame_is_not_waited_for(visit, applications):
    """A frame that never loads holds nobody for more than two seconds."""

    def hang(_request) -> Response:
        time.sleep(4)
        return Response("late")

    applications.expect_request("/out/one").respond_with_data("bye")
    applications.expect_request("/out/two").respond_with_handler(hang)
    page = visit()
    begun = time.monotonic()
    page.wait_for_url("**/home?state=s-1")
    assert 1.0 < time.monotonic() - begun < 3.5
