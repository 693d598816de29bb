import pytest

from signon.core.errors import MalformedAnswer, SuspectError
from signon.service.proxy_headers import MAX_HEADER_BYTES, answer_headers, name_problem, request_headers

INERT = (
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("x-content-type-options", "nosniff"),
)
"""What comes with every answer."""


def sent(*headers, more=(), address=None):
    return request_headers(headers, more=more, address=address)


def refusal(*headers, more=()):
    with pytest.raises(SuspectError) as caught:
        sent(*headers, more=more)
    return caught.value.code, caught.value.status


def test_usual_headers_go_on():
    """What says what is asked for, and of what kind the body is, must get to the backend."""
    usual = {"accept": "application/json", "content-type": "text/plain", "if-match": '"7"', "range": "bytes=0-9"}
    assert sent(*((name.title(), value) for name, value in usual.items())) == usual
    assert sent(("Accept", "a"), ("accept", "b")) == {"accept": "a, b"}


@pytest.mark.parametrize(
    "name",
    [
        *("Cookie", "Authorization", "Host", "Origin", "Referer", "X-CSRF", "Content-Length", "Expect"),
        *(
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Proxy-Authorization",
            "Proxy-Connection",
        ),
        *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-User", "X-Real-IP", "Remote-User"),
        *("X-User", "OIDC-Claim-Sub", "Sec-Fetch-Site", "True-Client-IP", "X_Forwarded_User", "X-Anything"),
    ],
)
def test_all_others_stay_here(name):
    """Cookies, credentials, whatever is for this connection, and whatever claims something must go no further."""
    assert sent((name, "1"), ("Accept", "*/*")) == {"accept": "*/*"}


def test_where_it_comes_from():
    """The backend is told one address: ours for it, whatever the browser claims."""
    found = sent(("X-Forwarded-For", "1.1.1.1"), address="192.0.2.7")
    assert found == {"X-Forwarded-For": "192.0.2.7"}


def test_named_headers_go_on():
    """A route may name more."""
    assert sent(("X-Tenant", "7"), ("X-Other", "8"), more={"x-tenant"}) == {"x-tenant": "7"}


@pytest.mark.parametrize("name", ["Upgrade", "X-HTTP-Method-Override", "x-http-method", "X-Method-Override"])
def test_tricks_are_refused(name):
    """What would make another request of it must be refused, and not dropped in silence."""
    assert refusal((name, "DELETE")) == ("proxy_header_refused", 400)


def test_two_lengths_are_refused():
    """A request with two lengths is read in two ways (RFC 9112 6.3)."""
    assert refusal(("Content-Length", "1"), ("Transfer-Encoding", "chunked")) == ("proxy_header_refused", 400)
    assert sent(("Content-Length", "1")) == sent(("Transfer-Encoding", "chunked")) == {}


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "a\x7f"])
def test_control_characters_are_refused(value):
    """A value that would make another field of itself must be refused; one of a dropped field is no matter."""
    assert refusal(("Accept", value)) == ("proxy_header_refused", 400)
    assert sent(("X-Other", value)) == {}
    assert sent(("Accept", "a\tb")) == {"accept": "a\tb"}


def test_size():
    """More than servers take must be told so, on both sides of the limit; dropped fields don't count."""
    room = MAX_HEADER_BYTES - len("accept")
    assert sent(("Accept", "a" * room), ("Cookie", "a" * 9000)) == {"accept": "a" * room}
    assert refusal(("Accept", "a" * (room + 1))) == ("proxy_headers_too_large", 431)


@pytest.mark.parametrize(
    "name",
    [
        *("set-cookie", "set-cookie2", "clear-site-data", "service-worker-allowed", "www-authenticate"),
        *(
            "access-control-allow-origin",
            "access-control-allow-credentials",
            "strict-transport-security",
            "alt-svc",
        ),
        *("x-accel-redirect", "x-sendfile", "connection", "keep-alive", "transfer-encoding", "content-length"),
        *("proxy-authenticate", "refresh", "upgrade", "trailer"),
        *("nel", "report-to", "reporting-endpoints", "accept-ch", "set-login", "secure-session-registration"),
        *("x-reproxy-url", "x-litespeed-location", "surrogate-control", "cdn-cache-control"),
        *("cloudflare-cdn-cache-control", "edge-control", "content-security-policy-report-only"),
    ],
)
def test_what_speaks_for_our_origin_stays_with_the_backend(name):
    """No cookie, no leave for other origins, nothing for the servers in front of us may come from a backend."""
    assert answer_headers([(name, "x"), ("etag", '"7"')]) == (("etag", '"7"'), *INERT)


def test_what_the_backend_names_as_its_connections():
    """Fields that Connection names are for that connection alone (RFC 9110 7.6.1)."""
    found = answer_headers([("connection", "close, X-Hop"), ("x-hop", "1"), ("x-kept", "2"), ("x-kept", "3")])
    assert found[:2] == (("x-kept", "2"), ("x-kept", "3"))


def test_what_a_request_names_as_its_connections():
    """The same holds on the way up, also for a header that the route lets through."""
    assert sent(("Connection", "close, X-Tenant"), ("X-Tenant", "7"), ("Accept", "a"), more={"x-tenant"}) == {
        "accept": "a"
    }


def test_answers_are_no_pages_of_ours():
    """What the backend says of guessing, or of what its content may do, must not count: nothing may."""
    said = [("x-content-type-options", "guess"), ("content-security-policy", "script-src *")]
    assert answer_headers(said) == INERT
    assert answer_headers([("cache-control", "no-cache")]) == (("cache-control", "no-cache"), *INERT)


def test_folded_fields_are_one_line():
    """An old way to write a long field must not break our answer (RFC 9112 5.2)."""
    assert answer_headers([("link", "<a>;\r\n  rel=next")])[0] == ("link", "<a>; rel=next")


@pytest.mark.parametrize("field", [("link", "a\rb"), ("link", "a\x00"), ("li nk", "a"), ("", "a")])
def test_malformed_fields_refuse_the_answer(field):
    """What is no field must not get into our answer."""
    with pytest.raises(MalformedAnswer) as caught:
        answer_headers([field])
    assert caught.value.code == "backend_not_http"


@pytest.mark.parametrize(
    "name",
    ["Cookie", "authorization", "X-Forwarded-User", "Forwarded", "Upgrade", "te", "a b", "", "x-csrf", "Sec-A"],
)
def test_names_that_no_route_may_let_through(name):
    """A route can't be told to let through what never goes on."""
    assert name_problem(name)


@pytest.mark.parametrize("name", ["X-Tenant", "x-api-version", "Accept"])
def test_names_that_a_route_may_let_through(name):
    """Any other name may be listed."""
    assert name_problem(name) is None
