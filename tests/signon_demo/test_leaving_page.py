import re

import pytest
from tests.journeys.visitor import Visitor
from tests.signon_demo.people import signed_in, text_of

from signon.flask.testing import sign_in
from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.practice import PRACTICES
from signon_demo.serve import serving

STANDARD = PRACTICES[-1:]
THEIRS = re.compile(r'href="([^"]+)" target="_blank" rel="noopener"')


@pytest.mark.parametrize(
    ("name", "leaves"),
    [("thaid", False), ("authmachine", True), ("auth0", True), ("pingone", True), ("sgid", False), ("oidc", True)],
)
def test_the_provider_can_be_left_where_it_has_a_sign_out(served, name, leaves):
    """The button that goes by the provider's own sign-out is there exactly where there is one."""
    _, page = signed_in(served, name, path="/leaving")
    assert ('value="everywhere" aria-describedby="there"' in page.text) == leaves


def test_leaving_here_the_provider_still_knows_them(served):
    """Who leaves this application alone comes back without a question; who leaves the provider, too, is asked."""
    visitor, page = signed_in(served, "oidc", path="/leaving")
    _press(visitor, served, page, "/auth/logout", scope="here")
    again = visitor.get(served.address + "/auth/login/oidc?next=/leaving")
    assert again.url == served.address + "/leaving"
    _press(visitor, served, again, "/auth/logout", scope="everywhere")
    asked = visitor.get(served.address + "/auth/login/oidc?next=/leaving")
    assert 'name="persona"' in asked.text


def test_all_sessions_end_at_once(served):
    """The button for all sessions ends that of a second browser of the same person."""
    other, _ = signed_in(served, "sgid")
    visitor, page = signed_in(served, "sgid", path="/leaving")
    _press(visitor, served, page, "/auth/sessions", end="everywhere")
    assert 'class="button quiet provider"' in other.get(served.address + "/profile").text


def _press(visitor, served, page, action, **fields):
    assert f'action="{action}"' in page.text
    return visitor.post(served.address + action, fields, Origin=served.address)


def test_a_sign_out_that_begins_at_the_provider_is_heard():
    """The link in another tab ends the session there; told over the back channel, the session here ends, too."""
    with serving(STANDARD, port=0, idp_port=0, environment={}) as running:
        visitor, page = signed_in(running, "oidc", path="/leaving")
        assert "(the back channel)" in text_of(page)
        theirs = visitor.get(THEIRS.search(page.text).group(1))
        visitor.submit(theirs)
        (delivery,) = running.idps["oidc"].wait_for_logouts()
        assert delivery.status == 200
        assert "Sign in to this demo" in visitor.get(running.address + "/").text


def test_authmachine_is_asked_at_each_page():
    """AuthMachine tells nobody: after its own sign-out in another tab the next page finds the session ended."""
    practices = tuple(practice for practice in PRACTICES if practice.name == "authmachine")
    with serving(practices, port=0, idp_port=0, environment={}) as running:
        visitor, page = signed_in(running, "authmachine", path="/leaving")
        assert "the application asks it, at each page" in text_of(page)
        visitor.get(THEIRS.search(page.text).group(1).replace("&amp;", "&"))
        assert "Sign in to this demo" in visitor.get(running.address + "/").text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("thaid", "ThaID has no sign-out of its own, so none can begin there."),
        ("pingone", "PingOne tells nobody of a sign-out that begins there,"),
        ("sgid", "sgID has no sign-out of its own, so none can begin there."),
    ],
)
def test_where_nobody_tells_the_limits_are_said(served, name, said):
    """Where no sign-out elsewhere is heard of the page says so, and when the session ends by itself."""
    _, page = signed_in(served, name, path="/leaving")
    assert said in text_of(page)
    assert re.search(r"after [\w ]*(minutes|hours?) unused, and after [\w ]*hours in any case", text_of(page))
    assert not THEIRS.search(page.text)


def test_over_https_the_practice_provider_cannot_tell():
    """Nobody but the browser trusts the certificate: the page says how to see it, and offers no such link."""
    page = _page("https://localhost:5000", real=frozenset())
    assert "start it without <code>--https</code>" in page
    assert not THEIRS.search(page)


def test_a_real_provider_must_know_the_address():
    """At a real provider the page says what to register there."""
    page = _page("http://localhost:5000", real=frozenset({"oidc"}))
    assert "It must know this address: <code>http://localhost:5000/auth/backchannel-logout/oidc</code>" in page


def _page(base_url, *, real):
    with serving(STANDARD, port=0, idp_port=0, environment={}) as running:
        settings = {"OIDC_ISSUER": running.idps["oidc"].issuer, "OIDC_CLIENT_ID": "demo"}
        app = create_app(from_names("oidc", settings=settings), base_url=base_url, real=real)
        client = app.test_client()
        sign_in(client, {"name": "Ada"})
        return client.get("/leaving", base_url=base_url).text


@pytest.mark.usefixtures("nobody_answers")
def test_a_provider_that_is_away_can_be_left_here_alone(client):
    """Where the provider can't be asked for its sign-out, the ways that need none are there."""
    sign_in(client, {"name": "Ada"})
    page = client.get("/leaving").text
    assert ('value="here"' in page, 'aria-describedby="there"' in page) == (True, False)


def test_nobody_is_sent_to_sign_in(served):
    """Who has not signed in has nothing to leave: they choose how to sign in."""
    assert "/auth/login?next=%2Fleaving" in Visitor().get(served.address + "/leaving").url
