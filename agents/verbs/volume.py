"""Volumes on primary storage and their snapshots."""

from typing import Optional

from agents.machine import Call
from agents.storage.base import (
    ImageFormat,
    ImageReport,
    SnapshotReport,
    StoreReference,
    VolumeReport,
    VolumeSource,
    VolumeSpec,
)
from agents.verbs.registry import verb


@verb("once")
def create(call: Call, volume: VolumeSpec, source: Optional[VolumeSource] = None) -> VolumeReport:
    """A blank volume, or one from a prepared template, a volume or a snapshot; grown to its size where that is more."""
    return call.primary.create_volume(volume, source)


@verb("repeatable")
def delete(call: Call, pool: str, volume: str) -> None:
    """With its snapshots. Refused (in_use) while attached to a running Instance. Not there: deleted already."""
    call.primary.delete_volume(pool, volume)


@verb("read")
def describe(call: Call, pool: str, volume: str) -> VolumeReport:
    """One volume; `instance` is the running one it is attached to."""
    return call.primary.describe_volume(pool, volume)


@verb("read", key="volumes")
def statistics(call: Call, pool: str, volumes: list[str]) -> list[VolumeReport]:
    """Sizes of those that exist."""
    return call.primary.volume_statistics(pool, volumes)


@verb("repeatable")
def resize(call: Call, pool: str, volume: str, size_bytes: int, shrink: bool = False) -> VolumeReport:
    """Smaller only where `shrink` says so."""
    return call.primary.resize_volume(pool, volume, size_bytes, shrink)


@verb("once")
def copy(call: Call, pool: str, volume: str, target_pool: str, target: str) -> VolumeReport:
    """A full copy, on the same or another pool, under a new id. A move is a copy and a delete."""
    return call.primary.copy_volume(pool, volume, target_pool, target)


@verb("once")
def create_snapshot(call: Call, pool: str, volume: str, snapshot: str) -> SnapshotReport:
    """The state of the volume now, kept on the same pool."""
    call.require("snapshots")
    return call.primary.create_snapshot(pool, volume, snapshot)


@verb("repeatable")
def revert_snapshot(call: Call, pool: str, volume: str, snapshot: str) -> VolumeReport:
    """Puts the volume back. Refused (in_use) while an Instance runs on it."""
    call.require("snapshots")
    return call.primary.revert_snapshot(pool, volume, snapshot)


@verb("repeatable")
def delete_snapshot(call: Call, pool: str, volume: str, snapshot: str) -> None:
    """Not there: deleted already."""
    call.primary.delete_snapshot(pool, volume, snapshot)


@verb("repeatable")
def copy_to_secondary(
    call: Call,
    pool: str,
    volume: str,
    store: StoreReference,
    path: str,
    format: ImageFormat = "QCOW2",
    snapshot: Optional[str] = None,
) -> ImageReport:
    """The volume, or a snapshot of it, as an image on secondary storage."""
    return call.primary.copy_to_secondary(pool, volume, snapshot, store, path, format, call.progress)


@verb("once")
def copy_from_secondary(call: Call, store: StoreReference, path: str, volume: VolumeSpec) -> VolumeReport:
    """A new volume from an image on secondary storage, grown to its size where that is more."""
    return call.primary.copy_from_secondary(store, path, volume, call.progress)
