"""Answers of lists, kept as they were written while nothing in the database changes.

Clients ask for the same lists over and over: Ansible reads zones, offerings and templates anew for each task, a page in
a browser is refreshed. SQLite tells for nothing whether anything has changed since; on other databases nothing is kept.
"""

from __future__ import annotations

from typing import Any

import orjson

from cloudapi.context import Caller
from cloudapi.models.base import now
from cloudapi.models.database import told_for_nothing, while_unchanged

# Bytes of one answer, and of all that a thread keeps.
LARGEST_ANSWER = 128 << 10
LARGEST = 4 << 20
DAY = 86_400_000


class Answers(dict[Any, tuple[bytes, str]]):
    """What a thread keeps of one state of the database: payloads with their content types."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def keep(self, key: Any, payload: bytes, content_type: str) -> None:
        if len(payload) <= LARGEST_ANSWER and self._bytes + len(payload) <= LARGEST:
            self._bytes += len(payload)
            self[key] = payload, content_type


class Place:
    """Where the answer to one call is kept, and found."""

    def __init__(self, answers: Answers, key: Any) -> None:
        self._answers, self._key = answers, key

    @property
    def found(self) -> tuple[bytes, str] | None:
        """The payload and its content type, where the call was answered before in this state of the database."""
        return self._answers.get(self._key)

    def keep(self, payload: bytes, content_type: str) -> None:
        self._answers.keep(self._key, payload, content_type)


def place(command: str, parameters: dict[str, Any], caller: Caller, form: str) -> Place | None:
    """Return the place of an answer that follows from who asks, for what, and the database; None where none is kept.

    :param parameters: those that the command knows, as they came.
    :param form: how the answer is written: `json`, or anything else for XML.
    """
    if not told_for_nothing():
        return None
    said = orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)
    # Leases are shown in days that are left.
    return Place(while_unchanged(("answers",), Answers), (command, said, caller, form, now() // DAY))
