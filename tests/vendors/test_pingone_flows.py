"""PingOne's other response types (its sheet, Authorization request), by the environment's names alone."""

import logging

import pytest
from tests.vendors.vendor_stage import ORIGIN

FRONT = {
    "response_types": ("code id_token", "id_token", "token id_token"),
    "grant_types": ("authorization_code", "implicit", "client_credentials"),
}


@pytest.mark.parametrize("kind", ["token id_token", "id_token", "code id_token"])
def test_response_types(at_vendor, caplog, kind):
    """`PINGONE_RESPONSE_TYPE` names the vendor's own spelling; without a code the start warns."""
    with caplog.at_level(logging.WARNING, "signon"):
        stage = at_vendor("pingone", client=FRONT, response_type=kind, response_mode="form_post")
    assert ("PINGONE_RESPONSE_TYPE=code" in caplog.text) is ("code" not in kind)
    visitor = stage.visitor()
    page = stage.sign_in(visitor=visitor)
    while 'id="answer"' in page.text:
        page = visitor.submit(page)
    assert page.url == f"{ORIGIN}/me"
    assert page.json()["name"] == "Mia Kern"
    assert stage.idp.calls["token"] == int("code" in kind)


def test_settings_of_the_sign_in(at_vendor):
    """`PINGONE_MAX_AGE`, `PINGONE_PROMPT` and `PINGONE_CLIENT_AUTH` are sent, and held to."""
    stage = at_vendor("pingone", max_age="3600", prompt="login", scope="openid profile email p1:read:userPassword")
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json()["name"] == "Mia Kern"
    login = stage.session(visitor).login
    assert "p1:read:userPassword" in login.scope
    assert login.auth_time is not None
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/auth/login").text, "prompt=login asks again"
