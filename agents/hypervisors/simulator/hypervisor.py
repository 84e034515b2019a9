"""The hypervisor contract on simulated hosts."""

from dataclasses import replace
from typing import Optional

from agents import AGENT_VERSION
from agents.hypervisors.base import (
    Capabilities,
    Console,
    DiskSpec,
    HostDescription,
    HostStatistics,
    Hypervisor,
    InstanceReport,
    InstanceSize,
    InstanceSpec,
    InstanceStatistics,
    IsoSpec,
    LocalPool,
    NicSpec,
    PatchReport,
    PowerReport,
)
from agents.hypervisors.simulator import figures
from agents.hypervisors.simulator.hardware import Host
from agents.hypervisors.simulator.instances import MAXIMUM_DISKS, MAXIMUM_NICS, Instances, read_spec
from agents.hypervisors.simulator.network import ROUTER_VERSION
from agents.hypervisors.simulator.volumes import SimulatedVolumes
from agents.protocol import ErrorCode, Refusal
from agents.storage.base import VolumeReport

VERSION = "4.23.0"

CAPABILITIES = Capabilities(
    hvm=True,
    live_migration=True,
    storage_migration=True,
    scale_cpu=True,
    scale_memory=True,
    hot_plug_disk=True,
    hot_plug_nic=True,
    live_resize=True,
    snapshots=True,
    uefi=True,
    set_password=True,
    console=True,
    routers=True,
    image_formats=["QCOW2", "RAW", "VHD", "OVA", "VMDK", "ISO"],
    isolation=["VLAN", "VXLAN", "GRE", "NONE"],
    maximum_disks=MAXIMUM_DISKS,
    maximum_nics=MAXIMUM_NICS,
)


class SimulatedHypervisor(Hypervisor):
    capabilities = CAPABILITIES

    def __init__(self, host: Host, instances: Instances, volumes: SimulatedVolumes) -> None:
        self._host = host
        self._store = host.store
        self._instances = instances
        self._volumes = volumes

    def describe(self) -> HostDescription:
        row, address = self._host.row(), self._host.address
        local = LocalPool(f"{self._host.id}-local", f"/var/lib/simulator/{self._host.id}", row["storage_bytes"])
        return HostDescription(
            name=row["name"],
            hypervisor="Simulator",
            hypervisor_version=VERSION,
            agent_version=AGENT_VERSION,
            arch=row["arch"],
            cpus=row["cpus"],
            cpu_sockets=1,
            cpu_mhz=row["cpu_mhz"],
            memory_bytes=row["memory_bytes"],
            reserved_memory_bytes=0,
            private_ip=address,
            private_mac=self._host.mac,
            storage_ip=address,
            maintenance=bool(row["maintenance"]),
            capabilities=replace(self.capabilities, hvm=bool(row["hvm"])),
            local_pools=[local],
        )

    def power_report(self) -> PowerReport:
        row = self._host.row()
        found = self._store.rows("SELECT id, state FROM instance WHERE host = ? AND incoming = 0", self._host.id)
        uptime = max(0.0, self._store.clock() - row["started_at"])
        return PowerReport({each["id"]: each["state"] for each in found}, bool(row["maintenance"]), uptime)

    def statistics(self) -> HostStatistics:
        row, now = self._host.row(), self._store.clock()
        specs = [(read_spec(each), each) for each in self._instances.all_here() if each["state"] == "PowerOn"]
        running = [figures.of_instance(spec, now, each["started_at"]) for spec, each in specs]
        busy = sum(each.cpu_percent * each.cpus * spec.cpu_mhz for each, (spec, _) in zip(running, specs))
        uptime = max(0.0, now - row["started_at"])
        idle = figures.level(self._host.id, now, 0.5, 3.0)
        traffic = [nic for each in running for nic in each.nics.values()]
        return HostStatistics(
            cpu_percent=round(min(100.0, idle + busy / (row["cpus"] * row["cpu_mhz"])), 2),
            load_average=round(idle / 10 + sum(each.cpu_percent * each.cpus for each in running) / 100, 2),
            memory_bytes=row["memory_bytes"],
            memory_used_bytes=min(row["memory_bytes"], sum(each.memory_used_bytes for each in running)),
            network_read_bytes=figures.counter(self._host.id + "r", uptime, 2_000)
            + sum(nic.write_bytes for nic in traffic),
            network_write_bytes=figures.counter(self._host.id + "w", uptime, 1_000)
            + sum(nic.read_bytes for nic in traffic),
            cpus_allocated=sum(spec.cpus for spec, _ in specs),
            cpu_mhz_allocated=sum(each["cpu_mhz_reserved"] for _, each in specs),
            memory_allocated_bytes=sum(each["memory_reserved"] for _, each in specs),
            uptime_seconds=uptime,
        )

    def set_maintenance(self, enabled: bool) -> None:
        with self._store.transaction():
            self._host.row()
            self._store.execute("UPDATE host SET maintenance = ? WHERE id = ?", int(enabled), self._host.id)

    def release(self, force: bool) -> None:
        with self._store.transaction():
            running = self._instances.all_here()
            if any(row["state"] == "PowerOn" for row in running) and not force:
                raise Refusal(ErrorCode.IN_USE, "Instances run on this host")
            for row in running:
                self._instances.forget(row["id"])
            for table in ("instance", "network", "pool_host"):
                self._store.execute(f"DELETE FROM {table} WHERE host = ?", self._host.id)
            self._store.execute("DELETE FROM host WHERE id = ?", self._host.id)

    def start(self, instance: InstanceSpec) -> InstanceReport:
        with self._store.transaction():
            known = self._instances.anywhere(instance.id)
            if known is not None and known["state"] == "PowerOn":
                where = "here" if known["host"] == self._host.id else f"on host {known['host']}"
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"Instance {instance.id} runs already, {where}")
            if known is not None:
                self._instances.forget(instance.id)
            self._instances.place(instance, incoming=False)
            return self._instances.report(self._instances.running(instance.id))

    def stop(self, instance: str, force: bool, grace_seconds: float) -> None:
        with self._store.transaction():
            if self._instances.here(instance) is not None:
                self._instances.forget(instance)

    def reboot(self, instance: str, force: bool) -> InstanceReport:
        with self._store.transaction():
            self._instances.running(instance)
            # What was applied to a router lives in its memory.
            self._store.execute("DELETE FROM router WHERE id = ?", instance)
            self._store.execute(
                "UPDATE instance SET started_at = ? WHERE id = ? AND incoming = 0", self._store.clock(), instance
            )
            return self._instances.report(self._instances.running(instance))

    def describe_instance(self, instance: str) -> InstanceReport:
        row = self._instances.here(instance)
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"Instance {instance} is not on this host")
        return self._instances.report(row)

    def list_instances(self) -> list[InstanceReport]:
        return [self._instances.report(row) for row in self._instances.all_here()]

    def instance_statistics(self, instances: Optional[list[str]]) -> dict[str, InstanceStatistics]:
        rows = [row for row in self._instances.all_here() if row["state"] == "PowerOn"]
        if instances is not None:
            wanted = set(instances)
            rows = [row for row in rows if row["id"] in wanted]
        now = self._store.clock()
        return {row["id"]: figures.of_instance(read_spec(row), now, row["started_at"]) for row in rows}

    def console(self, instance: str) -> Console:
        row = self._instances.running(instance)
        return Console("vnc", self._host.address, 5900 + row["display"], row["console_password"])

    def prepare_migration(self, instance: InstanceSpec) -> None:
        with self._store.transaction():
            known = self._instances.anywhere(instance.id)
            if known is not None and known["host"] == self._host.id:
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"Instance {instance.id} is on this host")
            self._store.execute("DELETE FROM instance WHERE id = ? AND incoming = 1", instance.id)
            self._instances.place(instance, incoming=True)

    def cancel_migration(self, instance: str) -> None:
        with self._store.transaction():
            self._store.execute(
                "DELETE FROM instance WHERE id = ? AND incoming = 1 AND host = ?", instance, self._host.id
            )

    def migrate(self, instance: str, destination: str, destination_url: str) -> None:
        with self._store.transaction():
            source = self._instances.running(instance)
            prepared = self._store.row(
                "SELECT * FROM instance WHERE id = ? AND incoming = 1 AND host = ?", instance, destination
            )
            if prepared is None:
                raise Refusal(ErrorCode.WRONG_STATE, f"host {destination} is not prepared for Instance {instance}")
            moved = read_spec(prepared)
            pools = {disk.volume: disk.pool for disk in read_spec(source).disks}
            there = Instances(Host(self._store, destination, destination_url), self._instances.secondary)
            router = self._store.row("SELECT * FROM router WHERE id = ?", instance)
            self._instances.forget(instance)
            for disk in moved.disks:
                there.check_disk(instance, disk)
                if pools.get(disk.volume, disk.pool) != disk.pool:
                    self._volumes.fill(pools[disk.volume], disk.volume, disk.pool)
            self._store.execute(
                "UPDATE instance SET incoming = 0, started_at = ?, console_password = ? WHERE id = ? AND incoming = 1",
                source["started_at"],
                source["console_password"],
                instance,
            )
            there.hold(moved)
            if router is not None:
                self._store.insert("router", **dict(router))

    def migrate_disk(self, instance: str, volume: str, pool: str) -> VolumeReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            disk = next((each for each in spec.disks if each.volume == volume), None)
            if disk is None:
                raise Refusal(ErrorCode.NOT_FOUND, f"volume {volume} is not attached to Instance {instance}")
            if disk.pool != pool:
                self._volumes.move(disk.pool, volume, pool)
                moved = [replace(each, pool=pool) if each is disk else each for each in spec.disks]
                self._instances.save(replace(spec, disks=moved))
            return self._volumes.describe_volume(pool, volume)

    def scale(self, instance: str, size: InstanceSize) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            mhz, memory = self._instances.reserve(self._host.row(), size, instance)
            self._store.execute(
                "UPDATE instance SET cpu_mhz_reserved = ?, memory_reserved = ? WHERE id = ? AND incoming = 0",
                mhz,
                memory,
                instance,
            )
            return self._instances.save(replace(spec, **vars(size)))

    def attach_disk(self, instance: str, disk: DiskSpec) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            if any(each.volume == disk.volume for each in spec.disks):
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"volume {disk.volume} is attached already")
            self._instances.check_disk(instance, disk)
            self._store.execute(
                "UPDATE volume SET instance = ? WHERE pool = ? AND id = ?", instance, disk.pool, disk.volume
            )
            return self._instances.save(replace(spec, disks=[*spec.disks, disk]))

    def detach_disk(self, instance: str, volume: str) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            kept = [disk for disk in spec.disks if disk.volume != volume]
            if len(kept) == len(spec.disks):
                raise Refusal(ErrorCode.NOT_FOUND, f"volume {volume} is not attached to Instance {instance}")
            self._store.execute("UPDATE volume SET instance = NULL WHERE id = ? AND instance = ?", volume, instance)
            return self._instances.save(replace(spec, disks=kept))

    def attach_iso(self, instance: str, iso: IsoSpec) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            if spec.iso is not None and spec.iso.id != iso.id:
                raise Refusal(ErrorCode.IN_USE, f"ISO {spec.iso.id} is in the drive")
            self._instances.check_iso(iso)
            return self._instances.save(replace(spec, iso=iso))

    def detach_iso(self, instance: str) -> InstanceReport:
        with self._store.transaction():
            return self._instances.save(replace(read_spec(self._instances.running(instance)), iso=None))

    def plug_nic(self, instance: str, nic: NicSpec) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            if any(each.id == nic.id for each in spec.nics):
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"NIC {nic.id} is plugged in already")
            self._instances.check_nic(instance, nic)
            self._store.insert("nic", id=nic.id, instance=instance, host=self._host.id, network=nic.network)
            return self._instances.save(replace(spec, nics=[*spec.nics, nic]))

    def unplug_nic(self, instance: str, nic: str) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            self._nic(spec, nic)
            self._store.execute("DELETE FROM nic WHERE id = ?", nic)
            return self._instances.save(replace(spec, nics=[each for each in spec.nics if each.id != nic]))

    def update_nic(self, instance: str, nic: NicSpec) -> InstanceReport:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            if self._nic(spec, nic.id).mac != nic.mac:
                raise Refusal(ErrorCode.BAD_ARGUMENT, f"'nic.mac' of NIC {nic.id} cannot change")
            self._instances.check_nic(instance, nic)
            self._store.execute("UPDATE nic SET network = ? WHERE id = ?", nic.network, nic.id)
            return self._instances.save(replace(spec, nics=[nic if each.id == nic.id else each for each in spec.nics]))

    def set_password(self, instance: str, password: str) -> None:
        with self._store.transaction():
            self._instances.save(replace(read_spec(self._instances.running(instance)), password=password))

    def patch(self, instance: str, force: bool) -> PatchReport:
        # Each carries what this program is, from its start.
        if self._instances.running(instance)["kind"] == "User":
            raise Refusal(ErrorCode.WRONG_STATE, f"Instance {instance} is not a system VM")
        return PatchReport(ROUTER_VERSION, patched=force)

    def update_user_data(self, instance: str, user_data: Optional[str], ssh_public_keys: list[str]) -> None:
        with self._store.transaction():
            spec = read_spec(self._instances.running(instance))
            self._instances.save(replace(spec, user_data=user_data, ssh_public_keys=ssh_public_keys))

    @staticmethod
    def _nic(spec: InstanceSpec, nic: str) -> NicSpec:
        for each in spec.nics:
            if each.id == nic:
                return each
        raise Refusal(ErrorCode.NOT_FOUND, f"NIC {nic} is not part of Instance {spec.id}")
