"""The served provider, over loopback."""

import socket
import ssl
import time
from dataclasses import replace

import pytest
import requests
import trustme

from signon_idp import start
from signon_idp.dialects.oidc import OIDC


@pytest.fixture
def served(helpers):
    with start(clients=(helpers.DEMO,)) as idp:
        yield idp


def post_token(idp, helpers, *, code, **options):
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": helpers.CALLBACK,
        "code_verifier": helpers.VERIFIER,
    }
    return requests.post(f"{idp.issuer}/token", data=form, auth=("demo", helpers.SECRET), timeout=10, **options)


def test_issuer_has_the_port(served):
    """Port 0 takes a free one, and the issuer names it."""
    assert served.issuer == f"http://127.0.0.1:{served.port}"
    response = requests.get(f"{served.issuer}/.well-known/openid-configuration", timeout=5)
    assert response.json()["issuer"] == served.issuer


def test_times_can_be_told(signon_idp_factory):
    """The life of access tokens and the grace for refresh tokens can be told at the start; a reset keeps them."""
    idp = signon_idp_factory(access_token_seconds=60, refresh_grace_seconds=15)
    idp.access_token_seconds = idp.refresh_grace_seconds = 1
    idp.reset()
    assert (idp.access_token_seconds, idp.refresh_grace_seconds) == (60, 15)
    assert idp.scene().access_token_seconds == 60


def test_connections_are_kept_and_counted(served):
    """Ten requests of one session share a connection; another session makes a second."""
    with requests.Session() as session:
        for _ in range(10):
            assert session.get(f"{served.issuer}/jwks.json", timeout=5).status_code == 200
    assert (served.calls["jwks"], served.connections) == (10, 1)
    requests.get(f"{served.issuer}/jwks.json", timeout=5)
    assert served.connections == 2


def test_tls(helpers, tmp_path):
    """With a certificate and its key the provider speaks https, and its issuer says so."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf = authority.issue_cert("127.0.0.1")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    with start(tls=(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")), clients=(helpers.DEMO,)) as idp:
        assert idp.issuer.startswith("https://127.0.0.1:")
        with requests.Session() as session:
            for _ in range(3):
                response = session.get(f"{idp.issuer}/jwks.json", timeout=5, verify=str(tmp_path / "ca.pem"))
                assert response.status_code == 200
        assert idp.connections == 1
        plain = socket.create_connection(("127.0.0.1", idp.port), timeout=5)
        with plain, pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


def test_large_answers_and_headers(served, helpers):
    """The persona of 300 groups signs in over the wire; a 100 KB address is read, too."""
    walk = helpers.Walk(served)
    response = post_token(served, helpers, code=walk.code("grace", scope="openid groups"))
    assert len(helpers.claims_of(response.json()["id_token"])["groups"]) == 300
    long = requests.get(f"{served.issuer}/authorize", params={"x": "y" * 100_000}, timeout=5)
    assert long.status_code == 400


def test_dropped_answer(served, helpers):
    """token_drop closes the connection without a byte; the next request is served."""
    walk = helpers.Walk(served)
    codes = walk.code(), walk.code()
    with served.fault("token_drop"), pytest.raises(requests.ConnectionError):
        post_token(served, helpers, code=codes[0])
    assert post_token(served, helpers, code=codes[1]).status_code == 200


def test_dripping_answer(served, helpers):
    """token_drip sends blanks one by one until the peer has enough; other requests are served meanwhile."""
    code = helpers.Walk(served).code()
    with served.fault("token_drip"):
        response = post_token(served, helpers, code=code, stream=True)
        drops = response.iter_content(1)
        assert [next(drops) for _ in range(3)] == [b" "] * 3
        assert requests.get(f"{served.issuer}/jwks.json", timeout=5).status_code == 200
        response.close()


def test_dripping_ends_when_the_provider_stops(helpers):
    """Stopping doesn't wait for a dripping answer's minute."""
    idp = start(clients=(helpers.DEMO,))
    code = helpers.Walk(idp).code()
    idp.set_fault("token_drip")
    response = post_token(idp, helpers, code=code, stream=True)
    begin = time.monotonic()
    idp.stop()
    response.close()
    assert time.monotonic() - begin < 5


def test_stopped_provider_is_gone(helpers):
    """After stop the port is free again, and stopping twice is no error."""
    idp = start()
    idp.stop()
    idp.stop()
    with start(port=idp.port) as again:
        assert again.port == idp.port
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{idp.issuer}/jwks.json", timeout=5)


# cheroot leaves the socket that it could not bind to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wrong_arguments():
    """An unknown dialect and a malformed path are ValueErrors, a taken port is an OSError; no thread is left."""
    with pytest.raises(ValueError, match="no dialect is called 'nosuch'; there are"):
        start(dialect="nosuch")
    with pytest.raises(ValueError, match="begins with a slash"):
        start(path="nosuch")
    with start() as idp, pytest.raises(OSError, match="No socket could be created"):
        start(port=idp.port)


def test_dialect_object(helpers):
    """A dialect of one's own can be served without being in the table."""
    mine = replace(OIDC, name="mine", decoys=False)
    with start(dialect=mine) as idp:
        assert idp.cookie_name == f"signon-idp-mine-{idp.port}"
        assert len(requests.get(f"{idp.issuer}/jwks.json", timeout=5).json()["keys"]) == 4


def test_ipv6_issuer():
    """An IPv6 host stands in brackets in the issuer."""
    with start(host="::1") as idp:
        assert idp.issuer == f"http://[::1]:{idp.port}"
        assert requests.get(f"{idp.issuer}/jwks.json", timeout=5).status_code == 200


def test_nothing_secret_is_logged(served, helpers, caplog, capfd):
    """A sign-in, refused requests and dropped answers leave no code, token or secret in logs or on screen."""
    caplog.set_level("DEBUG")
    walk = helpers.Walk(served)
    tokens = post_token(served, helpers, code=walk.code()).json()
    requests.get(
        f"{served.issuer}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}, timeout=5
    )
    requests.post(f"{served.issuer}/token", data={"code": tokens["refresh_token"]}, timeout=5)
    with served.fault("token_drop"), pytest.raises(requests.ConnectionError):
        post_token(served, helpers, code=walk.code())
    seen = caplog.text + "".join(capfd.readouterr())
    assert len(served.secrets) >= 5
    assert [secret for secret in served.secrets if secret in seen] == []


def test_trouble_is_logged(served, caplog):
    """What cheroot has to report goes to the log, with its level."""
    served.server.error_log("KeyError('x')", level=40)
    assert [(record.levelname, record.message) for record in caplog.records] == [("ERROR", "KeyError('x')")]
