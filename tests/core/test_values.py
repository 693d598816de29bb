import base64
import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import chain, outcome

from signon.core.errors import MalformedAnswer
from signon.core.values import (
    MAX_JSON_DEPTH,
    MAX_SECONDS_DIGITS,
    Secret,
    b64url_decode,
    b64url_encode,
    is_loopback_host,
    is_number,
    is_visible_ascii,
    read_json_object,
    read_seconds,
    text_member,
    url_problem,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.text(min_size=4))
def test_secret_never_prints(text):
    """However a secret is printed, formatted or inspected, its text must not come out."""
    secret = Secret(text)
    shown = {repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret:>40}", "%s" % secret}  # noqa: UP031 - the form that loggers use
    assert shown == {"Secret(…)"}
    assert repr([secret, {"a": secret}]) == "[Secret(…), {'a': Secret(…)}]"
    assert ascii(secret) == "Secret(\\u2026)"
    assert secret.reveal() == text


def test_secret_cannot_be_pickled_copied_hashed_or_serialised():
    """A secret must refuse each way by which it could leave unseen."""
    secret = Secret("hidden")
    for leave in (pickle.dumps, copy.copy, copy.deepcopy, hash, json.dumps):
        with pytest.raises(TypeError) as error:
            leave(secret)
        assert "hidden" not in str(error.value)
    with pytest.raises(AttributeError):
        secret.__dict__  # noqa: B018 - the access is the test


def test_secret_compares_by_text_and_only_with_secrets():
    """Two secrets must be equal by their text, and no secret equal to a plain text."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
    assert Secret("a")


FAULTS = {
    "not UTF-8": (b'{"a":"\xff"}', "doc_not_utf8"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "doc_not_utf8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "doc_not_json"),
    "a surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', "doc_not_utf8"),
    "empty": (b"", "doc_not_json"),
    "half": (b'{"a":', "doc_not_json"),
    "two documents": (b"{}{}", "doc_not_json"),
    "a comma at the end": (b'{"a":1,}', "doc_not_json"),
    "single quotes": (b"{'a':1}", "doc_not_json"),
    "a control character": (b'{"a":"\n"}', "doc_not_json"),
    "HTML": (b"<html>", "doc_not_json"),
    "NaN": (b'{"a":NaN}', "doc_bad_number"),
    "-Infinity": (b'{"a":-Infinity}', "doc_bad_number"),
    "1e400": (b'{"a":1e400}', "doc_bad_number"),
    "-1e400": (b'{"a":-1e400}', "doc_bad_number"),
    "65 bits": (b'{"a":18446744073709551616}', "doc_bad_number"),
    "65 bits with a sign": (b'{"a":-9223372036854775809}', "doc_bad_number"),
    "zeros in front": (b'{"a":' + b"0" * 20 + b"1}", "doc_not_json"),
    "5,000 digits": (b'{"a":' + b"1" * 5000 + b"}", "doc_bad_number"),
    "a list": (b"[{}]", "doc_not_object"),
    "a number": (b"1", "doc_not_object"),
    "null": (b"null", "doc_not_object"),
    "a member twice": (b'{"a":1,"a":1}', "doc_duplicate_member"),
    "a member twice, once escaped": (b'{"a":1,"\\u0061":2}', "doc_duplicate_member"),
    "a member twice, inside": (b'{"x":[{"a":1,"a":2}]}', "doc_duplicate_member"),
    "half a character": (b'{"a":"\\ud800"}', "doc_lone_surrogate"),
    "half a character in a name": (b'{"\\udfff":1}', "doc_lone_surrogate"),
    "levels": (b'{"a":' + b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH + b"}", "doc_too_deep"),
    "levels beside others": (
        b'{"b":[[]],"a":' + b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH + b"}",
        "doc_too_deep",
    ),
    "levels of objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "doc_too_deep"),
    "levels beyond the decoder": (b'{"a":' + b"[" * 100_000, "doc_too_deep"),
}


@pytest.mark.parametrize(("body", "code"), FAULTS.values(), ids=FAULTS)
def test_each_malformed_document_has_its_code(body, code):
    """A document with one fault must be refused with that fault's code, holding nothing of the document."""
    with pytest.raises(MalformedAnswer) as error:
        read_json_object(body, document="doc")
    assert error.value.code == code
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


def test_deepest_allowed_document_is_read():
    """A document of exactly the allowed levels must be read, and brackets inside text are no levels."""
    levels = MAX_JSON_DEPTH - 1
    body = b'{"a":' + b"[" * levels + b"]" * levels + b"}"
    assert read_json_object(body, document="doc")["a"]
    wide = body.replace(b"}", b',"b":[{},{},{"c":[[]]}]}')
    assert read_json_object(wide, document="doc")["b"] == [{}, {}, {"c": [[]]}]
    assert read_json_object(b'{"a":"' + b"[" * 99 + b'"}', document="doc") == {"a": "[" * 99}


def test_numbers_and_characters_within_bounds_are_read():
    """Whole numbers of 64 bits, fractions and whole escaped characters must be read as they are."""
    body = rb'{"a":-9223372036854775808,"b":1.5e3,"c":"\ud83d\ude00","d":1e-400,"e":18446744073709551615}'
    read = read_json_object(body, document="doc")
    assert read == {"a": -(2**63), "b": 1500.0, "c": "😀", "d": 0.0, "e": 2**64 - 1}


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_an_object_or_our_error(body):
    """Whatever bytes come, the reader must give a dictionary or a MalformedAnswer of this document."""
    value = outcome(lambda: read_json_object(body, document="doc"))
    if isinstance(value, MalformedAnswer):
        assert value.code.startswith("doc_")
        assert chain(value) == [value]
    else:
        assert value == json.loads(body)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_objects_come_back_as_they_were(value):
    """A JSON object that breaks no bound must come back equal."""
    assert read_json_object(json.dumps(value).encode(), document="doc") == value


@given(st.binary(max_size=200))
def test_base64url_comes_back(data):
    """Encoding then decoding must give the same bytes, by an alphabet without padding."""
    text = b64url_encode(data)
    assert b64url_decode(text) == data
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")


@given(st.text(alphabet="ABCxyz019-_=+/ \n.", max_size=12))
def test_base64url_has_one_spelling(text):
    """A text must decode only if it is the one spelling of its bytes (RFC 7515 2)."""
    data = b64url_decode(text)
    assert data is None or b64url_encode(data) == text


@pytest.mark.parametrize(
    "text", ["QQ==", "QQ=", "Q", "QR", "QQ\n", " QQ", "Q+", "Q/", "QUI*", "é", "QUJ", "AAAAA"]
)
def test_base64url_refuses_other_spellings(text):
    """Padding, white space, the other alphabet, stray bits and impossible lengths must be refused."""
    assert b64url_decode(text) is None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.evil.example", False),
        ("notlocalhost", False),
        ("128.0.0.1", False),
        ("127.0.0.1.evil.example", False),
        ("0.0.0.0", False),
        ("::2", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(host, loopback):
    """Only names and addresses of this machine must count as loopback."""
    assert is_loopback_host(host) is loopback


GOOD_URLS = [
    "https://op.example",
    "https://op.example/",
    "https://op.example:8443/a/b?c=d",
    "https://op.example:/a",
    "https://auth_1.op.example/a%20b;c=d",
    "HTTPS://OP.example/",
    "https://[2001:db8::1]:8443/",
    "http://localhost:9000/tenant/a",
    "http://127.0.0.1:9000",
    "http://[::1]:9000/",
    "https://op.example/a/@b",
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_good_addresses_have_no_problem(url):
    """An https address, or an http one of this machine, must be fine."""
    assert url_problem(url) is None


BAD_URLS = {
    "": "characters",
    "https://op.example/ a": "characters",
    " https://op.example/": "characters",
    "https://op.example/\n": "characters",
    "https://op.example/\r\nHost: evil": "characters",
    "https://op.example\\@evil.example/": "characters",
    "https://ไทย.example/": "characters",
    'https://op.example/"><script>': "characters",
    "https://op.example:99999/": "not a URL",
    "https://op.example:port/": "not a URL",
    "https://[::1/": "not a URL",
    "http://op.example/": "not this machine",
    "http://localhost.evil.example/": "not this machine",
    "http://192.168.0.1/": "not this machine",
    "javascript:alert(1)": "not an https address",
    "file:///etc/passwd": "not an https address",
    "data:application/json,%7B%7D": "not an https address",
    "ftp://op.example/": "not an https address",
    "//op.example/": "not an https address",
    "/authorize": "not an https address",
    "op.example": "not an https address",
    "https:op.example": "no host",
    "https:///path": "no host",
    "https://:443/": "no host",
    "https://op.example:0/": "no host",
    "https://user@op.example/": "user information",
    "https://user:password@op.example/": "user information",
    "https://op.example@evil.example/": "user information",
    "https://op.example/#fragment": "fragment",
    "https://op.example/#": "fragment",
    "http://[::1]evil.example/": "host that can't be",
    "http://[::1].evil.example/": "host that can't be",
    "http://evil.example%2f.localhost/": "host that can't be",
    "https://op.example;evil/": "host that can't be",
    "https://op.example:443:443/": "not a URL",
}


@pytest.mark.parametrize(("url", "problem"), BAD_URLS.items(), ids=repr)
def test_each_bad_address_has_its_problem(url, problem):
    """An address that could lead elsewhere, or be read in two ways, must be refused with the reason."""
    assert problem in str(url_problem(url))


def test_query_is_refused_where_none_may_be():
    """A query must be refused in an issuer and allowed in an endpoint (OIDC Discovery 3)."""
    assert url_problem("https://op.example/?a=b") is None
    assert url_problem("https://op.example/?a=b", query=False) == "has a query"
    assert url_problem("https://op.example/?", query=False) == "has a query"


@given(st.text() | st.sampled_from(GOOD_URLS).flatmap(lambda url: st.text().map(lambda more: url + more)))
def test_any_text_is_an_address_or_has_a_problem(text):
    """Whatever text comes, the judgement must be None or a sentence, and None only for what is plain to read."""
    problem = url_problem(text)
    assert problem is None or problem.startswith(("has", "is", "names"))
    if problem is None:
        assert text.isascii()
        assert text.isprintable()
        assert text.lower().startswith(("https://", "http://localhost", "http://127.", "http://[::1]"))
        assert not set(text) & set(' "<>\\^`{|}#')


@pytest.mark.parametrize(("value", "text"), [("a", "a"), ("", None), (None, None), (" ", " ")])
def test_text_member_is_text_or_absent(value, text):
    """Null and empty members must count as absent."""
    assert text_member({"a": value}, "a", document="doc") == text
    assert text_member({}, "a", document="doc") is None


@pytest.mark.parametrize("value", [0, 1, False, True, [], ["a"], {}, 1.5])
def test_member_that_is_not_text_is_malformed(value):
    """A member of another type must be refused, also one that Python takes for false."""
    with pytest.raises(MalformedAnswer) as error:
        text_member({"a": value}, "a", document="doc")
    assert error.value.code == "doc_a_invalid"


@pytest.mark.parametrize(
    ("value", "number"), [(1, True), (1.5, True), (0, True), (True, False), ("1", False), (None, False)]
)
def test_truth_values_and_text_are_no_numbers(value, number):
    """A claim must count as a number by JSON's types alone (RFC 7519 2)."""
    assert is_number(value) is number


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("abc ~", True),
        ("", False),
        ("a\r\nb", False),
        ("a\n", False),
        ("\t", False),
        ("é", False),
        ("\x7f", False),
        ("\ud800", False),
    ],
)
def test_visible_ascii_is_what_a_header_can_hold(text, visible):
    """Only printable ASCII must pass: nothing that ends a header line or has two encodings (RFC 6749 A)."""
    assert is_visible_ascii(text) is visible


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("60", 60),
        ("0060", 60),
        ("9" * MAX_SECONDS_DIGITS, 10**MAX_SECONDS_DIGITS - 1),
        ("1" + "0" * MAX_SECONDS_DIGITS, None),
        ("9" * 5000, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        (" 1", None),
        ("1_0", None),
        ("\u0663", None),
        ("\xb2", None),
    ],
)
def test_seconds_are_digits_and_not_too_many(text, seconds):
    """A number of seconds must be ASCII digits, and few enough that every clock can count so far."""
    assert read_seconds(text) == seconds
