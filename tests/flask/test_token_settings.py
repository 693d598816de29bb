import json

import pytest
from jwcrypto import jwk

from signon.core.errors import ConfigurationError

KEY = jwk.JWK.generate(kty="EC", crv="P-256", kid="ec")
PEM = KEY.export_to_pem(private_key=True, password=None).decode()


def own(app):
    return app.extensions["signon"].settings.own_tokens


def problems(make_app, **settings) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as error:
        make_app(**settings)
    return error.value.problems


def test_off_without_a_key(make_app):
    """Without a key no token is issued, and no route is there."""
    app = make_app()
    assert own(app) is None
    assert app.test_client().post("/auth/token", headers={"X-CSRF": "1"}).status_code == 404


def test_usual_values(make_app):
    """A key is enough: five minutes, for the application itself, under its address."""
    made = own(make_app(SIGNON_TOKEN_KEY=PEM, SIGNON_BASE_URL="https://app.example.org"))
    assert (made.issuer, made.audience, made.seconds, made.scope) == ("https://app.example.org", None, 300, "")


def test_own_values(make_app):
    """Life, audience and scope can be set."""
    made = own(
        make_app(
            SIGNON_TOKEN_KEY=PEM,
            SIGNON_TOKEN_SECONDS=60,
            SIGNON_TOKEN_AUDIENCE="https://api.example.org",
            SIGNON_TOKEN_SCOPE="read write",
        )
    )
    assert (made.audience, made.seconds, made.scope) == ("https://api.example.org", 60, "read write")


def test_key_from_the_environment_or_a_file(make_app, monkeypatch, tmp_path):
    """The key may stand in the environment on one line, or in a file."""
    monkeypatch.setenv("SIGNON_TOKEN_KEY", PEM.replace("\n", "\\n"))
    assert own(make_app()).keys[0].kid == KEY.thumbprint()
    monkeypatch.delenv("SIGNON_TOKEN_KEY")
    (tmp_path / "key").write_text(json.dumps({"keys": [KEY.export(as_dict=True)]}))
    assert own(make_app(SIGNON_TOKEN_KEY_FILE=str(tmp_path / "key"))).keys[0].kid == "ec"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"SIGNON_TOKEN_KEY": "a text that is no key"}, "SIGNON_TOKEN_KEY: the private key is no PEM"),
        ({"SIGNON_TOKEN_KEY": PEM + PEM}, "SIGNON_TOKEN_KEY: two keys"),
        ({"SIGNON_TOKEN_KEY": PEM, "SIGNON_TOKEN_SECONDS": 3601}, "SIGNON_TOKEN_SECONDS=3601 is more than 3600"),
        ({"SIGNON_TOKEN_KEY": PEM, "SIGNON_TOKEN_SECONDS": "0"}, "SIGNON_TOKEN_SECONDS='0'"),
        ({"SIGNON_TOKEN_KEY": PEM, "SIGNON_TOKEN_SCOPE": 'a"b'}, "SIGNON_TOKEN_SCOPE: 'a\"b' is no scope"),
        ({"SIGNON_TOKEN_AUDIENCE": "a"}, "SIGNON_TOKEN_AUDIENCE is set: set SIGNON_TOKEN_KEY, too"),
        ({"SIGNON_TOKEN_SCOPE": "a"}, "SIGNON_TOKEN_SCOPE is set: set SIGNON_TOKEN_KEY, too"),
        ({"SIGNON_TOKEN_STORAGE": "token"}, "SIGNON_TOKEN_STORAGE is set: set SIGNON_TOKEN_KEY, too"),
    ],
)
def test_what_stops_the_start(make_app, settings, problem):
    """What is wrong stops the start, once, and no part of a key is in what it says."""
    (found,) = problems(make_app, **settings)
    assert found.startswith(problem)
    assert "a text that is" not in found


def test_longest_life(make_app):
    """An hour is the longest that a token may live."""
    assert own(make_app(SIGNON_TOKEN_KEY=PEM, SIGNON_TOKEN_SECONDS=3600)).seconds == 3600
