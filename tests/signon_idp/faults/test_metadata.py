import json

import pytest

STRANGE_ISSUER = "https://issuer.example.net"


@pytest.fixture
def fetch(walk):
    """An endpoint's answer under a fault."""

    def fetch(name):
        with walk.idp.fault(name):
            return walk.http.get(walk.path("jwks" if name.startswith("jwks") else "discovery"))

    return fetch


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("metadata_wrong_issuer", "issuer", STRANGE_ISSUER),
        ("metadata_http_endpoint", "token_endpoint", "http://provider.example.net/token"),
        ("metadata_javascript_endpoint", "authorization_endpoint", "javascript:alert(1)//"),
        ("metadata_endpoint_fragment", "authorization_endpoint", "http://127.0.0.1:9000/authorize#fragment"),
        ("metadata_number_endpoint", "token_endpoint", 12345),
        ("metadata_no_s256", "code_challenge_methods_supported", ["plain"]),
    ],
)
def test_one_member_is_wrong(walk, fetch, name, member, value):
    """The fault changes this member of the document and no other."""
    healthy = walk.http.get(walk.path("discovery")).json
    assert fetch(name).json == {**healthy, member: value}


@pytest.mark.parametrize("member", ["token_endpoint", "jwks_uri"])
def test_one_member_is_missing(walk, fetch, member):
    """The fault takes this member away and no other."""
    healthy = walk.http.get(walk.path("discovery")).json
    del healthy[member]
    assert fetch(f"metadata_no_{member}").json == healthy


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("metadata_500", 500),
        ("metadata_404", 404),
        ("metadata_redirect", 307),
        ("jwks_500", 500),
        ("jwks_redirect", 307),
    ],
)
def test_statuses(fetch, name, status):
    """Errors and redirects have the status in their name, redirects lead to the counted address."""
    response = fetch(name)
    assert response.status_code == status
    assert response.headers.get("Location") == ("http://127.0.0.1:9000/moved" if status == 307 else None)


@pytest.mark.parametrize("kind", ["metadata", "jwks"])
def test_bodies(walk, fetch, kind):
    """Unreadable, array and large bodies are what they are called."""
    healthy = walk.http.get(walk.path("jwks" if kind == "jwks" else "discovery")).json
    with pytest.raises(json.JSONDecodeError):
        json.loads(fetch(f"{kind}_not_json").data)
    assert fetch(f"{kind}_array").json == [healthy]
    assert fetch(f"{kind}_too_large").json == healthy
    assert len(fetch(f"{kind}_too_large").data) > 2 * 1024 * 1024


def test_repeated_members(fetch):
    """The repeated member is wrong first and right last."""
    pairs = json.loads(fetch("metadata_duplicate_member").data, object_pairs_hook=list)
    assert [value for name, value in pairs if name == "issuer"] == [STRANGE_ISSUER, "http://127.0.0.1:9000"]
    pairs = json.loads(fetch("jwks_duplicate_member").data, object_pairs_hook=list)
    assert [name for name, _ in pairs] == ["keys", "keys"]
    assert pairs[0][1] == []


def test_html(fetch):
    """Only the content type is wrong."""
    response = fetch("metadata_html")
    assert response.mimetype == "text/html"
    assert json.loads(response.data)["issuer"] == "http://127.0.0.1:9000"


def test_key_sets(walk, fetch):
    """Keys is missing, an object, empty, or holds a private member or nothing that can check a signature."""
    assert fetch("jwks_no_keys").json == {}
    assert fetch("jwks_keys_object").json == {"keys": {}}
    assert fetch("jwks_empty").json == {"keys": []}
    private = [key for key in fetch("jwks_private_member").json["keys"] if "d" in key]
    assert [key["kid"] for key in private] == [walk.idp.keys.signing_key("RS256")["kid"]]
    assert {key["use"] for key in fetch("jwks_only_unusable").json["keys"] if key["kty"] != "QKD"} == {"enc"}
