"""Who signed in: the standard claims as a `Person` (OIDC Core 5.1), and the sign-in as a `Login`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signon.core.values import JsonObject, JsonValue, is_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as one provider describes them. Identity is (issuer, subject), never an e-mail address."""

    provider: str
    issuer: str
    subject: str = field(repr=False)
    public_subject: str
    """What may be shown and stored as the subject: the subject, or our key where that is a national id."""
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    preferred_username: str | None = None
    email: str | None = None
    email_verified: bool = False
    """True only where the provider says the boolean true (OIDC Core 5.1)."""
    picture: str | None = None
    locale: str | None = None

    @property
    def key(self) -> str:
        """One text for (issuer, subject), to file a user under. A URL has no `|`, so it can't be ambiguous."""
        return f"{self.issuer}|{self.public_subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One sign-in: the person, all claims, and what the provider says of how it was done."""

    person: Person
    claims: Mapping[str, JsonValue] = field(repr=False)
    signed_in_at: float
    """When our callback finished, POSIX seconds."""
    auth_time: float | None = None
    """When the provider last saw the person prove who they are, POSIX seconds."""
    acr: str | None = None
    amr: tuple[str, ...] = ()
    sid: str | None = None
    scope: tuple[str, ...] = ()
    signed_up: bool = False
    """The provider says that this person has just got an account there. It says so by a parameter that they can
    write themselves: good for a greeting, and for nothing of value."""
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the application kept with this sign-in (`Wishes.keep`). A refresh leaves it as it is. Another sign-in
    has its own, also one for a step-up: it may be another person's."""


def to_person(claims: JsonObject, *, provider: str, issuer: str) -> Person:
    """Map standard claims. Null, empty and claims of a wrong type count as absent (OIDC Core 5.3.2)."""
    subject = str(claims["sub"])
    return Person(
        provider=provider,
        issuer=issuer,
        subject=subject,
        public_subject=subject,
        name=text_claim(claims, "name"),
        given_name=text_claim(claims, "given_name"),
        family_name=text_claim(claims, "family_name"),
        preferred_username=text_claim(claims, "preferred_username"),
        email=text_claim(claims, "email"),
        email_verified=claims.get("email_verified") is True,
        picture=text_claim(claims, "picture"),
        locale=text_claim(claims, "locale"),
    )


def to_login(person: Person, claims: JsonObject, *, now: float, scope: tuple[str, ...]) -> Login:
    """A finished sign-in from verified claims."""
    amr = claims.get("amr")
    return Login(
        person=person,
        claims=claims,
        signed_in_at=now,
        auth_time=number_claim(claims, "auth_time"),
        acr=text_claim(claims, "acr"),
        amr=tuple(word for word in amr if isinstance(word, str)) if isinstance(amr, list) else (),
        sid=text_claim(claims, "sid"),
        scope=scope,
    )


def text_claim(claims: JsonObject, name: str) -> str | None:
    """The claim as text, or None where it is absent, null, empty or something else."""
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def number_claim(claims: JsonObject, name: str) -> float | None:
    """The claim as a number, or None (RFC 7519 2)."""
    value = claims.get(name)
    return float(value) if is_number(value) else None  # type: ignore[arg-type]  # is_number has just said so
