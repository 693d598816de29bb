"""Access tokens as the double of a provider would issue them, genuine or not; jwcrypto signs them."""

from jwcrypto import jwk, jwt
from tests.flask.double import _SIGNING_KEY, CLIENT_ID, ISSUER, json_response

from signon.core.http import HttpResponse

AUDIENCE = "https://api.example.org/"
OTHER_KEY = jwk.JWK.generate(kty="EC", crv="P-256", kid="k2", use="sig", alg="ES256")


def access_token(*, now: float, key=_SIGNING_KEY, typ: str | None = "at+jwt", kid: str = "k1", **changes: object):
    """A token of RFC 9068 for our API, with changes to its claims; None takes one away."""
    genuine = {
        "iss": ISSUER,
        "sub": "person-1",
        "aud": AUDIENCE,
        "client_id": CLIENT_ID,
        "iat": int(now),
        "exp": int(now) + 300,
        "jti": "token-1",
        "scope": "read:orders",
    }
    claims = {name: value for name, value in {**genuine, **changes}.items() if value is not None}
    header = {"alg": "ES256", "kid": kid, **({"typ": typ} if typ else {})}
    token = jwt.JWT(header=header, claims=claims)
    token.make_signed_token(key)
    return token.serialize()


def published(*keys):
    """The answer of a provider that publishes these keys."""
    return json_response({"keys": [key.export_public(as_dict=True) for key in keys]})


def introspected(**members: object):
    """The answer of a provider that is asked about a token."""
    return json_response({"active": True, **members})


def introspected_signed(*, now: float, key=_SIGNING_KEY, kid: str = "k1", **members: object):
    """The same, signed (RFC 9701 5)."""
    header = {"alg": "ES256", "kid": kid, "typ": "token-introspection+jwt"}
    said = {"active": True, **members}
    token = jwt.JWT(
        header=header, claims={"iss": ISSUER, "aud": CLIENT_ID, "iat": int(now), "token_introspection": said}
    )
    token.make_signed_token(key)
    headers = {"content-type": "application/token-introspection+jwt"}
    return HttpResponse(status=200, headers=headers, body=token.serialize().encode())
