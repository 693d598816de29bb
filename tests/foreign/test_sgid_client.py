"""The vendor's own client, two releases of it, signs in at the practice sgID."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tests.journeys.visitor import Visitor

from signon_idp import practice_key, start
from signon_idp.demo import demo_client
from signon_idp.dialects.sgid import SCOPES, SGID, sgid_dialect

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".foreign"
EVERYTHING = " ".join(SCOPES)
USUAL = "openid myinfo.name"


def python_of(name: str) -> str:
    """A foreign client's interpreter; without it a skip that says what to do, in CI a failure."""
    python = ENVIRONMENTS / name / "bin" / "python"
    if not (ENVIRONMENTS / name / ".ready").exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"the environment of the foreign client {name} is missing: `make deps`, or tools/foreign-venvs.sh"
        )
    return str(python)


@pytest.fixture(params=["0.2.0", "0.3.0"])
def release(request):
    return request.param


class Failed(Exception):
    """What the client wrote when it ended badly."""


def sign_in(release: str, idp, *, persona: str = "meilin", scope: str = USUAL, **changes: str):
    """Let the client sign a persona in; what it learned, or `Failed` with the last line that it wrote."""
    (client,) = idp.clients.values()
    told = {
        "hostname": idp.origin,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "private_key": practice_key.private_pem(),
        "redirect_uri": client.redirect_uris[0],
        "scope": scope,
        **changes,
    }
    command = [python_of(f"sgid-{release}"), str(HERE / "sgid_rp.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        program.stdin.write(json.dumps(told) + "\n")
        program.stdin.flush()
        line = program.stdout.readline()
        answer = _answered(idp, json.loads(line)["url"], persona) if line else {}
        out, errors = program.communicate(json.dumps(answer) + "\n", timeout=30)
    if program.returncode:
        raise Failed(errors.strip().splitlines()[-1])
    return json.loads(out)


def _answered(idp, url: str, persona: str) -> dict[str, str]:
    visitor = Visitor((idp.origin, idp.app))
    page = visitor.get(url)
    stopped = visitor.submit(page, persona=persona, stop_at="/auth/callback/")
    query = parse_qs(urlsplit(stopped.headers["Location"]).query)
    assert query["state"] == ["icecream=Vanilla"]
    return {"code": query["code"][0]}


@pytest.fixture
def idp():
    with start(dialect="sgid", clients=(demo_client("sgid"),)) as served:
        yield served


def test_quirk_2_signs_in(idp, release):
    """Quirk 2: both releases sign in, the one whose callback gives two values and the one that gives three."""
    learned = sign_in(release, idp)
    assert learned["members"] == {"0.2.0": 2, "0.3.0": 3}[release]
    assert learned["sub"] == learned["again"]
    assert learned["data"] == {"myinfo.name": "TAN MEI LIN"}


@pytest.mark.parametrize("persona", [person.id for person in SGID.personas if not person.refuses_consent])
def test_quirks_3_to_5_every_field_of_everybody(idp, release, persona):
    """Quirks 3 to 5: whatever of anybody's fields is asked for, the client can read it."""
    learned = sign_in(release, idp, persona=persona, scope=EVERYTHING)
    assert learned["data"].keys() == set(SCOPES) - {"openid"}
    claims = next(person.claims for person in SGID.personas if person.id == persona)
    assert learned["data"] == {scope: claims.get(scope, "NA") for scope in learned["data"]}


def test_recipe_b(release):
    """It reads MockPass's way of encrypting, too."""
    with start(dialect=sgid_dialect(recipe="B"), clients=(demo_client("sgid"),)) as idp:
        assert sign_in(release, idp)["data"] == {"myinfo.name": "TAN MEI LIN"}


def test_rotated_keys(idp, release):
    """After the provider's keys were exchanged it signs in as before."""
    idp.rotate_keys()
    assert sign_in(release, idp)["data"] == {"myinfo.name": "TAN MEI LIN"}


def test_wrong_secret(idp, release):
    """A wrong secret ends in its own error, which quotes ours."""
    with pytest.raises(Failed, match=r'^Response body: \{"message":"wrong client secret"\}$'):
        sign_in(release, idp, client_secret="wrong")


def test_served_over_http(idp):
    """The addresses that it knows by heart answer."""
    keys = requests.get(f"{idp.origin}/v2/.well-known/jwks.json", timeout=5).json()["keys"]
    assert [key["alg"] for key in keys] == ["RS256"]
