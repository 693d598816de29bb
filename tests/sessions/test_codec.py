from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.core.values import JsonValue, Secret
from signon.sessions.codec import (
    NOT_SEALED,
    Unreadable,
    from_json,
    from_members,
    from_row,
    to_json,
    to_members,
    to_row,
)

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    name: str
    nick: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    text: str
    number: float
    inner: Inner
    secret: Secret
    mode: Literal["query", "form_post"]
    claims: Mapping[str, JsonValue]
    count: int = 0
    sure: bool = False
    words: tuple[str, ...] = ()
    maybe: float | None = None
    hidden: Secret | None = None
    second: Inner | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    version: int = field(default=0, compare=False, metadata=NOT_SEALED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterInner:
    """`Inner` as a later release may have it."""

    name: str
    nick: str | None = None
    title: str = ""


OUTER = Outer(
    text="ก",
    number=1.5,
    inner=Inner(name="a", nick="b"),
    secret=Secret("s"),
    mode="query",
    claims={"a": [1, None, {"b": 2.5}]},
    count=3,
    sure=True,
    words=("x", "y"),
    maybe=0.0,
    hidden=Secret("h"),
    second=Inner(name="c"),
    kept={"d": "e"},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
INNERS = st.builds(Inner, name=TEXT, nick=st.none() | TEXT)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
OUTERS = st.builds(
    Outer,
    text=TEXT,
    number=NUMBERS,
    inner=INNERS,
    secret=st.builds(Secret, TEXT.filter(lambda text: text.isascii())),
    mode=st.sampled_from(["query", "form_post"]),
    claims=st.dictionaries(TEXT, JSON, max_size=3),
    count=st.integers(),
    sure=st.booleans(),
    words=st.lists(TEXT, max_size=3).map(tuple),
    maybe=st.none() | NUMBERS,
    hidden=st.none() | st.builds(Secret, TEXT.filter(lambda text: text.isascii())),
    second=st.none() | INNERS,
    kept=st.dictionaries(TEXT, TEXT, max_size=3),
)


@given(OUTERS)
def test_what_is_written_is_read(value):
    """Any value comes back equal from its members and from its row, through JSON."""
    assert from_members(Outer, from_json(to_json(to_members(value)))) == value
    assert from_row(Outer, from_json(to_json(to_row(value)))) == value


def test_defaults_are_left_out():
    """A member that has its default is not written."""
    assert to_members(Inner(name="a")) == {"name": "a"}
    assert to_members(Inner(name="a", nick="")) == {"name": "a", "nick": ""}
    assert to_members(OUTER)["kept"] == {"d": "e"}
    assert "kept" not in to_members(replace(OUTER, kept={}))


def test_rows_are_in_the_order_of_the_fields():
    """A row has every field that is written, in order, with no names."""
    assert to_row(OUTER) == [
        "ก", 1.5, {"name": "a", "nick": "b"}, "s", "query", {"a": [1, None, {"b": 2.5}]},
        3, True, ["x", "y"], 0.0, "h", {"name": "c"}, {"d": "e"},
    ]  # fmt: skip


def test_an_unwritten_field_is_the_readers():
    """A field that isn't written comes from who reads, never from what is read."""
    members = to_members(OUTER)
    assert "version" not in members
    assert from_members(Outer, {**members, "version": 7}).version == 0
    assert from_members(Outer, members, version=5).version == 5


def test_releases_read_each_other():
    """A release that has one more text field reads what the last one wrote, and the other way round."""
    assert from_members(LaterInner, to_members(Inner(name="a"))) == LaterInner(name="a")
    assert from_members(Inner, to_members(LaterInner(name="a", title="Dr"))) == Inner(name="a")


MEMBERS = to_members(OUTER)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("text", bad) for bad in (None, 1, True, ["a"], {})),
        *(("number", bad) for bad in (None, "1", True, [], float("inf"), float("nan"), 10**400)),
        *(("inner", bad) for bad in (None, [], "a", {}, {"name": None}, {"nick": "b"})),
        *(("secret", bad) for bad in (None, 1, {})),
        *(("mode", bad) for bad in (None, "fragment", 1, ["query"])),
        *(("claims", bad) for bad in (None, [], "a")),
        *(("count", bad) for bad in (None, True, 1.0, "1")),
        *(("sure", bad) for bad in (None, 0, 1, "true")),
        *(("words", bad) for bad in (None, "xy", ["x", 1], {"x": 1})),
        *(("maybe", bad) for bad in ("1", True)),
        *(("hidden", bad) for bad in (1, True)),
        *(("second", bad) for bad in ([], {})),
        *(("kept", bad) for bad in (None, [], "a")),
    ],
)
def test_a_member_of_another_type_is_unreadable(name, bad):
    """No field takes a value of another type than its own; true is no number."""
    with pytest.raises(Unreadable):
        from_members(Outer, {**MEMBERS, name: bad})


@pytest.mark.parametrize("name", ["text", "number", "inner", "secret", "mode", "claims"])
def test_a_missing_member_is_unreadable(name):
    """A field without a default must be there."""
    with pytest.raises(Unreadable):
        from_members(Outer, {key: value for key, value in MEMBERS.items() if key != name})


def test_a_row_of_the_last_release_is_read():
    """Fields that have come since, all at the end and with defaults, have those."""
    assert from_row(LaterInner, to_row(Inner(name="a", nick="b"))) == LaterInner(name="a", nick="b")
    assert from_row(LaterInner, ["a"]) == LaterInner(name="a")


@pytest.mark.parametrize("row", [None, {}, [], ["a", None, None], [1, None]])
def test_a_row_of_another_shape_is_unreadable(row):
    """A row has an item for each field without a default, and none more than there are fields."""
    assert from_row(Inner, ["a", None]) == Inner(name="a")
    with pytest.raises(Unreadable):
        from_row(Inner, row)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"-Infinity", b"[" * 100_000, b"9" * 5000, b"{} {}", b"'a'"],
)
def test_what_is_no_json_is_unreadable(body):
    """Bytes that are no JSON, or no JSON that we write, are unreadable, and nothing else is raised."""
    with pytest.raises(Unreadable):
        from_json(body)


def test_nan_is_not_written():
    """NaN is refused where it is written, since nobody could read it."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": float("nan")})


def test_thai_is_short():
    """Letters are written as UTF-8, not as escapes of twice the length."""
    assert to_json(["ก"]) == '["ก"]'.encode()


def test_a_type_that_nobody_has_thought_of_is_loud():
    """A class with a field of a new type fails the first time it is read or written."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Strange:
        when: complex

    with pytest.raises(KeyError):
        to_members(Strange(when=1j))
