import json
from dataclasses import replace

import pytest

SUB = "5c1f0b7e-somying"


@pytest.fixture(params=[None, "RS256", "HS256"])
def read(request, idp, helpers):
    """Userinfo with a fault, for a client that takes it plain, or signed by RS256 or HS256."""
    client = replace(helpers.DEMO, userinfo_signed_response_alg=request.param)
    walk = helpers.Walk(idp, idp.register(client))
    token = walk.tokens(scope="openid email")["access_token"]

    def read(name):
        with idp.fault(name):
            return walk.userinfo(token)

    read.signed = request.param is not None
    read.claims = lambda name: helpers.claims_of(read(name).text) if read.signed else read(name).json
    read.verified = lambda name: idp.keys.verify(read(name).text, secrets=[helpers.SECRET])
    return read


def test_subject(read):
    """Sub is wrong or missing in plain and in signed answers, which stay well signed."""
    assert read.claims("userinfo_wrong_sub")["sub"] == "somebody-else"
    assert "sub" not in read.claims("userinfo_no_sub")
    assert read.claims("userinfo_no_sub")["email"] == "somying@people.example"
    if read.signed:
        assert read.verified("userinfo_wrong_sub") is not None


def test_statuses(read):
    """Errors and redirects have the status in their name."""
    assert read("userinfo_401").status_code == 401
    assert read("userinfo_500").status_code == 500
    moved = read("userinfo_redirect")
    assert (moved.status_code, moved.headers["Location"]) == (307, "http://127.0.0.1:9000/moved")
    assert read("userinfo_html").mimetype == "text/html"


def test_signed_ones(read):
    """Faults of signed answers change aud, iss, alg, signature or form, one each."""
    if not read.signed:
        assert read.claims("userinfo_jwt_wrong_aud")["sub"] == SUB
        return
    assert read.claims("userinfo_jwt_wrong_aud")["aud"] == "another-client"
    assert read.claims("userinfo_jwt_wrong_iss")["iss"] == "https://issuer.example.net"
    assert read.verified("userinfo_jwt_wrong_iss") is not None
    assert read.verified("userinfo_jwt_bad_signature") is None
    none = read("userinfo_jwt_alg_none").text
    assert none.endswith(".")
    plain = read("userinfo_plain_where_jwt")
    assert (plain.mimetype, plain.json["sub"]) == ("application/json", SUB)


def test_plain_bodies(walk):
    """Array, duplicate, unreadable and large bodies are what they are called."""
    token = walk.tokens(scope="openid")["access_token"]

    def body(name):
        with walk.idp.fault(name):
            return walk.userinfo(token).data

    assert json.loads(body("userinfo_array")) == [{"sub": SUB}]
    assert json.loads(body("userinfo_duplicate_member"), object_pairs_hook=list) == [
        ("sub", "somebody-else"),
        ("sub", SUB),
    ]
    assert body("userinfo_not_json") == b"sub=somebody"
    assert json.loads(body("userinfo_too_large")) == {"sub": SUB}
    assert len(body("userinfo_too_large")) > 2 * 1024 * 1024
