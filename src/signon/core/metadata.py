"""What a provider says of itself: OpenID Connect Discovery 1.0 and RFC 8414."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from signon.core.errors import MalformedAnswer, ProviderError
from signon.core.http import HttpRequest, HttpResponse, read_json_answer
from signon.core.values import JsonObject, is_loopback_host, text_member, url_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The part of a provider's metadata that we act on. Addresses have been checked; unknown members are gone."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    """Empty where the document names none and no response type with a code."""
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    introspection_endpoint: str | None = None
    revocation_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    registration_endpoint: str | None = None
    require_pushed_authorization_requests: bool = False
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    """Empty where the document names none, which means `client_secret_basic` (OIDC Discovery 3)."""
    code_challenge_methods_supported: tuple[str, ...] = ()
    """Empty where the document names none, which says nothing: S256 is sent all the same."""


def discovery_url(issuer: str) -> str:
    """Where an issuer's document is (OIDC Discovery 4.1): a terminating slash of the issuer is left out."""
    return f"{issuer.removesuffix('/')}/.well-known/openid-configuration"


def discovery_request(issuer: str, *, url: str | None = None) -> HttpRequest:
    """Ask for an issuer's metadata, at `url` where a provider keeps it elsewhere."""
    return HttpRequest(
        method="GET",
        url=url or discovery_url(issuer),
        document="metadata",
        headers={"Accept": "application/json"},
    )


def read_discovery(response: HttpResponse, *, issuer: str, either_slash: bool = False) -> Metadata:
    """Read and judge a provider's metadata.

    `either_slash` takes the document's spelling where it differs in a slash at the end alone; from then on
    that spelling is compared exactly. It is one provider's named deviation, never the default.

    Codes: `metadata_issuer_mismatch` (exact comparison, OIDC Discovery 4.3), `metadata_<member>_missing`,
    `metadata_<member>_invalid`, `metadata_s256_unsupported` (RFC 9700 2.1.1), and those of every JSON answer.
    """
    answer = read_json_answer(response, document="metadata")
    theirs = text_member(answer, "issuer", document="metadata")
    spelling = _check_issuer(theirs, issuer, either_slash=either_slash)
    methods = _words(answer, "code_challenge_methods_supported")
    if methods and "S256" not in methods:
        raise ProviderError(
            "metadata_s256_unsupported",
            "the provider lists PKCE methods and S256 is not among them",
            section="RFC 9700 2.1.1",
        )
    return Metadata(
        issuer=spelling,
        authorization_endpoint=_required_address(answer, "authorization_endpoint"),
        token_endpoint=_address(answer, "token_endpoint") or _no_token_endpoint(answer),
        jwks_uri=_required_address(answer, "jwks_uri"),
        userinfo_endpoint=_address(answer, "userinfo_endpoint"),
        end_session_endpoint=_address(answer, "end_session_endpoint"),
        introspection_endpoint=_address(answer, "introspection_endpoint"),
        revocation_endpoint=_address(answer, "revocation_endpoint"),
        pushed_authorization_request_endpoint=_address(answer, "pushed_authorization_request_endpoint"),
        registration_endpoint=_address(answer, "registration_endpoint"),
        require_pushed_authorization_requests=_switch(answer, "require_pushed_authorization_requests"),
        authorization_response_iss_parameter_supported=_switch(
            answer, "authorization_response_iss_parameter_supported"
        ),
        token_endpoint_auth_methods_supported=_words(answer, "token_endpoint_auth_methods_supported"),
        code_challenge_methods_supported=methods,
    )


def _check_issuer(theirs: str | None, issuer: str, *, either_slash: bool) -> str:
    """The document's `issuer` must be the one we asked about, character for character (OIDC Discovery 4.3)."""
    if theirs is None:
        raise MalformedAnswer(
            "metadata_issuer_missing", "the metadata document names no issuer", section="OIDC Discovery 3"
        )
    if theirs != issuer and not (either_slash and theirs.removesuffix("/") == issuer.removesuffix("/")):
        raise ProviderError(
            "metadata_issuer_mismatch",
            f"the issuer is set to {issuer!r}, and its metadata document says {theirs[:200]!r};"
            " they must be the same, also in a slash at the end",
            section="OIDC Discovery 4.3",
        )
    problem = url_problem(issuer, query=False)
    if problem:
        raise MalformedAnswer("metadata_issuer_invalid", f"the issuer {problem}", section="OIDC Discovery 3")
    return theirs


def _address(answer: JsonObject, name: str) -> str | None:
    url = text_member(answer, name, document="metadata")
    if url is None:
        return None
    issuer = str(answer.get("issuer"))
    problem = url_problem(url)
    # Else any issuer could send us, and the client secret, to whatever listens on this machine or beside it.
    if problem is None and _is_plain(url) and not _is_plain(issuer):
        problem = "is not https, and its issuer is"
    if problem is None and _is_inside(url) and not _is_inside(issuer):
        problem = "is inside some network, and its issuer is not"
    if problem:
        raise MalformedAnswer(f"metadata_{name}_invalid", f"{name} in the metadata document {problem}")
    return url


def _is_plain(url: str) -> bool:
    return url.lower().startswith("http:")


def _is_inside(url: str) -> bool:
    """Whether the host is this machine, or an address that means something else in each network (RFC 6890).

    What a name leads to is not looked up here; a certificate for it is asked for in any case.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return is_loopback_host(host) or not ipaddress.ip_address(host).is_global
    except ValueError:
        # Systems also read 127.1 and 2130706433 as addresses; no name ends like that.
        return host.rpartition(".")[2][:1].isdigit()


def _required_address(answer: JsonObject, name: str) -> str:
    url = _address(answer, name)
    if url is None:
        raise _missing(name)
    return url


def _no_token_endpoint(answer: JsonObject) -> str:
    """An empty text for a provider of the implicit flow alone, which needs none (OIDC Discovery 3)."""
    types = _words(answer, "response_types_supported")
    if not types or any("code" in kind.split() for kind in types):
        raise _missing("token_endpoint")
    return ""


def _missing(name: str) -> MalformedAnswer:
    return MalformedAnswer(
        f"metadata_{name}_missing", f"the metadata document has no {name}", section="OIDC Discovery 3"
    )


def _words(answer: JsonObject, name: str) -> tuple[str, ...]:
    value = answer.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedAnswer(f"metadata_{name}_invalid", f"{name} in the metadata document is not a list")
    return tuple(word for word in value if isinstance(word, str))


def _switch(answer: JsonObject, name: str) -> bool:
    value = answer.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise MalformedAnswer(f"metadata_{name}_invalid", f"{name} in the metadata document is not true or false")
    return value
