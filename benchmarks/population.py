"""Instances by the ten thousand: written straight into the database of a seeded cloud, as copies of a deployed one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from cloudapi.models.base import Table, now
from cloudapi.models.database import connect, database, transaction
from cloudapi.models.machine import Machine
from cloudapi.models.network import Nic
from cloudapi.models.storage import Volume

BATCH = 400


def rows_like(record: Table, count: int, change: Any) -> Iterator[dict[str, Any]]:
    """Yield `count` copies of a record's row; `change(row, number)` makes each its own."""
    original = {name: record.__data__[name] for name in record._meta.fields}
    for number in range(count):
        row = dict(original)
        row.pop("id", None)
        if "uuid" in row:
            row["uuid"] = str(uuid.uuid4())
        change(row, number)
        yield row


def insert(table: type[Table], rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            table.insert_many(batch).execute()
            batch = []
    if batch:
        table.insert_many(batch).execute()


def multiply(database_url: str, machine_uuid: str, total: int, accounts: list[tuple[int, int]]) -> None:
    """Make `total` Instances in all, each with a NIC and a root disk like those of the one that was deployed.

    :param accounts: `(account id, domain id)`; the Instances are dealt out among them, the last gets a tenth.
    """
    connect(database_url)
    model = Machine.get(Machine.uuid == machine_uuid)
    nic = Nic.get(Nic.vm_id == model.id)
    disk = Volume.get(Volume.vm_id == model.id, Volume.kind == "ROOT")
    have = Machine.select().where(Machine.kind == "User").count()
    first = Machine.select().order_by(Machine.id.desc()).get().id + 1
    count = total - have

    def owner(number: int) -> tuple[int, int]:
        return accounts[-1] if number % 10 == 0 else accounts[number % (len(accounts) - 1)]

    def machine_row(row: dict[str, Any], number: int) -> None:
        row["account_id"], row["domain_id"] = owner(number)
        row["id"] = first + number
        row["name"] = row["display_name"] = f"bench-{number:06d}"
        row["instance_name"] = f"i-{row['account_id']}-{first + number}-BENCH"
        row["created"] = now()

    def nic_row(row: dict[str, Any], number: int) -> None:
        row["vm_id"] = first + number
        number += have
        row["mac_address"] = "02:" + ":".join(f"{(number >> shift) & 255:02x}" for shift in (32, 24, 16, 8, 0))
        row["mac_key"] = f"{row['network']}/{row['mac_address']}"
        row["ip4"] = f"10.{(number >> 16) & 255}.{(number >> 8) & 255}.{number & 255}"

    def disk_row(row: dict[str, Any], number: int) -> None:
        row["account_id"], row["domain_id"] = owner(number)
        row["vm_id"] = first + number
        row["name"] = f"ROOT-{first + number}"
        row["path"] = str(uuid.uuid4())

    with transaction():
        insert(Machine, rows_like(model, count, machine_row))
        insert(Nic, rows_like(nic, count, nic_row))
        insert(Volume, rows_like(disk, count, disk_row))
    if database_url.startswith("sqlite"):
        database.execute_sql("ANALYZE")
    database.close()


