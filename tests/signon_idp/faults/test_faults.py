"""Every fault through the real endpoints: it changes what its name says, and nothing else."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from signon_idp import FAULTS, Client, Idp
from signon_idp.dialects.oidc import OIDC
from signon_idp.faults import FRONT_CHANNEL_FAULTS

_NAMES = """
callback_no_state callback_empty_state callback_wrong_state callback_two_states callback_two_codes
callback_two_iss callback_two_errors callback_wrong_iss callback_no_iss callback_no_code
callback_code_and_error callback_access_denied callback_server_error callback_unrequested_token
callback_unrequested_id_token callback_wrong_mode callback_markup_error token_not_json token_empty token_array
token_scalar token_duplicate_member token_nan token_infinite token_big_number token_lone_surrogate
token_not_utf8 token_deep token_too_large token_html token_no_type token_unknown_type token_no_access_token
token_access_token_number token_no_id_token token_expires_in_text token_expires_in_negative
token_expires_in_huge token_expires_in_true token_redirect token_invalid_grant token_invalid_client
token_error_500 token_drop token_drip token_gzip id_token_alg_none id_token_alg_none_mixed_case
id_token_no_alg id_token_hs256_public_key id_token_other_alg id_token_bad_signature id_token_empty_signature
id_token_unknown_kid id_token_header_jwk id_token_header_jku id_token_header_x5c id_token_crit
id_token_crit_empty id_token_b64 id_token_json_serialization id_token_two_parts id_token_encrypted
id_token_padded id_token_whitespace id_token_trailing_bits id_token_duplicate_header id_token_duplicate_claim
id_token_not_json id_token_array id_token_wrong_typ id_token_weak_key id_token_wrong_kty_kid id_token_no_iss
id_token_wrong_iss id_token_iss_slash id_token_no_aud id_token_wrong_aud id_token_aud_prefix
id_token_aud_empty id_token_aud_number id_token_aud_extra id_token_wrong_azp id_token_no_exp id_token_expired
id_token_exp_text id_token_exp_true id_token_exp_infinite id_token_no_iat id_token_future_iat id_token_old_iat
id_token_iat_text id_token_future_nbf id_token_no_nonce id_token_wrong_nonce id_token_no_sub
id_token_empty_sub id_token_long_sub id_token_sub_number id_token_sub_not_ascii id_token_wrong_at_hash
id_token_at_hash_number id_token_no_auth_time id_token_old_auth_time id_token_wrong_acr id_token_number
userinfo_wrong_sub userinfo_no_sub userinfo_array userinfo_not_json userinfo_html userinfo_duplicate_member
userinfo_401 userinfo_500 userinfo_redirect userinfo_too_large userinfo_jwt_bad_signature
userinfo_jwt_wrong_aud userinfo_jwt_wrong_iss userinfo_jwt_alg_none userinfo_plain_where_jwt metadata_not_json
metadata_array metadata_wrong_issuer metadata_no_token_endpoint metadata_no_jwks_uri metadata_http_endpoint
metadata_javascript_endpoint metadata_endpoint_fragment metadata_number_endpoint metadata_500 metadata_404
metadata_redirect metadata_too_large metadata_html metadata_duplicate_member metadata_no_s256 jwks_not_json
jwks_array jwks_no_keys jwks_keys_object jwks_empty jwks_private_member jwks_500 jwks_redirect jwks_too_large
jwks_only_unusable jwks_duplicate_member
logout_no_iss logout_wrong_iss logout_no_aud logout_wrong_aud logout_no_iat logout_future_iat logout_no_exp
logout_expired logout_no_jti logout_jti_number logout_nonce logout_no_events logout_events_array
logout_other_event logout_event_text logout_no_sub_no_sid logout_sub_number logout_sid_number logout_alg_none
logout_hs256_public_key logout_other_alg logout_unknown_key logout_wrong_typ logout_id_token logout_altered
logout_replayed
front_no_id_token front_no_access_token front_no_code front_other_access_token front_other_code
front_no_token_type front_expires_in_text front_in_the_query front_no_at_hash front_no_c_hash front_wrong_c_hash
front_wrong_s_hash front_other_sub front_other_name
"""
CONTRACT = _NAMES.split()


def test_contract():
    """Exactly the promised faults exist, and each says in one sentence what is wrong."""
    assert set(FAULTS) == set(CONTRACT)
    for name, fault in FAULTS.items():
        assert fault.sentence.endswith("."), name
        assert 10 < len(fault.sentence) < 100, name


@pytest.mark.parametrize(
    "name", [name for name, fault in FAULTS.items() if fault.callback and name not in FRONT_CHANNEL_FAULTS]
)
def test_callback_faults_differ(walk, name):
    """A callback fault changes the authorization response and leaves the rest of the sign-in alone."""
    walk.sign_in()
    healthy = walk.authorize()
    with walk.idp.fault(name):
        bent = walk.authorize()
    assert _shape(bent) != _shape(healthy)
    assert _shape(walk.authorize()) == _shape(healthy)


def _shape(response) -> tuple[object, ...]:
    # The code is another one each time; everything else must be equal.
    if response.status_code != 303:
        return (response.status_code, "form_post")
    pairs = parse_qsl(urlsplit(response.headers["Location"]).query, keep_blank_values=True)
    return tuple((name, "" if name == "code" else value) for name, value in pairs[:1]) + tuple(pairs[1:])


# token_drip never ends by itself; test_server looks at it.
@pytest.mark.parametrize("name", [name for name in FAULTS if FAULTS[name].token and name != "token_drip"])
def test_token_faults_differ(walk, helpers, name):
    """A token fault changes the token endpoint's answer: its status, its type, its members, or that it comes."""
    code = walk.code()
    walk.idp.set_fault(name)
    if name == "token_drop":
        with pytest.raises(ConnectionResetError):
            walk.exchange(code)
        return
    response = walk.exchange(code)
    assert _outline(response) != (200, "application/json", None, _MEMBERS), name


_MEMBERS = (
    ("access_token", "str"),
    ("expires_in", "int"),
    ("id_token", "str"),
    ("refresh_token", "str"),
    ("scope", "str"),
    ("token_type", "Bearer"),
)


def _outline(response) -> tuple[object, ...]:
    encoding = response.headers.get("Content-Encoding")
    if len(response.data) > 1024 * 1024:
        return (response.status_code, "too large")
    try:
        pairs = json.loads(response.data, object_pairs_hook=list)
        members = tuple(sorted((name, _value(name, value)) for name, value in pairs))
    except (ValueError, TypeError, RecursionError, UnicodeDecodeError):
        members = None
    return (response.status_code, response.mimetype, encoding, members)


def _value(name: str, value: object) -> str:
    if name == "token_type":
        return str(value)
    odd = {"expires_in": value != 3600, "scope": isinstance(value, str) and not value.isascii()}
    return f"odd {value!r}" if odd.get(name) else type(value).__name__


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.claims])
def test_claims_faults_change_one_claim(walk, helpers, name):
    """A claims fault changes exactly one claim of an ID token that is well signed."""
    with walk.idp.fault(name):
        bent = walk.tokens()["id_token"]
    healthy = helpers.claims_of(walk.tokens()["id_token"])
    claims = helpers.claims_of(bent)
    random = {"jti", "at_hash"}
    changed = {
        member
        for member in {*claims, *healthy} - random
        if claims.get(member, _MISSING) != healthy.get(member, _MISSING)
    }
    if name in {"id_token_wrong_at_hash", "id_token_at_hash_number"}:
        assert not changed
        assert claims["at_hash"] in ("A" * 22, 12345)
    else:
        assert len(changed) == 1
        assert next(iter(changed)) in name
    assert walk.idp.keys.verify(bent) is not None


_MISSING = object()


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.draft or fault.compact])
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_jose_faults_differ_from_a_healthy_token(idp, helpers, name, alg):
    """A JOSE fault gives something else than three base64url parts with the registered header and plain claims."""
    walk = helpers.Walk(idp, idp.register(replace(helpers.DEMO, id_token_signed_response_alg=alg)))
    with idp.fault(name):
        bent = walk.tokens()["id_token"]
    assert _faults_of(walk, bent, alg), name
    assert not _faults_of(walk, walk.tokens()["id_token"], alg)


def _faults_of(walk, token: str, alg: str) -> list[str]:
    """What a strict reader has against `token`, in its order; empty for a healthy one."""
    import base64

    parts = token.split(".")
    if len(parts) != 3 or not all(
        part.isascii() and part.replace("-", "").replace("_", "").isalnum() for part in parts
    ):
        return ["form"]
    for part in parts:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
            return ["stray bits"]
    header, payload = (
        json.loads(base64.urlsafe_b64decode(part + "==="), object_pairs_hook=list, parse_constant=str)
        if index == 0
        else base64.urlsafe_b64decode(part + "===")
        for index, part in enumerate(parts[:2])
    )
    usual = {"alg", "typ"} if alg == "HS256" else {"alg", "typ", "kid"}
    problems = [] if sorted(name for name, _ in header) == sorted(usual) else ["header members"]
    members = dict(header)
    problems += [] if (members.get("alg"), members.get("typ")) == (alg, "JWT") else ["alg or typ"]
    if alg != "HS256" and members.get("kid") != walk.idp.keys.signing_key(alg)["kid"]:
        problems.append("kid")
    problems += _payload_faults(payload)
    if walk.idp.keys.verify(token, secrets=[walk.client.client_secret]) is None:
        problems.append("signature")
    return problems


def _payload_faults(payload: bytes) -> list[str]:
    try:
        pairs = json.loads(payload, object_pairs_hook=list)
        names = [name for name, _ in pairs]
    except (ValueError, TypeError):
        return ["no claims object"]
    repeated = len(set(names)) != len(names)
    return ["claims"] if repeated or dict(pairs).get("exp") == float("inf") else []


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.userinfo])
def test_userinfo_faults_differ(idp, helpers, name):
    """A userinfo fault changes the answer's status, type, members or signature."""
    signed = "jwt" in name
    client = replace(helpers.DEMO, userinfo_signed_response_alg="RS256" if signed else None)
    walk = helpers.Walk(idp, idp.register(client))
    token = walk.tokens()["access_token"]
    healthy = walk.userinfo(token)
    with idp.fault(name):
        bent = walk.userinfo(token)
    assert (bent.status_code, bent.mimetype, bent.data) != (healthy.status_code, healthy.mimetype, healthy.data)
    assert walk.userinfo(token).data == healthy.data


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.userinfo and "jwt" in name])
def test_faults_of_signed_userinfo_leave_a_plain_one_alone(walk, name):
    """Faults about signed userinfo change nothing for a client that takes plain JSON."""
    token = walk.tokens()["access_token"]
    healthy = walk.userinfo(token).data
    with walk.idp.fault(name):
        assert walk.userinfo(token).data == healthy


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.metadata])
def test_metadata_faults_differ(walk, name):
    """A metadata fault changes the discovery document's answer."""
    healthy = walk.http.get(walk.path("discovery"))
    with walk.idp.fault(name):
        bent = walk.http.get(walk.path("discovery"))
    assert (bent.status_code, bent.mimetype, bent.data) != (healthy.status_code, healthy.mimetype, healthy.data)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.jwks])
def test_jwks_faults_differ(walk, name):
    """A key set fault changes the key set's answer."""
    healthy = walk.http.get(walk.path("jwks"))
    with walk.idp.fault(name):
        bent = walk.http.get(walk.path("jwks"))
    assert (bent.status_code, bent.data) != (healthy.status_code, healthy.data)


def test_every_fault_bends_something():
    """No fault is a name without an effect."""
    hooks = (
        *("callback", "claims", "draft", "compact", "token", "userinfo", "metadata", "jwks"),
        *("logout_claims", "logout_draft", "logout_posts"),
    )
    for name, fault in FAULTS.items():
        assert any(getattr(fault, hook) for hook in hooks), name


def test_issuer_that_ends_with_a_slash_loses_it(clock, helpers):
    """The slash fault takes the slash away where the issuer has one."""
    dialect = replace(OIDC, issuer_suffix="/")
    walk = helpers.Walk(Idp(dialect=dialect, origin="http://127.0.0.1:9000", clients=(helpers.DEMO,), now=clock))
    with walk.idp.fault("id_token_iss_slash"):
        assert helpers.claims_of(walk.tokens()["id_token"])["iss"] == "http://127.0.0.1:9000"


def test_no_fault_touches_another_clients_registration(idp):
    """A fault needs no special client: a public one meets it too."""
    idp.register(
        Client(client_id="public", token_endpoint_auth_method="none", redirect_uris=("http://localhost/cb",))
    )
    with idp.fault("metadata_404"):
        assert idp.app.test_client().get("/.well-known/openid-configuration").status_code == 404
