"""The part of the primary storage contract that is about volumes and their snapshots."""

import sqlite3
from typing import BinaryIO, Optional

from agents.hypervisors.simulator.hardware import Host
from agents.protocol import ErrorCode, Refusal
from agents.storage import images
from agents.storage.base import (
    ImageFormat,
    ImageReport,
    PrimaryStorage,
    Report,
    SecondaryStorage,
    SnapshotReport,
    StoreReference,
    VolumeReport,
    VolumeSource,
    VolumeSpec,
)

# What an empty image takes up before a guest writes to it.
METADATA_BYTES = 196_608


class SimulatedVolumes(PrimaryStorage):
    def __init__(self, host: Host, secondary: SecondaryStorage) -> None:
        self._host = host
        self._store = host.store
        self._secondary = secondary

    def create_volume(self, volume: VolumeSpec, source: Optional[VolumeSource]) -> VolumeReport:
        with self._store.transaction():
            self._pool(volume.pool)
            if source is None:
                return self._insert(volume, volume.size_bytes, 0, None)
            origin = self._origin(source)
            if source.kind == "template":
                if source.pool != volume.pool:
                    raise Refusal(ErrorCode.NOT_FOUND, f"template {source.id} is not on pool {volume.pool}")
                return self._insert(volume, origin["size_bytes"], 0, source.id)
            volume_row = self._volume(source.pool, origin["volume"]) if source.kind == "snapshot" else origin
            written = self._whole(volume_row, origin["allocated_bytes"])
            return self._insert(volume, origin["size_bytes"], written, None)

    def delete_volume(self, pool: str, volume: str) -> None:
        with self._store.transaction():
            self._pool(pool)
            row = self._store.row("SELECT * FROM volume WHERE pool = ? AND id = ?", pool, volume)
            if row is None:
                return
            _refuse_attached(row)
            self._store.execute("DELETE FROM snapshot WHERE pool = ? AND volume = ?", pool, volume)
            self._store.execute("DELETE FROM volume WHERE pool = ? AND id = ?", pool, volume)

    def describe_volume(self, pool: str, volume: str) -> VolumeReport:
        return _report(self._volume(pool, volume))

    def volume_statistics(self, pool: str, volumes: list[str]) -> list[VolumeReport]:
        self._pool(pool)
        found = (self._store.row("SELECT * FROM volume WHERE pool = ? AND id = ?", pool, volume) for volume in volumes)
        return [_report(row) for row in found if row is not None]

    def resize_volume(self, pool: str, volume: str, size_bytes: int, shrink: bool) -> VolumeReport:
        with self._store.transaction():
            row = self._volume(pool, volume)
            if size_bytes <= 0:
                raise Refusal(ErrorCode.BAD_ARGUMENT, "'size_bytes' must be positive")
            if size_bytes < row["size_bytes"] and not shrink:
                raise Refusal(
                    ErrorCode.BAD_ARGUMENT, f"'size_bytes' {size_bytes} is less than the volume's {row['size_bytes']}"
                )
            if size_bytes < row["size_bytes"] and row["instance"] is not None:
                raise Refusal(ErrorCode.IN_USE, f"volume {volume} cannot shrink while an Instance runs on it")
            allocated = _allocated(row["provisioning"], size_bytes, row["allocated_bytes"])
            self._check_size(pool, size_bytes)
            self._take(pool, allocated - row["allocated_bytes"])
            self._store.execute(
                "UPDATE volume SET size_bytes = ?, allocated_bytes = ? WHERE pool = ? AND id = ?",
                size_bytes,
                min(allocated, max(size_bytes, METADATA_BYTES)),
                pool,
                volume,
            )
            return _report(self._volume(pool, volume))

    def copy_volume(self, pool: str, volume: str, target_pool: str, target: str) -> VolumeReport:
        with self._store.transaction():
            row = self._volume(pool, volume)
            _refuse_attached(row)
            self._pool(target_pool)
            copy = VolumeSpec(target, target_pool, row["size_bytes"], row["format"], row["provisioning"])
            return self._insert(copy, row["size_bytes"], self._whole(row, row["allocated_bytes"]), None)

    def move(self, pool: str, volume: str, target_pool: str) -> None:
        """Moves a volume, attached or not, under the same id."""
        row = self._volume(pool, volume)
        self._pool(target_pool)
        if self._store.row("SELECT 1 FROM snapshot WHERE pool = ? AND volume = ?", pool, volume) is not None:
            raise Refusal(ErrorCode.WRONG_STATE, f"volume {volume} has snapshots, which cannot move with it")
        copy = VolumeSpec(volume, target_pool, row["size_bytes"], row["format"], row["provisioning"])
        self._insert(copy, row["size_bytes"], self._whole(row, row["allocated_bytes"]), None)
        self._store.execute(
            "UPDATE volume SET instance = ? WHERE pool = ? AND id = ?", row["instance"], target_pool, volume
        )
        self._store.execute("DELETE FROM volume WHERE pool = ? AND id = ?", pool, volume)

    def fill(self, pool: str, volume: str, target_pool: str) -> None:
        """Writes a volume's blocks to the empty one of the same id on another pool, which this host need not have."""
        row = self._volume(pool, volume)
        if self._store.row("SELECT 1 FROM snapshot WHERE pool = ? AND volume = ?", pool, volume) is not None:
            raise Refusal(ErrorCode.WRONG_STATE, f"volume {volume} has snapshots, which cannot move with it")
        self._store.execute(
            "UPDATE volume SET allocated_bytes = max(allocated_bytes, ?) WHERE pool = ? AND id = ?",
            self._whole(row, row["allocated_bytes"]),
            target_pool,
            volume,
        )

    def create_snapshot(self, pool: str, volume: str, snapshot: str) -> SnapshotReport:
        with self._store.transaction():
            row = self._volume(pool, volume)
            if self._snapshot(pool, volume, snapshot) is not None:
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"snapshot {snapshot} of volume {volume} exists")
            self._take(pool, row["allocated_bytes"])
            self._store.insert(
                "snapshot",
                id=snapshot,
                pool=pool,
                volume=volume,
                size_bytes=row["size_bytes"],
                allocated_bytes=row["allocated_bytes"],
                created_at=self._store.clock(),
            )
            return _snapshot_report(self._existing_snapshot(pool, volume, snapshot))

    def revert_snapshot(self, pool: str, volume: str, snapshot: str) -> VolumeReport:
        with self._store.transaction():
            _refuse_attached(self._volume(pool, volume))
            kept = self._existing_snapshot(pool, volume, snapshot)
            self._store.execute(
                "UPDATE volume SET size_bytes = ?, allocated_bytes = ? WHERE pool = ? AND id = ?",
                kept["size_bytes"],
                kept["allocated_bytes"],
                pool,
                volume,
            )
            return _report(self._volume(pool, volume))

    def delete_snapshot(self, pool: str, volume: str, snapshot: str) -> None:
        with self._store.transaction():
            self._pool(pool)
            self._store.execute("DELETE FROM snapshot WHERE pool = ? AND volume = ? AND id = ?", pool, volume, snapshot)

    def copy_to_secondary(
        self,
        pool: str,
        volume: str,
        snapshot: Optional[str],
        store: StoreReference,
        path: str,
        image_format: ImageFormat,
        report: Report,
    ) -> ImageReport:
        row = self._volume(pool, volume)
        kept = row if snapshot is None else self._existing_snapshot(pool, volume, snapshot)
        physical, size = self._whole(row, kept["allocated_bytes"]), kept["size_bytes"]

        def write(file: BinaryIO) -> None:
            # A simulated disk has no bytes: what arrives in a directory is an empty image of the same size.
            images.write_empty(file, image_format, size)

        image = self._secondary.receive(store, path, image_format, size, physical, write)
        report(100.0, "copied")
        return image

    def copy_from_secondary(self, store: StoreReference, path: str, volume: VolumeSpec, report: Report) -> VolumeReport:
        with self._store.transaction():
            self._pool(volume.pool)
            image = self._secondary.describe(store, path, None)
            created = self._insert(volume, image.size_bytes, image.physical_bytes, None)
            report(100.0, "copied")
            return created

    def _insert(self, volume: VolumeSpec, least: int, written: int, template: Optional[str]) -> VolumeReport:
        if volume.size_bytes <= 0:
            raise Refusal(ErrorCode.BAD_ARGUMENT, "'volume.size_bytes' must be positive")
        if self._store.row("SELECT 1 FROM volume WHERE pool = ? AND id = ?", volume.pool, volume.id) is not None:
            raise Refusal(ErrorCode.ALREADY_EXISTS, f"volume {volume.id} is on pool {volume.pool} already")
        size = max(volume.size_bytes, least)
        allocated = _allocated(volume.provisioning, size, written)
        self._check_size(volume.pool, size)
        self._take(volume.pool, allocated)
        self._store.insert(
            "volume",
            id=volume.id,
            pool=volume.pool,
            format=volume.format,
            provisioning=volume.provisioning,
            size_bytes=size,
            allocated_bytes=allocated,
            template=template,
            created_at=self._store.clock(),
        )
        return _report(self._volume(volume.pool, volume.id))

    def _pool(self, pool: str) -> sqlite3.Row:
        row = self._store.row(
            "SELECT pool.* FROM pool JOIN pool_host ON pool_host.pool = pool.id"
            " WHERE pool.id = ? AND pool_host.host = ?",
            pool,
            self._host.id,
        )
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"pool {pool} is not attached to this host")
        return row

    def _take(self, pool: str, more: int) -> None:
        row = self._pool(pool)
        free = row["capacity_bytes"] - row["used_bytes"]
        if more > free:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY, f"{more} bytes are needed on pool {pool}, {free} are free")

    def _check_size(self, pool: str, size: int) -> None:
        capacity = self._pool(pool)["capacity_bytes"]
        if size > capacity:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY, f"{size} bytes are more than the {capacity} of pool {pool}")

    def _volume(self, pool: str, volume: str) -> sqlite3.Row:
        self._pool(pool)
        row = self._store.row("SELECT * FROM volume WHERE pool = ? AND id = ?", pool, volume)
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"volume {volume} is not on pool {pool}")
        return row

    def _whole(self, row: sqlite3.Row, allocated: int) -> int:
        """What the volume, or a snapshot of it, takes up once it no longer shares blocks with its template."""
        if row["template"] is None:
            return allocated
        template = self._store.row(
            "SELECT allocated_bytes FROM template WHERE pool = ? AND id = ?", row["pool"], row["template"]
        )
        return allocated + (int(template["allocated_bytes"]) if template else 0)

    def _origin(self, source: VolumeSource) -> sqlite3.Row:
        self._pool(source.pool)
        table = source.kind
        row = self._store.row(f"SELECT * FROM {table} WHERE pool = ? AND id = ?", source.pool, source.id)
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"{table} {source.id} is not on pool {source.pool}")
        if table == "volume":
            _refuse_attached(row)
        return row

    def _snapshot(self, pool: str, volume: str, snapshot: str) -> Optional[sqlite3.Row]:
        return self._store.row(
            "SELECT * FROM snapshot WHERE pool = ? AND volume = ? AND id = ?", pool, volume, snapshot
        )

    def _existing_snapshot(self, pool: str, volume: str, snapshot: str) -> sqlite3.Row:
        row = self._snapshot(pool, volume, snapshot)
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"snapshot {snapshot} of volume {volume} is not on pool {pool}")
        return row


def _allocated(provisioning: str, size: int, written: int) -> int:
    return size if provisioning == "fat" else max(METADATA_BYTES, written)


def _refuse_attached(row: sqlite3.Row) -> None:
    if row["instance"] is not None:
        raise Refusal(ErrorCode.IN_USE, f"volume {row['id']} is attached to the running Instance {row['instance']}")


def _report(row: sqlite3.Row) -> VolumeReport:
    return VolumeReport(
        row["id"], row["pool"], row["id"], row["format"], row["size_bytes"], row["allocated_bytes"], row["instance"]
    )


def _snapshot_report(row: sqlite3.Row) -> SnapshotReport:
    path = f"snapshots/{row['volume']}/{row['id']}"
    return SnapshotReport(
        row["id"], row["volume"], row["pool"], path, row["size_bytes"], row["allocated_bytes"], row["created_at"]
    )
