"""What a person may do with which object: as their sign-in said, or as the provider's API says now."""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakKeyDictionary

from signon.core.errors import OperatorError
from signon.core.person import Login
from signon.core.provider import Provider
from signon.providers.authmachine.permissions import Granted, ask_permissions, user_id
from signon.runtime.cache import ProviderCache
from signon.service.party import RelyingParty

KEPT_SECONDS = 60.0
"""How long an answer of the API is good: a permission that was taken back there is gone here after so long."""
KEPT = 2048
"""Answers of one provider."""


class _Answers:
    """The latest answers by person and objects, each until its own time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, ...], tuple[float, Granted]] = OrderedDict()

    def get(self, key: tuple[str, ...], *, now: float) -> Granted | None:
        until, answer = self._held.get(key, (now, None))
        return answer if now < until else None

    def keep(self, key: tuple[str, ...], answer: Granted, *, until: float) -> None:
        with self._lock:
            self._held[key] = (until, answer)
            self._held.move_to_end(key)
            if len(self._held) > KEPT:
                self._held.popitem(last=False)


_ANSWERS: WeakKeyDictionary[ProviderCache, _Answers] = WeakKeyDictionary()
"""By what this process knows of a provider: one that was changed starts without answers."""


def permissions_now(party: RelyingParty, login: Login, objects: tuple[str, ...] = ()) -> Granted:
    """What the provider's API says of a person now, or has said within a minute: of these objects, or of all.

    Raises `OperatorError` (`permissions_unsupported`, `permissions_token_missing`, `permissions_token_refused`),
    `ProviderUnavailable`, and what else the answer means.
    """
    provider = party.provider(login.person.provider)
    if provider.to_permissions is None:
        raise OperatorError("permissions_unsupported", f"{provider.name} has no permissions that can be asked for")
    return _ask(party, provider, user_id(login.claims), tuple(sorted(set(objects))))


def permissions_on(party: RelyingParty, login: Login, object_name: str) -> frozenset[str]:
    """What a person may do with one object: as their sign-in said; of an object that it did not ask about, as the
    API says, where the application has its token. Raises as `permissions_now`.
    """
    provider = party.providers.get(login.person.provider)
    if provider is None or provider.to_permissions is None:
        return frozenset()
    said = provider.to_permissions(login.claims)
    if object_name not in said and provider.api_token:
        said = permissions_now(party, login, (object_name,)).permissions
    return frozenset(said.get(object_name, ()))


def _ask(party: RelyingParty, provider: Provider, person: str, objects: tuple[str, ...]) -> Granted:
    now = party.clock()
    cache = party.runtime.cache(provider)
    answers = _ANSWERS.get(cache) or _ANSWERS.setdefault(cache, _Answers())
    held = answers.get((person, *objects), now=now)
    if held is not None:
        return held
    answer = party.runtime.run(provider, ask_permissions(provider, person, objects))
    answers.keep((person, *objects), answer, until=now + KEPT_SECONDS)
    return answer
