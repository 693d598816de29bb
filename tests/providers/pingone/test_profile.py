from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from signon.core.authorize import Wishes, prepare
from signon.core.client_auth import authenticate
from signon.core.logout import MAX_HINT_CHARACTERS, end_session_url
from signon.core.metadata import Metadata
from signon.core.revocation import revocable
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.providers import pingone
from signon.providers.keywords import COMMON
from signon.providers.pingone import KEYWORDS, REGIONS, PingOnePerson, to_vendor

ENVIRONMENT = "1b7c0d52-0a55-4f0e-9a35-2f6d1f1f9c10"
SETTINGS = {
    "PINGONE_ENVIRONMENT_ID": ENVIRONMENT,
    "PINGONE_CLIENT_ID": "client-1",
    "PINGONE_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
}
ISSUER = f"https://auth.pingone.com/{ENVIRONMENT}/as"
METADATA = Metadata(
    issuer=ISSUER,
    authorization_endpoint=f"{ISSUER}/authorize",
    token_endpoint=f"{ISSUER}/token",
    jwks_uri=f"{ISSUER}/jwks",
    end_session_endpoint=f"{ISSUER}/signoff",
)
NOW = 1_800_000_000.0


def made(**keywords):
    provider = pingone(settings=SETTINGS, **keywords)
    assert provider.problems == ()
    return provider


def sign_out(
    provider, *, state: str | None = "st", hint: str | None = "h.p.s", path: str = "signoff"
) -> dict[str, str]:
    address = end_session_url(
        provider,
        METADATA,
        id_token=None if hint is None else Secret(hint),
        post_logout_redirect_uri="https://app.example/out",
        state=state,
    )
    parts = urlsplit(address)
    assert parts.path.endswith(f"/as/{path}")
    return {name: value for name, (value,) in parse_qs(parts.query).items()}


def test_the_usual():
    """Environment, id and secret make a provider in North America, with nothing loosened."""
    provider = made()
    assert (provider.name, provider.label, provider.issuer) == ("pingone", "PingOne", ISSUER)
    assert (provider.id_token_algs, provider.deviations, provider.sign_up) == ({"RS256"}, (), None)
    assert provider.api_url == "https://api.pingone.com/v1"


def test_access_tokens_may_not_say_what_they_are():
    """Until `typ` is the rule it may be missing, and a client's own token names nobody; both are deviations."""
    usual, strict = made().access_tokens, made(access_token_profile="rfc9068").access_tokens
    assert (usual.kind_may_be_unsaid, usual.azp_may_stand_in, usual.jti_may_be_missing) == (True, False, False)
    assert [d.name for d in usual.deviations] == ["access_token_untyped", "access_token_without_subject"]
    assert (strict.kind_may_be_unsaid, strict.subject_may_be_missing) == (False, True)
    assert [d.name for d in strict.deviations] == ["access_token_without_subject"]


@pytest.mark.parametrize("region", REGIONS)
def test_regions(region):
    """Quirk 1: the region changes all hosts together, and the issuer ends in /as, without a slash."""
    provider = made(region=region)
    assert provider.issuer == f"https://auth.pingone.{region}/{ENVIRONMENT}/as"
    assert provider.api_url == f"https://api.pingone.{region}/v1"


@pytest.mark.parametrize("domain", ["id.acme.example", "https://id.acme.example", "https://id.acme.example/"])
def test_custom_domain(domain):
    """Quirk 1: a custom domain has no environment id in its issuer."""
    provider = pingone(settings={**SETTINGS, "PINGONE_ENVIRONMENT_ID": ""}, custom_domain=domain, region="eu")
    assert provider.problems == ()
    assert (provider.issuer, provider.api_url) == ("https://id.acme.example/as", "https://api.pingone.eu/v1")


def test_issuer():
    """An issuer of its own is taken exactly; the API is then its region's, or where it is said to be."""
    assert made(issuer=f"https://auth.pingone.eu/{ENVIRONMENT}/as").api_url == "https://api.pingone.eu/v1"
    local = pingone(
        settings={"PINGONE_CLIENT_ID": "c", "PINGONE_API_URL": "http://127.0.0.1:9004/v1/"},
        issuer="http://127.0.0.1:9004/e/as",
    )
    assert (local.problems, local.issuer) == ((), "http://127.0.0.1:9004/e/as")
    assert local.api_url == "http://127.0.0.1:9004/v1"


def test_password_api():
    """The API for passwords is below the API's address, in the environment of the issuer or the keyword."""
    usual = made().passwords
    assert usual.environments_url == "https://api.pingone.com/v1/environments"
    assert usual.scopes == ("p1:read:userPassword", "p1:reset:userPassword")
    own_domain = {**SETTINGS, "PINGONE_CUSTOM_DOMAIN": "id.acme.example"}
    nameless = {name: value for name, value in own_domain.items() if name != "PINGONE_ENVIRONMENT_ID"}
    by_issuer = {**nameless, "PINGONE_ISSUER": "https://auth.pingone.eu/e-2/as"}
    found = [pingone(settings=settings).passwords.environment_id for settings in (own_domain, nameless, by_issuer)]
    assert (usual.environment_id, found) == (ENVIRONMENT, [ENVIRONMENT, None, "e-2"])


def test_nothing_set():
    """Without anything the problems are environment and client, each once."""
    problems = pingone(settings={}).problems
    assert [problem.split()[0] for problem in problems] == ["PINGONE_ENVIRONMENT_ID", "PINGONE_CLIENT_ID"]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("environment_id", "a/b"),
        ("environment_id", "a b"),
        ("region", "us"),
        ("custom_domain", "http://id.acme.example"),
        ("custom_domain", "id acme"),
        ("api_url", "http://api.example"),
        ("logout_sends_client_id", "perhaps"),
        ("logout_sends_hint", "perhaps"),
        ("issuer", "http://id.acme.example/as"),
    ],
)
def test_wrong_values(keyword, value):
    """What can't be is a problem that names its setting."""
    problems = pingone(settings=SETTINGS, **{keyword: value}).problems
    assert any(problem.startswith(f"PINGONE_{keyword.upper()}=") for problem in problems)


def test_openid_is_needed():
    """A scope without openid is a problem."""
    (problem,) = pingone(settings=SETTINGS, scope="p1:read:user").problems
    assert problem.startswith("PINGONE_SCOPE must contain openid")


def test_policies():
    """Quirk 3: sign-on policies are names with blanks between; they are asked for and demanded of the answer."""
    provider = made(acr_values="Multi_Factor Single_Factor")
    found, transaction = prepare(
        provider, METADATA, redirect_uri="https://app.example/cb", state="s", now=NOW, wishes=Wishes()
    )
    assert found["acr_values"] == "Multi_Factor Single_Factor"
    assert transaction.acr_values == ("Multi_Factor", "Single_Factor")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_one_client_authentication(method):
    """Exactly one way of client authentication is used: with Basic nothing of it is in the form."""
    client = made(client_auth=method).client
    headers, form = authenticate(client, {"grant_type": "x"}, supported=(), issuer=ISSUER, now=NOW)
    by_header = method == "client_secret_basic"
    assert ("Authorization" in headers) is by_header
    assert ("client_id" in form) is not by_header
    assert ("client_secret" in form) is (method == "client_secret_post")
    assert ("client_assertion" in form) is (method == "client_secret_jwt")


def test_public_client():
    """Without a secret the client is public: its id goes in the form, and nothing else."""
    client = pingone(settings={**SETTINGS, "PINGONE_CLIENT_SECRET": ""}).client
    headers, form = authenticate(client, {}, supported=("client_secret_basic",), issuer=ISSUER, now=NOW)
    assert (headers, form) == ({}, {"client_id": "client-1"})


def test_sign_out():
    """The sign-out sends hint, address and state; client_id is in no list, so it goes only when switched on."""
    usual = {"id_token_hint": "h.p.s", "post_logout_redirect_uri": "https://app.example/out", "state": "st"}
    assert sign_out(made()) == usual
    assert sign_out(made(logout_sends_client_id=True)) == {**usual, "client_id": "client-1"}
    bare = {name: value for name, value in usual.items() if name != "id_token_hint"}
    assert sign_out(made(logout_sends_hint=False)) == bare


def test_sign_out_upstream():
    """With `idp_signoff` people leave by idpSignoff, which wants a hint; without one that fits, by signoff."""
    provider = made(idp_signoff=True)
    usual = {"id_token_hint": "h.p.s", "post_logout_redirect_uri": "https://app.example/out", "state": "st"}
    assert sign_out(provider, path="idpSignoff") == usual
    bare = {name: value for name, value in usual.items() if name != "id_token_hint"}
    assert sign_out(provider, hint=None, path="signoff") == bare
    assert sign_out(provider, hint="x" * (MAX_HINT_CHARACTERS + 1), path="signoff") == bare


def test_vendor_fields():
    """Quirk 4: the ID token has the user's id; where a mapping has changed the subject, it is in p1.userId."""
    assert to_vendor({"sub": "u-1"}) == PingOnePerson(
        user_id="u-1", environment_id=None, organization_id=None, region=None, groups=()
    )
    person = to_vendor(
        {
            "sub": "employee-1",
            "p1.userId": "u-1",
            "env": "E",
            "org": "O",
            "p1.region": "EU",
            "groups": ["a", 7, "b"],
        }
    )
    assert person == PingOnePerson(
        user_id="u-1", environment_id="E", organization_id="O", region="EU", groups=("a", "b")
    )


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"groups": ["a"]}, ("a",)),
        ({"memberOfGroupNames": ["b"]}, ("b",)),
        ({"groups": ["a"], "memberOfGroupNames": ["b"]}, ("a",)),
        ({"groups": "a"}, ()),
        ({"groups": None}, ()),
    ],
)
def test_groups(claims, groups):
    """Groups come under the name of the usual mapping, or under the attribute's own."""
    assert to_vendor({"sub": "u", **claims}).groups == groups


OWN = {
    "environment_id": "0f4dd2a8",
    "region": "eu",
    "custom_domain": "id.acme.example",
    "api_url": "https://api.acme.example/v1",
    "logout_sends_client_id": "true",
    "logout_sends_hint": "false",
    "idp_signoff": "true",
}


@pytest.mark.parametrize("keyword", OWN)
def test_each_keyword_has_its_name(keyword):
    """Every keyword of the vendor is read from its setting, and changes the provider."""
    provider = pingone(settings={**SETTINGS, f"PINGONE_{keyword.upper()}": OWN[keyword]})
    assert provider.problems == ()
    assert provider != made()
    assert provider == made(**{keyword: OWN[keyword]})


def test_own_keywords_are_all_here():
    """No keyword of the vendor is without its test."""
    assert {known.name for known in KEYWORDS} - {common.name for common in COMMON} == set(OWN)


def test_provider_shows_no_secret():
    """The secret is not in the provider's repr."""
    assert SETTINGS["PINGONE_CLIENT_SECRET"] not in repr(made())


def test_quirk_2_tokens_of_the_platform_are_not_revoked():
    """Quirk 2: access tokens with scopes of the platform API live on, so only a refresh token is revoked."""
    known = replace(METADATA, revocation_endpoint=f"{ISSUER}/revoke")
    tokens = TokenSet(access_token=Secret("a"), scope=("openid", "p1:read:user"), refresh_token=Secret("r"))
    assert [kind for kind, _ in revocable(made(), known, tokens, now=NOW)] == ["refresh_token"]
    assert revocable(made(), known, replace(tokens, refresh_token=None), now=NOW) == ()
    own = replace(tokens, scope=("openid", "orders"), refresh_token=None)
    assert [kind for kind, _ in revocable(made(), known, own, now=NOW)] == ["access_token"]
