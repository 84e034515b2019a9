"""What is done by the clock: every task with the setting that says how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.services.capacity import capacity
from cloudapi.services.host import statistics


@dataclass(frozen=True, slots=True)
class Periodic:
    """:param interval: from the settings to seconds. :param work: does it once; safe to repeat."""

    name: str
    interval: Callable[[Any], float]
    work: Callable[[Context], None]


TASKS: list[Periodic] = [
    Periodic("host statistics", lambda settings: settings.get("host.stats.interval") / 1000, statistics.collect_all),
    Periodic("capacity reservations", lambda settings: settings.get("host.reservation.release.period") / 1000,
             capacity.expire_reservations),
]
