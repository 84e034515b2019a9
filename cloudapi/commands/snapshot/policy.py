"""Snapshot policies: snapshots by the clock."""

from __future__ import annotations

from typing import Any

from cloudapi import events
from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, Command
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Map, Text, Uuid
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, UnsupportedAction
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import SnapshotPolicy, StoragePool, Volume
from cloudapi.services.snapshot import policy as policies
from cloudapi.services.tag import tag as tags_
from cloudapi.views.snapshot.policy import INTERVALS, SnapshotPolicyView


class CreateSnapshotPolicy(Command):
    """Makes a policy that takes snapshots of a volume by the clock."""

    roles, response = EVERYONE, SnapshotPolicyView

    volumeid = Entity(Volume, access=OPERATE, required=True, help="the volume")
    intervaltype = Text(required=True, choices=INTERVALS, help="HOURLY, DAILY, WEEKLY or MONTHLY")
    schedule = Text(required=True, help="when: MM, MM:HH, or MM:HH:DD")
    timezone = Text(required=True, help="the time zone of the schedule, such as Europe/Vienna")
    maxsnaps = Integer(required=True, help="how many snapshots are kept")
    fordisplay = Flag(default=True, since="4.4", roles=ROOT, help="whether users see it")
    tags = Map(help="tags of the policy")
    zoneids = EntityList(Zone, access=ANY, help="zones to which its snapshots are copied as well")
    storageids = EntityList(StoragePool, access=ANY, since="4.21.0", help="pools to which they are copied as well")
    usestoragereplication = Flag(default=False, since="4.21.0", help="let the storage itself copy them to other pools")

    def run(self, context: Context) -> Any:
        if self.storageids or self.usestoragereplication or any(zone.id != self.volumeid.zone_id
                                                                for zone in self.zoneids or ()):
            raise UnsupportedAction("zoneids, storageids, usestoragereplication: snapshots stay in the zone and on the "
                                    "pool of their volume")
        made = policies.create(context, self.volumeid, self.intervaltype, self.schedule, self.timezone, self.maxsnaps,
                               display=self.fordisplay)
        if self.tags:
            tags_.create(context, "SnapshotPolicy", [made], self.tags, None)
        events.completed(context, "SNAPSHOTPOLICY.CREATE",
                         f"creating snapshot policy {made.uuid} of volume {self.volumeid.name} ({self.volumeid.uuid})",
                         self.volumeid)
        return made


class ListSnapshotPolicies(OwnedListCommand):
    """Lists snapshot policies."""

    roles, response, keywords = EVERYONE, SnapshotPolicyView, ("schedule", "interval_type")

    id = Entity(SnapshotPolicy, column="id", minus_one=True, help="the policy with this ID")
    volumeid = Entity(Volume, access=OPERATE, column="volume_id", minus_one=True, help="policies of this volume")
    fordisplay = Flag(since="4.4", roles=ROOT, column="display", help="policies that users see, or do not")

    def filter(self, context: Context, query: Query) -> None:
        if not context.caller.is_root_admin:
            query.where("t.display = ?", True)


class UpdateSnapshotPolicy(AsyncCommand):
    """Shows a snapshot policy to users, or hides and stops it."""

    action = "updating a snapshot policy"
    roles, event, response = EVERYONE, "SNAPSHOTPOLICY.UPDATE", SnapshotPolicyView

    id = Entity(SnapshotPolicy, access=OPERATE, lock=True, help="the policy")
    fordisplay = Flag(since="4.4", roles=ROOT, help="whether users see it")
    customid = Uuid(since="4.4", roles=ROOT, help="another UUID")

    def run(self, context: Context) -> Any:
        if self.id is None:
            raise InvalidParameter("Unable to execute API command updatesnapshotpolicy due to missing parameter id")
        return context.steps.run("update", lambda: policies.update(
            context, self.id, display=self.fordisplay, uuid=self.customid).id)


class DeleteSnapshotPolicies(Command):
    """Deletes snapshot policies; what they took stays."""

    roles = EVERYONE

    id = Entity(SnapshotPolicy, access=OPERATE, help="the policy")
    ids = EntityList(SnapshotPolicy, access=OPERATE, help="several policies, instead of id")

    def run(self, context: Context) -> None:
        if (self.id is None) == (not self.ids):
            raise InvalidParameter("id, ids: name one policy or several")
        chosen = [self.id] if self.ids is None else self.ids
        policies.delete(chosen)
        for policy in chosen:
            events.completed(context, "SNAPSHOTPOLICY.DELETE", f"deleting snapshot policy {policy.uuid}", policy)
