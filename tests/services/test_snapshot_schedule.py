"""When snapshots of a policy are due."""

import datetime

import pytest

from cloudapi.errors import InvalidParameter
from cloudapi.services.snapshot.schedule import next_run


def at(text):
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(("interval", "schedule", "timezone", "after", "due"), [
    ("HOURLY", "30", "UTC", "2026-03-10T10:15:00+00:00", "2026-03-10T10:30:00+00:00"),
    ("HOURLY", "30", "UTC", "2026-03-10T10:30:00+00:00", "2026-03-10T11:30:00+00:00"),
    ("HOURLY", "0", "Asia/Kolkata", "2026-03-10T10:15:00+00:00", "2026-03-10T10:30:00+00:00"),
    ("DAILY", "15:06", "UTC", "2026-03-10T10:00:00+00:00", "2026-03-11T06:15:00+00:00"),
    ("DAILY", "15:06", "Europe/Vienna", "2026-07-10T03:00:00+00:00", "2026-07-10T04:15:00+00:00"),
    ("DAILY", "0:0", "Pacific/Auckland", "2026-01-10T10:59:00+00:00", "2026-01-10T11:00:00+00:00"),
    ("WEEKLY", "0:12:1", "UTC", "2026-03-10T10:00:00+00:00", "2026-03-15T12:00:00+00:00"),
    ("WEEKLY", "0:12:3", "UTC", "2026-03-10T12:00:00+00:00", "2026-03-17T12:00:00+00:00"),
    ("MONTHLY", "5:1:28", "UTC", "2026-02-28T01:05:00+00:00", "2026-03-28T01:05:00+00:00"),
])
def test_the_next_moment_is_the_first_after_now_in_the_policys_zone(interval, schedule, timezone, after, due):
    assert next_run(interval, schedule, timezone, at(after)) == at(due)


@pytest.mark.parametrize(("interval", "schedule", "timezone", "said"), [
    ("HOURLY", "60", "UTC", "schedule"), ("HOURLY", "5:5", "UTC", "schedule"), ("DAILY", "5:24", "UTC", "schedule"),
    ("WEEKLY", "0:0:0", "UTC", "schedule"), ("WEEKLY", "0:0:8", "UTC", "schedule"),
    ("MONTHLY", "0:0:29", "UTC", "schedule"), ("DAILY", "a:b", "UTC", "schedule"), ("DAILY", "", "UTC", "schedule"),
    ("DAILY", "0:0", "Nowhere/Land", "timezone"), ("DAILY", "0:0", "../../etc/passwd", "timezone"),
])
def test_what_is_no_schedule_is_refused_by_its_parameter(interval, schedule, timezone, said):
    with pytest.raises(InvalidParameter, match=said):
        next_run(interval, schedule, timezone, 0)
