from signon.providers import from_names
from signon_demo.practice import PRACTICES, Practice, provider_names, provider_settings, start_practice
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


def test_settings_make_the_providers():
    """Names and settings of the practices give Signon providers without a problem, each at its own issuer."""
    with (
        start_practice(PRACTICES[0], port=0, application="http://localhost:5555") as first,
        start_practice(STAFF, port=0, application="http://localhost:5555") as second,
    ):
        settings = provider_settings(PRACTICES[0], first) | provider_settings(STAFF, second)
        names = provider_names((PRACTICES[0], STAFF))
        providers = from_names(names, settings=settings)
        assert names == "oidc:oidc,staff:oidc"
        assert [provider.problems for provider in providers] == [(), ()]
        assert [(p.name, p.label, p.issuer) for p in providers] == [
            ("oidc", "OpenID", first.issuer),
            ("staff", "The staff", second.issuer),
        ]
