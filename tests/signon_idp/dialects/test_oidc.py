from signon_idp.dialects.oidc import OIDC


def test_standard_scopes():
    """The scopes give the claims that OIDC Core 5.4 lists."""
    assert len(OIDC.scope_claims["profile"]) == 14
    assert OIDC.scope_claims["email"] == ("email", "email_verified")
    assert OIDC.scope_claims["phone"] == ("phone_number", "phone_number_verified")
    assert OIDC.scope_claims["address"] == ("address",)


def test_strict_by_default():
    """The standard dialect sends iss, publishes decoys and asks for a form."""
    assert (OIDC.sends_iss, OIDC.decoys, OIDC.page_kind) == (True, True, "form")
