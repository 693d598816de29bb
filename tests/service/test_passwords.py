import json
import logging
from dataclasses import replace

import pytest
from tests.flask.double import ISSUER
from tests.service.conftest import NOW
from tests.service.password_op import (
    APPLICATIONS_TOKEN,
    CURRENT,
    NEW,
    SCOPES,
    PasswordOp,
    password_error,
    pingone_at,
)

from signon.core.errors import OperatorError, PersonError, PersonRefused, ProviderRefused, ProviderUnavailable
from signon.core.person import Login, to_person
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.providers.pingone.policy import Rule
from signon.providers.pingone.refusals import PasswordRefused
from signon.service.passwords import (
    change_own,
    offers_change,
    own_state,
    recover_password,
    reset_password,
    send_recovery_code,
)
from signon.service.tokens import TokensEnded
from signon.sessions.record import Session

TOKEN = "access-of-somebody-at-pingone"
URL = "https://api.op.example/v1/environments/e1/users/u1/password"


@pytest.fixture
def op(ops, plant):
    plant(CURRENT, NEW, TOKEN, APPLICATIONS_TOKEN)
    ops[ISSUER] = PasswordOp(plant)
    return ops[ISSUER]


@pytest.fixture
def provider():
    return pingone_at()


@pytest.fixture
def party(make_party, provider, op):
    return make_party(provider)


@pytest.fixture
def session():
    claims = {"sub": "u1", "name": "Somchai"}
    person = to_person(claims, provider="pingone", issuer=ISSUER)
    return Session(
        login=Login(person=person, claims=claims, signed_in_at=NOW),
        user_key="k",
        tokens=TokenSet(access_token=Secret(TOKEN), scope=("openid", *SCOPES.split())),
        started_at=NOW,
        created_at=NOW,
        expires_at=NOW + 3600,
    )


def change(party, session):
    change_own(party, session, current=Secret(CURRENT), new=Secret(NEW))


def test_own_state(party, session, op):
    """State and policy are asked for in one request, with the person's own token."""
    state = own_state(party, session)
    assert (state.status, state.rules[0]) == ("OK", Rule(requirement="length", least=8, most=255))
    (request,) = op.asked
    assert (request.method, request.url) == ("GET", f"{URL}?expand=passwordPolicy")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_change(party, session, op, caplog):
    """Both passwords go to the API and nowhere else; the log says that there was a change, and at whom."""
    with caplog.at_level(logging.DEBUG):
        change(party, session)
    (request,) = op.asked
    assert (request.method, request.url) == ("PUT", URL)
    assert op.sent() == {"currentPassword": CURRENT, "newPassword": NEW}
    assert [record.getMessage() for record in caplog.records] == [
        "somebody has changed their password provider=pingone"
    ]


def test_refused(party, session, op, caplog):
    """A refusal tells each problem; nothing that was typed is in it, and no change is logged."""
    op.refusal = password_error("newPassword", unsatisfiedRequirements=["history"])
    with caplog.at_level(logging.DEBUG), pytest.raises(PasswordRefused, match=r"^password_unsatisfied:") as caught:
        change(party, session)
    assert [problem.code for problem in caught.value.problems] == ["password_history"]
    assert not caplog.records


@pytest.mark.parametrize("missing", SCOPES.split())
def test_scope_that_was_not_granted(party, session, op, missing):
    """Without either scope, as granted and not as asked for, the API is not even asked."""
    granted = tuple(word for word in session.tokens.scope if word != missing)
    session = replace(session, tokens=replace(session.tokens, scope=granted))
    for act in (own_state, change):
        with pytest.raises(PersonError, match=r"^password_scope_missing:"):
            act(party, session)
    assert not op.asked


@pytest.mark.parametrize(
    ("status", "code"), [("EXTERNAL", "password_elsewhere"), ("NO_PASSWORD", "password_none")]
)
def test_no_password_there(party, session, op, status, code):
    """Whose password is elsewhere, or who has none, has nothing to change."""
    op.state = {"status": status}
    with pytest.raises(PersonError, match=rf"^{code}:"):
        own_state(party, session)


def test_person_of_another_provider(party, session, op):
    """An action that the API refuses for people who sign in elsewhere says just that."""
    op.refusal = {"code": "REQUEST_FAILED"}
    with pytest.raises(PersonRefused, match=r"^password_elsewhere:"):
        change(party, session)


def test_provider_without_the_api(make_party, make_provider, session):
    """At a provider that has no such API there is nothing to change, and nothing to reset."""
    generic = make_provider("pingone")
    party = make_party(generic)
    with pytest.raises(PersonError, match=r"^password_unsupported:") as caught:
        own_state(party, session)
    assert caught.value.status == 404
    with pytest.raises(OperatorError, match=r"^password_api_missing:"):
        reset_password(party, generic, "u1", new=Secret(NEW))


def test_session_without_tokens(party, session, op):
    """Tokens that have ended open nothing, and a sign-in brings others; where none come the settings are wrong."""
    with pytest.raises(TokensEnded, match=r"^tokens_ended:"):
        own_state(party, replace(session, tokens_ended="invalid_grant"))
    with pytest.raises(OperatorError, match=r"^tokens_missing:"):
        own_state(party, replace(session, tokens=None))
    assert not op.asked


def test_unreachable(party, session, op):
    """What keeps the API from answering comes out as it is."""
    op.failing["password"] = ProviderUnavailable("password_timeout", "too slow")
    with pytest.raises(ProviderUnavailable, match=r"^password_timeout:"):
        change(party, session)


def test_who_offers_a_change(provider, make_provider):
    """A change is offered where the API is known and both of its scopes are asked for."""
    assert offers_change(provider)
    assert not offers_change(make_provider())
    for missing in SCOPES.split():
        scope = f"openid {SCOPES}".replace(missing, "")
        assert not offers_change(pingone_at(scope=scope))


def test_reset(party, provider, op):
    """An administrator's reset is sent with the application's own token, and without a current password."""
    reset_password(party, provider, "u1", new=Secret(NEW))
    assert op.sent() == {"newPassword": NEW}
    assert op.changes[0].url == URL
    assert op.changes[0].headers["Authorization"] == f"Bearer {APPLICATIONS_TOKEN}"


def test_recovery(party, provider, op):
    """A code is sent with an empty body, and set with the new password."""
    send_recovery_code(party, provider, "u1")
    assert op.sent() == {}
    recover_password(party, provider, "u1", code=Secret("c0de1234"), new=Secret(NEW))
    assert op.sent() == {"recoveryCode": "c0de1234", "newPassword": NEW}
    types = [request.headers["Content-Type"].rpartition(".")[2] for request in op.changes]
    assert types == ["sendRecoveryCode+json", "recover+json"]
    op.refusal = password_error("recoveryCode")
    with pytest.raises(PasswordRefused, match=r"^password_recovery_code_wrong:"):
        recover_password(party, provider, "u1", code=Secret("c0de1234"), new=Secret(NEW))


def test_environment_by_hand(make_party, op):
    """Where neither issuer nor keyword names the environment, whoever calls does; else nothing is sent."""
    nameless = pingone_at(environment_id="")
    party = make_party(nameless)
    send_recovery_code(party, nameless, "u1", environment_id="e1")
    assert op.changes[0].url == URL
    with pytest.raises(OperatorError, match=r"^password_environment_missing:"):
        send_recovery_code(party, nameless, "u1")
    assert op.documents().count("token") == 1


def test_application_without_the_role(party, provider, op):
    """An application that may not do this is told so, with the API's own word for it."""
    op.refusal, op.status = {"code": "ACCESS_FAILED"}, 403
    with pytest.raises(ProviderRefused, match=r"^password_not_allowed:") as caught:
        reset_password(party, provider, "u1", new=Secret(NEW))
    assert caught.value.error == "ACCESS_FAILED"
    assert json.loads(op.changes[0].body) == {"newPassword": NEW}
