"""How a verb is declared: a function in the file of its noun. Name, arguments and result come from its signature."""

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Literal, Optional, TypeVar

from agents.codec import decode, encode
from agents.machine import Call
from agents.protocol import ErrorCode, Refusal

# read: changes nothing, its answer is not remembered. repeatable: done again under a new id it ends in the same state.
# once: done again under a new id it is refused or has a further effect; only the same id is safe.
Effect = Literal["read", "repeatable", "once"]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Verb:
    name: str
    effect: Effect
    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]
    result: Any
    key: Optional[str]
    text: str
    function: Callable[..., Any]

    def run(self, call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checks the arguments, does the work and returns the result as JSON values. Raises Refusal."""
        result = encode(self.function(call, **self._decode(arguments)))
        if self.key is not None:
            return {self.key: result}
        return result if result is not None else {}

    def _decode(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        decoded = {}
        for name, value in arguments.items():
            if name not in self.arguments:
                raise Refusal(ErrorCode.BAD_ARGUMENT, f"'{name}' is not an argument of {self.name}")
            decoded[name] = decode(self.arguments[name], value, name)
        for name in self.arguments:
            if name not in decoded and name not in self.defaults:
                raise Refusal(ErrorCode.BAD_ARGUMENT, f"'{name}' is missing")
        return decoded


VERBS: dict[str, Verb] = {}


def verb(effect: Effect, key: Optional[str] = None) -> Callable[[Function], Function]:
    """Declares a verb. A result that is no dataclass, such as a list, is answered under `key`."""

    def declare(function: Function) -> Function:
        name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__.rstrip('_')}"
        hints = typing.get_type_hints(function)
        arguments, defaults = _parameters(function, hints)
        if name in VERBS:
            raise TypeError(f"{name} is declared twice")
        text = inspect.getdoc(function)
        if not text:
            raise TypeError(f"{name} has no docstring")
        VERBS[name] = Verb(name, effect, arguments, defaults, hints["return"], key, text, function)
        return function

    return declare


def _parameters(function: Callable[..., Any], hints: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    arguments = {parameter.name: hints[parameter.name] for parameter in parameters}
    defaults = {
        parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty
    }
    return arguments, defaults
