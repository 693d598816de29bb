from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from signon_idp.faults.front_channel import FRONT_CHANNEL_FAULTS

TYPES = {
    "front_no_code": "code id_token",
    "front_other_code": "code id_token",
    "front_no_c_hash": "code id_token",
    "front_wrong_c_hash": "code id_token",
}
CHANGES = {
    "front_no_at_hash": {"at_hash"},
    "front_no_c_hash": {"c_hash"},
    "front_wrong_c_hash": {"c_hash"},
    "front_wrong_s_hash": {"s_hash"},
    "front_other_sub": {"sub"},
    "front_other_name": {"name"},
}
"""The claims that a fault changes; all others change a parameter, or the mode."""


@pytest.fixture
def front(idp, helpers):
    grants = ("authorization_code", "implicit")
    client = replace(helpers.DEMO, response_types=("code id_token", "id_token token"), grant_types=grants)
    walk = helpers.Walk(idp, idp.register(client))
    walk.sign_in(response_type="code id_token")
    return walk


def found(response) -> dict[str, str]:
    target = urlsplit(response.headers["Location"])
    return dict(parse_qsl(target.query or target.fragment))


@pytest.mark.parametrize("name", FRONT_CHANNEL_FAULTS)
def test_fault_changes_what_it_says(front, helpers, name):
    """Each fault changes one parameter, or one claim of an ID token that is well signed, or the way it comes."""
    kind = TYPES.get(name, "id_token token")
    healthy = found(front.authorize(response_type=kind))
    with front.idp.fault(name):
        response = front.authorize(response_type=kind)
    bent = found(response)
    assert bool(urlsplit(response.headers["Location"]).query) == (name == "front_in_the_query")
    if name in CHANGES:
        before, after = (helpers.claims_of(answer["id_token"]) for answer in (healthy, bent))
        random = {"jti", "at_hash", "c_hash"} - CHANGES[name]
        changed = {m for m in {*before, *after} - random if before.get(m) != after.get(m)}
        assert changed == CHANGES[name]
        assert front.idp.keys.verify(bent["id_token"]) is not None
    elif name != "front_in_the_query":
        random = {"code", "access_token", "id_token"}
        odd = {k for k in {*healthy, *bent} if (k in healthy) != (k in bent) or "another-value" in bent.get(k, "")}
        odd |= {k for k in {*healthy, *bent} - random if healthy.get(k) != bent.get(k)}
        assert len(odd) == 1
        assert odd.pop() in name


def test_plain_code_is_left_alone(walk, helpers):
    """Without tokens by the browser nearly nothing of it shows: the faults are about those."""
    walk.sign_in()
    with walk.idp.fault("front_no_at_hash"):
        assert set(helpers.answer(walk.authorize())) == {"code", "state", "iss"}
