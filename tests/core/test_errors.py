import inspect

import pytest

from signon.core import errors
from signon.core.errors import ConfigurationError, ProviderRefused, SignOnError, printable

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, SignOnError)]


def test_tree_is_drawn_as_it_is():
    """The tree at the top of the module must name each class, below its own parent."""
    parents: list[tuple[int, str]] = []
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        name = next((word for word in line.split() if word in dir(errors)), None)
        if name is None or not line.lstrip("│├└─ ").startswith(name):
            continue
        depth = line.index(name)
        parents = [entry for entry in parents if entry[0] < depth]
        drawn[name] = parents[-1][1] if parents else "Exception"
        parents.append((depth, name))
    assert drawn == {cls.__name__: cls.__base__.__name__ for cls in CLASSES}


@pytest.mark.parametrize(
    ("name", "fault", "status"),
    [
        ("PersonError", "person", 403),
        ("SuspectError", "suspect", 400),
        ("ProviderError", "provider", 502),
        ("ProviderRefused", "provider", 502),
        ("PersonRefused", "person", 403),
        ("RefreshEnded", "person", 401),
        ("MalformedAnswer", "provider", 502),
        ("TokenRejected", "provider", 502),
        ("UnknownKey", "provider", 502),
        ("ProviderUnavailable", "provider", 503),
        ("StoreUnavailable", "store", 503),
        ("OperatorError", "operator", 502),
        ("ConfigurationError", "operator", 502),
    ],
)
def test_class_says_whose_fault(name, fault, status):
    """Each class must say whose fault it is and hint at a status."""
    cls = getattr(errors, name)
    assert (cls.fault, cls.status_hint) == (fault, status)


def test_error_shows_code_sentence_and_section():
    """An error must print as code, sentence and section; its status is the hint unless one is given."""
    error = errors.SuspectError("state_missing", "no state", section="RFC 6749 4.1.2")
    assert str(error) == "state_missing: no state (RFC 6749 4.1.2)"
    assert (error.code, error.section, error.status) == ("state_missing", "RFC 6749 4.1.2", 400)
    assert str(SignOnError("code", "sentence")) == "code: sentence"
    assert errors.SuspectError("provider_unknown", "none", status=404).status == 404


def test_provider_text_is_cut_and_printable():
    """What a provider says of its error must come out bounded and without control characters."""
    error = ProviderRefused(
        "provider_refused",
        "refused",
        error="bad\r\nSet-Cookie: a=b" + "x" * 99,
        description="\x1b[31mred\u202e" + "y" * 999,
        error_uri="https://op.example/\x00" + "z" * 999,
    )
    for text, limit in ((error.error, 64), (error.description, 200), (error.error_uri, 200)):
        assert text.isprintable()
        assert len(text) == limit + 1
    assert error.description.startswith("?[31mred?y")
    assert "y" not in str(error)


def test_configuration_error_lists_all_problems():
    """A failed start must say every problem, one a line."""
    error = ConfigurationError(("SIGNON_KEYS is short", "SIGNON_STORE names no store"))
    assert error.problems == ("SIGNON_KEYS is short", "SIGNON_STORE names no store")
    assert str(error) == (
        "configuration: Signon can't start:\n- SIGNON_KEYS is short\n- SIGNON_STORE names no store"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("a\nb", "a?b"),
        ("\ud800", "?"),
        ("ไทย", "ไทย"),
        ("12345", "12345"),
        ("123456", "12345…"),
    ],
)
def test_printable_replaces_and_cuts(text, shown):
    """Unprintable characters must become question marks, and what is too long be cut with a mark."""
    assert printable(text, limit=5 if text.startswith("1") else 20) == shown
