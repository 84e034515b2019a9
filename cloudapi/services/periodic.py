"""What is done by the clock: every task with the setting that says how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.services.capacity import capacity
from cloudapi.services.host import statistics
from cloudapi.services.snapshot import snapshot
from cloudapi.services.volume import extract, post_upload, removal, upload
from cloudapi.services.volume import statistics as volume_statistics

# Seconds between two looks at work that others do.
FOLLOWED = 2.0
# The interval of a task that its setting switches off, with 0.
OFF = 1e9


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
    Periodic("destroyed volumes", lambda settings: settings.get("storage.cleanup.interval"), removal.expunge_destroyed),
    Periodic("volume downloads", lambda settings: FOLLOWED, upload.follow),
    Periodic("volume uploads", lambda settings: settings.get("upload.monitoring.interval"), post_upload.expire),
    Periodic("volume links", lambda settings: settings.get("extract.url.cleanup.interval"), extract.end_links),
    Periodic("volume statistics", lambda settings: settings.get("volume.stats.interval") / 1000 or OFF,
             volume_statistics.collect),
    Periodic("snapshot backups", lambda settings: FOLLOWED, snapshot.back_up_later),
]
