from contextlib import ExitStack
from dataclasses import replace

import pytest

from signon.providers import FACTORIES, from_names
from signon_demo.practice import (
    PRACTICES,
    Practice,
    provider_names,
    provider_settings,
    start_practice,
    usual_port,
)
from signon_idp.dialects import DIALECTS

STAFF = Practice(name="staff", vendor="oidc", dialect="oidc", more={"label": "The staff"})


def test_every_practice_can_be_played():
    """Each practice provider speaks a dialect that exists, under a name of its own."""
    assert {practice.dialect for practice in PRACTICES} <= set(DIALECTS)
    assert len({practice.name for practice in PRACTICES}) == len(PRACTICES)


def test_a_practice_knows_the_application():
    """The provider that starts knows the demo's redirect URIs under the practice's name, and no other client."""
    with start_practice(STAFF, port=0, application="http://localhost:5555") as idp:
        (client,) = idp.clients.values()
        assert client.redirect_uris == ("http://localhost:5555/auth/callback/staff",)
        assert client.post_logout_redirect_uris == ("http://localhost:5555/auth/logout/callback/staff",)
        assert idp.issuer == f"http://127.0.0.1:{idp.port}"


def test_further_providers_are_at_the_same_place():
    """A practice's further providers share its issuer, client and scope where they don't say otherwise, come last,
    and the one client knows their addresses and response types.
    """
    staff = replace(STAFF, more={"scope": "openid"}, also={"other": {"response_type": "token id_token"}})
    with start_practice(staff, port=0, application="http://localhost:5555") as idp:
        (client,) = idp.clients.values()
        names = provider_names((staff, PRACTICES[0]), also_of=(staff,))
        settings = provider_settings(staff, idp)
    assert names == "staff:oidc,thaid:thaid,other:oidc"
    assert provider_names((staff,)) == "staff:oidc"
    assert settings["OTHER_RESPONSE_TYPE"] == "token id_token"
    assert "STAFF_RESPONSE_TYPE" not in settings
    for keyword in ("ISSUER", "CLIENT_ID", "SCOPE"):
        assert settings[f"OTHER_{keyword}"] == settings[f"STAFF_{keyword}"]
    assert client.redirect_uris == tuple(f"http://localhost:5555/auth/callback/{n}" for n in ("staff", "other"))
    assert client.response_types == ("code", "token id_token")
    assert "implicit" in client.grant_types


@pytest.mark.parametrize(
    ("dialect", "application", "told_at"),
    [
        ("oidc", "http://localhost:5555", "http://localhost:5555/auth/backchannel-logout/staff"),
        ("oidc", "https://localhost:5555", None),
        ("pingone", "http://localhost:5555", None),
    ],
)
def test_the_application_is_told_of_sign_outs_where_it_can_be(dialect, application, told_at):
    """A provider that tells knows the demo's address, but not over https, whose certificate it would not trust."""
    practice = replace(STAFF, dialect=dialect, vendor=dialect)
    with start_practice(practice, port=0, application=application) as idp:
        (client,) = idp.clients.values()
    assert client.backchannel_logout_uri == told_at


def test_the_order_of_the_buttons():
    """The five vendors come first, the standard provider last, each with its own factory and dialect."""
    names = ["thaid", "authmachine", "auth0", "pingone", "sgid", "oidc"]
    assert [(p.name, p.vendor, p.dialect) for p in PRACTICES] == [(name, name, name) for name in names]
    assert set(names) == set(FACTORIES)


def test_usual_ports():
    """The standard provider has the first port and each vendor its own after it; any port stays any port."""
    assert {p.name: usual_port(p, first=9000) for p in PRACTICES} == {
        "thaid": 9001,
        "authmachine": 9002,
        "auth0": 9003,
        "pingone": 9004,
        "sgid": 9005,
        "oidc": 9000,
    }
    assert {usual_port(p, first=0) for p in PRACTICES} == {0}


def test_settings_make_the_providers():
    """Names and settings of the practices give Signon providers without a problem, each at its own issuer."""
    practices = (*PRACTICES, STAFF)
    with ExitStack() as running:
        idps, settings = [], {}
        for practice in practices:
            idp = start_practice(practice, port=0, application="http://localhost:5555")
            idps.append(running.enter_context(idp))
            settings |= provider_settings(practice, idp)
        names = provider_names(practices)
        providers = from_names(names, settings=settings)
        issuers = [idp.issuer for idp in idps]
    assert names.endswith("oidc:oidc,staff:oidc")
    assert [provider.problems for provider in providers] == [()] * len(practices)
    assert [provider.issuer for provider in providers] == issuers
    assert [provider.label for provider in providers] == [
        *("ThaID", "AuthMachine", "Auth0", "PingOne", "sgID", "OpenID", "The staff"),
    ]
