"""`examples/minimal`, by environment alone, at a certified OpenID provider: npm oidc-provider, under a path."""

import pytest
import requests
from tests.foreign.certified import KEYS, ODD_SECRET, PRIVATE_KEYS, abort, settings_for, sign_in
from tests.journeys.stage import ORIGIN, code_of
from tests.journeys.visitor import Markup, Visitor

from signon.flask.api import current_token, token_required

pytestmark = pytest.mark.node

SOMYING = {
    "provider": "oidc",
    "sub": "somying",
    "name": "somying ณ ตัวอย่าง",
    "preferred_username": "somying",
    "email": "somying@people.example",
}


@pytest.fixture
def new_visitor(certified_issuer, load_minimal, plant):
    """Somebody at the minimal example, which is this client of the provider."""

    def build(client_id: str, **keywords: str) -> Visitor:
        plant(ODD_SECRET)
        settings = settings_for(certified_issuer, client_id, **keywords)
        return Visitor((ORIGIN, load_minimal(SIGNON_PROVIDERS="oidc", **settings)))

    return build


REGISTRATIONS = {
    "the defaults: RS256, basic, query": ("rs256", {}),
    "PS256": ("ps256", {"id_token_alg": "PS256"}),
    "ES256": ("es256", {"id_token_alg": "ES256"}),
    "EdDSA": ("eddsa", {"id_token_alg": "EdDSA"}),
    "Ed25519, the other name of EdDSA": ("eddsa", {"id_token_alg": "Ed25519"}),
    "basic, odd characters in id and secret": ("odd: %2B", {"client_auth": "client_secret_basic"}),
    "post, odd characters in the secret": ("post", {"client_auth": "client_secret_post"}),
    "no secret, PKCE alone": ("public", {}),
    "no secret, and said so": ("public", {"client_auth": "none"}),
    "form_post": ("rs256", {"response_mode": "form_post"}),
    "signed userinfo": ("signed-userinfo", {"userinfo_alg": "ES256"}),
    "an RSA key": ("rsa-key", {"client_auth": "private_key_jwt", "private_key": PRIVATE_KEYS}),
    "an EC key": (
        "ec-key",
        {
            "client_auth": "private_key_jwt",
            "private_key": KEYS["ec"].export_to_pem(private_key=True, password=None).decode(),
        },
    ),
    "assertions by the secret": ("secret-jwt", {"client_auth": "client_secret_jwt"}),
    "pushed requests": ("rs256", {"par": "true"}),
    "pushed requests, required": ("pushing", {"par": "true"}),
    "pushed requests, with a key": (
        "rsa-key",
        {"client_auth": "private_key_jwt", "private_key": PRIVATE_KEYS, "par": "true"},
    ),
    "an encrypted ID token": ("encrypted", {"private_key": PRIVATE_KEYS, "id_token_encryption": "ECDH-ES"}),
    "encrypted userinfo": (
        "encrypted-userinfo",
        {"private_key": PRIVATE_KEYS, "userinfo_encryption": "RSA-OAEP-256", "userinfo_alg": "RS256"},
    ),
    "userinfo always": ("rs256", {"userinfo": "always"}),
    "max_age": ("rs256", {"max_age": "600"}),
    "prompt=login": ("rs256", {"prompt": "login"}),
}


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_signs_in(new_visitor, name):
    """Each way of being registered signs in; the consent page on the way is accepted."""
    client_id, keywords = REGISTRATIONS[name]
    visitor = new_visitor(client_id, **keywords)
    page = sign_in(visitor, f"{ORIGIN}/me")
    assert (page.url, code_of(page) if page.status_code != 200 else None) == (f"{ORIGIN}/me", None)
    assert page.json() == SOMYING


@pytest.mark.parametrize("registered", ["ES256", "PS256"])
def test_another_algorithm_than_registered(new_visitor, registered):
    """An ID token that is well signed, but not by the algorithm that was set, lets nobody in."""
    visitor = new_visitor("rs256", id_token_alg=registered)
    page = sign_in(visitor, f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("id_token_alg_mismatch", 502)
    assert not visitor.sessions()


@pytest.mark.parametrize(
    ("client_id", "keywords", "code"),
    [
        ("rs256", {"private_key": PRIVATE_KEYS, "id_token_encryption": "ECDH-ES"}, "id_token_not_encrypted"),
        ("encrypted", {}, "id_token_encrypted"),
        ("pushing", {}, "provider_refused"),
        ("secret-jwt", {"client_auth": "client_secret_basic"}, "token_invalid_client"),
    ],
)
def test_otherwise_than_registered(new_visitor, client_id, keywords, code):
    """What was registered in another way than is set lets nobody in, and says what it is."""
    visitor = new_visitor(client_id, **keywords)
    page = sign_in(visitor, f"{ORIGIN}/me")
    assert code_of(page) == code
    assert not visitor.sessions()


def test_wrong_secret(new_visitor):
    """A secret that the provider does not know is the operator's to mend."""
    page = sign_in(new_visitor("rs256", client_secret="another-secret-than-the-registered"), f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("token_invalid_client", 502)


def test_another_issuer(certified_issuer, new_visitor):
    """An issuer that is spelt with a slash more is another one, and the provider says that it isn't that."""
    page = new_visitor("rs256", issuer=f"{certified_issuer}/").get(f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == ("metadata_issuer_mismatch", 502)


def test_refused(new_visitor):
    """Who refuses, on the sign-in page or on the consent page, comes to a page of ours, and can start again."""
    visitor = new_visitor("rs256")
    page = abort(visitor, visitor.get(f"{ORIGIN}/me"))
    assert (code_of(page), page.status_code) == ("access_denied", 403)
    (again, *_) = Markup(page.text).links
    consent = visitor.submit(visitor.get(ORIGIN + again), login="somying", password="any")
    page = abort(visitor, consent)
    assert (code_of(page), page.status_code) == ("access_denied", 403)
    assert "End-User aborted interaction" in page.text
    assert not visitor.sessions()
    (again, *_) = Markup(page.text).links
    assert sign_in(visitor, ORIGIN + again).json() == SOMYING


def test_signs_out(new_visitor):
    """Signing out goes to the provider and comes back; the next sign-in asks again."""
    visitor = new_visitor("rs256")
    sign_in(visitor, f"{ORIGIN}/me")
    assert sign_in(visitor, f"{ORIGIN}/auth/login?next=/me").json() == SOMYING, (
        "silently, while the provider knows us"
    )
    at_provider = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert not visitor.sessions()
    gone = visitor.submit(at_provider, logout="yes")
    assert gone.url == f"{ORIGIN}/auth/signed-out"
    assert "login" in Markup(visitor.get(f"{ORIGIN}/me").text).forms[0].names


@pytest.mark.parametrize(
    ("client_id", "registered", "code"),
    [
        ("signed-introspection", "ES256", None),
        ("rs256", "", None),
        ("signed-introspection", "PS256", "introspection_alg_mismatch"),
        ("signed-introspection", "", None),
        ("rs256", "RS256", None),
    ],
)
def test_introspected(certified_issuer, load_minimal, client_id, registered, code):
    """What it says of its tokens opens an API, signed (RFC 9701) or plain, as it was registered and set."""
    keywords = {"access_token_profile": "introspected-without-audience", "introspection_alg": registered}
    app = load_minimal(SIGNON_PROVIDERS="oidc", **settings_for(certified_issuer, client_id, **keywords))
    app.add_url_rule("/api", "api", token_required(scopes="email")(lambda: {"sub": current_token.subject}))
    visitor = Visitor((ORIGIN, app))
    sign_in(visitor, f"{ORIGIN}/me")
    session_id = visitor.cookies[visitor.sessions()[0]]
    party = app.extensions["signon"].party
    token = party.sessions.load(session_id, now=party.clock()).tokens.access_token.reveal()

    def ask(bearer):
        return app.test_client().get("/api", base_url=ORIGIN, headers={"Authorization": f"Bearer {bearer}"}).json

    answer = ask(token)
    assert (answer.get("sub"), answer.get("code")) == (None if code else "somying", code)
    assert ask(f"{token}x")["code"] == (code or "access_token_inactive")


API = "https://api.example"


@pytest.mark.parametrize(
    ("resource", "keywords"),
    [
        (f"{API}/rs256", {}),
        (f"{API}/es256", {"access_token_alg": "ES256"}),
        (f"{API}/opaque", {"access_token_profile": "introspected"}),
        (f"{API}/opaque", {"access_token_profile": "introspected", "introspection_alg": "RS256"}),
    ],
)
def test_its_tokens_open_an_api(certified_issuer, load_minimal, resource, keywords):
    """A token that it issues for an API (RFC 9068, or opaque) opens that one for its scope, and no other."""
    settings = settings_for(certified_issuer, "service", **keywords)
    app = load_minimal(SIGNON_PROVIDERS="oidc", **settings)
    for path, scopes, audience in [
        ("/read", "read", resource),
        ("/write", "write", resource),
        ("/other", "read", f"{API}/other"),
    ]:
        guard = token_required(scopes=scopes, audience=audience)
        app.add_url_rule(path, path, guard(lambda: {"client": current_token.client_id}))
    known = requests.get(f"{certified_issuer}/.well-known/openid-configuration", timeout=5).json()
    asked = {"grant_type": "client_credentials", "scope": "read", "resource": resource}
    secret = ("service", settings["OIDC_CLIENT_SECRET"])
    token = requests.post(known["token_endpoint"], data=asked, auth=secret, timeout=5).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    read, write, other = (
        app.test_client().get(path, base_url=ORIGIN, headers=headers).json
        for path in ("/read", "/write", "/other")
    )
    assert read == {"client": "service"}
    assert (write["code"], other["code"]) == ("access_token_scope", "access_token_aud")


def test_several_at_once(certified_issuer, load_minimal):
    """Two generic providers by names of one's own: here two clients of one issuer, with different algorithms."""
    app = load_minimal(
        SIGNON_PROVIDERS="staff,partners",
        **settings_for(certified_issuer, "staff-client", "staff"),
        **settings_for(certified_issuer, "partners-client", "partners", id_token_alg="PS256"),
    )
    visitor = Visitor((ORIGIN, app))
    chooser = visitor.get(f"{ORIGIN}/me")
    for name, link in zip(("staff", "partners"), Markup(chooser.text).links, strict=True):
        page = sign_in(visitor, ORIGIN + link)
        assert page.json() == {**SOMYING, "provider": name}
