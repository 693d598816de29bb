"""People with one session each, by number: what a sign-in would have written, without the sign-in."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace

from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.core.values import Secret, b64url_decode
from signon.sessions.memory import MemoryStore
from signon.sessions.record import Session
from signon.sessions.records import Records
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import KEPT_SECONDS, Sessions
from signon.sessions.store import SessionStore

ISSUER = "https://op.example"
RECORD_BYTES = 1024
SESSION_SECONDS = 8 * 3600.0
SIGN_IN_SECONDS = 50.0
"""The time in which everybody has signed in: less than after which a use is noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one sign-in leaves in a store: a record, and its key in the indexes."""

    key: bytes
    value: bytes
    indexes: tuple[bytes, ...]
    """By subject and by sid."""
    created_at: float
    expires_at: float
    """When the store lets go of it, POSIX seconds."""


class People:
    """`count` people who have signed in one after the other, the last one at `now`, POSIX seconds."""

    def __init__(self, count: int, *, now: float) -> None:
        self.count = count
        self.now = now
        self._seed = secrets.token_hex(16)
        self._sealer = Sealer([Secret(secrets.token_hex(32))])
        self._records = Records(MemoryStore(), self._sealer)  # for what it seals; it keeps nothing there
        self._token = ""
        self._token = "x" * (RECORD_BYTES - len(self.row(0).value))

    def sessions(self, store: SessionStore) -> Sessions:
        """Their sessions in a store, of which none has been opened yet."""
        return Sessions(store, self._sealer, session_seconds=SESSION_SECONDS)

    def session_id(self, number: int) -> str:
        digest = hashlib.sha256(f"{self._seed} {number}".encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def subject(self, number: int) -> str:
        return f"person-{number:010}"

    def sid(self, number: int) -> str:
        return f"session-{number:010}"

    def session(self, number: int) -> Session:
        subject = self.subject(number)
        # With as many digits for everybody, so that all records have one size.
        created_at = int(self.now - SIGN_IN_SECONDS * (1 - number / self.count)) + 0.25
        name, email = f"Person {number:010}", f"{subject}@people.example"
        claims = {"iss": ISSUER, "sub": subject, "name": name, "email": email, "email_verified": True}
        person = Person(
            provider="oidc",
            issuer=ISSUER,
            subject=subject,
            public_subject=subject,
            name=name,
            email=email,
            email_verified=True,
        )
        return Session(
            login=Login(person=person, claims=claims, signed_in_at=created_at, sid=self.sid(number)),
            user_key=person.key,
            tokens=TokenSet(access_token=Secret(self._token), scope=("openid", "profile", "email")),
            started_at=created_at,
            created_at=created_at,
            expires_at=created_at + SESSION_SECONDS,
            browser="Firefox on Linux",
        )

    def row(self, number: int) -> Row:
        session = self.session(number)
        key = b64url_decode(Sessions.handle(self.session_id(number)))
        assert key is not None
        return Row(
            key=key,
            value=self._records.seal(session, key),
            indexes=tuple(first for first, *_ in self._records.indexes(session)),
            created_at=session.created_at,
            expires_at=session.expires_at + KEPT_SECONDS,
        )

    def changed(self, session: Session) -> Session:
        """The session as a refresh would leave it: as long as before, with another token."""
        assert session.tokens is not None
        other = Secret("y" * len(self._token))
        return replace(session, tokens=replace(session.tokens, access_token=other))
