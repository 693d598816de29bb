"""A provider's published keys (RFC 7517), and which of them may verify a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from signon.core.errors import MalformedAnswer, TokenRejected, UnknownKey
from signon.core.header import ALGS, Header
from signon.core.http import HttpRequest, HttpResponse, read_json_answer
from signon.core.jose import VerifyingKey, public_key
from signon.core.values import JsonObject, b64url_decode

MAX_KEYS = 64
"""Keys of one set that are looked at. Providers publish two to ten."""
MINIMUM_RSA_BITS = ALGS["RS256"].minimum_bits
MAX_CANDIDATES = 8
"""Keys tried for one token: several may fit a token without `kid` while keys are being changed."""
_PRIVATE_MEMBERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "RSA": frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"}),
        "EC": frozenset({"d"}),
        "OKP": frozenset({"d"}),
        "oct": frozenset({"k"}),
    }
)
"""By kind of key: what another kind calls by one of these names is no secret (RFC 7518 6)."""
_SAME_ALG = {"Ed25519": "EdDSA"}
"""RFC 9864 gave EdDSA with Ed25519 a name of its own; keys and tokens may use either."""
_MEDIA_TYPES = frozenset({"application/json", "application/jwk-set+json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One usable signature key, imported and ready."""

    kid: str | None
    alg: str | None
    kty: str
    crv: str | None
    bits: int
    key: VerifyingKey

    def fits(self, alg: str) -> bool:
        """Whether this key may verify that algorithm: kty, curve, size, and its own `alg` (RFC 8725 3.1)."""
        rule = ALGS[alg]
        return (
            self.kty == rule.kty
            and self.crv == rule.crv
            and self.bits >= rule.minimum_bits
            and (self.alg is None or _SAME_ALG.get(self.alg, self.alg) == _SAME_ALG.get(alg, alg))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The usable keys of one fetched set, and how many of it were not."""

    keys: tuple[PublicKey, ...]
    skipped: int = 0
    weak: frozenset[str] = frozenset()
    """The ids of RSA keys that are too small to be used (RFC 7518 3.3)."""

    def choose(self, header: Header, *, alg: str, document: str) -> tuple[VerifyingKey, ...]:
        """The keys to try for a token, by kid, kty, use, alg and crv (OIDC Core 10.1).

        Raises `UnknownKey` (`<document>_unknown_key`) where fetching the set again may help, and
        `TokenRejected` (`<document>_key_mismatch`, `<document>_key_weak`) where the named key is known but
        can't be meant or can't be trusted.
        """
        named = [key for key in self.keys if header.kid in {None, key.kid}]
        fitting = tuple(key.key for key in named if key.fits(alg))[:MAX_CANDIDATES]
        if fitting:
            return fitting
        if header.kid in self.weak:
            raise TokenRejected(
                f"{document}_key_weak",
                f"the key that the {document} names is too small to be trusted",
                section="RFC 7518 3.3",
            )
        if named and header.kid is not None:
            raise TokenRejected(
                f"{document}_key_mismatch",
                f"the key that the {document} names can't be used with {alg}",
                section="RFC 8725 3.1",
            )
        raise UnknownKey(
            f"{document}_unknown_key",
            f"the {document} is signed with a key that its issuer has not published",
            section="OIDC Core 10.1.1",
        )


def jwks_request(jwks_uri: str) -> HttpRequest:
    """Ask for the provider's keys (OIDC Discovery 3, `jwks_uri`)."""
    return HttpRequest(method="GET", url=jwks_uri, document="jwks", headers={"Accept": "application/json"})


def read_jwks(response: HttpResponse) -> KeySet:
    """Read a JWK Set (RFC 7517 5): unusable keys are skipped, a private key refuses the whole set.

    Codes: `jwks_keys_missing`, `jwks_private_key`, `jwks_no_usable_key`, and those of every JSON answer.
    """
    answer = read_json_answer(response, document="jwks", media_types=_MEDIA_TYPES)
    members = answer.get("keys")
    if not isinstance(members, list):
        raise MalformedAnswer("jwks_keys_missing", "the jwks document has no list of keys", section="RFC 7517 5")
    jwks = [member for member in members[:MAX_KEYS] if isinstance(member, dict)]
    if any(_PRIVATE_MEMBERS.get(str(jwk.get("kty")), frozenset()) & jwk.keys() for jwk in jwks):
        raise MalformedAnswer(
            "jwks_private_key",
            "the provider has published a private key; none of its keys is safe",
            section="RFC 7517 9.2",
        )
    usable = [key for key in map(_usable_key, jwks) if key is not None]
    if not usable:
        raise MalformedAnswer(
            "jwks_no_usable_key", "the jwks document has no key that we can use", section="RFC 7517 5"
        )
    weak = {str(jwk.get("kid")) for jwk in jwks if jwk.get("kty") == "RSA" and 0 < _bits(jwk) < MINIMUM_RSA_BITS}
    return KeySet(keys=tuple(usable), skipped=len(members) - len(usable), weak=frozenset(weak))


def _usable_key(jwk: JsonObject) -> PublicKey | None:
    kid, alg, crv, operations = (jwk.get(name) for name in ("kid", "alg", "crv", "key_ops"))
    if jwk.get("use") not in (None, "sig") or not all(v is None or isinstance(v, str) for v in (kid, alg, crv)):
        return None
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    bits = _bits(jwk)
    kty = str(jwk.get("kty"))
    wanted = [rule for rule in ALGS.values() if (rule.kty, rule.crv) == (kty, crv) and bits >= rule.minimum_bits]
    if not wanted or (key := public_key(jwk)) is None:
        return None
    return PublicKey(
        kid=kid if isinstance(kid, str) else None,
        alg=alg if isinstance(alg, str) else None,
        crv=crv if isinstance(crv, str) else None,
        kty=kty,
        bits=bits,
        key=key,
    )


def _bits(jwk: JsonObject) -> int:
    """The size of an RSA modulus; other kinds have the size of their curve, which `crv` names."""
    modulus = jwk.get("n")
    if jwk.get("kty") != "RSA":
        return max((rule.minimum_bits for rule in ALGS.values() if rule.crv == jwk.get("crv")), default=0)
    octets = b64url_decode(modulus) if isinstance(modulus, str) else None
    return 0 if octets is None else int.from_bytes(octets, "big").bit_length()
