import json
from urllib.parse import parse_qs, urlsplit

import pytest

from signon.core.authorize import Wishes, begin, prepare
from signon.core.errors import ProviderError
from signon.core.http import HttpResponse
from signon.core.logout import end_session_url
from signon.core.metadata import Metadata, read_discovery
from signon.core.provider import RevokedCheck
from signon.core.tokens import TokenSet
from signon.core.userinfo import userinfo_request
from signon.core.values import Secret
from signon.providers import authmachine
from signon.providers.authmachine import KEYWORDS, AuthMachinePerson, to_vendor

URL = "https://sso.example.test"
SETTINGS = {
    "AUTHMACHINE_URL": URL,
    "AUTHMACHINE_CLIENT_ID": "client-1",
    "AUTHMACHINE_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
}
METADATA = Metadata(
    issuer=URL,
    authorization_endpoint=f"{URL}/oidc/authorize",
    token_endpoint=f"{URL}/oidc/token",
    jwks_uri=f"{URL}/oidc/jwks",
    userinfo_endpoint=f"{URL}/oidc/userinfo",
    end_session_endpoint=f"{URL}/oidc/end-session",
    registration_endpoint=f"{URL}/oidc/register",
)
NOW = 1_800_000_000.0


def made(**keywords):
    provider = authmachine(settings=SETTINGS, **keywords)
    assert provider.problems == ()
    return provider


def parameters(provider, **wishes):
    found, _ = prepare(
        provider, METADATA, redirect_uri="https://app.example/cb", state="s", now=NOW, wishes=Wishes(**wishes)
    )
    return found


def sign_out(provider):
    address = end_session_url(
        provider,
        METADATA,
        id_token=Secret("h.p.s"),
        post_logout_redirect_uri="https://app.example/out",
        state="st",
    )
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def test_the_documents_names_are_enough():
    """Address, id and secret under the document's names make a provider, with the vendor's own defaults."""
    provider = made()
    assert (provider.name, provider.label, provider.issuer) == ("authmachine", "AuthMachine", URL)
    assert provider.scopes == ("openid", "profile", "email")
    assert (provider.client.auth, provider.id_token_algs) == ("client_secret_post", {"RS256"})
    assert (provider.userinfo, provider.userinfo_form) == ("always", True)
    assert [deviation.name for deviation in provider.deviations] == ["issuer_either_slash"]
    assert all(d.why and d.evidence and d.date for d in provider.deviations)


def test_nothing_set():
    """Without anything the problems are the address and the client, each once."""
    problems = authmachine(settings={}).problems
    assert {problem.split()[0] for problem in problems} >= {"AUTHMACHINE_URL", "AUTHMACHINE_CLIENT_ID"}
    assert len(problems) == len(set(problems))


@pytest.mark.parametrize(
    "url", ["sso.example.test", "ftp://sso.example.test", "http://sso.example.test", "https://"]
)
def test_wrong_address(url):
    """An address that can't be one is a problem of its setting."""
    problems = authmachine(settings={**SETTINGS, "AUTHMACHINE_URL": url}).problems
    assert any(problem.startswith("AUTHMACHINE_URL=") for problem in problems)


def test_openid_is_needed():
    """A scope without openid is a problem: nothing would say who signs in."""
    (problem,) = authmachine(settings=SETTINGS, scope="profile").problems
    assert problem.startswith("AUTHMACHINE_SCOPE must contain openid")


def test_issuer_wins_over_url():
    """The common keyword issuer names the issuer where both are set."""
    assert made(issuer="https://other.example").issuer == "https://other.example"


@pytest.mark.parametrize("setting", [URL, f"{URL}/"])
@pytest.mark.parametrize("document", [URL, f"{URL}/"])
def test_slash(setting, document):
    """Quirk 7: the address may have a slash at its end or not; the document's spelling is then the issuer."""
    provider = made(url=setting)
    members = {
        "issuer": document,
        **dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{URL}/x"),
    }
    body = json.dumps(members).encode()
    response = HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)
    read = read_discovery(response, issuer=provider.issuer, either_slash=provider.either_slash)
    assert read.issuer == document
    with pytest.raises(ProviderError, match="metadata_issuer_mismatch"):
        read_discovery(response, issuer="https://sso.example.tes", either_slash=True)


def test_flat_claims():
    """Quirk 1: the claims parameter is flat, with the vendor's one member, and absent where nothing is asked."""
    asked = parameters(made(permissions="billing warehouse-7"))["claims"]
    assert json.loads(asked) == {"authmachine_permissions": ["billing", "warehouse-7"]}
    assert "claims" not in parameters(made())


def test_sign_out_parameters():
    """Quirk 3: the sign-out sends scope and revoke_tokens, state and the address, and no hint and no client_id."""
    assert sign_out(made()) == {
        "scope": "openid profile email",
        "revoke_tokens": "1",
        "post_logout_redirect_uri": "https://app.example/out",
        "state": "st",
    }


def test_sign_out_switches():
    """Tokens may be left alone, and the standard's hint sent."""
    assert "revoke_tokens" not in sign_out(made(revoke_tokens=False))
    standard = sign_out(made(logout_sends_hint=True))
    assert (standard["id_token_hint"], standard["client_id"]) == ("h.p.s", "client-1")


def test_sign_up():
    """Quirk 4: the sign-up goes to the registration endpoint as to a page, with the request and register=1."""
    provider = made()
    assert provider.sign_up.at_registration_endpoint
    found = parameters(provider, sign_up=True)
    address = urlsplit(begin(METADATA, found, at=METADATA.registration_endpoint))
    query = parse_qs(address.query)
    assert (address.path, query["register"], query["response_type"]) == ("/oidc/register", ["1"], ["code"])
    assert "register" not in parameters(provider)
    assert provider.sign_up.echo == ("register", "1")


def test_userinfo_by_form():
    """Quirk 5: userinfo is asked by POST with the token in the form; a switch puts it in the header."""
    tokens = TokenSet(access_token=Secret("am-at"), scope=("openid",))
    posted = userinfo_request(made(), METADATA, tokens)
    assert (posted.method, posted.body) == ("POST", b"access_token=am-at")
    assert "Authorization" not in posted.headers
    got = userinfo_request(made(userinfo_by="header"), METADATA, tokens)
    assert (got.method, got.headers["Authorization"]) == ("GET", "Bearer am-at")


def test_api_token():
    """Quirk 6: the API has a token of its own, a secret beside the client's."""
    provider = made(api_token="api-token-never-shown")
    assert provider.api_token.reveal() == "api-token-never-shown"
    assert made().api_token is None
    assert "api-token-never-shown" not in repr(provider)
    assert SETTINGS["AUTHMACHINE_CLIENT_SECRET"] not in repr(provider)


def test_api_token_that_no_header_may_have():
    """Quirk 6: a token with a line end in it is a problem, which does not show it."""
    (problem,) = authmachine(settings=SETTINGS, api_token="first\r\nx-other: second").problems
    assert problem == "AUTHMACHINE_API_TOKEN has characters that no header may have"


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
def test_algorithm_of_the_client(alg):
    """Quirk 8: the signature is chosen per client, and exactly the chosen one is accepted."""
    assert made(id_token_alg=alg).id_token_algs == {alg}


def test_short_secret_for_hs256():
    """HS256 with a secret that is too short for it is a problem at the start (RFC 7518 3.2)."""
    settings = {**SETTINGS, "AUTHMACHINE_CLIENT_SECRET": "short"}
    (problem,) = authmachine(settings=settings, id_token_alg="HS256").problems
    assert "AUTHMACHINE_CLIENT_SECRET" in problem


def test_nonce_switch():
    """The nonce is required; `tolerated` lets it be missing, as a named deviation."""
    assert made().nonce_may_be_missing is False
    tolerant = made(nonce="tolerated")
    assert tolerant.nonce_may_be_missing is True
    assert "nonce_tolerated" in [deviation.name for deviation in tolerant.deviations]


def test_pkce_switch():
    """A code challenge is sent; `false` sends none, as a named deviation."""
    assert parameters(made())["code_challenge_method"] == "S256"
    bare = made(pkce=False)
    assert "code_challenge" not in parameters(bare)
    assert "no_pkce" in [deviation.name for deviation in bare.deviations]


def test_permissions_of_a_person():
    """The permissions that came with the sign-in stand beside the vendor's id, and for any vendor's reader."""
    claims = {"sub": "s", "authmachine_permissions": {"billing": ["view", "edit"], "warehouse-7": []}}
    expected = {"billing": ("view", "edit"), "warehouse-7": ()}
    assert to_vendor(claims) == AuthMachinePerson(user_id="s", permissions=expected)
    assert made().to_permissions(claims) == expected


def test_user_name():
    """`username` stands in for the standard's name where that is missing, and never wins over it."""
    read = made().read_userinfo
    assert read({"username": "mara"}, NOW)["preferred_username"] == "mara"
    assert read({"username": "a", "preferred_username": "b"}, NOW)["preferred_username"] == "b"
    assert read({"sub": "s", "username": 7}, NOW) == {"sub": "s", "username": 7}


OWN = {
    "url": f"{URL}/base",
    "api_token": "t",
    "permissions": "a b",
    "userinfo_by": "header",
    "revoke_tokens": "false",
    "logout_sends_hint": "true",
    "nonce": "tolerated",
    "pkce": "false",
    "revoked_check": "60",
    "revoked_unknown": "end",
}


@pytest.mark.parametrize("keyword", OWN)
def test_each_keyword_has_its_name(keyword):
    """Every keyword of the vendor is read from its setting, and changes the provider."""
    assert keyword in {known.name for known in KEYWORDS}
    settings = {**SETTINGS, f"AUTHMACHINE_{keyword.upper()}": OWN[keyword]}
    provider = authmachine(settings=settings)
    assert provider.problems == ()
    assert provider != made()
    assert provider == authmachine(settings=SETTINGS, **{keyword: OWN[keyword]})


@pytest.mark.parametrize(
    ("often", "check"),
    [
        ("off", None),
        ("each", RevokedCheck(grant_type="check_token_revoked", every_seconds=0.0, unknown="keep")),
        ("60", RevokedCheck(grant_type="check_token_revoked", every_seconds=60.0, unknown="keep")),
        (None, RevokedCheck(grant_type="check_token_revoked", every_seconds=0.0, unknown="keep")),
    ],
)
def test_quirk_2_revoked_check(often, check):
    """Quirk 2: at each look, every so many seconds or never; at each look where nothing is set."""
    assert made(**({} if often is None else {"revoked_check": often})).revoked_check == check


@pytest.mark.parametrize("often", ["0", "-1", "1.5", "always", "60 s", "٦٠", "9" * 5000])
def test_wrong_number_of_seconds(often):
    """Anything that is neither off, each nor a whole number of seconds above 0 is one problem."""
    (problem,) = authmachine(settings=SETTINGS, revoked_check=often).problems
    assert problem == f"AUTHMACHINE_REVOKED_CHECK={often!r} is not off, each or a whole number of seconds"


@pytest.mark.parametrize(
    "keyword", ["userinfo_by", "revoke_tokens", "logout_sends_hint", "nonce", "pkce", "revoked_unknown"]
)
def test_wrong_choice(keyword):
    """A value that is none of the choices is a problem that names the setting."""
    (problem,) = authmachine(settings=SETTINGS, **{keyword: "perhaps"}).problems
    assert problem.startswith(f"AUTHMACHINE_{keyword.upper()}='perhaps' is none of")


def test_own_keywords_are_all_here():
    """No keyword of the vendor is without its test."""
    from signon.providers.keywords import COMMON

    assert {known.name for known in KEYWORDS} - {common.name for common in COMMON} == set(OWN)
