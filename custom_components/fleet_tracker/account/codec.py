"""How records of the model are kept as JSON: by their fields, whatever these are.

Pure. A field that is new in the model takes its default where an older record lacks it,
and what an older or newer record holds beside the known fields is passed over. So a record
stays readable while the model grows. Anything else that does not fit is an error. A field
that says ``kept=False`` in its metadata is made anew, and not kept.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
import math
from types import MappingProxyType, NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    TypeAliasType,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type JsonValue = (
    None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]
)

# This key marks a time among other scalars: without it, it would look like a text.
_TIME = "time"


class CannotDecode(ValueError):
    """The JSON does not hold such a record. The text names the field, never its value."""


@dataclass(frozen=True, slots=True)
class _Codec:
    encode: Callable[[Any], JsonValue]
    decode: Callable[[Any], Any]


def to_json(record: DataclassInstance) -> dict[str, JsonValue]:
    """Return a record of the model as JSON can hold it."""
    return cast("dict[str, JsonValue]", _codec(type(record)).encode(record))


def from_json[T](kind: type[T], stored: object) -> T:
    """Return the record of the model that was written by `to_json`.

    Raises CannotDecode when it is not one.
    """
    return cast("T", _codec(cast("Hashable", kind)).decode(stored))


@cache
def _codec(kind: Any) -> _Codec:
    """Return how values of a type are written and read."""
    if isinstance(kind, TypeAliasType):
        return _codec(kind.__value__)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _union(frozenset(arguments))
    if origin is Mapping:
        return _mapping(_codec(arguments[1]), arguments[0])
    if origin is tuple and Ellipsis not in arguments:
        return _fixed(arguments, tuple)
    if origin in (tuple, frozenset):
        return _sequence(_codec(arguments[0]), origin)
    if isinstance(kind, type):
        if is_dataclass(kind):
            return _record(kind)
        if issubclass(kind, tuple):
            hints = get_type_hints(kind)
            return _fixed(tuple(hints.values()), lambda values: kind(*values))
        if issubclass(kind, StrEnum):
            return _Codec(str, _checked(str, kind))
        if issubclass(kind, datetime):
            return _DATETIME
        if kind in _PLAIN:
            return _PLAIN[kind]
    raise TypeError(f"{kind} cannot be kept")


def _checked(wanted: type, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a reader that takes one type of JSON only."""

    def decode(stored: object) -> object:
        # Python counts a truth value as a whole number. Here it is none.
        if not isinstance(stored, wanted) or (
            isinstance(stored, bool) and wanted is not bool
        ):
            raise CannotDecode(f"no {wanted.__name__}")
        try:
            return convert(stored)
        except (ValueError, OverflowError) as err:
            raise CannotDecode(f"no {getattr(convert, '__name__', 'value')}") from err

    return decode


def _same[T](value: T) -> T:
    return value


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("no time zone")
    return time.astimezone(UTC)


def _float(stored: object) -> float:
    if isinstance(stored, bool) or not isinstance(stored, int | float):
        raise CannotDecode("no number")
    try:
        number = float(stored)
    except OverflowError as err:
        raise CannotDecode("no number") from err
    if not math.isfinite(number):
        raise CannotDecode("no finite number")
    return number


def _duration(stored: object) -> timedelta:
    try:
        return timedelta(seconds=_float(stored))
    except OverflowError as err:
        raise CannotDecode("no duration") from err


def _bytes(stored: str) -> bytes:
    return b64decode(stored, validate=True)


_DATETIME = _Codec(lambda time: time.isoformat(), _checked(str, _time))
_PLAIN: Mapping[type, _Codec] = MappingProxyType(
    {
        bool: _Codec(_same, _checked(bool, _same)),
        int: _Codec(_same, _checked(int, _same)),
        float: _Codec(_same, _float),
        str: _Codec(_same, _checked(str, _same)),
        bytes: _Codec(
            lambda data: b64encode(data).decode("ascii"), _checked(str, _bytes)
        ),
        timedelta: _Codec(lambda duration: duration.total_seconds(), _duration),
    }
)


def _union(kinds: frozenset[Any]) -> _Codec:
    """Return the codec of an optional type, or of any scalar."""
    known = kinds - {NoneType}
    if len(known) == 1:
        codec = _codec(next(iter(known)))
        if NoneType not in kinds:
            return codec
        return _Codec(
            lambda value: None if value is None else codec.encode(value),
            lambda stored: None if stored is None else codec.decode(stored),
        )
    if all(one in _PLAIN or issubclass(one, datetime) for one in known):
        return _Codec(_encode_scalar, _decode_scalar)
    raise TypeError("A union of these types cannot be kept")


def _encode_scalar(value: Any) -> JsonValue:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    return str(value) if isinstance(value, str) else cast("JsonValue", value)


def _decode_scalar(stored: object) -> object:
    if isinstance(stored, Mapping):
        return _DATETIME.decode(stored.get(_TIME))
    if isinstance(stored, float):
        return _float(stored)
    if stored is None or isinstance(stored, bool | int | str):
        return stored
    raise CannotDecode("no scalar")


def _mapping(codec: _Codec, key: Any) -> _Codec:
    decode_key = _codec(key).decode

    def encode(values: Mapping[str, Any]) -> JsonValue:
        return {str(name): codec.encode(value) for name, value in values.items()}

    def decode(stored: object) -> object:
        if not isinstance(stored, Mapping):
            raise CannotDecode("no mapping")
        return MappingProxyType(
            {decode_key(name): codec.decode(value) for name, value in stored.items()}
        )

    return _Codec(encode, decode)


def _sequence(codec: _Codec, kind: type) -> _Codec:
    def encode(values: Any) -> JsonValue:
        items = sorted(values) if kind is frozenset else values
        return [codec.encode(item) for item in items]

    def decode(stored: object) -> object:
        if not isinstance(stored, list | tuple):
            raise CannotDecode("no list")
        return kind(codec.decode(item) for item in stored)

    return _Codec(encode, decode)


def _fixed(kinds: tuple[Any, ...], make: Callable[[list[Any]], Any]) -> _Codec:
    """Return the codec of a tuple with a type for each of its items."""
    codecs = [_codec(one) for one in kinds]

    def encode(values: Any) -> JsonValue:
        return [one.encode(value) for one, value in zip(codecs, values, strict=True)]

    def decode(stored: object) -> object:
        if not isinstance(stored, list | tuple) or len(stored) != len(codecs):
            raise CannotDecode("no list of the right length")
        return make(
            [one.decode(value) for one, value in zip(codecs, stored, strict=True)]
        )

    return _Codec(encode, decode)


def _record(kind: type[DataclassInstance]) -> _Codec:
    hints = get_type_hints(kind)
    members = [
        (one, _codec(hints[one.name]))
        for one in fields(kind)
        if one.metadata.get("kept", True)
    ]

    def encode(record: DataclassInstance) -> JsonValue:
        return {
            one.name: codec.encode(getattr(record, one.name)) for one, codec in members
        }

    def decode(stored: object) -> object:
        if not isinstance(stored, Mapping):
            raise CannotDecode(f"no {kind.__name__}")
        values = {}
        for one, codec in members:
            if one.name in stored:
                try:
                    values[one.name] = codec.decode(stored[one.name])
                except CannotDecode as err:
                    raise CannotDecode(f"{one.name}: {err}") from err
            elif not _has_default(one):
                raise CannotDecode(f"{one.name}: missing")
        return kind(**values)

    return _Codec(encode, decode)


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
