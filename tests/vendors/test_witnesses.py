"""Two witnesses of each vendor, the profile and the dialect, written apart from the same sheet, must agree."""

import json
from dataclasses import fields
from urllib.parse import urlsplit

import pytest

from signon.core.http import HttpResponse
from signon.core.metadata import Metadata, discovery_url, read_discovery
from signon.providers import FACTORIES
from signon.providers.sgid import metadata as sgid_metadata
from signon.providers.thaid import CLAIMS as THAID_CLAIMS
from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects import DIALECTS
from signon_idp.dialects.auth0 import AUTH0_OF_OLD
from signon_idp.dialects.auth0_organizations import ORGANIZATIONS
from signon_idp.dialects.authmachine_people import PERMISSIONS
from signon_idp.dialects.pingone import id_token_claims as pingone_claims
from signon_idp.dialects.thaid import SCOPES as THAID_SCOPES

VENDORS = ("thaid", "authmachine", "auth0", "pingone", "sgid")
ADDRESSES = (
    *("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"),
    *("introspection_endpoint", "revocation_endpoint", "registration_endpoint"),
)


def provider_of(idp: Idp, **keywords: str):
    """The profile, by nothing but the settings that the dialect prints."""
    name = idp.dialect.name
    settings = {
        f"{name}_{key}".upper(): value for key, value in idp.dialect.settings(idp.issuer, _client(idp)).items()
    }
    provider = FACTORIES[name](settings=settings, **keywords)
    assert provider.problems == ()
    return provider


def _client(idp: Idp):
    (client,) = idp.clients.values()
    return client


@pytest.fixture(params=VENDORS)
def idp(request) -> Idp:
    dialect = DIALECTS[request.param]
    return Idp(dialect=dialect, origin=f"http://127.0.0.1:{dialect.port}", clients=(demo_client(request.param),))


def document_of(idp: Idp) -> HttpResponse:
    answer = idp.app.test_client().get(urlsplit(idp.base + idp.dialect.paths.discovery).path)
    assert answer.status_code == 200
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=answer.data)


def metadata_of(idp: Idp, provider) -> Metadata:
    return read_discovery(document_of(idp), issuer=provider.issuer, either_slash=provider.either_slash)


def test_every_vendor_has_both():
    """Each factory has a dialect of its name, each dialect a port of its own."""
    assert set(FACTORIES) == set(DIALECTS) == {*VENDORS, "oidc"}
    ports = {name: dialect.port for name, dialect in DIALECTS.items()}
    assert ports == {
        "oidc": 9000,
        "thaid": 9001,
        "authmachine": 9002,
        "auth0": 9003,
        "pingone": 9004,
        "sgid": 9005,
    }


def test_label(idp):
    """Both call the vendor by the same name."""
    assert provider_of(idp).label == idp.dialect.label


def test_issuer_and_document(idp):
    """The issuer that follows from the settings is the dialect's; its document is found, and accepted."""
    provider = provider_of(idp)
    assert provider.issuer == idp.issuer
    asked = provider.discovery_url or discovery_url(provider.issuer)
    assert asked == idp.base + idp.dialect.paths.discovery
    assert metadata_of(idp, provider).issuer == idp.issuer


def test_addresses_that_both_know(idp):
    """An address that the profile knows by heart is where the dialect serves it."""
    provider = provider_of(idp)
    served = {str(rule) for rule in idp.app.url_map.iter_rules()}
    known = {**provider.endpoints, **{f"sign_out {i}": form.endpoint for i, form in enumerate(provider.sign_out)}}
    if provider.metadata is not None:
        known |= {name: getattr(provider.metadata, name) for name in ADDRESSES}
        assert provider.metadata == sgid_metadata(idp.issuer)
        document = metadata_of(idp, provider)
        same = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        assert all(getattr(document, name) == getattr(provider.metadata, name) for name in same)
    addresses = [address for address in known.values() if address is not None]
    assert all(address.startswith(idp.origin) and urlsplit(address).path in served for address in addresses)


KNOWN_BY_HEART = {"thaid": 1, "authmachine": 0, "auth0": 1, "pingone": 0, "sgid": 4}


def test_how_many_addresses_are_compared(idp):
    """The comparison above has something to compare: as many addresses as the sheet makes a profile know."""
    provider = provider_of(idp)
    known = [*provider.endpoints.values(), *(form.endpoint for form in provider.sign_out)]
    if provider.metadata is not None:
        known += [getattr(provider.metadata, name) for name in ADDRESSES]
    assert len([address for address in known if address]) == KNOWN_BY_HEART[idp.dialect.name]


def test_auth0_without_an_end_session_endpoint():
    """Where the document lists none the profile goes to the place that the dialect serves."""
    idp = Idp(dialect=AUTH0_OF_OLD, origin="http://127.0.0.1:9003", clients=(demo_client("auth0"),))
    provider = provider_of(idp)
    assert metadata_of(idp, provider).end_session_endpoint is None
    assert urlsplit(provider.sign_out[-1].endpoint).path in {str(rule) for rule in idp.app.url_map.iter_rules()}


def test_client(idp):
    """The registered way of authentication and signature is what the profile uses, among those that are spoken."""
    provider, client = provider_of(idp), _client(idp)
    assert provider.id_token_algs == {client.id_token_signed_response_alg}
    assert provider.client.auth in {None, client.token_endpoint_auth_method}
    assert client.token_endpoint_auth_method in idp.dialect.auth_methods


def test_scopes(idp):
    """Every scope that the profile asks for is one that the dialect grants."""
    provider = provider_of(idp)
    assert idp.dialect.granted_scopes(provider.scopes, _client(idp)) == provider.scopes


def test_thaid_claims():
    """ThaID has one scope for each claim: both lists are the same, openid apart."""
    assert set(THAID_CLAIMS) == set(THAID_SCOPES) - {"openid"}


def claims_of(name: str) -> list[dict[str, object]]:
    """What each persona's claims are when everything was asked for, as the profile sees them."""
    people = DIALECTS[name].personas
    claims = [{"sub": person.sub, **person.claims} for person in people]
    if name == "auth0":
        return [{**found, "org_id": ORGANIZATIONS[0].id, "org_name": ORGANIZATIONS[0].name} for found in claims]
    if name == "pingone":
        return [pingone_claims(found, None) for found in claims]
    if name == "authmachine":
        pairs = zip(people, claims, strict=True)
        return [{**found, "authmachine_permissions": _lists(PERMISSIONS.get(one.id, {}))} for one, found in pairs]
    return claims


def _lists(granted) -> dict[str, list[str]]:
    return json.loads(json.dumps(granted))


# `p1.region` was never seen in a token (the sheet's list of unknowns), so nothing plays it.
NOT_PLAYED = {"pingone": {"region"}}


def test_claims(idp):
    """Each of the vendor's own fields is filled by somebody: every claim name is spelt alike on both sides."""
    name = idp.dialect.name
    people = [provider_of(idp).to_vendor(claims) for claims in claims_of(name)]
    empty = {
        field.name for field in fields(people[0]) if not any(getattr(person, field.name) for person in people)
    }
    assert empty == NOT_PLAYED.get(name, set())


def test_sign_up(idp):
    """Where the profile can start a sign-up the dialect has a page for it, and nowhere else."""
    provider = provider_of(idp)
    rules = idp.dialect.sign_up
    assert (provider.sign_up is None) == (rules is None)
    if provider.sign_up is not None and rules is not None:
        assert provider.sign_up.parameters[rules.parameter] == rules.value
        assert provider.sign_up.at_registration_endpoint == (idp.dialect.paths.sign_up is not None)


def test_sign_out(idp):
    """Where the profile signs out at the vendor the dialect has a place for that, and the other way round."""
    assert bool(provider_of(idp).sign_out) == (idp.dialect.paths.end_session is not None)
