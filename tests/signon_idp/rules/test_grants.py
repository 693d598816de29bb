import pytest

from signon_idp.errors import OAuthError
from signon_idp.model import Client, Code, Grant, Token
from signon_idp.rules.grants import check_code, check_grant_type, check_refresh_token, narrowed, required

CLIENT = Client(client_id="demo", client_secret="s")
# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def code(challenge=CHALLENGE) -> Code:
    grant = Grant(client_id="demo", scopes=("openid",))
    return Code(grant=grant, redirect_uri="http://a/cb", code_challenge=challenge, expires_at=100.0)


def test_rfc_7636_example():
    """The appendix' verifier fits the appendix' challenge, and one changed letter doesn't."""
    form = {"redirect_uri": "http://a/cb", "code_verifier": VERIFIER}
    good = code()
    assert check_code(good, form, CLIENT, now=99.9) is good
    with pytest.raises(OAuthError, match="code_verifier does not fit"):
        check_code(code(), {**form, "code_verifier": VERIFIER[:-1] + "l"}, CLIENT, now=0)


def test_plain_verifier_is_refused():
    """The challenge itself is no verifier."""
    with pytest.raises(OAuthError, match="invalid_grant"):
        check_code(code(), {"redirect_uri": "http://a/cb", "code_verifier": CHALLENGE}, CLIENT, now=0)


def test_used_and_expired_code_passes_on_to_be_punished():
    """A code that was used is let through its expiry, so that its second use can end the tokens."""
    used = code(challenge=None)
    used.used = True
    assert check_code(used, {"redirect_uri": "http://a/cb"}, CLIENT, now=1000) is used


def test_required_and_grant_type():
    """A missing parameter is invalid_request; an unknown grant type unsupported_grant_type."""
    with pytest.raises(OAuthError, match="invalid_request: code is missing"):
        required({}, "code")
    with pytest.raises(OAuthError, match="unsupported_grant_type"):
        check_grant_type({"grant_type": "implicit"}, CLIENT, ("authorization_code",))


def test_narrowed():
    """No scope asked means all that is allowed; more than allowed is invalid_scope; repeats fall together."""
    assert narrowed({}, ("a", "b")) == ("a", "b")
    assert narrowed({"scope": "b b"}, ("a", "b")) == ("b",)
    with pytest.raises(OAuthError, match="invalid_scope"):
        narrowed({"scope": "a c"}, ("a", "b"))


def test_refresh_token_expires():
    """A refresh token works until its time, and not at it; an access token is none; a revoked one is none."""
    grant = Grant(client_id="demo", scopes=("openid",))
    token = Token(kind="refresh_token", grant=grant, scopes=("openid",), issued_at=0.0, expires_at=100.0)
    assert check_refresh_token(token, CLIENT, now=99.9) is token
    with pytest.raises(OAuthError, match="has expired"):
        check_refresh_token(token, CLIENT, now=100.0)
    token.revoked = True
    with pytest.raises(OAuthError, match="was revoked"):
        check_refresh_token(token, CLIENT, now=0.0)
