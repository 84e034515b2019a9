"""Between JSON and the dataclasses of the contracts. The shapes are read once from the annotations."""

import dataclasses
import functools
import sys
import typing
from collections.abc import Mapping
from typing import Any, Callable, Literal, Optional, Union

from agents.protocol import ErrorCode, Refusal

Decoder = Callable[[Any, str], Any]


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a dataclass with its annotation resolved. `default` makes the value that a message may leave out."""

    shape: Any
    default: Optional[Callable[[], Any]]


_PLAIN = frozenset({str, int, float, bool, type(None)})
_JSON_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def decode(shape: Any, value: Any, where: str) -> Any:
    """`value` from JSON as `shape`. Raises Refusal(bad_argument) that names the place of the fault, as in
    `instance.disks[0].pool`."""
    return _decoder(shape)(value, where)


def encode(value: Any) -> Any:
    """Dataclasses, lists, tuples and maps as JSON values."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    names = _field_names(kind)
    if names is not None:
        return {name: encode(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    return [encode(item) for item in value]


@functools.cache
def _field_names(kind: Any) -> Optional[tuple[str, ...]]:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def _bad(where: str, text: str) -> Refusal:
    return Refusal(ErrorCode.BAD_ARGUMENT, f"'{where}' {text}")


@functools.cache
def _decoder(shape: Any) -> Decoder:
    origin, parts = typing.get_origin(shape), typing.get_args(shape)
    if shape in _JSON_NAMES:
        return functools.partial(_scalar, shape)
    if dataclasses.is_dataclass(shape):
        fields = {name: (_decoder(field.shape), field) for name, field in fields_of(shape).items()}
        return functools.partial(_object, shape, fields)
    if origin is Literal:
        return functools.partial(_choice, parts)
    if origin is Union and type(None) in parts:
        inner = _decoder(next(part for part in parts if part is not type(None)))
        return lambda value, where: None if value is None else inner(value, where)
    if origin is list:
        item = _decoder(parts[0])
        return functools.partial(_list, item)
    if origin is dict:
        return functools.partial(_map, _decoder(parts[1]))
    raise TypeError(f"no JSON form for {shape!r}")


def fields_of(shape: Any) -> dict[str, Field]:
    hints = typing.get_type_hints(shape, vars(sys.modules[shape.__module__]))
    return {declared.name: Field(hints[declared.name], _default(declared)) for declared in dataclasses.fields(shape)}


def _default(declared: "dataclasses.Field[Any]") -> Optional[Callable[[], Any]]:
    if declared.default_factory is not dataclasses.MISSING:
        return declared.default_factory
    return None if declared.default is dataclasses.MISSING else lambda: declared.default


def _scalar(shape: type, value: Any, where: str) -> Any:
    if shape is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, shape) or (shape is not bool and isinstance(value, bool)):
        raise _bad(where, f"must be {_JSON_NAMES[shape]}, not {value!r:.80}")
    return value


def _choice(choices: Any, value: Any, where: str) -> Any:
    if value not in choices:
        raise _bad(where, f"must be one of {', '.join(choices)}, not {value!r:.80}")
    return value


def _list(item: Decoder, value: Any, where: str) -> Any:
    if not isinstance(value, list):
        raise _bad(where, "must be a list")
    return [item(entry, f"{where}[{index}]") for index, entry in enumerate(value)]


def _map(item: Decoder, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _bad(where, "must be an object")
    return {key: item(entry, f"{where}.{key}") for key, entry in value.items()}


def _object(shape: Any, declared: dict[str, tuple[Decoder, Field]], value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _bad(where, "must be an object")
    for name in value:
        if name not in declared:
            raise _bad(f"{where}.{name}", "is not a field of this object")
    arguments = {}
    for name, (decoder, field) in declared.items():
        if name in value:
            arguments[name] = decoder(value[name], f"{where}.{name}")
        elif field.default is None:
            raise _bad(f"{where}.{name}", "is missing")
    return shape(**arguments)
