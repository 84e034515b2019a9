"""Which parameter a refused value came with, for the texts of services that do not say so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cloudapi.api.command import Command
from cloudapi.errors import ApiError, InvalidParameter


def out_of_range(command: type[Command], sent: dict[str, Any]) -> InvalidParameter:
    """Return the error of a value that the database does not take; it is the longest one that was sent."""
    names = [name for name in command.parameters if name.lower() in sent]
    longest = max(names, key=lambda name: max(map(len, _texts(sent[name.lower()])), default=0), default=None)
    which = "a value" if longest is None else f"the value of parameter {longest}"
    return InvalidParameter(f"Unable to execute API command {command.api_name().lower()}: "
                            f"{which} is out of the database's range")


def name_parameter(error: ApiError, command: type[Command], sent: dict[str, Any]) -> None:
    """Add to the text of a refused value the parameter that it came with, where the text names none.

    That is the one whose value the text has, else the one that says what the command is about, else the first that it
    requires.

    :param sent: the parameters of the request, names in lower case.
    """
    if type(error) is not InvalidParameter or _mentions(error.text, command.parameters):
        return
    given = [name for name in command.parameters if name.lower() in sent]
    guilty = [name for name in given if any(_mentions(error.text, [text]) for text in _texts(sent[name.lower()]))]
    if not guilty:
        guilty = [name for name in given if name == command.subject or command.parameters[name].required][:1]
    if guilty:
        error.text += f" (parameter{'s' if len(guilty) > 1 else ''} {', '.join(guilty)})"


def _mentions(text: str, words: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE) for word in words)


def _texts(value: Any) -> list[str]:
    """Return the texts within what was sent for a parameter."""
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [text for text in [str(value), *str(value).split(",")] if text.strip()]
