"""The keywords that every factory has, as a table, and the reader that turns settings into their values."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypedDict

from signon.core.client_auth import METHODS
from signon.core.header import ALGS
from signon.core.jose import ENCRYPTION_ALGS
from signon.core.values import Secret
from signon.providers import checks

SWITCH = ("true", "false")
"""The choices of a keyword that is on or off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """One keyword of a factory, and what may stand there."""

    name: str
    says: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[str], str | None] | None = None
    """Says what is wrong with a text, or None."""
    secret: bool = False
    """Its value may also come from a file that `..._FILE` names, and never shows."""


class Common(TypedDict, total=False):
    """The keywords of every factory, for editors and type checkers; `COMMON` says what each is."""

    client_id: str
    client_secret: str
    issuer: str
    scope: str
    client_auth: str
    id_token_alg: str
    response_type: str
    response_mode: str
    userinfo: str
    userinfo_alg: str
    acr_values: str
    max_age: int | str
    prompt: str
    callback_path: str
    logout_callback_path: str
    post_logout_path: str
    backchannel_logout_path: str
    frontchannel_logout_path: str
    initiate_path: str
    sign_out: str
    label: str
    ca_file: str
    proxy: str
    private_key: str
    client_assertion_alg: str
    client_assertion_typ: str
    id_token_encryption: str
    userinfo_encryption: str
    par: bool | str
    access_token_profile: str
    access_token_alg: str
    introspection_alg: str


COMMON: tuple[Keyword, ...] = (
    Keyword(name="client_id", says="what the provider calls this application"),
    Keyword(name="client_secret", says="the secret that came with it; a public client has none", secret=True),
    Keyword(
        name="issuer",
        says="the issuer, exactly as the provider writes it, path and slash included",
        check=checks.issuer,
    ),
    Keyword(name="scope", says="what to ask for", default="openid profile email"),
    Keyword(
        name="client_auth",
        says="the registered way of client authentication; unset: by the provider's metadata",
        choices=METHODS,
    ),
    Keyword(
        name="id_token_alg", says="the registered signature of ID tokens", default="RS256", choices=tuple(ALGS)
    ),
    Keyword(
        name="response_type",
        says="what the answer brings: code; with code id_token an ID token, too; the others bring tokens by the"
        " browser and no code, which is advised against (RFC 9700 2.1.2)",
        default="code",
        choices=("code", "code id_token", "id_token", "id_token token", "token id_token"),
    ),
    Keyword(
        name="response_mode",
        says="how the answer comes back; unset: by query, or by fragment where it brings tokens",
        choices=("query", "form_post", "fragment"),
    ),
    Keyword(
        name="userinfo",
        says="ask the userinfo endpoint: never, when the ID token lacks what the scope promises, or always",
        default="missing",
        choices=("never", "missing", "always"),
    ),
    Keyword(
        name="userinfo_alg", says="the registered signature of userinfo; unset: plain JSON", choices=tuple(ALGS)
    ),
    Keyword(name="acr_values", says="accepted ways of signing in; the answer must name one of them"),
    Keyword(name="max_age", says="the oldest sign-in at the provider to accept, in seconds", check=checks.seconds),
    Keyword(name="prompt", says="what the provider shall ask the person each time (login, consent, …)"),
    Keyword(name="callback_path", says="where the provider sends people back to", check=checks.path),
    Keyword(name="logout_callback_path", says="where it sends them after a sign-out", check=checks.path),
    Keyword(
        name="post_logout_path", says="a page of the application's own for that, in its place", check=checks.path
    ),
    Keyword(
        name="backchannel_logout_path",
        says="where the provider posts logout tokens to (OIDC Back-Channel Logout)",
        check=checks.path,
    ),
    Keyword(
        name="frontchannel_logout_path",
        says="the page that it frames when it signs somebody out (OIDC Front-Channel Logout)",
        check=checks.path,
    ),
    Keyword(name="initiate_path", says="where others may send people to sign in (OIDC Core 4)", check=checks.path),
    Keyword(
        name="sign_out",
        says="how far a sign-out goes: to the provider, too, or no further than here; people can choose the other",
        default="everywhere",
        choices=("everywhere", "here"),
    ),
    Keyword(name="label", says="the name on the button"),
    Keyword(name="ca_file", says="certificates to trust for this provider, a PEM file", check=checks.file),
    Keyword(name="proxy", says="the outgoing proxy for this provider", check=checks.proxy),
    Keyword(
        name="private_key",
        says="our private key, to sign client assertions and open what is encrypted: PEM (also on one line with"
        r" \n), JWK, JWK Set, or the path of a file with one",
        secret=True,
    ),
    Keyword(
        name="client_assertion_alg",
        says="the registered signature of client assertions; unset: HS256, or what goes with the key",
        choices=tuple(ALGS),
    ),
    Keyword(
        name="client_assertion_typ",
        says="the typ of client assertions; some servers know only JWT",
        default="client-authentication+jwt",
        choices=("client-authentication+jwt", "JWT"),
    ),
    Keyword(
        name="id_token_encryption",
        says="the registered key encryption of ID tokens; unset: plain ones, too",
        choices=ENCRYPTION_ALGS,
    ),
    Keyword(
        name="userinfo_encryption",
        says="the registered key encryption of userinfo; unset: plain answers, too",
        choices=ENCRYPTION_ALGS,
    ),
    Keyword(
        name="par",
        says="push each authorization request over the back channel, also where the provider doesn't demand it",
        default="false",
        choices=SWITCH,
    ),
    Keyword(
        name="access_token_profile",
        says="how its access tokens are judged at an API of ours: by RFC 9068; untyped also where they don't say"
        " what they are; introspected by asking; introspected-without-audience also those of any of its clients",
        default="rfc9068",
        choices=("rfc9068", "untyped", "introspected", "introspected-without-audience"),
    ),
    Keyword(
        name="access_token_alg",
        says="the registered signature of access tokens",
        default="RS256",
        choices=tuple(alg for alg in ALGS if ALGS[alg].kty != "oct"),
    ),
    Keyword(
        name="introspection_alg",
        says="the registered signature of what it says of tokens (RFC 9701); unset: plain JSON",
        choices=tuple(ALGS),
    ),
)


def keywords(*extra: Keyword, **defaults: str) -> tuple[Keyword, ...]:
    """The keywords of one vendor: the common ones with defaults of its own, and those that only it has.

    One of its own that bears a common one's name says it in the vendor's words.
    """
    own = {keyword.name: keyword for keyword in extra}
    common = (replace(k, default=defaults[k.name]) if k.name in defaults else k for k in COMMON)
    return (*(own.pop(keyword.name, keyword) for keyword in common), *own.values())


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads the keywords of one provider: an argument, else a setting, else a file; collects what is wrong."""

    provider: str
    given: Mapping[str, object]
    settings: Mapping[str, object] | None
    keywords: tuple[Keyword, ...]
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = {keyword.name: keyword for keyword in self.keywords}
        for name in self.given.keys() - known.keys():
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            msg = f"the provider {self.provider} has no keyword {name!r}{hint}"
            raise TypeError(msg)

    def setting(self, name: str) -> str:
        """The name of the setting behind a keyword."""
        return f"{self.provider}_{name}".upper()

    def text(self, name: str) -> str | None:
        """The value of a keyword, checked, or None where nothing is set. A wrong value becomes a problem."""
        keyword = next(keyword for keyword in self.keywords if keyword.name == name)
        text = self._raw(keyword)
        if text is None:
            return keyword.default
        wrong = keyword.check(text) if keyword.check else None
        if keyword.choices and text not in keyword.choices:
            wrong = f"is none of {', '.join(keyword.choices)}"
        if wrong:
            # What has a user's name before its host may have the password, too.
            shown = "" if keyword.secret or "@" in text else f"={text!r}"
            self._wrong(f"{self.setting(name)}{shown} {wrong}")
            return keyword.default
        return text

    def switch(self, name: str) -> bool:
        """A value that is true or false."""
        return self.text(name) == "true"

    def words(self, name: str) -> tuple[str, ...]:
        """A value of words with blanks between."""
        return tuple((self.text(name) or "").split())

    def secret(self, name: str) -> Secret | None:
        """The value of a secret keyword."""
        text = self.text(name)
        return None if text is None else Secret(text)

    def required(self, name: str) -> str:
        """The value of a keyword that must be set; where it isn't, a problem and an empty text."""
        text = self.text(name)
        if text is None and not any(problem.startswith(self.setting(name)) for problem in self.problems):
            self._wrong(f"{self.setting(name)} is not set: {self._says(name)}")
        return text or ""

    def _wrong(self, problem: str) -> None:
        """Note a problem, once: some keywords are read more than once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def _says(self, name: str) -> str:
        return next(keyword.says for keyword in self.keywords if keyword.name == name)

    def _raw(self, keyword: Keyword) -> str | None:
        given = self.given.get(keyword.name)
        if given is not None and given != "":
            return given if isinstance(given, str) else self._not_text(keyword, given)
        source = os.environ if self.settings is None else self.settings
        value = source.get(self.setting(keyword.name))
        if value is not None and value != "":
            return value if isinstance(value, str) else self._not_text(keyword, value)
        path = source.get(self.setting(keyword.name) + "_FILE") if keyword.secret else None
        return self._from_file(keyword.name, path) if isinstance(path, str | Path) and path else None

    def _not_text(self, keyword: Keyword, value: object) -> str | None:
        if isinstance(value, bool) and keyword.choices == ("true", "false"):
            return str(value).lower()
        if isinstance(value, int) and not isinstance(value, bool) and keyword.check is checks.seconds:
            return str(value)
        if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
            return " ".join(value)
        name = self.setting(keyword.name)
        self._wrong(f"{name} is {type(value).__name__} and not text: put quotes around it where it is set")
        return None

    def _from_file(self, name: str, path: str | Path) -> str | None:
        try:
            return Path(path).read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            self._wrong(f"{self.setting(name)}_FILE can't be read: {type(error).__name__}")
            return None
