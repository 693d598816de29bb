"""Frozen dataclasses as JSON and back. What a class holds is read off its fields, so a new field needs no change
here, and nothing is ever read but the types that those fields have.

A member that has its default is left out, and unknown ones are ignored: two releases can read each other's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache, partial
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from signon.core.values import JsonValue, Secret

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
NOT_SEALED = {"sealed": False}
"""Metadata of a field that is not part of what is written."""


class Unreadable(ValueError):
    """The JSON doesn't fit the class. Never leaves the modules that read records and transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    read: Callable[[Any], object]
    plain: type | None
    """The type of JSON that is read as it is; None where there is none."""
    write: Callable[[Any], JsonValue]
    default: object
    """MISSING where there is none: that equals no value."""


def to_members(value: DataclassInstance) -> dict[str, JsonValue]:
    """The value as a JSON object."""
    members = {}
    for name, default, write in _writers(type(value)):
        held = getattr(value, name)
        if held is not default and held != default:
            members[name] = held if write is _same else write(held)
    return members


def from_members(kind: type[T], members: Any, **unwritten: Any) -> T:
    """The value that `to_members` wrote, and what it left out on purpose; raises `Unreadable`."""
    if type(members) is not dict:
        raise Unreadable
    readers = _readers(kind)
    for name, value in members.items():
        if name in readers:
            plain, read = readers[name]
            unwritten[name] = value if type(value) is plain else read(value)
    return _build(kind, unwritten)


def to_row(value: DataclassInstance) -> list[JsonValue]:
    """The value as a JSON list in the order of its fields: shorter, and bound to that order."""
    row = []
    for one in _fields(type(value)):
        held = getattr(value, one.name)
        row.append(held if one.write is _same else one.write(held))
    return row


def from_row(kind: type[T], row: Any) -> T:
    """The value that `to_row` wrote; raises `Unreadable`.

    Fields at the end that have defaults may be missing: the last release had no such field.
    """
    expected = _fields(kind)
    if not isinstance(row, list) or len(row) > len(expected):
        raise Unreadable
    values = {}
    for one, item in zip(expected, row, strict=False):
        values[one.name] = item if type(item) is one.plain else one.read(item)
    return _build(kind, values)


def to_json(value: JsonValue) -> bytes:
    """Compact UTF-8. Half characters are kept, since claims may not be clean; NaN is a `ValueError`."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def from_json(body: bytes) -> Any:
    """What `to_json` wrote; raises `Unreadable`."""
    try:
        return _DECODER.decode(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise Unreadable from None


def _no_constant(_name: str) -> NoReturn:
    raise Unreadable


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _build(kind: type[T], values: dict[str, object]) -> T:
    try:
        return kind(**values)
    except TypeError:
        raise Unreadable from None  # a field without a default is missing


@cache
def _fields(kind: type[DataclassInstance]) -> tuple[_Field, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Field(
            name=field.name,
            read=_reader(hints[field.name]),
            plain=_plain(hints[field.name]),
            write=_writer(hints[field.name]),
            default=field.default if field.default_factory is MISSING else field.default_factory(),
        )
        for field in fields(kind)
        if field.metadata.get("sealed", True)
    )


@cache
def _readers(kind: type[DataclassInstance]) -> dict[str, tuple[type | None, Callable[[Any], object]]]:
    return {field.name: (field.plain, field.read) for field in _fields(kind)}


@cache
def _writers(kind: type[DataclassInstance]) -> tuple[tuple[str, object, Callable[[Any], JsonValue]], ...]:
    return tuple((field.name, field.default, field.write) for field in _fields(kind))


def _reader(hint: Any) -> Callable[[Any], object]:
    """A function from JSON to this type; a `KeyError` for a type that nobody has thought of yet."""
    if isinstance(hint, UnionType) and NoneType in get_args(hint):
        read = _reader(*(one for one in get_args(hint) if one is not NoneType))
        return lambda value: None if value is None else read(value)
    if get_origin(hint) is Literal:
        return partial(_one_of, get_args(hint))
    if isinstance(hint, type) and is_dataclass(hint) and hint is not Secret:
        return partial(from_members, hint)
    return _PLAIN[get_origin(hint) or hint]


def _plain(hint: Any) -> type | None:
    """The type that needs no reader, since JSON has it as it is; a number needs one, for it may be infinite."""
    kinds = [one for one in get_args(hint) if one is not NoneType] if isinstance(hint, UnionType) else [hint]
    if get_origin(kinds[0]) is Mapping:
        return dict
    return kinds[0] if kinds[0] in {str, bool, int} else None


def _writer(hint: Any) -> Callable[[Any], JsonValue]:
    if isinstance(hint, UnionType) and NoneType in get_args(hint):
        write = _writer(*(one for one in get_args(hint) if one is not NoneType))
        return _same if write is _same else lambda value: None if value is None else write(value)
    if hint is Secret:
        return Secret.reveal
    return to_members if is_dataclass(hint) else _CONTAINERS.get(get_origin(hint), _same)


def _same(value: Any) -> Any:
    return value


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:  # not isinstance: true is an int to that
        raise Unreadable
    return value


def _one_of(allowed: tuple[str, ...], value: Any) -> Any:
    if _exactly(str, value) not in allowed:
        raise Unreadable
    return value


def _number(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise Unreadable
    try:
        number = float(value)
    except OverflowError:
        raise Unreadable from None
    if not math.isfinite(number):
        raise Unreadable
    return number


def _texts(value: Any) -> tuple[str, ...]:
    for item in _exactly(list, value):
        if type(item) is not str:
            raise Unreadable
    return tuple(value)


_PLAIN: Mapping[Any, Callable[[Any], object]] = {
    str: partial(_exactly, str),
    bool: partial(_exactly, bool),
    int: partial(_exactly, int),
    float: _number,
    Secret: lambda value: Secret(_exactly(str, value)),
    tuple: _texts,
    Mapping: partial(_exactly, dict),
}
_CONTAINERS: Mapping[Any, Callable[[Any], JsonValue]] = {tuple: list, Mapping: dict}
