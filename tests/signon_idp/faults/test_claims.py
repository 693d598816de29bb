import pytest

from signon_idp.faults.callback import STRANGE_ISSUER
from signon_idp.faults.claims import CLAIMS_FAULTS
from signon_idp.keys import KeyRing
from signon_idp.scene import Scene

ISSUER = "http://127.0.0.1:9000"
NOW = 1_800_000_000
SCENE = Scene(issuer=ISSUER, now=float(NOW), keys=KeyRing())
HEALTHY = {
    "iss": ISSUER,
    "sub": "somebody",
    "aud": "demo",
    "exp": NOW + 3600,
    "iat": NOW,
    "auth_time": NOW,
    "nonce": "n",
    "acr": "a",
    "at_hash": "h",
}


@pytest.mark.parametrize(
    ("name", "claim", "value"),
    [
        ("id_token_wrong_iss", "iss", STRANGE_ISSUER),
        ("id_token_iss_slash", "iss", ISSUER + "/"),
        ("id_token_wrong_aud", "aud", "another-client"),
        ("id_token_aud_prefix", "aud", "demo-and-more"),
        ("id_token_aud_empty", "aud", []),
        ("id_token_aud_number", "aud", 0),
        ("id_token_aud_extra", "aud", ["demo", "https://stranger.example.net"]),
        ("id_token_wrong_azp", "azp", "another-client"),
        ("id_token_expired", "exp", NOW - 3600),
        ("id_token_exp_text", "exp", "9999999999"),
        ("id_token_exp_true", "exp", True),
        ("id_token_future_iat", "iat", NOW + 3600),
        ("id_token_old_iat", "iat", NOW - 86400),
        ("id_token_iat_text", "iat", "1700000000"),
        ("id_token_future_nbf", "nbf", NOW + 3600),
        ("id_token_wrong_nonce", "nonce", "another-nonce"),
        ("id_token_empty_sub", "sub", ""),
        ("id_token_long_sub", "sub", "s" * 256),
        ("id_token_sub_number", "sub", 12345),
        ("id_token_sub_not_ascii", "sub", "สมหญิง"),
        ("id_token_wrong_at_hash", "at_hash", "A" * 22),
        ("id_token_at_hash_number", "at_hash", 12345),
        ("id_token_old_auth_time", "auth_time", NOW - 86400),
        ("id_token_wrong_acr", "acr", "urn:example:acr:nothing"),
    ],
)
def test_one_claim_is_wrong(name, claim, value):
    """The fault sets this claim to this value and touches no other."""
    bent = CLAIMS_FAULTS[name].claims(HEALTHY, SCENE)
    assert bent == {**HEALTHY, claim: value}
    assert type(bent[claim]) is type(value)


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nonce", "sub", "auth_time"])
def test_one_claim_is_missing(claim):
    """The fault takes this claim away and no other."""
    bent = CLAIMS_FAULTS[f"id_token_no_{claim}"].claims(HEALTHY, SCENE)
    assert bent == {name: value for name, value in HEALTHY.items() if name != claim}


def test_table_is_whole():
    """Each claims fault stands in one of the two tests above."""
    assert len(CLAIMS_FAULTS) == 24 + 7
