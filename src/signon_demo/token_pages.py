"""The page on a session's tokens: what there is, and each thing that can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from signon.core.errors import SignOnError
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.revocation import revocable
from signon.core.tokens import TokenSet
from signon.flask import TokensEnded, current_login, login_required
from signon.flask.messages import message_for
from signon.flask.state import state
from signon.service.explain import Verdict
from signon_demo.claims import Row
from signon_demo.page import own_provider, show
from signon_demo.token_sheet import changes, introspection_rows, token_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a button: one of good, caution and bad; a sentence or two, and a table where there is one."""

    tone: str
    title: str
    text: str
    rows: tuple[Row, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button: what it says and does, when there is one, and what stands in its place where there is none."""

    button: str
    line: str
    missing: str
    """May hold `{label}`, the provider's."""
    able: Callable[[Provider, Metadata, TokenSet], bool]
    act: Callable[[TokenSet, str], Outcome]
    """Is given the tokens, and the provider's label."""


def add_token_pages(pages: Blueprint) -> None:
    """Add the page to the demo's."""
    pages.add_url_rule("/tokens", "tokens", tokens, methods=["GET", "POST"])


@login_required
def tokens() -> Response:
    """Show the tokens by their ends (GET), or do with them what a button says (POST)."""
    provider, held, outcome = own_provider(), _held(), None
    if request.method == "POST":
        action = ACTIONS.get(request.form.get("do", ""))
        if action is None:
            raise BadRequest
        outcome = _GONE if held is None else _done(action, held, label=provider.label)
        held = _held()
    return show(
        "tokens.html",
        status=200 if outcome is None else outcome.status,
        provider=provider,
        brings={"code", "token"}.intersection(provider.response_type.split()),
        outcome=outcome,
        rows=() if held is None else token_rows(held, current_login),
        actions=() if held is None else _offered(provider, held),
    )


def _held() -> TokenSet | None:
    """The tokens of this session; None where they are over, or where its sign-in brought none."""
    try:
        return current_login.token_set()
    except SignOnError:
        return None


def _done(action: Action, held: TokenSet, *, label: str) -> Outcome:
    try:
        return action.act(held, label)
    except TokensEnded:
        raise
    except SignOnError as error:
        message = message_for(error, provider=label, limit="")
        return Outcome(tone="bad", title=message.title, text=f"{message.text} ({error.code})", status=error.status)


def _offered(provider: Provider, held: TokenSet) -> list[tuple[str, Action, bool]]:
    """Each action by its name, and whether it can be had."""
    try:
        metadata = state().party.runtime.metadata(provider)
    except SignOnError:  # a press of the button says why
        return [(name, action, True) for name, action in ACTIONS.items()]
    return [(name, action, action.able(provider, metadata, held)) for name, action in ACTIONS.items()]


def _introspect(_tokens: TokenSet, label: str) -> Outcome:
    said = current_login.introspect()
    return Outcome(
        tone="good" if said.active else "caution",
        title=f"{label} says that the token is {'good' if said.active else 'over'}",
        text="It was asked over a connection of the application's own; the answer is kept for up to a minute.",
        rows=tuple(introspection_rows(said, current_login)),
    )


def _explain(_tokens: TokenSet, label: str) -> Outcome:
    verdicts = current_login.explain_id_token()
    failed = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    passed = sum(verdict.outcome == "passed" for verdict in verdicts)
    return Outcome(
        tone="bad" if failed else "good",
        title=f"{len(failed)} of {len(verdicts)} checks failed" if failed else f"{passed} checks passed",
        text=f"The ID token was judged again, by the keys that {label} publishes now. A sign-in must pass all.",
        verdicts=verdicts,
    )


def _refresh(tokens: TokenSet, label: str) -> Outcome:
    current_login.refresh()
    return Outcome(
        tone="good",
        title="There are new tokens",
        text=f"{label} gave them for the refresh token. Signon does that by itself before the old ones end.",
        rows=tuple(changes(tokens, current_login.token_set())),
    )


def _revoke(_tokens: TokenSet, label: str) -> Outcome:
    current_login.revoke()
    return Outcome(
        tone="good",
        title="The tokens are over",
        text=f"{label} has revoked what it can, and the application has given up all. You are still signed in.",
    )


_GONE = Outcome(
    tone="caution",
    title="There is nothing left to do that with",
    text="The tokens were given up before. Nothing was done.",
)
ACTIONS: Mapping[str, Action] = {
    "introspect": Action(
        button="Ask the provider about it",
        line="Is the access token good, for whom and for what? (RFC 7662)",
        missing="{label} has no place to ask about a token.",
        able=lambda _provider, metadata, _tokens: metadata.introspection_endpoint is not None,
        act=_introspect,
    ),
    "explain": Action(
        button="Check the ID token again",
        line="Every rule that it is held to, and what each finds. (OIDC Core 3.1.3.7)",
        missing="{label} gave no ID token.",
        able=lambda _provider, _metadata, tokens: tokens.id_token is not None,
        act=_explain,
    ),
    "refresh": Action(
        button="Refresh",
        line="Get new tokens now, although these are still good. (RFC 6749 6)",
        missing="{label} gave no refresh token: this sign-in's tokens end by themselves.",
        able=lambda _provider, _metadata, tokens: tokens.refresh_token is not None,
        act=_refresh,
    ),
    "revoke": Action(
        button="Revoke",
        line="Have the provider end them, and stay signed in here without. (RFC 7009)",
        missing="{label} has no place to revoke these one by one: they end by themselves, or as you sign out.",
        able=lambda provider, metadata, tokens: bool(
            revocable(provider, metadata, tokens, now=state().party.clock())
        ),
        act=_revoke,
    ),
}
