"""How volumes go: destroyed, while they can be recovered, then expunged; also by the clock and with their accounts."""

from __future__ import annotations

import logging

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.machine import Machine
from cloudapi.models.storage import ImageStore, Snapshot, SnapshotPolicy, StoragePool, Volume, VolumeStore
from cloudapi.services.account import cleanup, limit
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.snapshot import snapshot as snapshots
from cloudapi.services.storage import store as stores
from cloudapi.services.tag import tag
from cloudapi.services.volume import place
from cloudapi.states.base import transition

log = logging.getLogger(__name__)

GONE = ("Destroy", "Expunging", "Expunged")


def destroy(context: Context, volume: Volume) -> None:
    """Move a volume to Destroy and count it no longer. Within a transaction; nothing where it is there already."""
    from cloudapi.services.volume import disk

    if volume.state in GONE:
        return
    disk.uncount(context, volume)
    transition(volume, "DestroyRequested", destroyed=now())


def remove(context: Context, volume: Volume) -> None:
    """Expunge a volume: off its pool and its image store, with capacity and counts given back. In steps.

    :raises ApiError: the host did not do it; the volume is in Destroy then, and the periodic cleanup tries again.
    """
    steps = context.steps
    name = volume.uuid
    steps.run(f"destroy volume {name}", lambda: destroy(context, Volume.get_by_id(volume.id)))
    with steps.part(f"expunge volume {name}") as part:
        part.run("begin", lambda: _begin(volume.id), undo=lambda _: _failed(volume.id))
        record = Volume.get_by_id(volume.id)
        if record.pool_id is not None:
            pool = StoragePool.get_by_id(record.pool_id)
            part.remote("delete from pool", lambda request_id: agent.call(
                context, place.host_of(context, pool), "volume.delete", {"pool": pool.uuid, "volume": record.uuid},
                request_id=request_id))
        for copy in list(VolumeStore.select().where(VolumeStore.volume == record.id)):
            delete_copy(context, copy)
        part.run("end", lambda: expunged(context, volume.id))


def _begin(volume_id: int) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state != "Expunged":
        transition(volume, "ExpungingRequested")


def _failed(volume_id: int) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Expunging":
        transition(volume, "OperationFailed")


def expunged(context: Context, volume_id: int) -> None:
    """The volume is off its storage: give its capacity back and mark it removed. Within a transaction."""
    volume = Volume.get_by_id(volume_id)
    if volume.removed is not None:
        return
    if volume.pool_id is not None:
        capacity.give_back_pool(volume.pool, volume.size, volume.min_iops or 0)
        # A pool deletes a volume with its snapshots: those that lie nowhere else are gone now.
        for snapshot in Snapshot.alive(Snapshot.volume == volume_id, Snapshot.image_store_id.is_null()):
            snapshots.forget(snapshot)
    tag.remove_all("Volume", volume_id)
    SnapshotPolicy.update(removed=now(), next_run=None).where(
        SnapshotPolicy.volume == volume_id, SnapshotPolicy.removed.is_null()).execute()
    if volume.state == "Destroy":
        transition(volume, "ExpungingRequested")
    transition(volume, "OperationSucceeded", removed=now(), pool=None, last_pool_id=volume.pool_id)


def delete_copy(context: Context, copy: VolumeStore) -> None:
    """Delete a volume's copy on an image store, the link to it, and give the room back. Safe to repeat."""
    store = ImageStore.get_by_id(copy.image_store_id)
    if copy.link:
        stores.call(context, store, "secondary.delete_link", {"link": copy.link})
    if copy.install_path:
        stores.call(context, store, "secondary.delete", {"path": copy.install_path})
    transact(lambda: forget_copy(copy))


def forget_copy(copy: VolumeStore) -> None:
    """Remove the row of a copy and count its size no longer. Within a transaction."""
    if VolumeStore.delete().where(VolumeStore.id == copy.id).execute() and copy.counted_bytes:
        owner = Account.get_by_id(Volume.get_by_id(copy.volume_id).account_id)
        limit.give_back(owner, "secondary_storage", copy.counted_bytes)


def expunge_destroyed(context: Context) -> None:
    """Expunge what has been in Destroy for longer than `storage.cleanup.delay`, and what failed to be expunged."""
    if not context.settings.get("storage.cleanup.enabled"):
        return
    before = now() - context.settings.get("storage.cleanup.delay") * 1000
    for volume in list(Volume.alive(Volume.state.in_(("Destroy", "Expunging")), Volume.destroyed <= before)):
        try:
            remove(context, volume)
        except ApiError as error:
            log.warning("volume %s is not expunged: %s", volume.uuid, error.text)


@cleanup.register(30, "volumes")
def remove_of_account(context: Context, account: Account) -> None:
    """Expunge the volumes of an account that is deleted; those of its routers go with its networks."""
    routers = Machine.select(Machine.id).where(Machine.account_id == account.id, Machine.kind == "DomainRouter",
                                               Machine.removed.is_null())
    for volume in list(Volume.alive(Volume.account_id == account.id,
                                    Volume.vm_id.is_null() | Volume.vm_id.not_in(routers))):
        remove(context, volume)
