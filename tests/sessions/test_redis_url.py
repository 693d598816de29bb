import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signon.core.errors import ConfigurationError
from signon.sessions.redis_url import Address, RedisUrl, read_redis_url


def read(url):
    """What was read, without what is as usual."""
    found = read_redis_url(url)
    usual = {"tls": False, "user": "", "database": 0, "service": "", "ca_file": "", "replicas": 0}
    fields = {name: getattr(found, name) for name in RedisUrl.__dataclass_fields__ if name != "password"}
    password = {"password": found.password.reveal()} if found.password else {}
    return {name: value for name, value in fields.items() if usual.get(name) != value} | password


ONE, TWO, THREE = Address("one", 6379), Address("two", 7000), Address("three", 6379)
SENTINELS = (Address("one", 26379), Address("two", 7000))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://one", {"kind": "single", "addresses": (ONE,)}),
        ("redis://one/?", {"kind": "single", "addresses": (ONE,)}),
        ("valkey://two:7000/3", {"kind": "single", "addresses": (TWO,), "database": 3}),
        ("rediss://one", {"kind": "single", "addresses": (ONE,), "tls": True}),
        ("valkeys://one", {"kind": "single", "addresses": (ONE,), "tls": True}),
        ("redis://[::1]:7000", {"kind": "single", "addresses": (Address("::1", 7000),)}),
        ("redis://:secret@one", {"kind": "single", "addresses": (ONE,), "password": "secret"}),
        ("redis://app:s:e@one", {"kind": "single", "addresses": (ONE,), "user": "app", "password": "s:e"}),
        (
            "redis://a%40b:%2F%3F%23%25%40@one",
            {"kind": "single", "addresses": (ONE,), "user": "a@b", "password": "/?#%@"},
        ),
        ("redis://:p@ss@one", {"kind": "single", "addresses": (ONE,), "password": "p@ss"}),
        ("redis://one?wait=1", {"kind": "single", "addresses": (ONE,), "replicas": 1}),
        (
            "rediss://one/1?ca_file=/etc/our%20ca.pem&wait=0",
            {"kind": "single", "addresses": (ONE,), "tls": True, "database": 1, "ca_file": "/etc/our ca.pem"},
        ),
        (
            "redis+sentinel://one,two:7000/my-master.1",
            {"kind": "sentinel", "addresses": SENTINELS, "service": "my-master.1", "replicas": 1},
        ),
        (
            "valkeys+sentinel://:pw@one,two:7000/main/2?wait=0",
            {
                "kind": "sentinel",
                "addresses": SENTINELS,
                "service": "main",
                "database": 2,
                "tls": True,
                "password": "pw",
            },
        ),
        ("redis+cluster://one,two:7000,three", {"kind": "cluster", "addresses": (ONE, TWO, THREE), "replicas": 1}),
        ("rediss+cluster://one", {"kind": "cluster", "addresses": (ONE,), "tls": True, "replicas": 1}),
    ],
)
def test_an_address_is_read(url, expected):
    """Each spelling gives its servers, its login and what it asks for; what it leaves out is as usual."""
    assert read(url) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with redis://"),
        ("redis:/planted", "must begin with redis://"),
        ("http://planted", "must begin with redis://"),
        ("redis+tls://planted", "must begin with redis://"),
        ("REDIS://planted", "must begin with redis://"),
        ("redis://", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://planted host", "names no host"),
        ("redis://planted:0", "names no host"),
        ("redis://planted:65536", "names no host"),
        ("redis://planted:-1", "names no host"),
        ("redis://::1", "names no host"),
        ("redis://user:planted/password@one", "names no host"),
        ("redis+cluster://one,", "names no host"),
        ("redis+cluster://one,,two", "names no host"),
        ("redis://:planted#1@one", "'#' in it: in a password it is written %23"),
        ("redis://planted@one", "an '@', but no password before it"),
        ("redis://planted:@one", "an '@', but no password before it"),
        ("redis://@one", "an '@', but no password before it"),
        ("redis://:planted%ff@one", "password that is not percent-encoded text"),
        ("redis://:planted%00@one", "password that is not percent-encoded text"),
        ("redis://:planted\ud800@one", "password that is not percent-encoded text"),
        ("redis://%ff:planted@one", "user name that is not percent-encoded text"),
        ("redis://one,two", "several servers: that is redis+cluster:// or redis+sentinel://"),
        ("redis://one/planted", "something else than the number of a database"),
        ("redis://one/1/2", "something else than the number of a database"),
        ("redis://one/12345", "something else than the number of a database"),
        ("redis+sentinel://one", "must end in /service"),
        ("redis+sentinel://one/", "must end in /service"),
        ("redis+sentinel://one/ma%20in", "must end in /service"),
        ("redis+sentinel://one/main/planted", "something else than the number of a database"),
        ("redis+cluster://one/0", "a cluster has one database"),
        ("redis://one?ca_file=/ca.pem", "a ca_file, but no TLS: begin it with rediss"),
        ("rediss://one?ca_flie=/planted.pem", "not known: did you mean ca_file?"),
        ("rediss://one?planted=1", "not known: what can be had is ca_file and wait"),
        ("rediss://one?ca_file", "ca_file twice, or without a value"),
        ("rediss://one?ca_file=", "ca_file twice, or without a value"),
        ("rediss://one?ca_file=/a&ca_file=/b", "ca_file twice, or without a value"),
        ("rediss://one?ca_file=%ff", "a ca_file that is not percent-encoded text"),
        ("rediss://one?ca_file=/a&", "not known: what can be had is ca_file and wait"),
        ("redis+cluster://one?wait=2", "must say wait=1"),
        ("redis+cluster://one?wait=yes", "must say wait=1"),
    ],
)
def test_what_is_wrong_is_said(url, words):
    """Each mistake stops the start with its own sentence, which shows neither login nor host."""
    with pytest.raises(ConfigurationError) as caught:
        read_redis_url(url)
    (problem,) = caught.value.problems
    assert problem.startswith("the address of the Redis session store ")
    assert words in problem
    assert "planted" not in problem
    assert "\n" not in problem


@given(st.text() | st.from_regex(r"(redis|valkey)s?(\+(sentinel|cluster))?://[a-z0-9:@/?&=,%#\[\]._-]*"))
@example("redis://:%@one")
@example("redis://[]")
@example("redis://\u0661:\u0661")
def test_any_text_gives_our_value_or_our_error(url):
    """Whatever the text, it is read, or refused with one sentence."""
    try:
        addresses = read_redis_url(url).addresses
    except ConfigurationError as error:
        (problem,) = error.problems
        addresses = (Address("refused", len(problem)),)
    assert addresses
    assert all(0 < address.port <= 65535 and address.host for address in addresses)


def test_a_password_is_not_shown():
    """What was read doesn't print the password."""
    assert "planted" not in repr(read_redis_url("redis://user:planted-password@one"))


@pytest.mark.parametrize(("host", "text"), [("one", "one:1"), ("127.0.0.1", "127.0.0.1:1"), ("::1", "[::1]:1")])
def test_an_address_as_text(host, text):
    """An address is shown as URLs have it."""
    assert str(Address(host, 1)) == text
