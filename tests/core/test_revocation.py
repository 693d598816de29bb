from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NOW,
    answer,
    json_answer,
    metadata,
    outcome,
    provider,
)

from signon.core.client_auth import Client
from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
)
from signon.core.flow import ask_revoked, revoke
from signon.core.provider import RevokedCheck
from signon.core.revocation import (
    CHECK_SECONDS,
    read_revocation,
    read_revoked,
    revocable,
    revocation_request,
    revoked_request,
)
from signon.core.tokens import TokenSet
from signon.core.values import Secret

KNOWN = metadata(revocation_endpoint=f"{ISSUER}/revoke")
REFRESH = Secret("the-refresh-token")
ACCESS = Secret(ACCESS_TOKEN)
TOKENS = TokenSet(access_token=ACCESS, scope=("openid",), expires_at=NOW + 60, refresh_token=REFRESH)
CHECK = RevokedCheck(grant_type="check_token_revoked")


def kinds(*, of_metadata=KNOWN, tokens=TOKENS, now=NOW, **profile: object) -> list[str]:
    return [kind for kind, _ in revocable(provider(**profile), of_metadata, tokens, now=now)]


def test_refresh_token_takes_the_access_token_along():
    """By the standard a revoked refresh token ends its access tokens: it alone must be revoked (RFC 7009 2.1)."""
    assert revocable(provider(), KNOWN, TOKENS, now=NOW) == (("refresh_token", REFRESH),)


def test_both_are_revoked_where_the_vendor_does_not_say_so():
    """Where it is not known that one takes the other along, the refresh token goes first and both go."""
    assert kinds(revocation_cascades=False) == ["refresh_token", "access_token"]


def test_access_token_alone():
    """Without a refresh token the access token must be revoked, unless its time is over anyway."""
    alone = replace(TOKENS, refresh_token=None)
    assert revocable(provider(), KNOWN, alone, now=NOW + 59.9) == (("access_token", ACCESS),)
    assert kinds(tokens=alone, now=NOW + 60) == []


def test_only_what_the_vendor_revokes():
    """A vendor that revokes refresh tokens alone must not be sent others."""
    only = frozenset({"refresh_token"})
    assert kinds(revokes=only, revocation_cascades=False) == ["refresh_token"]
    assert kinds(revokes=only, tokens=replace(TOKENS, refresh_token=None)) == []
    assert kinds(revokes=frozenset({"access_token"})) == ["access_token"]
    assert kinds(revokes=frozenset()) == []


def test_nothing_without_an_endpoint_or_for_certain_scopes():
    """Without an endpoint there is nothing to revoke, nor is an access token that a vendor's API keeps alive."""
    assert kinds(of_metadata=metadata()) == []
    of_the_api = replace(TOKENS, scope=("openid", "p1:read:user"))
    spared = {"unrevocable_scope": "p1:", "revocation_cascades": False}
    assert kinds(tokens=of_the_api, **spared) == ["refresh_token"]
    assert kinds(tokens=replace(of_the_api, refresh_token=None), **spared) == []
    assert kinds(**spared) == ["refresh_token", "access_token"]


def test_request_is_an_authenticated_form():
    """Token and kind must go in a form with our authentication, and show nowhere (RFC 7009 2.1)."""
    own = provider(headers={"X-Region": "th"}, introspection_prefix="Bearer ")
    request = revocation_request(own, KNOWN, REFRESH, "refresh_token", now=NOW)
    assert (request.method, request.url, request.document) == ("POST", f"{ISSUER}/revoke", "revocation")
    assert dict(parse_qsl(request.body.decode())) == {
        "token": "Bearer the-refresh-token",
        "token_type_hint": "refresh_token",
    }
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Region"] == "th"
    assert "the-refresh-token" not in repr(request)


@pytest.mark.parametrize(
    "response",
    [
        answer(b"", content_type=""),
        answer(b"ok", content_type="text/plain"),
        json_answer({"status": "OK", "message": "revoked"}),
    ],
)
def test_status_says_everything(response):
    """A 200 is success whatever its body: the standard's is empty, a vendor's says so in JSON (RFC 7009 2.2)."""
    assert read_revocation(response, provider=provider(), now=NOW) is None


REFUSED = {
    "refused": (
        json_answer({"error": "unsupported_token_type"}, status=400),
        ProviderRefused,
        "revocation_refused",
    ),
    "client": (json_answer({"error": "invalid_client"}, status=401), OperatorError, "revocation_invalid_client"),
    "busy": (answer(b"", status=503), ProviderUnavailable, "revocation_server_error"),
    "gone": (answer(b"", status=404), ProviderError, "revocation_status"),
    "moved": (answer(b"", status=302), ProviderError, "revocation_redirect"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_a_failure(response, error_class, code):
    """Any other status means that the token may live on, with the cause's own code."""
    with pytest.raises(error_class) as error:
        read_revocation(response, provider=provider(), now=NOW)
    assert (type(error.value), error.value.code) == (error_class, code)


def test_revoking_takes_one_step():
    """The flow must send one request and read its answer."""
    flow = revoke(provider=provider(), metadata=KNOWN, token=REFRESH, kind="refresh_token", now=NOW)
    assert next(flow).document == "revocation"
    with pytest.raises(StopIteration) as end:
        flow.send(answer(b""))
    assert end.value.value is None


@pytest.mark.parametrize("auth", [None, "client_secret_post", "client_secret_basic"])
def test_question_has_our_secret_in_its_form(auth):
    """Whatever is registered, the vendor's own question must have id and secret in the form, and three seconds."""
    client = Client(client_id=CLIENT_ID, secret=Secret(CLIENT_SECRET), auth=auth)
    request = revoked_request(provider(client=client), metadata(), CHECK, ACCESS, now=NOW)
    assert (request.url, request.document) == (f"{ISSUER}/token", "revoked_check")
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "check_token_revoked",
        "access_token": ACCESS_TOKEN,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert "Authorization" not in request.headers
    assert request.total_seconds == CHECK_SECONDS == 3
    assert ACCESS_TOKEN not in repr(request)


def test_question_of_a_public_client():
    """A client without a secret must ask with its id alone."""
    client = Client(client_id=CLIENT_ID, auth="none")
    request = revoked_request(provider(client=client), metadata(), CHECK, ACCESS, now=NOW)
    assert dict(parse_qsl(request.body.decode())).keys() == {"grant_type", "access_token", "client_id"}


@pytest.mark.parametrize(
    ("said", "verdict"), [({"revoked": True}, True), ({"revoked": False}, False), ({}, False), ({"x": 1}, False)]
)
def test_verdict_is_read(said, verdict):
    """True and false are the verdict; an answer without one means no."""
    assert read_revoked(json_answer(said), provider=provider(), now=NOW) is verdict


NO_VERDICT = {
    "text": (json_answer({"revoked": "true"}), MalformedAnswer, "revoked_check_revoked_invalid"),
    "null": (json_answer({"revoked": None}), MalformedAnswer, "revoked_check_revoked_invalid"),
    "not JSON": (answer(b"no"), MalformedAnswer, "revoked_check_not_json"),
    "HTML": (answer(b"{}", content_type="text/html"), MalformedAnswer, "revoked_check_content_type"),
    "refused": (
        json_answer({"error": "invalid_grant"}, status=400),
        ProviderRefused,
        "revoked_check_invalid_grant",
    ),
    "client": (
        json_answer({"error": "invalid_client"}, status=401),
        OperatorError,
        "revoked_check_invalid_client",
    ),
    "busy": (answer(b"", status=500), ProviderUnavailable, "revoked_check_server_error"),
    "404": (answer(b"", status=404), ProviderError, "revoked_check_status"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), NO_VERDICT.values(), ids=NO_VERDICT)
def test_anything_else_is_no_verdict(response, error_class, code):
    """Whatever is neither yes nor no must be an error of ours, with its own code."""
    with pytest.raises(error_class) as error:
        read_revoked(response, provider=provider(), now=NOW)
    assert (type(error.value), error.value.code) == (error_class, code)


def test_asking_takes_one_step():
    """The flow must send one request and give the verdict."""
    flow = ask_revoked(provider=provider(), metadata=metadata(), check=CHECK, token=ACCESS, now=NOW)
    assert next(flow).document == "revoked_check"
    with pytest.raises(StopIteration) as end:
        flow.send(json_answer({"revoked": True}))
    assert end.value.value is True


@given(st.binary(), st.sampled_from([200, 302, 400, 401, 500]))
def test_any_bytes_give_a_verdict_or_our_error(body, status):
    """Whatever comes, both readers must give their value or an error of ours."""
    response = answer(body, status=status)
    assert outcome(lambda: read_revocation(response, provider=provider(), now=NOW)) is None or status != 200
    assert isinstance(outcome(lambda: read_revoked(response, provider=provider(), now=NOW)), bool | SignOnError)
