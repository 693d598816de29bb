from contextlib import ExitStack

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
