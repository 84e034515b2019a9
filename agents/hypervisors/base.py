"""The hypervisor contract: what every driver does, with its capabilities as data.

Ids are the server's UUIDs. Sizes are bytes, speeds MHz, times seconds. Every method raises `Refusal`; a driver that
lacks something declares so in `Capabilities`, and the verb layer refuses on its behalf before the driver is asked.

An Instance exists on a host from its start (or its arrival by migration) to its stop: a host keeps no definition of
stopped Instances, `start` brings the whole specification. One that stops by itself stays in the power report as
PowerOff until the server stops it too."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal, Optional

from agents.storage.base import StoreReference, VolumeReport

InstanceKind = Literal["User", "DomainRouter", "ConsoleProxy", "SecondaryStorageVm"]
PowerState = Literal["PowerOn", "PowerOff", "PowerUnknown"]


@dataclass(frozen=True)
class Capabilities:
    """`hvm`: guests run by hardware virtualisation, as templates may require."""

    hvm: bool = False
    live_migration: bool = False
    storage_migration: bool = False
    scale_cpu: bool = False
    scale_memory: bool = False
    hot_plug_disk: bool = False
    hot_plug_nic: bool = False
    live_resize: bool = False
    snapshots: bool = False
    uefi: bool = False
    set_password: bool = False
    console: bool = False
    routers: bool = False
    image_formats: list[str] = field(default_factory=list)
    isolation: list[str] = field(default_factory=list)
    maximum_disks: int = 0
    maximum_nics: int = 0


@dataclass(frozen=True)
class LocalPool:
    """Storage of the host's own that it offers as a pool."""

    id: str
    path: str
    capacity_bytes: int


@dataclass(frozen=True)
class HostDescription:
    """`memory_bytes` is all there is; of it the host keeps `reserved_memory_bytes` for itself."""

    name: str
    hypervisor: str
    hypervisor_version: str
    agent_version: str
    arch: str
    cpus: int
    cpu_sockets: int
    cpu_mhz: int
    memory_bytes: int
    reserved_memory_bytes: int
    private_ip: str
    private_mac: str
    storage_ip: str
    maintenance: bool
    capabilities: Capabilities
    local_pools: list[LocalPool] = field(default_factory=list)


@dataclass(frozen=True)
class PowerReport:
    """All Instances on the host by id. An id that is missing here is not on this host."""

    instances: dict[str, PowerState]
    maintenance: bool
    uptime_seconds: float


@dataclass(frozen=True)
class HostStatistics:
    cpu_percent: float
    load_average: float
    memory_bytes: int
    memory_used_bytes: int
    network_read_bytes: int
    network_write_bytes: int
    cpus_allocated: int
    cpu_mhz_allocated: int
    memory_allocated_bytes: int
    uptime_seconds: float


@dataclass(frozen=True)
class DiskSpec:
    """A volume as an Instance sees it. Limits of 0 mean none."""

    volume: str
    pool: str
    device: int
    kind: Literal["ROOT", "DATADISK"] = "DATADISK"
    bus: str = ""
    cache: str = "none"
    read_only: bool = False
    bytes_read_rate: int = 0
    bytes_write_rate: int = 0
    iops_read_rate: int = 0
    iops_write_rate: int = 0


@dataclass(frozen=True)
class IsoSpec:
    """An ISO on secondary storage; `device` is the place of the drive."""

    id: str
    store: StoreReference
    path: str
    device: int = 3
    bootable: bool = False


@dataclass(frozen=True)
class NicSpec:
    """`network` names one that `network.ensure` has made on this host. `rate_mbps` 0 means no limit."""

    id: str
    network: str
    mac: str
    device: int
    ip: Optional[str] = None
    netmask: Optional[str] = None
    gateway: Optional[str] = None
    ip6: Optional[str] = None
    secondary_ips: list[str] = field(default_factory=list)
    traffic: Literal["Guest", "Public", "Control", "Management", "Storage"] = "Guest"
    model: str = ""
    rate_mbps: int = 0
    enabled: bool = True
    default: bool = False


@dataclass(frozen=True)
class InstanceSpec:
    """Everything that is needed to run an Instance. The minima are what over-provisioning leaves guaranteed: the host
    reserves them, or the whole where they are null. `user_data` is base64; `password` is given to the guest, never
    shown again."""

    id: str
    name: str
    cpus: int
    cpu_mhz: int
    memory_bytes: int
    kind: InstanceKind = "User"
    cpu_capped: bool = False
    minimum_cpu_mhz: Optional[int] = None
    minimum_memory_bytes: Optional[int] = None
    arch: str = "x86_64"
    guest_os: str = ""
    boot_type: Literal["BIOS", "UEFI"] = "BIOS"
    boot_mode: Literal["Legacy", "Secure"] = "Legacy"
    hostname: str = ""
    disks: list[DiskSpec] = field(default_factory=list)
    nics: list[NicSpec] = field(default_factory=list)
    iso: Optional[IsoSpec] = None
    user_data: Optional[str] = None
    password: Optional[str] = None
    ssh_public_keys: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InstanceSize:
    """CPU and memory, with the minima of `InstanceSpec`."""

    cpus: int
    cpu_mhz: int
    memory_bytes: int
    minimum_cpu_mhz: Optional[int] = None
    minimum_memory_bytes: Optional[int] = None


@dataclass(frozen=True)
class InstanceReport:
    """An Instance as the host sees it, without its secrets."""

    id: str
    name: str
    kind: InstanceKind
    state: PowerState
    cpus: int
    cpu_mhz: int
    memory_bytes: int
    uptime_seconds: float
    disks: list[DiskSpec] = field(default_factory=list)
    nics: list[NicSpec] = field(default_factory=list)
    iso: Optional[IsoSpec] = None


@dataclass(frozen=True)
class DiskCounters:
    read_bytes: int
    write_bytes: int
    read_operations: int
    write_operations: int


@dataclass(frozen=True)
class NicCounters:
    read_bytes: int
    write_bytes: int


@dataclass(frozen=True)
class InstanceStatistics:
    """`cpu_percent` is a share of the CPUs of the Instance; counters count from its start. Disks by volume id, nics
    by NIC id."""

    cpu_percent: float
    cpus: int
    memory_bytes: int
    memory_used_bytes: int
    uptime_seconds: float
    disks: dict[str, DiskCounters]
    nics: dict[str, NicCounters]


@dataclass(frozen=True)
class Console:
    protocol: Literal["vnc"]
    host: str
    port: int
    password: str


@dataclass(frozen=True)
class PatchReport:
    """`version` is of the software inside the system VM now; `patched` says whether it was put there just now."""

    version: str
    patched: bool


class Hypervisor(ABC):
    """One host. Implementations must be safe to call from many threads."""

    capabilities: Capabilities

    @abstractmethod
    def describe(self) -> HostDescription:
        """The hardware, what it can do and what it keeps back."""

    @abstractmethod
    def power_report(self) -> PowerReport: ...

    @abstractmethod
    def statistics(self) -> HostStatistics: ...

    @abstractmethod
    def set_maintenance(self, enabled: bool) -> None:
        """In maintenance a host accepts no Instance, neither by start nor by migration; the running ones run on."""

    @abstractmethod
    def release(self, force: bool) -> None:
        """The server gives the host up. Refuses (in_use) while Instances run there, unless `force`, which ends them."""

    @abstractmethod
    def start(self, instance: InstanceSpec) -> InstanceReport:
        """Refuses: already_exists (it runs, here or elsewhere), not_found (disk, network, ISO), in_use (disk),
        insufficient_capacity, wrong_state (maintenance). Nothing of a refused start remains."""

    @abstractmethod
    def stop(self, instance: str, force: bool, grace_seconds: float) -> None:
        """Ends the Instance and forgets it, by ACPI first unless `force`. One that is not here is stopped already."""

    @abstractmethod
    def reboot(self, instance: str, force: bool) -> InstanceReport: ...

    @abstractmethod
    def describe_instance(self, instance: str) -> InstanceReport: ...

    @abstractmethod
    def list_instances(self) -> list[InstanceReport]: ...

    @abstractmethod
    def instance_statistics(self, instances: Optional[list[str]]) -> dict[str, InstanceStatistics]:
        """Of the named Instances as far as they run here, or of all."""

    @abstractmethod
    def console(self, instance: str) -> Console: ...

    @abstractmethod
    def prepare_migration(self, instance: InstanceSpec) -> None:
        """On the destination: reserves the capacity and checks disks and networks, as `start` would. With storage
        migration the disks name their volumes on the pools they will be on."""

    @abstractmethod
    def cancel_migration(self, instance: str) -> None:
        """On the destination: gives back what was prepared. Nothing prepared is no error."""

    @abstractmethod
    def migrate(self, instance: str, destination: str, destination_url: str) -> None:
        """On the source: moves the running Instance to the host with the id `destination`, which has prepared for it.
        Afterwards it runs there with the disks that were prepared, and is gone here. On refusal it runs on here."""

    @abstractmethod
    def migrate_disk(self, instance: str, volume: str, pool: str) -> VolumeReport:
        """Moves a disk of a running Instance to another pool on this host, under the same id; the old one is gone
        afterwards. On that pool already is no error. On refusal it stays where it was."""

    @abstractmethod
    def scale(self, instance: str, size: InstanceSize) -> InstanceReport: ...

    @abstractmethod
    def attach_disk(self, instance: str, disk: DiskSpec) -> InstanceReport: ...

    @abstractmethod
    def detach_disk(self, instance: str, volume: str) -> InstanceReport: ...

    @abstractmethod
    def attach_iso(self, instance: str, iso: IsoSpec) -> InstanceReport: ...

    @abstractmethod
    def detach_iso(self, instance: str) -> InstanceReport: ...

    @abstractmethod
    def plug_nic(self, instance: str, nic: NicSpec) -> InstanceReport: ...

    @abstractmethod
    def unplug_nic(self, instance: str, nic: str) -> InstanceReport: ...

    @abstractmethod
    def update_nic(self, instance: str, nic: NicSpec) -> InstanceReport:
        """Replaces the NIC of the same id: network, addresses, rate, link state. The MAC must stay."""

    @abstractmethod
    def set_password(self, instance: str, password: str) -> None: ...

    @abstractmethod
    def patch(self, instance: str, force: bool) -> PatchReport:
        """Brings the software inside a running system VM to what the host has for new ones, and restarts its services.
        One that has it already runs on as it is, unless `force`. Refuses (wrong_state) Instances of users."""

    @abstractmethod
    def update_user_data(self, instance: str, user_data: Optional[str], ssh_public_keys: list[str]) -> None: ...
