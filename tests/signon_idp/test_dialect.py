from dataclasses import replace

from signon_idp.dialects import DIALECTS
from signon_idp.dialects.oidc import OIDC


def test_scopes(helpers):
    """Known scopes and the client's own are granted in order, once; the others are ignored."""
    asked = ("email", "openid", "nonsense", "orders.read", "email", "offline_access")
    assert OIDC.granted_scopes(asked, helpers.DEMO) == ("email", "openid", "orders.read", "offline_access")
    plain = replace(helpers.DEMO, extra_scopes=(), grant_types=("authorization_code",))
    assert OIDC.granted_scopes(asked, plain) == ("email", "openid")


def test_claims_with_language_tags():
    """A scope allows a claim in all its languages (OIDC Core 5.2)."""
    somying = OIDC.personas[0]
    assert set(OIDC.claims_for(somying, ("email",))) == {"email", "email_verified"}
    assert {"name", "name#en"} <= set(OIDC.claims_for(somying, ("profile",)))
    assert OIDC.claims_for(somying, ("openid", "unknown")) == {}


def test_every_dialect_is_named_as_it_is_found():
    """The table's names are the dialects' own."""
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {name: name for name in DIALECTS}
