"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
TIMEOUT = 60.0


def until(condition: Callable[[], Found], what: str, timeout: float = TIMEOUT) -> Found:
    """Return the first true answer of `condition()`.

    :raises TimeoutError: there was none within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise TimeoutError(f"{what}: not within {timeout} s")
