import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from signon.core.authorize import Wishes, prepare
from signon.core.claims import Expectations
from signon.core.errors import OperatorError, PersonRefused, ProviderRefused, RefreshEnded, TokenRejected
from signon.core.http import HttpResponse
from signon.core.logout import end_session_url
from signon.core.metadata import Metadata
from signon.core.provider import AccessTokenProfile
from signon.core.refusal import raise_refusal
from signon.core.tokens import TokenSet, read_refreshed
from signon.core.values import Secret
from signon.providers import auth0
from signon.providers.auth0 import KEYWORDS, check_organization, to_vendor
from signon.providers.keywords import COMMON

ISSUER = "https://acme-demo.us.auth0.com/"
SETTINGS = {
    "AUTH0_DOMAIN": "acme-demo.us.auth0.com",
    "AUTH0_CLIENT_ID": "client-1",
    "AUTH0_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
}
NOW = 1_800_000_000.0
OLD_TOKENS = TokenSet(access_token=Secret("old"), scope=("openid",), refresh_token=Secret("v1.old"))


def metadata(**more: str) -> Metadata:
    return Metadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}authorize",
        token_endpoint=f"{ISSUER}oauth/token",
        jwks_uri=f"{ISSUER}.well-known/jwks.json",
        **more,
    )


def made(**keywords):
    provider = auth0(settings=SETTINGS, **keywords)
    assert provider.problems == ()
    return provider


def parameters(provider, **wishes):
    found, _ = prepare(
        provider, metadata(), redirect_uri="https://app.example/cb", state="s", now=NOW, wishes=Wishes(**wishes)
    )
    return found


def sign_out(provider, *, listed: bool) -> tuple[str, dict[str, str]]:
    known = metadata(end_session_endpoint=f"{ISSUER}oidc/logout") if listed else metadata()
    address = end_session_url(
        provider,
        known,
        id_token=Secret("h.p.s"),
        post_logout_redirect_uri="https://app.example/out",
        state="st",
        logout_hint="sid-1",
    )
    if address is None:
        return "", {}
    parts = urlsplit(address)
    return parts.path, {name: value for name, (value,) in parse_qs(parts.query).items()}


def test_the_usual():
    """Domain, id and secret make a provider, with RS256 and the standard scopes; nothing else is sent."""
    provider = made()
    assert (provider.name, provider.label, provider.deviations) == ("auth0", "Auth0", ())
    assert (provider.id_token_algs, provider.userinfo) == ({"RS256"}, "missing")
    assert provider.scopes == ("openid", "profile", "email")
    assert provider.authorize_parameters == {}


@pytest.mark.parametrize(
    "domain",
    [
        "acme-demo.us.auth0.com",
        "acme-demo.us.auth0.com/",
        "https://acme-demo.us.auth0.com",
        "https://acme-demo.us.auth0.com/",
    ],
)
def test_domain(domain):
    """Quirk 1: however the domain is written, the issuer has https and the slash at its end."""
    assert made(domain=domain).issuer == ISSUER


def test_custom_domain():
    """Quirk 5: with a custom domain it alone is the issuer, and every address of ours follows from it."""
    provider = made(domain="login.acme.example", logout="v2")
    assert provider.issuer == "https://login.acme.example/"
    assert provider.sign_out[0].endpoint == "https://login.acme.example/v2/logout"


def test_local_domain():
    """A domain with http is one on this machine alone."""
    assert made(domain="http://127.0.0.1:9003").issuer == "http://127.0.0.1:9003/"
    (problem, *_) = auth0(settings={**SETTINGS, "AUTH0_DOMAIN": "http://acme.example"}).problems
    assert problem.startswith("AUTH0_DOMAIN=")


def test_issuer_wins():
    """The common keyword issuer is taken exactly as it is."""
    assert made(issuer="https://x.example/").issuer == "https://x.example/"


def test_nothing_set():
    """Without anything the problems are domain and client, each once."""
    problems = auth0(settings={}).problems
    assert [problem.split()[0] for problem in problems] == ["AUTH0_DOMAIN", "AUTH0_CLIENT_ID"]


def test_openid_is_needed():
    """A scope without openid is a problem."""
    (problem,) = auth0(settings=SETTINGS, scope="profile").problems
    assert problem.startswith("AUTH0_SCOPE must contain openid")


def test_parameters():
    """Quirk 2: the audience goes along, and decides what the access token is; so do the other parameters."""
    found = parameters(
        made(
            audience="https://api.acme.example/",
            organization="org_8kQ2",
            connection="google-oauth2",
            ui_locales="th en",
            ext="ext-theme=dark ext-plan=a=b",
        )
    )
    assert found["audience"] == "https://api.acme.example/"
    assert (found["organization"], found["connection"], found["ui_locales"]) == (
        "org_8kQ2",
        "google-oauth2",
        "th en",
    )
    assert (found["ext-theme"], found["ext-plan"]) == ("dark", "a=b")


@pytest.mark.parametrize("word", ["theme=dark", "ext-theme", "state=x"])
def test_custom_parameters_have_their_prefix(word):
    """A custom parameter without the prefix or a value is a problem, since it could be one of the protocol's."""
    (problem,) = auth0(settings=SETTINGS, ext=word).problems
    assert problem == f"AUTH0_EXT: {word!r} is not ext-name=value"


def test_sign_up():
    """The sign-up asks for the page with screen_hint, and for prompt=login, since a session would skip it."""
    found = parameters(made(), sign_up=True)
    assert (found["screen_hint"], found["prompt"]) == ("signup", "login")
    assert "screen_hint" not in parameters(made())


def test_forwarded():
    """Quirk 8: what an invitation's link brings to the login route goes on, but for a configured organization."""
    assert made().forwarded >= {"organization", "invitation", "organization_name", "login_hint", "screen_hint"}
    assert "organization" not in made(organization="acme").forwarded
    assert made().forwarded.isdisjoint({"audience", "connection", "redirect_uri", "prompt"})


def test_sign_out_by_metadata():
    """Quirk 3: the metadata's end session endpoint is used, and /v2/logout where there is none."""
    path, query = sign_out(made(), listed=True)
    assert path == "/oidc/logout"
    assert query == {
        "id_token_hint": "h.p.s",
        "logout_hint": "sid-1",
        "post_logout_redirect_uri": "https://app.example/out",
        "client_id": "client-1",
        "state": "st",
    }
    assert sign_out(made(), listed=False)[0] == "/v2/logout"


def test_sign_out_of_its_own():
    """Quirk 4: /v2/logout calls the address returnTo, and gets no state and no hint."""
    for listed in (True, False):
        path, query = sign_out(made(logout="v2"), listed=listed)
        assert (path, query) == ("/v2/logout", {"returnTo": "https://app.example/out", "client_id": "client-1"})
    assert sign_out(made(logout="oidc"), listed=True)[0] == "/oidc/logout"
    assert sign_out(made(logout="oidc"), listed=False) == ("", {})


@pytest.mark.parametrize("listed", [True, False])
def test_sign_out_upstream(listed):
    """`federated` goes to either sign-out where it is wanted, and in no spelling where it is not."""
    assert sign_out(made(federated=True), listed=listed)[1]["federated"] == "true"
    assert "federated" not in sign_out(made(federated=False), listed=listed)[1]


def test_vendor_tells_by_the_back_channel_alone():
    """Auth0 posts logout tokens and frames nobody."""
    assert made().tells_by == {"backchannel"}


def expected(**asked: str) -> Expectations:
    return Expectations(
        issuer=ISSUER,
        client_id="c",
        alg="RS256",
        nonce="n",
        access_token=None,
        now=NOW,
        started_at=NOW,
        asked=asked,
    )


ORGANIZATIONS = {
    "none asked, none said": (None, (), {}, {}, True),
    "none asked, any said": (None, (), {}, {"org_id": "org_1"}, True),
    "none asked, one trusted": (None, ("org_1",), {}, {"org_id": "org_1"}, True),
    "none asked, another trusted": (None, ("org_1",), {}, {"org_id": "org_2"}, False),
    "none asked, none said, some trusted": (None, ("org_1",), {}, {}, True),
    "by id": ("org_1", (), {}, {"org_id": "org_1"}, True),
    "by id, another": ("org_1", (), {}, {"org_id": "org_2"}, False),
    "by id, missing": ("org_1", (), {}, {}, False),
    "by id, in other letters": ("org_1", (), {}, {"org_id": "ORG_1"}, False),
    "by name": ("Acme", (), {}, {"org_id": "org_1", "org_name": "acme"}, True),
    "by name, another": ("acme", (), {}, {"org_id": "org_1", "org_name": "other"}, False),
    "by name, missing": ("acme", (), {}, {"org_id": "org_1"}, False),
    "by name, no text": ("acme", (), {}, {"org_name": 7}, False),
    "by an invitation": (None, (), {"organization": "org_1"}, {"org_id": "org_1"}, True),
    "by an invitation, another": (None, (), {"organization": "org_1"}, {"org_id": "org_2"}, False),
    "by an invitation to one not trusted": (
        None,
        ("org_1",),
        {"organization": "org_2"},
        {"org_id": "org_2"},
        False,
    ),
    "configured wins over the link": ("org_1", (), {"organization": "org_2"}, {"org_id": "org_2"}, False),
    "configured needs no trust": ("org_1", ("org_2",), {}, {"org_id": "org_1"}, True),
}


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_organization(name):
    """The organization of the token must be the one asked for, and a trusted one where some are listed."""
    configured, trusted, asked, claims, right = ORGANIZATIONS[name]
    if right:
        check_organization(configured, trusted, claims, expected(**asked))
        return
    with pytest.raises(TokenRejected) as error:
        check_organization(configured, trusted, claims, expected(**asked))
    assert error.value.code == "id_token_organization"


def test_organization_check_is_in_the_profile():
    """The provider's own checks hold the organization, configured as it was set."""
    (check,) = made(organization="org_1", trusted_organizations="org_2 org_3").extra_checks
    assert check.args == ("org_1", ("org_2", "org_3"))


@pytest.mark.parametrize("alg", ["RS256", "PS256", "HS256"])
def test_algorithms(alg):
    """Exactly the configured signature is accepted."""
    assert made(id_token_alg=alg).id_token_algs == {alg}


def refusal(body: bytes, status: int = 401):
    response = HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)
    raise_refusal(response, made(), document="token", now=NOW)


def test_wrong_secret():
    """A wrong secret, which is `access_denied` here, is the operator's to mend; the vendor's word is shown."""
    with pytest.raises(OperatorError) as error:
        refusal(b'{"error":"access_denied","error_description":"Unauthorized"}')
    assert error.value.code == "token_invalid_client"
    assert "401 access_denied" in str(error.value)


def test_other_refusals():
    """Any other refusal stays what it is: codes, MFA, an Action that denies."""
    for body, code in (
        (b'{"error":"invalid_grant","error_description":"Invalid authorization code"}', "token_invalid_grant"),
        (b'{"error":"mfa_required","mfa_token":"x"}', "token_refused"),
        (b'{"error":"access_denied","error_description":"Access denied."}', "token_refused"),
    ):
        with pytest.raises(ProviderRefused) as error:
            refusal(body, 403)
        assert error.value.code == code
        assert type(error.value) is not PersonRefused


def test_vendor_fields():
    """The person's connection, organization and time of change are typed, in either spelling of that time."""
    person = to_vendor(
        {"sub": "auth0|66b1", "org_id": "org_1", "org_name": "acme", "updated_at": "2026-05-02T08:11:09.310Z"}
    )
    assert (person.connection, person.organization_id, person.organization_name) == ("auth0", "org_1", "acme")
    assert person.updated_at == pytest.approx(1777709469.31)
    assert to_vendor({"sub": "google-oauth2|1", "updated_at": 1777709469}).updated_at == 1777709469.0
    assert to_vendor({"sub": "a|b", "updated_at": "2026-05-02T08:11:09"}).updated_at == 1777709469.0
    for odd in ("yesterday", "", None, [], True):
        assert to_vendor({"sub": "x", "updated_at": odd}).updated_at is None
    assert to_vendor({"sub": "client@clients"}).connection == "client@clients"


OWN = {
    "domain": "login.acme.example",
    "audience": "https://api.example/",
    "organization": "org_1",
    "connection": "google-oauth2",
    "ui_locales": "th",
    "ext": "ext-a=b",
    "trusted_organizations": "org_1 org_2",
    "logout": "v2",
    "federated": "true",
    "access_token_scopes": "permissions",
}


@pytest.mark.parametrize("keyword", OWN)
def test_each_keyword_has_its_name(keyword):
    """Every keyword of the vendor is read from its setting, and changes the provider."""
    provider = auth0(settings={**SETTINGS, f"AUTH0_{keyword.upper()}": OWN[keyword]})
    assert provider.problems == ()
    usual = made()
    changed = ("issuer", "authorize_parameters", "forwarded", "sign_out", "access_tokens")
    parts = [getattr(provider, name) for name in changed] + [check.args for check in provider.extra_checks]
    assert parts != [getattr(usual, name) for name in changed] + [check.args for check in usual.extra_checks]


def test_wrong_choice():
    """A sign-out of another kind is a problem that names the setting."""
    (problem,) = auth0(settings=SETTINGS, logout="federated").problems
    assert problem.startswith("AUTH0_LOGOUT='federated' is none of")


def test_access_tokens_are_of_its_own_profile():
    """Auth0's own tokens don't say what they are and have azp, a named deviation; RFC 9068's can be demanded."""
    usual = made().access_tokens
    assert (usual.kind_may_be_unsaid, usual.azp_may_stand_in, usual.jti_may_be_missing) == (True, True, True)
    assert (usual.algs, usual.scope_claim, usual.subject_may_be_missing) == ({"RS256"}, "scope", False)
    assert [deviation.name for deviation in usual.deviations] == ["access_token_untyped"]
    assert made(access_token_profile="rfc9068").access_tokens == AccessTokenProfile()
    assert made(access_token_scopes="permissions").access_tokens.scope_claim == "permissions"


def test_own_keywords_are_all_here():
    """No keyword of the vendor is without its test."""
    assert {known.name for known in KEYWORDS} - {common.name for common in COMMON} == set(OWN)


def test_provider_shows_no_secret():
    """The secret is not in the provider's repr."""
    assert SETTINGS["AUTH0_CLIENT_SECRET"] not in repr(made())


@pytest.mark.parametrize(
    ("signed_in_to", "claims", "right"),
    [
        ("org_1", {"org_id": "org_1"}, True),
        ("org_1", {"org_id": "org_2"}, False),
        ("org_1", {}, False),
        (None, {}, True),
        (None, {"org_id": "org_2"}, True),
    ],
)
def test_organization_stays_the_same_in_a_refresh(signed_in_to, claims, right):
    """A token of a refresh must be of the organization of the sign-in, also where any is let in."""
    original = {"sub": "auth0|1", **({} if signed_in_to is None else {"org_id": signed_in_to})}
    at_refresh = replace(expected(), original=original)
    if right:
        check_organization(None, (), claims, at_refresh)
        return
    with pytest.raises(TokenRejected) as error:
        check_organization(None, (), claims, at_refresh)
    assert error.value.code == "id_token_organization"


@pytest.mark.parametrize(
    ("error", "status", "final"),
    [
        ("invalid_grant", 400, True),
        ("invalid_grant", 403, True),
        ("mfa_required", 403, True),
        ("mfa_required", 400, True),
        ("unauthorized", 403, True),
        ("invalid_request", 400, False),
        ("too_many_attempts", 400, False),
    ],
)
def test_what_ends_a_refresh(error, status, final):
    """A refresh is over for an invalid token, for a second factor, and for whatever comes with 403."""
    body = json.dumps({"error": error, "error_description": "why", "mfa_token": "t"}).encode()
    response = HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)
    with pytest.raises(ProviderRefused) as refused:
        read_refreshed(response, provider=made(), old=OLD_TOKENS, now=NOW)
    assert type(refused.value) is (RefreshEnded if final else ProviderRefused)


def test_wrong_secret_ends_no_refresh():
    """A wrong secret is the operator's to mend: nobody's tokens end by it."""
    body = b'{"error":"access_denied","error_description":"Unauthorized"}'
    for status in (401, 403):
        response = HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)
        with pytest.raises(OperatorError) as error:
            read_refreshed(response, provider=made(), old=OLD_TOKENS, now=NOW)
        assert error.value.code == "token_invalid_client"


def test_only_refresh_tokens_are_revoked():
    """Access tokens can't be revoked there, so none is sent."""
    assert made().revokes == {"refresh_token"}
