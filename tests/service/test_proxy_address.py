from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signon.core.errors import SuspectError
from signon.core.values import url_problem
from signon.service.proxy_address import MAX_ADDRESS_CHARACTERS, backend_url, own_location

TO = "https://backend.example/v1"


def to_backend(path, query=b"", *, raw=None, to=TO):
    return backend_url(path, query, raw=raw, prefix="/api", to=to)


def refusal(path, **more):
    with pytest.raises(SuspectError) as caught:
        to_backend(path, **more)
    assert type(caught.value) is SuspectError
    return caught.value.code, caught.value.status


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("/api", b"", TO),
        ("/api/", b"", f"{TO}/"),
        ("/api/orders", b"", f"{TO}/orders"),
        ("/api/orders/7/", b"a=b&c=%2F", f"{TO}/orders/7/?a=b&c=%2F"),
        ("/api/people/mei@example.org", b"", f"{TO}/people/mei@example.org"),
        ("/api/things:batch", b"", f"{TO}/things:batch"),
        ("/api/ส้ม ตำ", b"", f"{TO}/%E0%B8%AA%E0%B9%89%E0%B8%A1%20%E0%B8%95%E0%B8%B3"),
        ("/api/100%", b"", f"{TO}/100%25"),
        ("/api/what?#", b"", f"{TO}/what%3F%23"),
        ("/api/...", b"", f"{TO}/..."),
        ("/api/\uff21\uff0f\uff22\uff1a\u2026", b"", f"{TO}/%EF%BC%A1%EF%BC%8F%EF%BC%A2%EF%BC%9A%E2%80%A6"),
        ("/api/.well-known", b"", f"{TO}/.well-known"),
        ("/api/a", b"x=y|z&q=\xe0 #f\r\n", f"{TO}/a?x=y%7Cz&q=%E0%20%23f%0D%0A"),
        ("/api/a", b"next=//evil.example/../@", f"{TO}/a?next=//evil.example/../@"),
    ],
)
def test_address(path, query, url):
    """What comes after the prefix is asked for below the backend's address, written as addresses are."""
    assert to_backend(path, query) == url
    assert url_problem(url) is None


def test_backend_at_its_root():
    """An address without a path must not let a name be added to the host's."""
    assert to_backend("/api/x", to="https://backend.example") == "https://backend.example/x"
    assert to_backend("/api", b"a=b", to="https://backend.example") == "https://backend.example?a=b"


@pytest.mark.parametrize(
    "path",
    [
        "/api/..",
        "/api/../admin",
        "/api/a/../../admin",
        "/api/.",
        "/api/./a",
        "/api/a/..;/b",
        "/api/a/.;x=1/b",
        "/api//evil.example/x",
        "/api/a//b",
        "/api/@evil.example/",
        "/api/user:word@evil.example/a",
        "/api/https://evil.example/",
        "/api/https:/evil.example/",
        "/api/javascript:",
        "/api/a\r\nX-Evil: 1",
        "/api/a\nb",
        "/api/a\x00b",
        "/api/a\x7f",
        "/api/a\x85b",
        "/api/a\\..\\b",
        "/api/\\evil.example",
        "/api/%2e%2e/admin",
        "/api/a%2fb",
        "/api/%5c",
        "/api/%252e",
        "/api/\ufffd",
        "/api/\uff0e\uff0e/admin",
        "/api/a\uff0f..\uff0fadmin",
        "/api/\u2025",
    ],
)
def test_tricks_of_the_path(path):
    """A decoded path that another reader may read as leading elsewhere must be refused."""
    assert refusal(path) == ("proxy_path_refused", 400)


@pytest.mark.parametrize("path", ["/apix", "/api@evil.example", "/api.evil.example/", "//api/a", "/other", ""])
def test_only_below_the_prefix(path):
    """What doesn't come after the prefix and a slash is not the route's, however it got there."""
    assert refusal(path) == ("proxy_path_refused", 400)


@pytest.mark.parametrize(
    "raw",
    [
        "/api/a%2Fb",
        "/api/a%2fb?x",
        "/api/a%5Cb",
        "/api/a%0d%0ab",
        "/api/%00",
        "/api/%7f",
        "http://localhost/api/a/b",
        "//evil.example/api/a/b".removeprefix("/").removeprefix("/"),
        "*",
    ],
)
def test_tricks_of_the_first_line(raw):
    """Where the server tells what was asked for, encoded slashes can be told from plain ones, and are refused."""
    assert refusal("/api/a/b", raw=raw) == ("proxy_path_refused", 400)


@pytest.mark.parametrize("raw", [None, "/api/a/b", "/api/%61/b?x=%2F%5C%0d", "/shop/api/a/b"])
def test_first_line_without_tricks(raw):
    """What is in the query is no matter of the path's."""
    assert to_backend("/api/a/b", raw=raw) == f"{TO}/a/b"


def test_length():
    """An address that is longer than servers take must be told so, on both sides of the limit."""
    path = "/api/" + "a" * (MAX_ADDRESS_CHARACTERS - 10)
    assert to_backend(path, b"12345").endswith("a?12345")
    assert refusal(path, query=b"123456") == ("proxy_address_too_long", 414)


@given(rest=st.text(max_size=60), query=st.binary(max_size=60))
@example(rest="/..", query=b"")
@example(rest="/a%2e", query=b"#\r\n")
def test_whatever_is_asked_for_stays_below_the_address(rest, query):
    """Any path and query give an address below the backend's that no reader takes elsewhere, or our error."""
    problem = None
    try:
        url = to_backend("/api" + rest, query)
    except SuspectError as error:
        problem = error
    if problem is not None:
        assert problem.code == "proxy_path_refused"
        return
    parts = urlsplit(url)
    assert url_problem(url) is None
    assert parts.netloc == "backend.example"
    assert parts.path == "/v1" or parts.path.startswith("/v1/")
    assert not {".", ".."} & set(unquote(parts.path).split("/"))
    assert unquote(parts.path) == "/v1" + rest


@pytest.mark.parametrize(
    ("location", "ours"),
    [
        (f"{TO}/orders/8", "/shop/api/orders/8"),
        (f"{TO}", "/shop/api"),
        (f"{TO}?page=2", "/shop/api?page=2"),
        ("/v1/orders/8", "/shop/api/orders/8"),
        ("8", "/shop/api/orders/8"),
        ("https://elsewhere.example/", "https://elsewhere.example/"),
        (f"{TO}#part", "/shop/api#part"),
        (f"{TO}evil", f"{TO}evil"),
        ("/admin", "https://backend.example/admin"),
        ("../../auth/logout", "https://backend.example/auth/logout"),
        ("//evil.example/v1/", "https://evil.example/v1/"),
        ("/\\evil.example/", "https://backend.example/\\evil.example/"),
        *(
            (f"{TO}/{trick}/me", f"{TO}/{trick}/me")
            for trick in ("..", "%2e%2e", "a/..;", "\\..", "", "%5c..", "..%2f", "\uff0e\uff0e")
        ),
        ("http://[evil", "http://[evil"),
        ("https://backend.example.evil.example/v1/", "https://backend.example.evil.example/v1/"),
    ],
)
def test_where_an_answer_leads(location, ours):
    """An address below the backend's must come back as a path of ours, any other as a whole one: no path at the
    backend may lead to a page of ours.
    """
    asked = f"{TO}/orders/7"
    assert own_location(location, asked=asked, to=TO, prefix="/shop/api") == ours
