"""What the API shows of snapshot policies."""

from __future__ import annotations

from cloudapi.api.view import Column, Given, View
from cloudapi.models.storage import SnapshotPolicy
from cloudapi.views.common import Tags
from cloudapi.views.storage.pool import StoragePoolView
from cloudapi.views.zone.zone import ZoneView

INTERVALS = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY")


class SnapshotPolicyView(View):
    record, name = SnapshotPolicy, "snapshotpolicy"

    id = Column("uuid", "ID of the policy")
    volumeid = Column("volume.uuid", "ID of its volume")
    volumename = Column("volume.name", "name of its volume")
    schedule = Column("schedule", "when its snapshots are taken")
    intervaltype = Column("interval_type", "its interval: 0 hourly, 1 daily, 2 weekly, 3 monthly", type="string",
                          convert=INTERVALS.index)
    maxsnaps = Column("maximum", "how many snapshots are kept")
    timezone = Column("timezone", "time zone of the schedule")
    fordisplay = Column("display", "whether users see it", since="4.4")
    tags = Tags("SnapshotPolicy")
    hasannotations = Given("whether somebody has commented on it", type="boolean")
    zone = Given("zones to which its snapshots are copied as well", type="list", nested=ZoneView, since="4.19.0")
    storage = Given("pools to which its snapshots are copied as well", type="list", nested=StoragePoolView,
                    since="4.21.0")
