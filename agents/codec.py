"""Between JSON and the dataclasses of the contracts. The shapes are read once from the annotations."""

import dataclasses
import functools
import sys
import typing
from collections.abc import Mapping
from typing import Any, Callable, Literal, Optional, Union

from agents.protocol import ErrorCode, Refusal

Decoder = Callable[[Any], Any]
# The types that pass as they are, and the decoder of all others.
Reading = tuple[frozenset[type], Decoder]


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a dataclass with its annotation resolved. `default` makes the value that a message may leave out."""

    shape: Any
    default: Optional[Callable[[], Any]]


_PLAIN = frozenset({str, int, float, bool, type(None)})
_JSON_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class _Fault(Exception):
    """A value is not what it should be. The place is put together on the way out, from the inside."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.text, self.path = text, path


def decode(shape: Any, value: Any, where: str) -> Any:
    """`value` from JSON as `shape`. Raises Refusal(bad_argument) that names the place of the fault, as in
    `instance.disks[0].pool`."""
    try:
        return _decoder(shape)(value)
    except _Fault as fault:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'{where}{fault.path}' {fault.text}") from None


def encode(value: Any) -> Any:
    """Dataclasses, lists, tuples and maps as JSON values."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    names = _field_names(kind)
    if names is not None:
        return {name: _encode(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    return [_encode(item) for item in value]


def _encode(value: Any) -> Any:
    return value if type(value) in _PLAIN else encode(value)


@functools.cache
def _field_names(kind: Any) -> Optional[tuple[str, ...]]:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


@functools.cache
def _decoder(shape: Any) -> Decoder:
    origin, parts = typing.get_origin(shape), typing.get_args(shape)
    if shape in _JSON_NAMES:
        return functools.partial(_scalar, shape)
    if dataclasses.is_dataclass(shape):
        fields = fields_of(shape)
        required = frozenset(name for name, field in fields.items() if field.default is None)
        decoders = {name: (_exact(field.shape), _decoder(field.shape)) for name, field in fields.items()}
        return functools.partial(_object, shape, decoders, required)
    if origin is Literal:
        return functools.partial(_choice, parts)
    if origin is Union and type(None) in parts:
        inner = _decoder(next(part for part in parts if part is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is list:
        return functools.partial(_list, _exact(parts[0]), _decoder(parts[0]))
    if origin is dict:
        return functools.partial(_map, (_exact(parts[1]), _decoder(parts[1])))
    raise TypeError(f"no JSON form for {shape!r}")


def _exact(shape: Any) -> frozenset[type]:
    """The types whose values need no look at all: most of a message are texts and numbers."""
    parts = typing.get_args(shape) if typing.get_origin(shape) is Union else (shape,)
    return frozenset(part for part in parts if part in _PLAIN)


def fields_of(shape: Any) -> dict[str, Field]:
    hints = typing.get_type_hints(shape, vars(sys.modules[shape.__module__]))
    return {declared.name: Field(hints[declared.name], _default(declared)) for declared in dataclasses.fields(shape)}


def _default(declared: "dataclasses.Field[Any]") -> Optional[Callable[[], Any]]:
    if declared.default_factory is not dataclasses.MISSING:
        return declared.default_factory
    return None if declared.default is dataclasses.MISSING else lambda: declared.default


def _scalar(shape: type, value: Any) -> Any:
    kind = type(value)
    if kind is shape:
        return value
    if shape is float and kind is int:
        return float(value)
    raise _Fault(f"must be {_JSON_NAMES[shape]}, not {value!r:.80}")


def _choice(choices: Any, value: Any) -> Any:
    if value not in choices:
        raise _Fault(f"must be one of {', '.join(choices)}, not {value!r:.80}")
    return value


def _list(exact: frozenset[type], item: Decoder, value: Any) -> Any:
    if not isinstance(value, list):
        raise _Fault("must be a list")
    if exact.issuperset(map(type, value)):
        return value
    found: list[Any] = []
    try:
        for entry in value:
            found.append(item(entry))
    except _Fault as fault:
        fault.path = f"[{len(found)}]{fault.path}"
        raise
    return found


def _map(item: Reading, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _Fault("must be an object")
    if item[0].issuperset(map(type, value.values())):
        return value
    return _entries(value, dict.fromkeys(value, item))


def _entries(value: Any, readings: Mapping[str, Reading]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Fault("must be an object")
    found = {}
    name = ""
    try:
        for name, entry in value.items():
            reading = readings.get(name)
            if reading is None:
                raise _Fault("is not a field of this object")
            found[name] = entry if type(entry) in reading[0] else reading[1](entry)
    except _Fault as fault:
        fault.path = f".{name}{fault.path}"
        raise
    return found


def _object(shape: Any, readings: Mapping[str, Reading], required: frozenset[str], value: Any) -> Any:
    arguments = _entries(value, readings)
    if not required <= arguments.keys():
        raise _Fault("is missing", f".{next(name for name in readings if name in required - arguments.keys())}")
    return shape(**arguments)
