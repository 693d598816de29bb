"""`SignOn`: the extension that a Flask application makes."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from flask import Blueprint, Flask

from signon.core.errors import ConfigurationError, SignOnError
from signon.core.person import Login
from signon.core.provider import Provider
from signon.flask import bff, commands, cors, errors, guards, my_sessions, notices, own_tokens, passwords, views
from signon.flask.api import METADATA_PATH, protected_resource_metadata
from signon.flask.crosssite import exempt_from_flask_wtf, keep_to_ourselves
from signon.flask.initiate import initiate
from signon.flask.proxy import proxy
from signon.flask.settings import Settings, is_local, read_settings, read_text, sources
from signon.flask.state import KEY, State
from signon.flask.workers import worker_count
from signon.providers.choice import from_names, name_problems
from signon.runtime.cache import Runtime
from signon.service.party import RelyingParty
from signon.service.passwords import offers_change
from signon.sessions.open import open_store
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import Sessions
from signon.sessions.store import SessionStore

log = logging.getLogger("signon")


class SignOn:
    """Signs people in to a Flask application.

    `providers` are made by the factories of `signon.providers`, or named by the setting `SIGNON_PROVIDERS`.
    `on_login(login)` decides who comes in: it returns the application's key for the person, or None for ours,
    or raises `Refused`. `roles_from` is a claim's name, or a function of the login.
    Later changes of the settings are not seen. Raises `ConfigurationError` with everything that is wrong.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        providers: Sequence[Provider] | None = None,
        on_login: Callable[[Login], str | None] | None = None,
        roles_from: str | Callable[[Login], Iterable[str]] | None = None,
    ) -> None:
        self._providers = providers
        self._on_login = on_login
        self._roles_from = roles_from
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the settings of an application and give it the routes. Refused a second time on the same one."""
        if KEY in app.extensions:
            msg = "this application has a SignOn already"
            raise RuntimeError(msg)
        problems: list[str] = []
        source = sources(app)
        providers = self._find_providers(source, problems)
        national_ids = any(provider.subject_is_national_id for provider in providers)
        settings = read_settings(app, source, problems, national_ids=national_ids)
        paths = _own_paths(settings.prefix, providers)
        problems += own_tokens.key_problems(settings, providers)
        problems += _colliding(settings, paths)
        store = _find_store(settings, problems)
        if problems or store is None:
            raise ConfigurationError(tuple(problems))
        party = self._party(settings, store, providers)
        _check_shared_paths(party, paths["callback_paths"])
        app.extensions[KEY] = state = State(settings=settings, party=party, **paths)
        _add_routes(app, state)
        errors.install(app)
        guards.install(app)
        _warn_of_memory(settings)
        _warn_of_same_site(settings)
        _warn_of_front_channel(providers)
        app.cli.add_command(commands.signon)

    def protect(self, target: Flask | Blueprint, *, except_: Collection[str] = ()) -> None:
        """Close every page of an application or blueprint, but for the endpoints in `except_`."""
        guards.protect(target, except_=except_)

    proxy = staticmethod(proxy)
    """Offer an API to the scripts of an application's pages: `signon.proxy(app, "/api", to="https://…")`."""

    def _find_providers(self, source: Mapping[str, object], problems: list[str]) -> tuple[Provider, ...]:
        names = read_text(source, problems, "SIGNON_PROVIDERS")
        if self._providers is not None:
            providers = tuple(self._providers)
        elif names is not None:
            try:
                providers = from_names(names, settings=source)
            except ConfigurationError as error:
                problems += error.problems
                return ()
        else:
            providers = ()
        if not providers and not problems:
            problems.append(
                "no provider: set SIGNON_PROVIDERS, to oidc for example, or give SignOn providers=[...]"
            )
        problems += name_problems(providers)
        problems += [problem for provider in providers for problem in provider.problems]
        return providers

    def _party(self, settings: Settings, store: SessionStore, providers: Sequence[Provider]) -> RelyingParty:
        sealer = Sealer(settings.keys)
        return RelyingParty(
            providers=MappingProxyType({provider.name: provider for provider in providers}),
            runtime=Runtime(),
            sessions=Sessions(
                store,
                sealer,
                session_seconds=settings.session_seconds,
                idle_seconds=settings.idle_seconds,
                touch_seconds=settings.touch_seconds,
            ),
            sealer=sealer,
            pseudonym_key=settings.pseudonym_key,
            clock=lambda: time.time(),  # noqa: PLW0108 - looked up at each call, so that tests can move time
            session_seconds=settings.session_seconds,
            on_login=self._on_login,
            roles_from=self._roles_from,
        )


def _warn_of_memory(settings: Settings) -> None:
    """Sessions in memory and several workers don't go together: say what will happen."""
    workers = worker_count(os.environ, sys.argv)
    if settings.sessions == "memory:" and workers > 1:
        log.warning(
            "SIGNON_SESSIONS is memory: and there are %d workers: each has sessions of its own, so people will"
            " seem to be signed out whenever another worker answers. Use sqlite:///signon.sqlite3 on one machine.",
            workers,
        )


def _warn_of_same_site(settings: Settings) -> None:
    """Cookies that every site's requests bring along are one defence less: say so each time."""
    if settings.cookie_same_site == "None":
        log.warning(
            "SIGNON_COOKIE_SAMESITE is None: browsers send the session along with requests of any site, and those"
            " that block third-party cookies keep nobody signed in. Serve frontend and application from one site,"
            " behind a reverse proxy for example, and this setting isn't needed."
        )


def _warn_of_front_channel(providers: Iterable[Provider]) -> None:
    """Tokens in the hands of a browser are no safer than it: say so for each provider without a code."""
    for provider in providers:
        if "code" not in provider.response_type:
            log.warning(
                "%s is set to the response type %s: its tokens come by the browser, where others may read or"
                " replace them, and OAuth advises against that (RFC 9700 2.1.2). Use %s_RESPONSE_TYPE=code.",
                provider.name,
                provider.response_type,
                provider.name.upper(),
            )


def _own_paths(prefix: str, providers: Iterable[Provider]) -> dict[str, Mapping[str, str]]:
    """The paths of each provider's own routes, by the names that they have in `State`."""
    found: dict[str, dict[str, str]] = {}
    for tail in ("callback", "logout/callback", "backchannel-logout", "frontchannel-logout", "initiate"):
        name = f"{tail.replace('/', '_').replace('-', '_')}_path"
        found[f"{name}s"] = {p.name: getattr(p, name) or f"{prefix}/{tail}/{p.name}" for p in providers}
    return {name: MappingProxyType(paths) for name, paths in found.items()}


def _colliding(settings: Settings, paths: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Paths that two routes of ours would have: the second would never be reached."""
    routes: dict[str, set[str]] = {}
    for path, name in (
        (settings.login_path, "login"),
        (settings.signup_path, "signup"),
        (settings.logout_path, "logout"),
        (settings.jwks_path, "jwks.json"),
        (settings.signed_out_path, "signed-out"),
        (settings.sessions_path, "sessions"),
        (settings.token_path, "token"),
        (settings.session_path, "session"),
        (settings.auth_url_path, "auth-url"),
        (bff.module_path(settings), "signon.mjs"),
        (settings.password_path, "password"),
        *((path, "callback") for path in paths["callback_paths"].values()),
        *((path, "logout/callback") for path in paths["logout_callback_paths"].values()),
        # What comes there says who it is from only once it is judged by that provider's keys.
        *((path, f"backchannel-logout/{name}") for name, path in paths["backchannel_logout_paths"].items()),
        *((path, f"frontchannel-logout/{name}") for name, path in paths["frontchannel_logout_paths"].items()),
        *((path, f"initiate/{name}") for name, path in paths["initiate_paths"].items()),
    ):
        routes.setdefault(path, set()).add(name)
    return [
        f"the path {path} is meant for {' and '.join(sorted(names))}"
        for path, names in routes.items()
        if len(names) > 1
    ]


def _find_store(settings: Settings, problems: list[str]) -> SessionStore | None:
    try:
        return open_store(settings.sessions, create_tables=is_local(settings.base_url))
    except ConfigurationError as error:
        problems += error.problems
        return None


def _check_shared_paths(party: RelyingParty, callbacks: Mapping[str, str]) -> None:
    """Providers may share a callback path only if each says in its answers who it is (RFC 9700 4.4.2)."""
    shared = {path for path, count in Counter(callbacks.values()).items() if count > 1}
    problems = []
    for name, path in callbacks.items():
        if path not in shared:
            continue
        try:
            metadata = party.runtime.metadata(party.providers[name])
        except SignOnError as error:
            problems.append(f"{name} shares the callback path {path}, and its metadata can't be read: {error}")
            continue
        if not metadata.authorization_response_iss_parameter_supported:
            problems.append(
                f"{name} shares the callback path {path}, and its answers don't say who sent them (RFC 9207):"
                f" give it a path of its own, {name.upper()}_CALLBACK_PATH"
            )
    if problems:
        raise ConfigurationError(tuple(problems))


def _add_routes(app: Flask, state: State) -> None:
    routes = Blueprint("signon", "signon.flask", template_folder="templates")
    add, settings, callbacks = routes.add_url_rule, state.settings, state.callback_paths
    add(settings.login_path, "login", views.login, methods=["GET"])
    add(f"{settings.login_path}/<provider>", "login", views.login, methods=["GET"])
    for path in dict.fromkeys(callbacks.values()):
        names = tuple(name for name, where in callbacks.items() if where == path)
        view = partial(views.callback, names)
        add(path, f"callback_{'_or_'.join(names)}", view, methods=["GET", "POST"])
    add(settings.signup_path, "signup", views.signup, methods=["GET"])
    add(f"{settings.signup_path}/<provider>", "signup", views.signup, methods=["GET"])
    cors.add_shared(routes, settings.logout_path, "logout", views.logout, methods=("GET", "POST"))
    for name, path in state.logout_callback_paths.items():
        add(path, f"logout_callback_{name}", views.logout_callback, methods=["GET"])
    for name, path in state.backchannel_logout_paths.items():
        view = partial(notices.backchannel_logout, name)
        add(path, f"backchannel_logout_{name}", view, methods=notices.METHODS)
    for name, path in state.frontchannel_logout_paths.items():
        add(path, f"frontchannel_logout_{name}", partial(notices.frontchannel_logout, name), methods=["GET"])
    for name, path in state.initiate_paths.items():
        add(path, f"initiate_{name}", partial(initiate, name), methods=["GET", "POST"])
    add(settings.jwks_path, "jwks", views.jwks, methods=["GET"])
    add(settings.signed_out_path, "signed_out", views.signed_out_page, methods=["GET"])
    own_tokens.add_routes(routes, settings)
    cors.add_shared(routes, settings.sessions_path, "sessions", my_sessions.my_sessions, methods=("GET", "POST"))
    if any(map(offers_change, state.party.providers.values())):
        add(settings.password_path, "password", passwords.password, methods=["GET", "POST"])

    bff.add_routes(routes, state)
    exempt_from_flask_wtf(app, routes)
    app.register_blueprint(routes)
    keep_to_ourselves(app, settings)
    # Where RFC 9728 3 puts it: at the root of the host, under no prefix of ours.
    for path in (METADATA_PATH, f"{METADATA_PATH}/<path:path>"):
        app.add_url_rule(path, "signon.protected_resource", protected_resource_metadata, methods=["GET"])
