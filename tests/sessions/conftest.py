"""One person, one session, one transaction, and keys: each test changes what it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signon.core.authorize import Transaction
from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.sessions.record import Session
from signon.sessions.sealer import Sealer

NOW = 1_760_000_000.25
PERSON = Person(
    provider="thaid",
    issuer="https://imauth.bora.dopa.go.th",
    subject="1100700999998",
    public_subject="p-7f3a91",
    name="สมชาย ใจดี",
    email="somchai@example.com",
    email_verified=True,
)
LOGIN = Login(
    person=PERSON,
    claims={"sub": PERSON.subject, "address": {"formatted": "ถนนราชดำเนิน"}, "levels": [1, 2.5, None, True]},
    signed_in_at=NOW,
    auth_time=NOW - 30,
    acr="aal2",
    amr=("pwd", "otp"),
    sid="planted-sid-4711",
    scope=("openid", "pid"),
)
TOKENS = TokenSet(
    access_token=Secret("planted-access-token"),
    scope=("openid", "pid"),
    expires_at=NOW + 3600,
    refresh_token=Secret("planted-refresh-token"),
    id_token=Secret("planted.id.token"),
)
SESSION = Session(
    login=LOGIN,
    user_key=PERSON.key,
    roles=("auditor",),
    tokens=TOKENS,
    started_at=NOW - 60,
    created_at=NOW,
    expires_at=NOW + 28_800,
)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def session():
    return SESSION


@pytest.fixture
def transaction(sealer):
    return Transaction(
        provider="pingone",
        issuer="https://auth.pingone.com/11111111-2222-3333-4444-555555555555/as",
        client_id="66666666-7777-8888-9999-000000000000",
        redirect_uri="https://app.example.com/auth/callback/pingone",
        state=sealer.stamp(now=NOW),
        nonce="n" * 43,
        verifier="v" * 43,
        response_mode="query",
        started_at=NOW,
        scopes=("openid", "profile", "email"),
        next="/reports/2025?page=3",
        max_age_seconds=0,
        fresh=True,
        acr_values=("aal2",),
    )


@pytest.fixture
def old_key():
    return Secret("the-key-of-last-year")


@pytest.fixture
def new_key():
    return Secret("the-key-of-this-year")


@pytest.fixture
def sealer(old_key):
    return Sealer([old_key])


@pytest.fixture
def rotated(new_key, old_key):
    return Sealer([new_key, old_key])


@pytest.fixture
def other_person(session):
    """The same session for somebody else at the same issuer, in another of the provider's sessions."""
    person = replace(session.login.person, subject="3100700999991", public_subject="p-000001")
    return replace(session, login=replace(session.login, person=person, sid="other-sid"), user_key=person.key)
