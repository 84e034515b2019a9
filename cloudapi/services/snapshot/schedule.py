"""When a policy's snapshots are due: its schedule in a time zone.

    HOURLY   MM          at this minute
    DAILY    MM:HH       at this time
    WEEKLY   MM:HH:DD    on this day, 1 Sunday … 7 Saturday
    MONTHLY  MM:HH:DD    on this day, 1 … 28
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator

from cloudapi.errors import InvalidParameter

FORMS = {"HOURLY": ((0, 59),), "DAILY": ((0, 59), (0, 23)), "WEEKLY": ((0, 59), (0, 23), (1, 7)),
         "MONTHLY": ((0, 59), (0, 23), (1, 28))}
DAY = datetime.timedelta(days=1)


def zone_named(name: str) -> zoneinfo.ZoneInfo:
    """:raises InvalidParameter: there is no such time zone."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidParameter(f"timezone {name[:64]}: there is no time zone of this name") from None


def parse(interval: str, schedule: str) -> list[int]:
    """Return the numbers of a schedule.

    :raises InvalidParameter: it has not the form of the interval, or a number is out of range.
    """
    form = FORMS[interval]
    parts = schedule.strip().split(":")
    if len(parts) != len(form) or not all(part.isascii() and part.isdigit() and len(part) <= 2 for part in parts) \
            or not all(low <= int(part) <= high for part, (low, high) in zip(parts, form, strict=True)):
        raise InvalidParameter(f"schedule {schedule[:64]} is invalid for interval type {interval}")
    return [int(part) for part in parts]


def next_run(interval: str, schedule: str, timezone: str, after: int) -> int:
    """Return the first moment after `after` (both in ms UTC) at which the schedule is due."""
    numbers, zone = parse(interval, schedule), zone_named(timezone)
    begin = datetime.datetime.fromtimestamp(after / 1000, datetime.UTC)
    for due in _moments(interval, numbers, zone, begin):
        moment = int(due.timestamp() * 1000)
        if moment > after:
            return moment
    raise AssertionError("unreachable: every schedule is due within five weeks")


def _moments(interval: str, numbers: list[int], zone: zoneinfo.ZoneInfo,
             begin: datetime.datetime) -> Iterator[datetime.datetime]:
    """Return candidates around `begin`, in order; local times that a clock change skips move with it."""
    local = begin.astimezone(zone)
    if interval == "HOURLY":
        hour = local.replace(minute=numbers[0], second=0, microsecond=0).astimezone(datetime.UTC)
        yield from (hour + datetime.timedelta(hours=step) for step in range(3))
        return
    for step in range(-1, 35):
        day = local.date() + step * DAY
        if interval == "WEEKLY" and day.isoweekday() % 7 + 1 != numbers[2]:
            continue
        if interval == "MONTHLY" and day.day != numbers[2]:
            continue
        yield datetime.datetime(day.year, day.month, day.day, numbers[1], numbers[0], tzinfo=zone)
