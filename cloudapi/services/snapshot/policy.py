"""Policies: snapshots that the clock takes of a volume, and how many of them are kept."""

from __future__ import annotations

import logging

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, UnsupportedAction
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import Snapshot, SnapshotPolicy, Volume
from cloudapi.services.account import limit
from cloudapi.services.snapshot import schedule as schedules
from cloudapi.services.snapshot import snapshot as snapshots

log = logging.getLogger(__name__)


def create(context: Context, volume: Volume, interval: str, schedule: str, timezone: str, maximum: int, *,
           display: bool) -> SnapshotPolicy:
    """Make a policy, or change the one that the volume has for the interval. Within a transaction.

    :param maximum: how many snapshots are kept.
    :param display: whether users see it; a hidden policy takes nothing.
    :raises InvalidParameter: what does not go, with the parameter's name.
    """
    if DiskOffering.get_by_id(volume.disk_offering_id).encrypt:
        raise UnsupportedAction(f"Encrypted volumes don't support snapshot schedules: volume {volume.uuid}")
    if volume.state != "Ready" and display:
        raise InvalidParameter(f"Volume: {volume.uuid} is not in Ready state but {volume.state}. Cannot take snapshot.")
    machine = Machine.get_or_none(Machine.id == volume.vm_id)
    if machine is not None and machine.kind != "User":
        raise InvalidParameter("Snapshots of volumes attached to System or router VM are not allowed.")
    due = schedules.next_run(interval, schedule, timezone, now())
    _check_maximum(context, volume, interval, maximum, display)
    values = {"schedule": schedule.strip(), "timezone": timezone, "maximum": maximum, "display": display,
              "next_run": due if display else None}
    found = SnapshotPolicy.alive(SnapshotPolicy.volume == volume.id, SnapshotPolicy.interval_type == interval).first()
    if found is None:
        return SnapshotPolicy.create(volume=volume.id, interval_type=interval, account_id=volume.account_id,
                                     domain_id=volume.domain_id, **values)
    SnapshotPolicy.update(**values).where(SnapshotPolicy.id == found.id).execute()
    return SnapshotPolicy.get_by_id(found.id)


def _check_maximum(context: Context, volume: Volume, interval: str, maximum: int, display: bool) -> None:
    if maximum <= 0:
        raise InvalidParameter(f"maxsnaps [{maximum}] for volume {volume.uuid} should be greater than 0.")
    most = context.settings.get(f"snapshot.max.{interval.lower()}")
    if maximum > most:
        raise InvalidParameter(f"maxsnaps [{maximum}] for volume {volume.uuid} exceeds limit [{most}] for interval "
                               f"type [{interval}].")
    owner = Account.get_by_id(volume.account_id)
    if not display or limit.is_root_admin(owner):
        return
    domains = [domain.id for domain in limit.domain_chain(owner.domain_id)]
    rows = limit.limit_rows([owner.id], domains)
    bounds = (limit.account_limit(context, rows, owner.id, owner.account_type, "snapshot"),
              limit.domain_limit(context, rows, domains, "snapshot"))
    if any(bound != limit.UNLIMITED and maximum > bound for bound in bounds):
        raise InvalidParameter("maxsnaps: Max number of snapshots shouldn't exceed the domain/account level snapshot "
                               "limit")


def update(context: Context, policy: SnapshotPolicy, *, display: bool | None, uuid: str | None) -> SnapshotPolicy:
    """Show a policy to users, or hide it, which stops it; give it another UUID. Within a transaction."""
    if uuid is not None:
        if SnapshotPolicy.select().where(SnapshotPolicy.uuid == uuid, SnapshotPolicy.id != policy.id).exists():
            raise InvalidParameter(f"customid {uuid} is the ID of another policy")
        SnapshotPolicy.update(uuid=uuid).where(SnapshotPolicy.id == policy.id).execute()
    if display is not None:
        due = schedules.next_run(policy.interval_type, policy.schedule, policy.timezone, now()) if display else None
        SnapshotPolicy.update(display=display, next_run=due).where(SnapshotPolicy.id == policy.id).execute()
    return SnapshotPolicy.get_by_id(policy.id)


def delete(policies: list[SnapshotPolicy]) -> None:
    """Remove policies; the snapshots that they took stay. Within a transaction."""
    SnapshotPolicy.update(removed=now(), next_run=None).where(
        SnapshotPolicy.id.in_([policy.id for policy in policies])).execute()


def run_due(context: Context) -> None:
    """Begin a job for each snapshot that is due. One that was missed is taken once, now."""
    for policy in list(SnapshotPolicy.alive(SnapshotPolicy.next_run <= now())):
        volume = Volume.get_by_id(policy.volume_id)
        due = schedules.next_run(policy.interval_type, policy.schedule, policy.timezone, now())
        if volume.removed is not None:
            transact(lambda found=policy: delete([found]))  # type: ignore[misc]
            continue
        taken = transact(lambda found=policy, after=due: SnapshotPolicy.update(next_run=after).where(  # type: ignore[misc]
            SnapshotPolicy.id == found.id, SnapshotPolicy.next_run == found.next_run).execute())
        if not taken:
            continue  # another server was faster
        try:
            context.installation.run_command("createSnapshot", volumeid=volume.uuid, policyid=policy.uuid)
        except ApiError as error:
            log.warning("policy %s takes no snapshot of volume %s: %s", policy.uuid, volume.uuid, error.text)


def prune(context: Context, policy: SnapshotPolicy) -> None:
    """Delete the oldest snapshots of a policy that are more than it keeps. In steps."""
    kept = Snapshot.alive(Snapshot.policy_id == policy.id, Snapshot.state == "BackedUp").order_by(Snapshot.id.desc())
    for snapshot in list(kept)[policy.maximum:]:
        snapshots.delete(context, snapshot)
