"""One application with several generic providers, and providers of other shapes than the usual one."""

import pytest
from tests.journeys.stage import ORIGIN, SECRET, client_for, settings_for
from tests.journeys.visitor import Markup, Visitor, sign_in

ODD_SECRET = "odd: %2B+&=é\"'/?#;, and sixty-four octets long, as HS256 would like it"


@pytest.fixture
def staff_and_partners(signon_idp_factory, load_minimal, plant):
    """Two providers, the second with an issuer that has a path: (application, visitor, {name: provider})."""
    idps = {name: signon_idp_factory(path=path) for name, path in (("staff", ""), ("partners", "/tenant/a"))}
    settings: dict[str, str] = {"SIGNON_PROVIDERS": "staff,partners"}
    for name, idp in idps.items():
        settings |= settings_for(idp, idp.register(client_for(name)), name)
    app = load_minimal(**settings)
    yield app, Visitor((ORIGIN, app), *((idp.origin, idp.app) for idp in idps.values())), idps
    plant(*set().union(*(idp.secrets for idp in idps.values())))


def test_chooser(staff_and_partners):
    """With several providers a page offers each, and each leads back to the page that was asked for."""
    _app, visitor, idps = staff_and_partners
    chooser = visitor.get(f"{ORIGIN}/me")
    links = Markup(chooser.text).links
    assert links == ["/auth/login/staff?next=%2Fme", "/auth/login/partners?next=%2Fme"]
    assert not visitor.cookies
    for name, link in zip(idps, links, strict=True):
        page = sign_in(visitor, ORIGIN + link)
        assert page.url == f"{ORIGIN}/me"
        assert (page.json()["provider"], page.json()["preferred_username"]) == (name, "somying")


def test_each_signs_out_at_its_own(staff_and_partners):
    """The sign-out goes to the provider that the session came from, and leaves the other's alone."""
    _app, visitor, idps = staff_and_partners
    for name in idps:
        sign_in(visitor, f"{ORIGIN}/auth/login/{name}?next=/me")
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert idps["staff"].calls["end_session"] == 0
    assert idps["partners"].calls["end_session"] == 1
    silent = visitor.get(f"{ORIGIN}/auth/login/staff?next=/me")
    assert silent.json()["provider"] == "staff", "which still knows this browser"
    asked = visitor.get(f"{ORIGIN}/auth/login/partners")
    assert 'name="persona"' in asked.text


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_algorithms(new_stage, alg):
    """Each registered signature of the ID token signs in; the default is RS256."""
    keywords = {} if alg == "RS256" else {"id_token_alg": alg}
    stage = new_stage(client={"id_token_signed_response_alg": alg}, **keywords)
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"


AUTHENTICATION = {
    "by metadata, basic": ({}, {}),
    "basic": ({}, {"client_auth": "client_secret_basic"}),
    "basic with an odd secret": ({"client_secret": ODD_SECRET}, {}),
    "post": ({"token_endpoint_auth_method": "client_secret_post"}, {"client_auth": "client_secret_post"}),
    "post with an odd secret": (
        {"token_endpoint_auth_method": "client_secret_post", "client_secret": ODD_SECRET},
        {"client_auth": "client_secret_post"},
    ),
    "none": ({"token_endpoint_auth_method": "none", "client_secret": None}, {"client_auth": "none"}),
    "none, by having no secret": ({"token_endpoint_auth_method": "none", "client_secret": None}, {}),
}


@pytest.mark.parametrize("name", AUTHENTICATION)
def test_client_authentication(new_stage, name):
    """Each way of client authentication signs in, also with a secret that needs encoding (RFC 6749 2.3.1)."""
    client, keywords = AUTHENTICATION[name]
    stage = new_stage(client=client, **keywords)
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"
    assert stage.idp.calls["token"] == 1, "and is never tried twice"


@pytest.mark.parametrize("alg", [None, "RS256", "ES256"])
def test_userinfo(new_stage, alg):
    """Who is not told by the ID token is asked for at userinfo, in JSON or signed, as it was registered."""
    keywords = {} if alg is None else {"userinfo_alg": alg}
    client = {"claims_in_id_token": False, "userinfo_signed_response_alg": alg}
    stage = new_stage(client=client, **keywords)
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert (page.json()["name"], page.json()["email"]) == ("สมหญิง ใจดี", "somying@people.example")
    assert stage.idp.calls["userinfo"] == 1


def test_scope(new_stage):
    """What was not asked for is null, and a member all the same."""
    stage = new_stage(scope="openid")
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    nothing = dict.fromkeys(("name", "preferred_username", "email"))
    assert page.json() == {"provider": "oidc", "sub": "5c1f0b7e-somying", **nothing}


def test_form_post(new_stage):
    """The answer comes by a form, which our own page posts again; the plain client presses its button."""
    stage = new_stage(response_mode="form_post")
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"


def test_consent(new_stage):
    """A consent page that is accepted leads on; refused, to a page of ours, and nobody is signed in."""
    stage = new_stage(client={"require_consent": True})
    visitor = stage.visitor()
    consent = visitor.submit(visitor.get(f"{ORIGIN}/me"), persona="somying")
    refused = visitor.submit(consent, answer="refuse")
    assert refused.status_code == 403
    assert not visitor.sessions()
    (again, *_) = Markup(refused.text).links
    accepted = visitor.submit(visitor.get(ORIGIN + again), answer="allow")
    assert accepted.json()["preferred_username"] == "somying"


@pytest.mark.parametrize("persona", ["somying", "mei", "omar", "bjork", "pim", "grace"])
def test_people(stage, persona):
    """Everybody gets in and out again: names in any script, a subject with bars, three hundred groups."""
    visitor = stage.visitor()
    page = sign_in(visitor, f"{ORIGIN}/me", persona=persona)
    assert (
        page.json()["preferred_username"]
        == page.content.decode().split('"preferred_username": "')[1].split('"')[0]
    )
    gone = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert gone.url.startswith(ORIGIN)
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text


def test_keys_that_change(stage):
    """After the provider has changed its keys the next sign-in fetches them once and gets in."""
    sign_in(stage.visitor(), f"{ORIGIN}/me")
    stage.idp.rotate_keys()
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"
    assert stage.idp.calls["jwks"] == 2
    assert stage.idp.calls["discovery"] == 1


def test_a_warm_sign_in_is_one_request(stage):
    """Metadata and keys are fetched once: every later sign-in asks the provider for the tokens only."""
    sign_in(stage.visitor(), f"{ORIGIN}/me")
    before, connections = stage.idp.calls.copy(), stage.idp.connections
    for _ in range(3):
        sign_in(stage.visitor(), f"{ORIGIN}/me")
    back_channel = ("discovery", "jwks", "token", "userinfo")
    assert [stage.idp.calls[name] - before[name] for name in back_channel] == [0, 0, 3, 0]
    assert stage.idp.connections == connections


def test_a_wrong_secret_is_the_operators_to_mend(new_stage, caplog):
    """A secret that the provider does not know is told to the operator in the log, and to nobody else."""
    stage = new_stage(client_secret="not-the-one-that-was-registered")
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert page.status_code == 502
    assert SECRET not in page.text
    (record,) = [record for record in caplog.records if getattr(record, "signon_code", None)]
    assert (record.levelname, record.signon_code) == ("ERROR", "token_invalid_client")
