"""Asynchronous jobs and events."""

from __future__ import annotations

from cloudapi.settings_catalogue.declaration import Setting, ValueType

SETTINGS = (
    Setting(
        "job.expire.minutes",
        ValueType.LONG,
        "1440",
        "Age at which ended jobs are removed",
        dynamic=True,
        minimum=1,
        unit="minutes",
    ),
    Setting(
        "job.cancel.threshold.minutes",
        ValueType.LONG,
        "60",
        "Age at which a job that others block, so that it has not begun, is given up",
        dynamic=True,
        minimum=1,
        unit="minutes",
    ),
    Setting(
        "event.purge.delay",
        ValueType.INTEGER,
        "15",
        "Age at which events are removed; 0 keeps them",
        minimum=0,
        unit="days",
    ),
    Setting(
        "event.purge.interval",
        ValueType.INTEGER,
        "86400",
        "Time between two runs that remove old events",
        minimum=1,
        parent="event.purge.delay",
        unit="seconds",
    ),
)
