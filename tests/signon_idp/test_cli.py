import pytest
from click.testing import CliRunner

from signon_idp import FAULTS, Client, Idp
from signon_idp.cli import environment_lines, idp, wait_until_stopped
from signon_idp.dialect import standard_settings
from signon_idp.server import find_dialect


@pytest.fixture
def run(monkeypatch):
    """Run the command; it stops as soon as it would wait, as if by Ctrl-C."""

    def interrupted(_provider):
        raise KeyboardInterrupt

    monkeypatch.setattr("signon_idp.cli.wait_until_stopped", interrupted)

    def run(*arguments):
        return CliRunner().invoke(idp, ["--port", "0", *arguments])

    return run


def test_introduction(run):
    """It says what it is, where it sends people, and what to put into the environment, and stops on Ctrl-C."""
    result = run()
    assert result.exit_code == 0, result.output
    assert "Practice provider: plays a standard OpenID provider at http://127.0.0.1:" in result.output
    assert "http://localhost:5000/auth/callback/oidc" in result.output
    assert "http://localhost:5000/auth/logout/callback/oidc" in result.output
    assert "export SIGNON_PROVIDERS=oidc\n" in result.output
    assert "export OIDC_CLIENT_ID=demo\n" in result.output
    assert "export OIDC_CLIENT_SECRET=practice-secret-of-the-demo-client\n" in result.output
    assert result.output.endswith("Stopped.\n")


def test_options_reach_the_client(run):
    """Each option changes what is registered and printed."""
    result = run(
        "--path", "/tenant/a", "--client-id", "me", "--redirect-uri", "http://localhost:1/a",
        "--redirect-uri", "http://localhost:1/b", "--post-logout-redirect-uri", "http://localhost:1/out",
        "--auth-method", "none", "--alg", "ES256", "--consent", "--fault", "token_empty",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for text in (
        "/tenant/a", "http://localhost:1/a", "http://localhost:1/b", "http://localhost:1/out", "OIDC_CLIENT_ID=me",
        "OIDC_CLIENT_AUTH=none", "OIDC_ID_TOKEN_ALG=ES256", "token_empty: The answer is empty.",
    ):  # fmt: skip
        assert text in result.output
    assert "CLIENT_SECRET" not in result.output
    assert "localhost:5000" not in result.output


def test_times_and_logout_addresses(monkeypatch):
    """The times reach the provider; a client with logout addresses wants to know the session."""
    begun = []
    monkeypatch.setattr("signon_idp.cli.wait_until_stopped", begun.append)
    result = CliRunner().invoke(
        idp,
        [
            *("--port", "0", "--refresh-grace", "15", "--access-token-seconds", "60"),
            *("--backchannel-logout-uri", "http://localhost:5000/back"),
            *("--frontchannel-logout-uri", "http://localhost:5000/front"),
        ],
    )
    assert result.exit_code == 0, result.output
    (provider,) = begun
    assert (provider.refresh_grace_seconds, provider.access_token_seconds) == (15, 60)
    client = provider.clients["demo"]
    assert (client.backchannel_logout_uri, client.backchannel_logout_session_required) == (
        "http://localhost:5000/back",
        True,
    )
    assert (client.frontchannel_logout_uri, client.frontchannel_logout_session_required) == (
        "http://localhost:5000/front",
        True,
    )


def test_no_logout_addresses(monkeypatch):
    """Without them nothing is registered, and the vendor's own times count."""
    begun = []
    monkeypatch.setattr("signon_idp.cli.wait_until_stopped", begun.append)
    assert CliRunner().invoke(idp, ["--port", "0", "--dialect", "auth0"]).exit_code == 0
    (provider,) = begun
    assert (provider.refresh_grace_seconds, provider.access_token_seconds) == (0, 86_400)
    assert provider.clients["demo"].backchannel_logout_uri is None
    assert provider.clients["demo"].backchannel_logout_session_required is False


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--dialect", "nosuch"), "no dialect is called 'nosuch'"),
        (("--auth-method", "mtls"), "no client authentication"),
        (("--alg", "none"), "'none' is not among"),
        (("--alg", "HS256", "--client-secret", "short"), "HS256 needs"),
        (("--path", "x"), "begins with a slash"),
        (("--fault", "nosuch"), "no fault is called 'nosuch'; --list-faults"),
        (("--redirect-uri", "nowhere"), "no absolute address"),
        (("--backchannel-logout-uri", "http://app.example/out"), "no https or loopback address"),
        (("--dialect", "sgid", "--backchannel-logout-uri", "http://localhost/out"), "sgid has no back-channel"),
    ],
)
def test_mistakes(run, arguments, says):
    """A mistake ends with one line that says what is wrong, no traceback."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert says in result.output


def test_list_of_faults(run):
    """--list-faults prints every fault with its sentence and starts nothing."""
    lines = run("--list-faults").output.splitlines()
    assert len(lines) == len(FAULTS)
    assert lines[0].split(maxsplit=1) == ["callback_no_state", "The answer has no state."]


def test_warning_off_loopback(run):
    """Listening for other computers is warned about."""
    result = run("--host", "0.0.0.0")
    assert "other computers can reach it" in result.output


def test_environment_lines():
    """Each setting stands under its provider's name, as a shell reads it."""
    assert environment_lines(
        "sgid", {"ISSUER": "http://127.0.0.1:9005/v2", "PRIVATE_KEY": r"-----BEGIN A\nB"}
    ) == [
        "SIGNON_PROVIDERS=sgid",
        "SGID_ISSUER=http://127.0.0.1:9005/v2",
        r"SGID_PRIVATE_KEY='-----BEGIN A\nB'",
    ]


def test_standard_settings():
    """Only what differs from an application's defaults is told beside issuer and client."""
    client = Client(client_id="demo", client_secret="s")
    assert standard_settings("http://127.0.0.1:9000", client) == {
        "ISSUER": "http://127.0.0.1:9000",
        "CLIENT_ID": "demo",
        "CLIENT_SECRET": "s",
    }


@pytest.mark.parametrize(
    ("dialect", "port", "lines"),
    [
        ("oidc", 9000, ("OIDC_ISSUER=http://127.0.0.1:9000",)),
        (
            "thaid",
            9001,
            (
                "THAID_WELL_KNOWN_URL=http://127.0.0.1:9001/.well-known/openid-configuration",
                "THAID_CLIENT_ID=demo",
                "THAID_CLIENT_SECRET=practice-secret-of-the-demo-client",
            ),
        ),
        (
            "sgid",
            9005,
            ("SGID_ISSUER=http://127.0.0.1:9005/v2", "SGID_PRIVATE_KEY='-----BEGIN PRIVATE KEY-----\\n"),
        ),
    ],
)
def test_each_dialect_has_its_port_and_names(monkeypatch, run, dialect, port, lines):
    """Without --port a dialect is served at its own, and its settings have the vendor's own names."""
    begun = []

    def start_elsewhere(**places):
        begun.append(places.pop("port"))
        return Idp(
            dialect=find_dialect(places["dialect"]), origin=f"http://127.0.0.1:{port}", clients=places["clients"]
        )

    monkeypatch.setattr("signon_idp.server.start", start_elsewhere)
    monkeypatch.setattr("signon_idp.cli.wait_until_stopped", lambda _provider: None)
    result = CliRunner().invoke(idp, ["--dialect", dialect])
    assert result.exit_code == 0, result.output
    assert begun == [port]
    for line in (f"SIGNON_PROVIDERS={dialect}", *lines):
        assert f"export {line}" in result.output


def test_waiting_ends_with_the_provider(signon_idp_factory):
    """The command waits no longer than the provider runs."""
    provider = signon_idp_factory()
    provider.stop()
    wait_until_stopped(provider)
