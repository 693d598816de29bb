"""PingOne's API for passwords over the wire: a change without script, and what the application may do."""

import pytest
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon.core.errors import ProviderRefused
from signon.core.values import Secret
from signon.providers.pingone.refusals import PasswordRefused
from signon.service.passwords import recover_password, reset_password, send_recovery_code
from signon_idp.dialects.pingone import PINGONE_ON_ITS_OWN_DOMAIN

SCOPE = "openid profile email p1:read:userPassword p1:reset:userPassword"
MIA = "7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11"
NEW, LATER = "violet-Teapot-93", "copper-Lantern-58"


@pytest.fixture
def stage(at_vendor, plant):
    plant(NEW, LATER)
    return at_vendor("pingone", scope=SCOPE)


@pytest.fixture
def party(stage):
    return stage.app.extensions["signon"].party


def password_page(stage, persona):
    visitor = stage.visitor()
    stage.sign_in(persona, visitor=visitor)
    return visitor, visitor.get(f"{ORIGIN}/auth/password")


def submit(visitor, page, current, new):
    return visitor.submit(page, current_password=current, new_password=new, confirm_password=new)


@pytest.mark.parametrize("persona", ["mia", "sam"])
def test_change_without_script(stage, persona):
    """A plain form changes the password, also of somebody whose subject was mapped; every rule is named."""
    visitor, page = password_page(stage, persona)
    refused = submit(visitor, page, "practice", "aaaab")
    assert refused.status_code == 400
    assert refused.text.count('class="broken"') >= 3
    assert "Password changed" in submit(visitor, page, "practice", f"{NEW}^").text
    assert stage.idp.state.passwords[persona].value == f"{NEW}^"
    wrong = submit(visitor, page, "practice", LATER)
    assert "This is not your current password." in wrong.text
    assert NEW not in "".join(stage.pages)


def test_person_of_another_provider(stage):
    """Whose scopes were not granted gets no form, and the API isn't asked."""
    _, page = password_page(stage, "edith")
    assert (code_of(page), page.status_code) == ("password_scope_missing", 403)
    assert stage.idp.calls["password"] == 0


def test_own_domain(at_vendor):
    """On a custom domain the environment is the person's own, by the ID token."""
    stage = at_vendor("pingone", dialect=PINGONE_ON_ITS_OWN_DOMAIN, scope=SCOPE)
    assert stage.app.extensions["signon"].party.providers["pingone"].passwords.environment_id is None
    _, page = password_page(stage, "mia")
    assert "What a new password must be" in page.text


def test_reset_and_recovery(stage, party):
    """The application resets a password, sends a code, and sets another by it, within the policy."""
    provider = party.providers["pingone"]
    reset_password(party, provider, MIA, new=Secret(NEW))
    kept = stage.idp.state.passwords["mia"]
    assert (kept.value, kept.must_change) == (NEW, True)
    _, page = password_page(stage, "mia")
    assert "due for a change" in page.text
    kept.changed_at -= 2 * 86_400
    send_recovery_code(party, provider, MIA)
    with pytest.raises(PasswordRefused, match=r"^password_recovery_code_wrong:"):
        recover_password(party, provider, MIA, code=Secret("wrong"), new=Secret(LATER))
    recover_password(party, provider, MIA, code=Secret(kept.recovery_code), new=Secret(LATER))
    assert (kept.value, kept.must_change) == (LATER, False)
    with pytest.raises(ProviderRefused, match=r"^password_user_unknown:"):
        reset_password(party, provider, "nobody", new=Secret(LATER))
