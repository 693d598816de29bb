"""The tokens of a session as tables: their ends and times, what a refresh has changed, what the provider says."""

from __future__ import annotations

from signon.core.introspection import Introspection
from signon.core.person import Login
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon_demo.claims import OTHER, Meaning, Row, claim_row, local_time, shortened

_REFRESH_SLACK_SECONDS = 1
"""Tokens are counted from before they were asked for, the sign-in from its end."""


_END = {
    True: "When the access token ends; it is refreshed before",
    False: "When the access token ends; you will then have to sign in again to use it",
}


def token_rows(tokens: TokenSet, login: Login) -> list[Row]:
    """What a session holds: each token by its ends, and when it was got and ends."""
    refreshed_at = tokens.issued_at if _was_refreshed(tokens, login) else None
    return [
        _held(
            "access_token",
            tokens.access_token,
            "Opens the provider's APIs; it stays on the server",
            "RFC 6749 1.4",
        ),
        _held("refresh_token", tokens.refresh_token, "Gets the next access token", "RFC 6749 1.5"),
        _held("id_token", tokens.id_token, "The signed answer to this sign-in", "OIDC Core 2"),
        _said("token_type", ("Bearer",), "Whoever holds the access token may use it", "RFC 6750"),
        _said(
            "scope", (" ".join(tokens.scope) or "not said",), "What the access token is good for", "RFC 6749 3.3"
        ),
        _moment("expires_at", tokens.expires_at, _END[tokens.refresh_token is not None], "not said"),
        _moment("refreshed_at", refreshed_at, "When it was refreshed last", "not since the sign-in"),
    ]


def changes(before: TokenSet, after: TokenSet) -> list[Row]:
    """What a refresh has changed, token by token."""
    return [
        Row(name=name, lines=_both(getattr(before, name), getattr(after, name)), meaning=meaning)
        for name, meaning in (
            ("access_token", "The old one may still be good until its end"),
            ("refresh_token", "With a new one the old is used up: each works once"),
            ("id_token", "A new one must name the same person, or the refresh fails"),
        )
    ]


def introspection_rows(said: Introspection, login: Login) -> list[Row]:
    """Everything that the provider says of a token, with no national id in it."""
    members = {"active": said.active, **said.claims}
    hidden = login.person.subject
    shown = {name: login.person.public_subject if value == hidden else value for name, value in members.items()}
    return [claim_row(name, value, _INTROSPECTED.get(name, _UNKNOWN)) for name, value in shown.items()]


_UNKNOWN = Meaning(OTHER, "Not in the standard; the provider's own", "")
_INTROSPECTED = {
    name: Meaning(OTHER, text, "RFC 7662 2.2")
    for name, text in {
        "active": "Whether the token is good now",
        "scope": "What it is good for",
        "client_id": "The application that it was given to",
        "username": "The person, as the provider calls them",
        "token_type": "How it is used",
        "exp": "When it ends",
        "iat": "When it was made",
        "nbf": "When it begins",
        "sub": "The person that it was given for",
        "aud": "The API that it is meant for",
        "iss": "The provider that made it",
        "jti": "The token's own number",
    }.items()
}


def _was_refreshed(tokens: TokenSet, login: Login) -> bool:
    return (tokens.issued_at or 0) > login.signed_in_at + _REFRESH_SLACK_SECONDS


def _held(name: str, token: Secret | None, meaning: str, section: str) -> Row:
    return _said(name, (_ends(token),), meaning, section)


def _said(name: str, lines: tuple[str, ...], meaning: str, section: str) -> Row:
    return Row(name=name, lines=lines, meaning=meaning, section=section)


def _moment(name: str, at: float | None, meaning: str, otherwise: str) -> Row:
    shown = None if at is None else local_time(at)
    return Row(name=name, lines=(shown or otherwise,), raw=None if at is None else str(int(at)), meaning=meaning)


def _both(before: Secret | None, after: Secret | None) -> tuple[str, ...]:
    if before == after:
        return (f"{_ends(after)}, the same" if after is not None else "none",)
    return (f"before: {_ends(before)}", f"now: {_ends(after)}")


def _ends(token: Secret | None) -> str:
    return "none" if token is None else shortened(token.reveal())
