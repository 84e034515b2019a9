"""The Instances of a simulated host in the store: what they take up and what they hold."""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Optional

from agents.codec import decode, encode
from agents.hypervisors.base import DiskSpec, InstanceReport, InstanceSize, InstanceSpec, IsoSpec, NicSpec
from agents.hypervisors.simulator.hardware import Host
from agents.hypervisors.simulator.store import Store
from agents.protocol import ErrorCode, Refusal
from agents.storage.base import SecondaryStorage

MAXIMUM_DISKS = 16
MAXIMUM_NICS = 16


@dataclass(frozen=True)
class Instances:
    host: Host
    secondary: SecondaryStorage

    @property
    def store(self) -> Store:
        return self.host.store

    def anywhere(self, instance: str) -> Optional[sqlite3.Row]:
        """The Instance on whichever host, prepared migrations apart."""
        return self.store.row("SELECT * FROM instance WHERE id = ? AND incoming = 0", instance)

    def here(self, instance: str) -> Optional[sqlite3.Row]:
        row = self.anywhere(instance)
        return row if row is not None and row["host"] == self.host.id else None

    def running(self, instance: str) -> sqlite3.Row:
        row = self.here(instance)
        if row is None or row["state"] != "PowerOn":
            raise Refusal(ErrorCode.NOT_FOUND, f"Instance {instance} does not run on this host")
        return row

    def all_here(self) -> list[sqlite3.Row]:
        return self.store.rows("SELECT * FROM instance WHERE host = ? AND incoming = 0", self.host.id)

    def report(self, row: sqlite3.Row) -> InstanceReport:
        spec = read_spec(row)
        uptime = max(0.0, self.store.clock() - row["started_at"]) if row["state"] == "PowerOn" else 0.0
        return InstanceReport(
            spec.id,
            spec.name,
            spec.kind,
            row["state"],
            spec.cpus,
            spec.cpu_mhz,
            spec.memory_bytes,
            uptime,
            spec.disks,
            spec.nics,
            spec.iso,
        )

    def place(self, spec: InstanceSpec, incoming: bool) -> None:
        """Checks everything that the Instance needs here and takes it up."""
        host = self.host.accepting()
        if spec.arch != host["arch"]:
            raise Refusal(ErrorCode.FAILED, f"an Instance for {spec.arch} cannot run on {host['arch']}")
        size = InstanceSize(spec.cpus, spec.cpu_mhz, spec.memory_bytes, spec.minimum_cpu_mhz, spec.minimum_memory_bytes)
        mhz, memory = self.reserve(host, size, spec.id)
        self._check_devices(spec)
        for disk in spec.disks:
            self.check_disk(spec.id, disk)
        for nic in spec.nics:
            self.check_nic(spec.id, nic)
        if spec.iso is not None:
            self.check_iso(spec.iso)
        self.store.insert(
            "instance",
            id=spec.id,
            incoming=int(incoming),
            host=self.host.id,
            state="PowerOn",
            kind=spec.kind,
            cpu_mhz_reserved=mhz,
            memory_reserved=memory,
            started_at=self.store.clock(),
            spec=_write(spec),
            display=self._free_display(),
            console_password=secrets.token_urlsafe(12),
        )
        if not incoming:
            self.hold(spec)

    def _free_display(self) -> int:
        taken = {row["display"] for row in self.store.rows("SELECT display FROM instance WHERE host = ?", self.host.id)}
        return next(display for display in range(len(taken) + 1) if display not in taken)

    def reserve(self, host: sqlite3.Row, size: InstanceSize, instance: str) -> "tuple[int, int]":
        """MHz and bytes to set aside for an Instance of this size. Refuses what is not free."""
        if min(size.cpus, size.cpu_mhz, size.memory_bytes) <= 0:
            raise Refusal(ErrorCode.BAD_ARGUMENT, "'cpus', 'cpu_mhz' and 'memory_bytes' must be positive")
        if size.cpus > host["cpus"]:
            raise Refusal(
                ErrorCode.INSUFFICIENT_CAPACITY, f"{size.cpus} CPUs are asked for, the host has {host['cpus']}"
            )
        mhz = size.cpus * (size.minimum_cpu_mhz if size.minimum_cpu_mhz is not None else size.cpu_mhz)
        memory = size.minimum_memory_bytes if size.minimum_memory_bytes is not None else size.memory_bytes
        taken = self.store.row(
            "SELECT total(cpu_mhz_reserved) AS mhz, total(memory_reserved) AS memory FROM instance"
            " WHERE host = ? AND state = 'PowerOn' AND id <> ?",
            self.host.id,
            instance,
        )
        assert taken is not None
        free_mhz = int(host["cpus"] * host["cpu_mhz"] - taken["mhz"])
        if mhz > free_mhz:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY, f"{mhz} MHz are asked for, {free_mhz} are free")
        free_memory = int(host["memory_bytes"] - taken["memory"])
        if memory > free_memory:
            raise Refusal(
                ErrorCode.INSUFFICIENT_CAPACITY, f"{memory} bytes of memory are asked for, {free_memory} are free"
            )
        return mhz, memory

    def check_disk(self, instance: str, disk: DiskSpec) -> None:
        attached = self.store.row("SELECT 1 FROM pool_host WHERE pool = ? AND host = ?", disk.pool, self.host.id)
        if attached is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"pool {disk.pool} is not attached to this host")
        volume = self.store.row("SELECT instance FROM volume WHERE pool = ? AND id = ?", disk.pool, disk.volume)
        if volume is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"volume {disk.volume} is not on pool {disk.pool}")
        if volume["instance"] not in (None, instance):
            raise Refusal(ErrorCode.IN_USE, f"volume {disk.volume} is attached to Instance {volume['instance']}")

    def check_nic(self, instance: str, nic: NicSpec) -> None:
        if self.store.row("SELECT 1 FROM network WHERE host = ? AND id = ?", self.host.id, nic.network) is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"network {nic.network} is not on this host")
        other = self.store.row("SELECT instance FROM nic WHERE id = ? AND instance <> ?", nic.id, instance)
        if other is not None:
            raise Refusal(ErrorCode.IN_USE, f"NIC {nic.id} is part of Instance {other['instance']}")

    def check_iso(self, iso: IsoSpec) -> None:
        if self.secondary.describe(iso.store, iso.path, None).format != "ISO":
            raise Refusal(ErrorCode.FAILED, f"{iso.path} is not an ISO")

    def hold(self, spec: InstanceSpec) -> None:
        """Marks disks and NICs as the Instance's."""
        for disk in spec.disks:
            self.store.execute(
                "UPDATE volume SET instance = ? WHERE pool = ? AND id = ?", spec.id, disk.pool, disk.volume
            )
        for nic in spec.nics:
            self.store.insert("nic", id=nic.id, instance=spec.id, host=self.host.id, network=nic.network)

    def let_go(self, instance: str) -> None:
        self.store.execute("UPDATE volume SET instance = NULL WHERE instance = ?", instance)
        self.store.execute("DELETE FROM nic WHERE instance = ?", instance)
        self.store.execute("DELETE FROM router WHERE id = ?", instance)

    def forget(self, instance: str) -> None:
        self.let_go(instance)
        self.store.execute("DELETE FROM instance WHERE id = ? AND incoming = 0", instance)

    def save(self, spec: InstanceSpec) -> InstanceReport:
        self._check_devices(spec)
        self.store.execute("UPDATE instance SET spec = ? WHERE id = ? AND incoming = 0", _write(spec), spec.id)
        return self.report(self.running(spec.id))

    @staticmethod
    def _check_devices(spec: InstanceSpec) -> None:
        for what, devices, most in (
            ("disks", [disk.device for disk in spec.disks] + ([spec.iso.device] if spec.iso else []), MAXIMUM_DISKS),
            ("NICs", [nic.device for nic in spec.nics], MAXIMUM_NICS),
        ):
            if len(set(devices)) < len(devices):
                raise Refusal(ErrorCode.IN_USE, f"two {what} have the same device number")
            if len(devices) > most:
                raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY, f"an Instance has at most {most} {what}")


def read_spec(row: sqlite3.Row) -> InstanceSpec:
    spec: InstanceSpec = decode(InstanceSpec, json.loads(row["spec"]), "spec")
    return spec


def _write(spec: InstanceSpec) -> str:
    return json.dumps(encode(spec), separators=(",", ":"))
