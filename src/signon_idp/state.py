"""Everything the provider remembers, in memory, bounded: things expire, are pruned, and have a ceiling."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import RLock
from typing import Generic, TypeVar

from signon_idp.model import BrowserSession, Code, Grant, Password, Pushed, Token

_CEILING = 20_000
_TOKEN_BYTES = 32

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """A mapping whose entries expire; the oldest leave first when it is full."""

    def __init__(self, now: Callable[[], float], *, ceiling: int = _CEILING) -> None:
        """`now` gives POSIX seconds; at most `ceiling` entries are kept."""
        self._now = now
        self._ceiling = ceiling
        self._entries: OrderedDict[str, tuple[float, Kept]] = OrderedDict()
        self._lock = RLock()

    def put(self, key: str, value: Kept, *, until: float) -> None:
        """Keep `value` until the POSIX time `until`."""
        with self._lock:
            self._prune()
            self._entries[key] = (until, value)

    def get(self, key: str) -> Kept | None:
        """What is kept under `key`, if its time has not come."""
        with self._lock:
            until, value = self._entries.get(key, (0.0, None))
            return value if self._now() < until else None

    def drop(self, key: str) -> None:
        """Forget `key`, known or not."""
        with self._lock:
            self._entries.pop(key, None)

    def entries(self) -> list[tuple[str, Kept]]:
        """Keys and values, the expired ones too; a copy."""
        with self._lock:
            return [(key, value) for key, (_, value) in self._entries.items()]

    def __len__(self) -> int:
        """How many entries are held, expired ones included."""
        return len(self._entries)

    def _prune(self) -> None:
        # Entries of one shelf live about equally long, so those to go stand at the front.
        now = self._now()
        while self._entries:
            until, _ = next(iter(self._entries.values()))
            if now < until and len(self._entries) < self._ceiling:
                return
            self._entries.popitem(last=False)


class State:
    """Codes, tokens and browser sessions; `lock` makes "look and mark used" one step."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives POSIX seconds."""
        self.lock = RLock()
        self.codes: Shelf[Code] = Shelf(now)
        self.tokens: Shelf[Token] = Shelf(now)
        self.sessions: Shelf[BrowserSession] = Shelf(now)
        self.pushed: Shelf[Pushed] = Shelf(now)
        self.passwords: dict[str, Password] = {}
        """By persona: those that were changed here, or could have been; everybody else has the practice one."""
        self.mails: deque[str] = deque(maxlen=_CEILING)
        """The addresses that were sent a link to a new password."""
        self._assertions: Shelf[bool] = Shelf(now)
        self._minted: deque[str] = deque(maxlen=_CEILING)

    def first_use(self, jti: str, until: float) -> bool:
        """Whether an assertion's `jti` comes for the first time; it is remembered until then."""
        with self.lock:
            before = self._assertions.get(jti)
            self._assertions.put(jti, True, until=until)  # noqa: FBT003 - a shelf keeps a value
            return before is None

    def end_grants(self, sid: str) -> None:
        """End every token of the browser session called `sid`."""
        for _, token in self.tokens.entries():
            if token.grant.sid == sid:
                token.grant.ended = True

    def end_refresh_tokens(self, grant: Grant) -> None:
        """End the refresh tokens of `grant` alone: its access tokens live on."""
        for _, token in self.tokens.entries():
            if token.grant is grant and token.kind == "refresh_token":
                token.revoked = True

    def end_sessions(self, ends: Callable[[BrowserSession], bool]) -> list[BrowserSession]:
        """End the browser sessions that `ends` says so of, those whose time had come too; they are handed back."""
        with self.lock:
            ended = [(key, session) for key, session in self.sessions.entries() if ends(session)]
            for key, _ in ended:
                self.sessions.drop(key)
        return [session for _, session in ended]

    def mint(self) -> str:
        """A fresh random code or token, remembered among the secrets."""
        return self.remember(secrets.token_urlsafe(_TOKEN_BYTES))

    def remember(self, secret: str) -> str:
        """Count `secret` (a signed token) among the secrets; hands it back."""
        self._minted.append(secret)
        return secret

    def minted(self) -> set[str]:
        """Every code and token handed out, up to the ceiling."""
        return set(self._minted)
