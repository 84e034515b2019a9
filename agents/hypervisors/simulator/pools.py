"""The primary storage contract on simulated hosts: pools, and the templates on them."""

import sqlite3
from typing import Optional

from agents.hypervisors.simulator.hardware import GIB, Host
from agents.hypervisors.simulator.volumes import SimulatedVolumes
from agents.protocol import ErrorCode, Refusal
from agents.storage import listing
from agents.storage.base import (
    ObjectPage,
    PoolReport,
    PoolSpec,
    PrimaryStorage,
    Report,
    SecondaryStorage,
    StoredObject,
    StoreReference,
    TemplateReport,
)

DEFAULT_CAPACITY = 1024 * GIB

OBJECTS = """
SELECT id AS id, id AS path, size_bytes, format, created_at FROM volume WHERE pool = ?1
UNION ALL SELECT id, 'template/' || id, size_bytes, format, created_at FROM template WHERE pool = ?1
UNION ALL SELECT id, 'snapshots/' || volume || '/' || id, size_bytes, 'QCOW2', created_at FROM snapshot WHERE pool = ?1
"""


class SimulatedPrimaryStorage(SimulatedVolumes, PrimaryStorage):
    def __init__(self, host: Host, secondary: SecondaryStorage) -> None:
        super().__init__(host, secondary)

    def attach_pool(self, pool: PoolSpec) -> PoolReport:
        capacity = DEFAULT_CAPACITY if pool.capacity_bytes is None else pool.capacity_bytes
        if capacity <= 0:
            raise Refusal(ErrorCode.BAD_ARGUMENT, "'pool.capacity_bytes' must be positive")
        with self._store.transaction():
            self._host.row()
            known = self._store.row("SELECT kind, url FROM pool WHERE id = ?", pool.id)
            if known is not None and (known["kind"], known["url"]) != (pool.kind, pool.url):
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"pool {pool.id} is {known['kind']} at {known['url']}")
            if known is None:
                self._store.insert("pool", id=pool.id, kind=pool.kind, url=pool.url, capacity_bytes=capacity)
            elif pool.capacity_bytes is not None:
                self._store.execute("UPDATE pool SET capacity_bytes = ? WHERE id = ?", capacity, pool.id)
            self._store.execute("INSERT OR IGNORE INTO pool_host (pool, host) VALUES (?, ?)", pool.id, self._host.id)
            return _pool_report(self._pool(pool.id))

    def detach_pool(self, pool: str) -> None:
        with self._store.transaction():
            used = self._store.row(
                "SELECT volume.id FROM volume JOIN instance ON instance.id = volume.instance AND instance.incoming = 0"
                " WHERE volume.pool = ? AND instance.host = ? LIMIT 1",
                pool,
                self._host.id,
            )
            if used is not None:
                raise Refusal(ErrorCode.IN_USE, f"volume {used['id']} of pool {pool} is attached to a running Instance")
            self._store.execute("DELETE FROM pool_host WHERE pool = ? AND host = ?", pool, self._host.id)

    def pool_statistics(self, pools: list[str]) -> list[PoolReport]:
        return [_pool_report(self._pool(pool)) for pool in pools]

    def list_pool(self, pool: str, path: str, keyword: Optional[str], offset: int, limit: Optional[int]) -> ObjectPage:
        self._pool(pool)
        files = [
            StoredObject(
                row["id"], row["path"], False, row["size_bytes"], row["created_at"], format=row["format"], id=row["id"]
            )
            for row in self._store.rows(OBJECTS, pool)
        ]
        found = listing.folder(files, path)
        return listing.page(found, keyword, offset, limit, bool(found) or not path.strip("/"))

    def prepare_template(
        self, template: str, pool: str, store: StoreReference, path: str, report: Report
    ) -> TemplateReport:
        with self._store.transaction():
            self._pool(pool)
            row = self._store.row("SELECT * FROM template WHERE pool = ? AND id = ?", pool, template)
            if row is not None:
                return _template_report(row)
            image = self._secondary.describe(store, path, None)
            self._take(pool, image.physical_bytes)
            self._store.insert(
                "template",
                id=template,
                pool=pool,
                format=image.format,
                size_bytes=image.size_bytes,
                allocated_bytes=image.physical_bytes,
                created_at=self._store.clock(),
            )
            report(100.0, "copied")
            row = self._store.row("SELECT * FROM template WHERE pool = ? AND id = ?", pool, template)
            assert row is not None
            return _template_report(row)

    def evict_template(self, template: str, pool: str) -> None:
        with self._store.transaction():
            clone = self._store.row("SELECT id FROM volume WHERE pool = ? AND template = ? LIMIT 1", pool, template)
            if clone is not None:
                raise Refusal(ErrorCode.IN_USE, f"volume {clone['id']} is a clone of template {template}")
            self._store.execute("DELETE FROM template WHERE pool = ? AND id = ?", pool, template)

    def list_templates(self, pool: str) -> list[TemplateReport]:
        self._pool(pool)
        return [
            _template_report(row) for row in self._store.rows("SELECT * FROM template WHERE pool = ? ORDER BY id", pool)
        ]


def _pool_report(row: sqlite3.Row) -> PoolReport:
    return PoolReport(row["id"], row["capacity_bytes"], row["used_bytes"], row["provisioned_bytes"])


def _template_report(row: sqlite3.Row) -> TemplateReport:
    path = f"template/{row['id']}"
    return TemplateReport(row["id"], row["pool"], path, row["format"], row["size_bytes"], row["allocated_bytes"])
