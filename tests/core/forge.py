"""What a provider sends, genuine or forged, made with `cryptography`, `jwcrypto` and the standard library.

The library under test signs and verifies with another engine, so that the two are independent witnesses.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwcrypto import jwe, jwk

from signon.core.authorize import Transaction
from signon.core.callback import VerifiedCallback, read_callback
from signon.core.claims import Expectations, VerifiedClaims
from signon.core.client_auth import Client
from signon.core.errors import SignOnError
from signon.core.http import HttpResponse
from signon.core.id_token import verify_id_token
from signon.core.keys import KeySet, read_jwks
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.values import Secret

ISSUER = "https://op.example"
CLIENT_ID = "client-1"
CLIENT_SECRET = "a client secret that is long enough for HS512, which asks for sixty-four octets"
NOW = 1_700_000_000.0
NONCE = "the-nonce-that-was-sent"
STATE = "the-state-that-was-sent"
VERIFIER = "the-verifier-that-stays-here-until-the-code-is-redeemed"
ACCESS_TOKEN = "the-access-token"
REDIRECT_URI = "https://app.example/auth/callback/op"
ABSENT = object()
"""As a member's value: leave the member out."""

_CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "secp256k1": ec.SECP256K1}
_CURVE_OF_ALG = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int, octets: int | None = None) -> str:
    return b64(value.to_bytes(octets or (value.bit_length() + 7) // 8, "big"))


_KEYS = {}


def _once(*name: object, make: Callable):
    """Each key once per process: making RSA keys is slow."""
    if name not in _KEYS:
        _KEYS[name] = make()
    return _KEYS[name]


def rsa_key(name: str = "provider", bits: int = 2048) -> rsa.RSAPrivateKey:
    return _once("RSA", name, bits, make=lambda: rsa.generate_private_key(65537, bits))


def ec_key(curve: str = "P-256", name: str = "provider") -> ec.EllipticCurvePrivateKey:
    return _once("EC", name, curve, make=lambda: ec.generate_private_key(_CURVES[curve]()))


def ed_key(name: str = "provider") -> ed25519.Ed25519PrivateKey:
    return _once("OKP", name, make=ed25519.Ed25519PrivateKey.generate)


def key_for(alg: str, name: str = "provider"):
    """The private key that signs with an algorithm."""
    if alg in _CURVE_OF_ALG:
        return ec_key(_CURVE_OF_ALG[alg], name)
    return ed_key(name) if alg in {"EdDSA", "Ed25519"} else rsa_key(name)


def public_jwk(key, **members: object) -> dict[str, object]:
    """The public JWK of a key (RFC 7517 4), with more members or other ones; ABSENT takes one away."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        plain = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        numbers, octets = public.public_numbers(), (public.curve.key_size + 7) // 8
        crv = next(name for name, curve in _CURVES.items() if curve.name == public.curve.name)
        plain = {"kty": "EC", "crv": crv, "x": number(numbers.x, octets), "y": number(numbers.y, octets)}
    else:
        plain = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
    return with_changes({**plain, "kid": "k1", "use": "sig"}, members)


def with_changes(source: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**source, **changes}.items() if value is not ABSENT}


def key_set(*jwks: Mapping[str, object]) -> KeySet:
    """The key set as the library reads it; the provider's RSA key where none is given."""
    return read_jwks(json_answer({"keys": [*jwks] or [public_jwk(rsa_key())]}))


def raw_signature(data: bytes, alg: str, key) -> bytes:
    """A signature in the form that JWS wants (RFC 7518 3)."""
    if alg == "none":
        return b""
    if alg in {"EdDSA", "Ed25519"}:
        return key.sign(data)
    digest = _HASHES[alg[2:]]()
    if alg.startswith("HS"):
        return hmac.new(key, data, digest.name).digest()
    if alg.startswith("RS"):
        return key.sign(data, padding.PKCS1v15(), digest)
    if alg.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    octets = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")


def compact(header: Mapping[str, object] | bytes, payload: Mapping[str, object] | bytes, signature: bytes) -> str:
    return ".".join(b64(part) for part in (as_bytes(header), as_bytes(payload), signature))


def as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def signed(payload: object, *, alg: str = "RS256", key=None, header: object = None) -> str:
    """A compact JWS. `header` replaces the whole header, or (a mapping) changes members of the usual one."""
    if not isinstance(header, bytes):
        header = with_changes({"alg": alg, "kid": "k1"}, header or {})
    if key is None:
        key = CLIENT_SECRET.encode() if alg.startswith("HS") else key_for(alg)
    data = f"{b64(as_bytes(header))}.{b64(as_bytes(payload))}".encode()
    return f"{data.decode()}.{b64(raw_signature(data, alg, key))}"


def encrypted(payload: str | bytes, *, to=None, header: Mapping[str, object] | None = None) -> str:
    """A compact JWE to a key of ours, whose public half anybody could have (RFC 7516 7.1).

    `to` is one of our private keys, or the octets of a shared secret.
    """
    members = with_changes({"alg": "RSA-OAEP-256", "enc": "A256GCM"}, header or {})
    token = jwe.JWE(as_bytes(payload if isinstance(payload, bytes) else payload.encode()), json.dumps(members))
    token.allowed_algs = [members["alg"], members["enc"]]
    key = rsa_key("ours") if to is None else to
    shared = isinstance(key, bytes)
    token.add_recipient(jwk.JWK(kty="oct", k=b64(key)) if shared else jwk.JWK.from_pyca(key.public_key()))
    return token.serialize(compact=True)


def pem(key, kind: str = "PKCS8") -> str:
    """A private key as text, in PKCS#8 or in the older form of its own kind."""
    form = serialization.PrivateFormat.PKCS8 if kind == "PKCS8" else serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def claims(**changes: object) -> dict[str, object]:
    """The claims of a genuine ID token, with changes."""
    genuine = {"iss": ISSUER, "sub": "person-1", "aud": CLIENT_ID, "exp": NOW + 300, "iat": NOW, "nonce": NONCE}
    return with_changes(genuine, changes)


def at_hash(token: str = ACCESS_TOKEN, name: str = "sha256") -> str:
    digest = hashlib.new(name, token.encode()).digest()
    return b64(digest[: len(digest) // 2])


def expectations(**changes: object) -> Expectations:
    usual = Expectations(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        alg="RS256",
        nonce=NONCE,
        access_token=Secret(ACCESS_TOKEN),
        now=NOW,
        started_at=NOW - 30,
    )
    return replace(usual, **changes)


def verify(
    token: str,
    *,
    keys: KeySet | None = None,
    client_secret: str | None = None,
    extra_checks: Iterable = (),
    **expected: object,
) -> VerifiedClaims:
    """Verify an ID token as the flow does."""
    return verify_id_token(
        Secret(token),
        keys=key_set() if keys is None else keys,
        client_secret=None if client_secret is None else Secret(client_secret),
        expected=expectations(**expected),
        extra_checks=extra_checks,
    )


def answer(body: bytes, *, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": content_type}, body=body)


def json_answer(value: object, *, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    return answer(json.dumps(value).encode(), status=status, content_type=content_type)


def provider(**changes: object) -> Provider:
    client = Client(client_id=CLIENT_ID, secret=Secret(CLIENT_SECRET))
    return replace(Provider(name="op", label="Op", issuer=ISSUER, client=client), **changes)


def metadata(**changes: object) -> Metadata:
    usual = Metadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/jwks",
        userinfo_endpoint=f"{ISSUER}/userinfo",
        end_session_endpoint=f"{ISSUER}/logout",
    )
    return replace(usual, **changes)


def discovery_document(**changes: object) -> dict[str, object]:
    genuine = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    return with_changes(genuine, changes)


def transaction(**changes: object) -> Transaction:
    usual = Transaction(
        provider="op",
        issuer=ISSUER,
        client_id=CLIENT_ID,
        redirect_uri=REDIRECT_URI,
        state=STATE,
        nonce=NONCE,
        verifier=VERIFIER,
        response_mode="query",
        started_at=NOW - 30,
        scopes=("openid", "profile", "email"),
    )
    return replace(usual, **changes)


def callback(
    *pairs: tuple[str, str],
    mode: str = "query",
    of_transaction: Transaction | None = None,
    of_provider: Provider | None = None,
    of_metadata: Metadata | None = None,
) -> VerifiedCallback:
    """Read a response; a genuine one where no pairs are given."""
    return read_callback(
        pairs or (("state", STATE), ("code", "the-code")),
        mode=mode,
        transaction=of_transaction or transaction(),
        provider=of_provider or provider(),
        metadata=of_metadata or metadata(),
        now=NOW,
    )


def chain(error: BaseException) -> list[BaseException]:
    """An error and everything that hangs on it by cause or context, suppressed or not."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
    return found


def outcome(call: Callable):
    """What a call gives, or the error of ours that it raises; any other error goes on."""
    try:
        return call()
    except SignOnError as error:
        return error
