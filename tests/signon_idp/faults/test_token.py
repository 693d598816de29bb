import gzip
import json
import math

import pytest

from signon_idp.faults.token import TOKEN_FAULTS
from signon_idp.keys import KeyRing
from signon_idp.replies import Reply, json_reply
from signon_idp.scene import Scene

MEMBERS = {
    "access_token": "at",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "openid",
    "id_token": "a.b.c",
}
SCENE = Scene(issuer="http://127.0.0.1:9000/t", now=0.0, keys=KeyRing())


def bent(name: str) -> Reply:
    return TOKEN_FAULTS[name].token(json_reply(MEMBERS), SCENE)


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("token_unknown_type", "token_type", "mac"),
        ("token_access_token_number", "access_token", 12345),
        ("token_expires_in_text", "expires_in", "soon"),
        ("token_expires_in_negative", "expires_in", -3600),
        ("token_expires_in_huge", "expires_in", 1e300),
        ("token_expires_in_true", "expires_in", True),
        ("token_infinite", "expires_in", math.inf),
        ("token_lone_surrogate", "scope", "openid \ud800"),
        ("id_token_number", "id_token", 12345),
    ],
)
def test_one_member_is_wrong(name, member, value):
    """The fault changes this member to this value and no other; status and type stay."""
    reply = bent(name)
    assert json.loads(reply.body) == {**MEMBERS, member: value}
    assert type(json.loads(reply.body)[member]) is type(value)
    assert (reply.status, reply.content_type) == (200, "application/json")


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("token_no_type", "token_type"),
        ("token_no_access_token", "access_token"),
        ("token_no_id_token", "id_token"),
    ],
)
def test_one_member_is_missing(name, member):
    """The fault takes this member away and no other."""
    assert json.loads(bent(name).body) == {key: value for key, value in MEMBERS.items() if key != member}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("token_not_json", json.JSONDecodeError),
        ("token_empty", json.JSONDecodeError),
        ("token_not_utf8", UnicodeDecodeError),
        ("token_deep", RecursionError),
    ],
)
def test_unreadable_bodies(name, error):
    """Python's own reader fails on the body with this very error."""
    with pytest.raises(error):
        json.loads(bent(name).body)


def test_odd_bodies():
    """NaN, 5,000 digits, an array, a scalar and a repeated member are what they are called."""
    assert math.isnan(json.loads(bent("token_nan").body)["expires_in"])
    assert bent("token_big_number").body.count(b"9") == 5000
    assert json.loads(bent("token_array").body) == [MEMBERS]
    assert json.loads(bent("token_scalar").body) == "access_token"
    pairs = json.loads(bent("token_duplicate_member").body, object_pairs_hook=list)
    assert [value for name, value in pairs if name == "access_token"] == ["the-first-of-two", "at"]


def test_too_large_is_valid_but_long():
    """The large body is over 2 MiB, and only its length is wrong."""
    body = bent("token_too_large").body
    assert len(body) > 2 * 1024 * 1024
    assert json.loads(body) == MEMBERS


def test_transport():
    """Type, compression, redirect and errors change the answer around the body."""
    assert bent("token_html").content_type == "text/html; charset=utf-8"
    assert json.loads(bent("token_html").body) == MEMBERS
    packed = bent("token_gzip")
    assert ("Content-Encoding", "gzip") in packed.headers
    assert json.loads(gzip.decompress(packed.body)) == MEMBERS
    moved = bent("token_redirect")
    assert (moved.status, dict(moved.headers)["Location"]) == (307, "http://127.0.0.1:9000/t/moved")
    assert (bent("token_invalid_grant").status, bent("token_invalid_grant").members()["error"]) == (
        400,
        "invalid_grant",
    )
    assert (bent("token_invalid_client").status, bent("token_invalid_client").members()["error"]) == (
        401,
        "invalid_client",
    )
    assert bent("token_error_500").status == 500
    assert bent("token_drop").dropped


def test_drip_ends_with_the_provider():
    """The dripping body gives a blank at a time, and ends when the provider stops."""
    drops = bent("token_drip").trickle()
    assert next(drops) == b" "
    SCENE.stopped.set()
    assert list(drops) == []
    SCENE.stopped.clear()
