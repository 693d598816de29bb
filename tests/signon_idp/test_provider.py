from dataclasses import replace

import pytest

from signon_idp import Client, Idp
from signon_idp.dialects.oidc import OIDC
from signon_idp.faults import FAULTS, HEALTHY
from signon_idp.model import Grant


def test_issuer(clock):
    """The issuer is origin, path and the dialect's suffix; its endpoints have single slashes."""
    idp = Idp(dialect=OIDC, origin="http://127.0.0.1:9000", path="/tenant/a", now=clock)
    assert (idp.issuer, idp.port, idp.host) == ("http://127.0.0.1:9000/tenant/a", 9000, "127.0.0.1")
    slash = Idp(dialect=replace(OIDC, issuer_suffix="/"), origin="https://idp.example", now=clock)
    assert (slash.issuer, slash.base, slash.port) == ("https://idp.example/", "https://idp.example", 443)
    assert slash.app.test_client().get("/.well-known/openid-configuration").json["issuer"] == slash.issuer


@pytest.mark.parametrize("path", ["tenant", "/tenant/", "/"])
def test_malformed_path(path):
    """A path that isn't empty and isn't /like/this is a ValueError."""
    with pytest.raises(ValueError, match="begins with a slash"):
        Idp(dialect=OIDC, origin="http://127.0.0.1:9000", path=path)


def test_register_refuses_what_the_dialect_does_not_speak(idp):
    """A client's authentication and algorithm must be the dialect's."""
    narrow = Idp(
        dialect=replace(OIDC, auth_methods=("client_secret_post",), signing_algs=("RS256",)),
        origin="http://127.0.0.1",
    )
    with pytest.raises(ValueError, match="does not speak client_secret_basic"):
        narrow.register(Client(client_id="a", client_secret="s"))
    with pytest.raises(ValueError, match="does not sign with ES256"):
        narrow.register(
            Client(
                client_id="a",
                client_secret="s",
                token_endpoint_auth_method="client_secret_post",
                id_token_signed_response_alg="ES256",
            )
        )
    with pytest.raises(ValueError, match="oidc does not encrypt"):
        Idp(dialect=replace(OIDC, encryption=False), origin="http://127.0.0.1").register(
            Client(
                client_id="a",
                client_secret="s",
                id_token_encrypted_response_alg="RSA-OAEP",
                jwks={"keys": [{"kty": "RSA"}]},
            )
        )


def test_faults_are_set_and_taken_back(idp):
    """A fault lasts for its with block, or until it is set to none; the one before comes back."""
    idp.set_fault("jwks_500")
    with idp.fault("jwks_empty"):
        assert idp.fault_now is FAULTS["jwks_empty"]
    assert idp.fault_now is FAULTS["jwks_500"]
    idp.set_fault(None)
    assert idp.fault_now is HEALTHY
    with pytest.raises(ValueError, match="no fault is called 'typo'"):
        idp.set_fault("typo")


def test_fault_ends_with_an_exception(idp):
    """A test that fails inside the block leaves no fault behind."""
    with pytest.raises(ZeroDivisionError), idp.fault("jwks_500"):
        raise ZeroDivisionError
    assert idp.fault_now is HEALTHY


def test_secrets_are_all_there(walk, helpers):
    """Client secrets, codes, access, refresh and ID tokens are among the secrets."""
    code = walk.code()
    tokens = walk.exchange(code).json
    expected = {helpers.SECRET, code, tokens["access_token"], tokens["refresh_token"], tokens["id_token"]}
    assert expected == walk.idp.secrets


def test_calls_are_counted(walk):
    """Each endpoint's calls are counted by name."""
    walk.tokens()
    walk.http.get(walk.path("discovery"))
    assert walk.idp.calls == {"authorize": 1, "sign_in": 1, "token": 1, "discovery": 1}


def test_reset(walk, helpers):
    """A reset forgets everything but the first clients, and takes the first keys and clock again."""
    idp, first_kid = walk.idp, walk.idp.keys.signing_key("RS256")["kid"]
    token = walk.tokens()["access_token"]
    idp.register(Client(client_id="later", client_secret="s"))
    idp.rotate_keys()
    idp.set_fault("jwks_500")
    idp.now = lambda: 0.0
    idp.refresh_grace_seconds, idp.access_token_seconds = 15, 1
    idp.count_refresh(Grant(client_id="demo", scopes=()))
    idp.reset()
    assert (idp.refresh_grace_seconds, idp.access_token_seconds, idp.refreshes) == (0, 3600, {})
    assert (idp.fault_now, list(idp.clients), idp.calls.total(), idp.secrets) == (
        HEALTHY,
        ["demo"],
        0,
        {helpers.SECRET},
    )
    assert idp.keys.signing_key("RS256")["kid"] == first_kid
    assert idp.now() > 0
    assert walk.userinfo(token).status_code == 401
    assert walk.authorize().status_code == 200


def test_clock_can_be_set_later(walk, clock):
    """A clock set on the provider counts for what it keeps, too."""
    token = walk.tokens()["access_token"]
    walk.idp.now = lambda: clock.time + 3600
    assert walk.userinfo(token).status_code == 401


def test_in_process_provider_stops_quietly(idp):
    """A provider without a server can be used as a context manager as well."""
    with idp as same:
        assert same is idp
    assert idp.stopped.is_set()
