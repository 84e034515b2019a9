"""Why a place was refused, host by host and pool by pool, in the order of asking."""

from __future__ import annotations


class Refusals:
    """Collects `(name, reason)`; the same place is kept with its last reason."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def add(self, name: str, reason: str) -> None:
        self._reasons[name] = reason

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def listed(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._reasons.items())
