"""What a deployer asks for: the parameters of deployVirtualMachine, parsed, as the services take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudapi.models.identity import Account, UserData
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import AffinityGroup
from cloudapi.models.network import Network
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Snapshot, Template, Volume


@dataclass(slots=True)
class DiskOrder:
    """A data disk; `size` in GiB."""

    offering: DiskOffering
    size: int | None = None
    min_iops: int | None = None
    max_iops: int | None = None
    device_id: int | None = None
    template: Template | None = None


@dataclass(slots=True)
class NicOrder:
    network: Network
    ip4: str | None = None
    ip6: str | None = None
    mac: str | None = None
    dhcp_options: dict[str, str] | None = None


@dataclass(slots=True)
class Order:
    """:ivar template: a template or ISO; None where `volume` or `snapshot` is the root disk, or it is `blank`.
    :ivar root_size: GiB. :ivar details: as sent; the chosen size of a custom offering among them.
    :ivar nics: empty for the account's default network.
    :ivar default_nic: the addresses for the default network where `nics` does not say.
    """

    owner: Account
    zone: Zone
    offering: ServiceOffering
    template: Template | None = None
    volume: Volume | None = None
    snapshot: Snapshot | None = None
    blank: bool = False
    uuid: str | None = None
    name: str | None = None
    display_name: str | None = None
    password: str | None = None
    hypervisor: str | None = None
    nics: list[NicOrder] = field(default_factory=list)
    ip4: str | None = None
    ip6: str | None = None
    mac: str | None = None
    dhcp_options: dict[str, dict[str, str]] = field(default_factory=dict)
    root_offering: DiskOffering | None = None
    root_size: int | None = None
    disks: list[DiskOrder] = field(default_factory=list)
    details: Mapping[str, str] = field(default_factory=dict)
    system_details: dict[str, str] = field(default_factory=dict)
    user_data: str | None = None
    user_data_record: UserData | None = None
    user_data_details: Mapping[str, str] | None = None
    key_names: Sequence[str] = ()
    affinity_groups: Sequence[AffinityGroup] = ()
    affinity_names: Sequence[str] = ()
    group: str | None = None
    display: bool = True
    dynamic_scaling: bool = True
    copy_image_tags: bool = False
    boot_type: str | None = None
    boot_mode: str | None = None
    lease_duration: int | None = None
    lease_action: str | None = None
    extra_config: str | None = None
    planner: str | None = None
