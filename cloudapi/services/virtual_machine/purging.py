"""Expunged Instances leave the database with what belonged to them: as their offering says, and by the clock.

Events and jobs stay, each for its own time. One of whose volumes there are snapshots still stays until those are gone.
Routers and system VMs stay too: their NICs tell what their owners have sent and received.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.common import Detail, ResourceTag
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import CapacityReservation
from cloudapi.models.machine import AffinityGroupMember, Machine, MachineKeyPair, MachinePurge
from cloudapi.models.network import Nic, NicSecondaryIp
from cloudapi.models.rule import PortForwardingRule
from cloudapi.models.storage import (
    PoolStop,
    Snapshot,
    SnapshotPolicy,
    Volume,
    VolumeSample,
    VolumeStatistics,
    VolumeStore,
)
from cloudapi.services import detail
from cloudapi.services.offering.service_offering import PURGE
from cloudapi.services.virtual_machine import statistics

log = logging.getLogger(__name__)

# Seconds that an expunged Instance stays at least, whatever the setting says: clients may still ask for it.
LEAST = 180
DAY = 86_400_000


def expunged(machine: Machine) -> None:
    """Note that an Instance was expunged which is to be purged. In the transaction of its end."""
    if machine.kind == "User" and detail.get(machine.service_offering).get(PURGE) == "true":
        MachinePurge.create(machine_id=machine.id, expunged=now())


def purge_due(context: Context) -> None:
    """Purge Instances as their offerings say, `expunged.resource.purge.job.delay` seconds after they were expunged."""
    delay = max(LEAST, int(context.settings.get("expunged.resource.purge.job.delay")))
    due = [MachinePurge.expunged <= now() - delay * 1000]
    if MachinePurge.select().where(*due).exists():
        _batches(context, lambda size: [row.machine_id for row in MachinePurge.select().where(
            *due, MachinePurge.machine_id.not_in(_kept())).order_by(MachinePurge.machine_id).limit(size)])


def purge_old(context: Context) -> None:
    """Purge what was expunged longer ago than `expunged.resources.purge.keep.past.days` days, and since the start time.

    Where `expunged.resources.purge.enabled` says so.
    """
    settings = context.settings
    wanted = settings.get("expunged.resources.purge.resources") or "VirtualMachine"
    if not settings.get("expunged.resources.purge.enabled") or wanted.lower() != "virtualmachine":
        return
    end = now() - int(settings.get("expunged.resources.purge.keep.past.days")) * DAY
    where = [Machine.kind == "User", Machine.removed <= end]
    start = moment(settings.get("expunged.resources.purge.start.time"))
    if start is not None:
        where.append(Machine.removed >= start)
    _batches(context, lambda size: [row.id for row in Machine.select(Machine.id).where(
        *where, Machine.id.not_in(_kept())).order_by(Machine.id).limit(size)])


def moment(text: str | None) -> int | None:
    """Return the moment of a date or of a date with a time, both in UTC; None of nothing."""
    if not text:
        return None
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp() * 1000)


def _kept() -> Any:
    """The machines of whose volumes there are snapshots still."""
    return Volume.select(Volume.vm_id).join(Snapshot, on=(Snapshot.volume == Volume.id)).where(
        Snapshot.removed.is_null(), Volume.vm_id.is_null(False))


def _batches(context: Context, find: Any) -> None:
    size = int(context.settings.get("expunged.resources.purge.batch.size"))
    total = 0
    while True:
        ids = find(size)
        if ids:
            transact(lambda ids=ids: _purge(ids))  # type: ignore[misc]
            total += len(ids)
        if len(ids) < size:
            break
    if total:
        log.info("%d expunged Instances were purged", total)


def _purge(ids: Sequence[int]) -> None:
    """Delete the rows of expunged machines. Within a transaction."""
    removed = [row.id for row in Machine.select(Machine.id).where(Machine.id.in_(ids), Machine.removed.is_null(False))]
    volumes = [row.id for row in Volume.select(Volume.id).where(
        Volume.vm_id.in_(removed or [0]), Volume.removed.is_null(False))]
    _purge_volumes(volumes)
    nics = [row.id for row in Nic.select(Nic.id).where(Nic.vm_id.in_(removed or [0]), Nic.removed.is_null(False))]
    NicSecondaryIp.delete().where(NicSecondaryIp.nic.in_(nics or [0])).execute()
    _delete(Nic, "Nic", nics)
    statistics.forget(removed)
    for column in (AffinityGroupMember.machine, MachineKeyPair.machine, CapacityReservation.machine_id,
                   PoolStop.machine_id):
        column.model.delete().where(column.in_(removed or [0])).execute()
    PortForwardingRule.delete().where(
        PortForwardingRule.vm_id.in_(removed or [0]), PortForwardingRule.removed.is_null(False)).execute()
    _delete(Machine, "UserVm", removed)
    MachinePurge.delete().where(MachinePurge.machine_id.in_(ids)).execute()


def _purge_volumes(ids: Sequence[int]) -> None:
    snapshots = [row.id for row in Snapshot.select(Snapshot.id).where(
        Snapshot.volume.in_(ids or [0]), Snapshot.removed.is_null(False))]
    _delete(Snapshot, "Snapshot", snapshots)
    for column in (SnapshotPolicy.volume, VolumeStore.volume, VolumeStatistics.volume_id, VolumeSample.volume_id):
        column.model.delete().where(column.in_(ids or [0])).execute()
    _delete(Volume, "Volume", ids)


def _delete(table: Any, tagged: str, ids: Sequence[int]) -> None:
    """Delete records with their details and tags."""
    Detail.delete().where(Detail.resource_type == table.__name__, Detail.resource_id.in_(ids or [0])).execute()
    ResourceTag.delete().where(ResourceTag.resource_type == tagged, ResourceTag.resource_id.in_(ids or [0])).execute()
    table.delete().where(table.id.in_(ids or [0])).execute()
