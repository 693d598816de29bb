import pytest
from tests.signon_demo.people import signed_in, text_of

from signon.flask.testing import sign_in
from signon_demo.practice import PRACTICES
from signon_demo.serve import serving

AUTHMACHINE = tuple(practice for practice in PRACTICES if practice.name == "authmachine")


def test_permissions_of_the_sign_in_and_of_now(served):
    """What came with the sign-in and what the API says now stand there both, with a word on superusers."""
    _, page = signed_in(served, "authmachine", path="/permissions")
    assert "billing view, edit warehouse-7 view" in text_of(page)
    assert text_of(page).count("warehouse-7 view") == 2
    assert "superuser" not in page.text
    _, page = signed_in(served, "authmachine", persona="wichai", path="/permissions")
    assert "You are a superuser there." in text_of(page)


def test_without_permissions_the_tables_say_so(served):
    """Somebody who may do nothing with any object is told that."""
    _, page = signed_in(served, "authmachine", persona="pat", path="/permissions")
    assert "billing nothing warehouse-7 nothing" in text_of(page)
    assert "What AuthMachine says now" in text_of(page)


def test_an_api_that_is_away_leaves_the_rest():
    """Where the API can't be asked the page says so with the code, and still has what came with the sign-in."""
    with serving(AUTHMACHINE, port=0, idp_port=0, environment={}) as running:
        visitor, _ = signed_in(running, "authmachine")
        running.idps["authmachine"].stop()
        page = visitor.get(running.address + "/permissions")
    assert page.status_code == 200
    assert "billing view, edit warehouse-7 view" in text_of(page)
    assert "(permissions_unreachable)" in page.text


def test_a_provider_without_permissions_leads_to_one_that_has_some(served):
    """With any other provider the page says that it has none, and offers a sign-in with AuthMachine."""
    _, page = signed_in(served, "sgid", path="/permissions")
    assert "sgID has no permissions." in text_of(page)
    assert 'href="/auth/login/authmachine?next=/permissions"' in page.text
    assert 'id="now"' not in page.text


def test_where_no_provider_has_permissions_none_is_offered(client):
    """Without AuthMachine there is nobody to sign in with instead."""
    sign_in(client, {"name": "Ada"})
    page = client.get("/permissions").text
    assert "OpenID has no permissions." in page
    assert "/auth/login/" not in page


@pytest.mark.parametrize(
    ("name", "persona", "path", "status"),
    [
        ("authmachine", "mara.k", "/billing", 200),
        ("authmachine", "ola", "/billing", 403),
        ("sgid", "hafiz", "/billing", 403),
        ("oidc", "somying", "/editors", 200),
        ("oidc", "mei", "/editors", 403),
    ],
)
def test_doors_open_to_some_people(served, name, persona, path, status):
    """Who has the permission or the role sees the page, others a page that says what they lack."""
    visitor, _ = signed_in(served, name, persona=persona)
    page = visitor.get(served.address + path)
    assert page.status_code == status
    code = {"/billing": "permission_needed", "/editors": "role_needed"}[path]
    assert ("You are in:" in page.text, f"<code>{code}</code>" in page.text) == (status == 200, status == 403)


def test_many_roles_are_counted(client):
    """Of 300 groups twelve are named as roles and the others counted."""
    sign_in(client, {"groups": [f"group-{number:03}" for number in range(300)]})
    page = client.get("/permissions").text
    assert page.count("<code>group-") == 12
    assert "and 288 more" in page
