import pytest

from signon.providers import from_names
from signon_demo.practice import PRACTICES, provider_names
from signon_demo.vendors import find_vendors
from signon_idp import practice_key

ADDRESS = "http://localhost:5000"
WHOLE = {
    "thaid": {"THAID_CLIENT_ID": "app", "THAID_CLIENT_SECRET": "s" * 32},
    "authmachine": {
        "AUTHMACHINE_URL": "https://am.example",
        "AUTHMACHINE_CLIENT_ID": "app",
        "AUTHMACHINE_CLIENT_SECRET": "s" * 32,
    },
    "auth0": {"AUTH0_DOMAIN": "tenant.example", "AUTH0_CLIENT_ID": "app", "AUTH0_CLIENT_SECRET": "s" * 32},
    "pingone": {"PINGONE_ENVIRONMENT_ID": "1-2", "PINGONE_CLIENT_ID": "app", "PINGONE_CLIENT_SECRET": "s" * 32},
    "sgid": {
        "SGID_CLIENT_ID": "app",
        "SGID_CLIENT_SECRET": "s" * 32,
        "SGID_PRIVATE_KEY": practice_key.private_pem(),
    },
    "oidc": {"OIDC_ISSUER": "https://op.example", "OIDC_CLIENT_ID": "app"},
}
ISSUERS = {
    "thaid": "https://imauth.bora.dopa.go.th",
    "authmachine": "https://am.example",
    "auth0": "https://tenant.example/",
    "pingone": "https://auth.pingone.com/1-2/as",
    "sgid": "https://api.id.gov.sg/v2",
    "oidc": "https://op.example",
}
MISSING = [(vendor, name) for vendor, names in WHOLE.items() for name in names if not vendor.startswith("oidc")]
PUBLIC = {"AUTH0_CLIENT_SECRET", "PINGONE_CLIENT_SECRET"}
"""Without its secret an application is a public client there."""


@pytest.mark.parametrize("vendor", WHOLE)
def test_whole_credentials_lead_to_the_vendor(vendor):
    """A vendor's settings alone make its button go there, and one line says which address it must know."""
    found = find_vendors(PRACTICES, WHOLE[vendor], application=ADDRESS)
    assert (found.names, found.settings) == ({vendor}, WHOLE[vendor])
    (note,) = found.notes
    assert note.endswith(f" is the real one: it must know {ADDRESS}/auth/callback/{vendor}.")
    (practice,) = (practice for practice in PRACTICES if practice.name == vendor)
    (provider,) = from_names(provider_names((practice,)), settings=found.settings)
    assert (provider.issuer, provider.problems) == (ISSUERS[vendor], ())


@pytest.mark.parametrize(("vendor", "missing"), MISSING)
def test_incomplete_credentials_say_what_is_missing(vendor, missing):
    """With one setting left out the vendor stays a practice provider, and the one line names that setting."""
    told = {name: value for name, value in WHOLE[vendor].items() if name != missing}
    found = find_vendors(PRACTICES, told, application=ADDRESS)
    if missing in PUBLIC:
        assert found.names == {vendor}
        return
    assert (found.names, found.settings) == (frozenset(), {})
    (note,) = found.notes
    assert " stays a practice provider: " in note
    assert missing in note
    assert "\n" not in note
    assert "ssss" not in note


def test_a_callback_of_its_own_is_told():
    """Where the settings move the callback, the line has the moved address."""
    told = {**WHOLE["thaid"], "THAID_CALLBACK_PATH": "/back"}
    (note,) = find_vendors(PRACTICES, told, application=ADDRESS).notes
    assert note == f"ThaID is the real one: it must know {ADDRESS}/back."


@pytest.mark.parametrize(
    "environment",
    [{}, {"THAID_CLIENT_ID": ""}, {"AUTH0_LABEL": "Somebody"}, {"OIDC_LABEL": "x", "CLIENT_ID": "app"}],
)
def test_no_credentials_no_word(environment):
    """Without credentials, or with settings of something else, every provider is a practice one."""
    found = find_vendors(PRACTICES, environment, application=ADDRESS)
    assert (found.names, found.settings, found.notes) == (frozenset(), {}, ())
