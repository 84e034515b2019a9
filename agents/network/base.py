"""The network contract: the networks on a host and the virtual routers that run there.

The server sends the whole desired state of a router with a generation number; the agent applies the difference. Every
method raises `Refusal`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal, Optional

Protocol = Literal["tcp", "udp", "icmp", "all"]


@dataclass(frozen=True)
class NetworkSpec:
    """`tag` is the VLAN id (1 to 4094), the VXLAN id or the GRE key; none for an untagged network. `label` is the
    host's own name for the physical network (CloudStack's traffic label), such as cloudbr1."""

    id: str
    isolation: Literal["VLAN", "VXLAN", "GRE", "NONE"]
    tag: Optional[int] = None
    label: str = ""
    mtu: int = 1500


@dataclass(frozen=True)
class NetworkReport:
    id: str
    bridge: str
    isolation: str
    tag: Optional[int]
    nics: int


@dataclass(frozen=True)
class RouterInterface:
    """`nic` is one of the NICs of the router Instance. `addresses` are further ones beside `ip`."""

    nic: str
    network: str
    traffic: Literal["Guest", "Public", "Control"]
    mac: str
    ip: str
    netmask: str
    gateway: Optional[str] = None
    addresses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DhcpHost:
    """`options` are further ones by their number or dnsmasq name, such as `{"114": "https://…"}`."""

    mac: str
    ip: str
    hostname: str
    network: str
    default_gateway: bool = True
    dns: list[str] = field(default_factory=list)
    ntp: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DnsRecord:
    name: str
    ip: str


@dataclass(frozen=True)
class MetadataHost:
    """What the metadata server tells the Instance with this address. `user_data` is base64; `password` is handed out
    once."""

    ip: str
    instance: str
    attributes: dict[str, str] = field(default_factory=dict)
    user_data: Optional[str] = None
    ssh_public_keys: list[str] = field(default_factory=list)
    password: Optional[str] = None


@dataclass(frozen=True)
class SourceNat:
    network: str
    cidr: str
    public_ip: str


@dataclass(frozen=True)
class StaticNat:
    public_ip: str
    private_ip: str


@dataclass(frozen=True)
class PortForwarding:
    """`source_cidrs`: from where it may be used; empty means anywhere."""

    id: str
    public_ip: str
    protocol: Protocol
    public_port: int
    public_end_port: int
    private_ip: str
    private_port: int
    private_end_port: int
    source_cidrs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FirewallRule:
    """Ingress rules hold for a `public_ip`, egress rules for a guest `network`."""

    id: str
    direction: Literal["ingress", "egress"]
    protocol: Protocol
    source_cidrs: list[str] = field(default_factory=list)
    destination_cidrs: list[str] = field(default_factory=list)
    public_ip: Optional[str] = None
    network: Optional[str] = None
    start_port: Optional[int] = None
    end_port: Optional[int] = None
    icmp_type: Optional[int] = None
    icmp_code: Optional[int] = None
    action: Literal["allow", "deny"] = "allow"


@dataclass(frozen=True)
class LoadBalancerMember:
    ip: str
    port: int


@dataclass(frozen=True)
class LoadBalancer:
    id: str
    public_ip: str
    public_port: int
    private_port: int
    algorithm: Literal["roundrobin", "leastconn", "source"]
    protocol: str = "tcp"
    members: list[LoadBalancerMember] = field(default_factory=list)
    stickiness: dict[str, str] = field(default_factory=dict)
    health_check: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Redundancy:
    """VRRP between two routers."""

    group: int
    priority: int
    guest_ip: str


@dataclass(frozen=True)
class RouterConfig:
    """The whole desired state. What is not named here is removed from the router. Guests search `search_domains` for
    names, in this order; where it is empty, `domain`."""

    hostname: str
    domain: str = ""
    search_domains: list[str] = field(default_factory=list)
    interfaces: list[RouterInterface] = field(default_factory=list)
    dns_servers: list[str] = field(default_factory=list)
    dns: list[DnsRecord] = field(default_factory=list)
    dhcp: list[DhcpHost] = field(default_factory=list)
    metadata: list[MetadataHost] = field(default_factory=list)
    source_nat: list[SourceNat] = field(default_factory=list)
    static_nat: list[StaticNat] = field(default_factory=list)
    port_forwarding: list[PortForwarding] = field(default_factory=list)
    firewall: list[FirewallRule] = field(default_factory=list)
    egress_default: dict[str, Literal["allow", "deny"]] = field(default_factory=dict)
    load_balancers: list[LoadBalancer] = field(default_factory=list)
    redundancy: Optional[Redundancy] = None


@dataclass(frozen=True)
class RouterApplied:
    """`changed` names the sections of the configuration that differed from what the router had."""

    generation: int
    changed: list[str]


@dataclass(frozen=True)
class RouterReport:
    """What the router has now; user data and passwords are left out. `generation` 0: nothing was applied since it
    started."""

    id: str
    generation: int
    version: str
    redundancy_state: Literal["PRIMARY", "BACKUP", "UNKNOWN"]
    config: Optional[RouterConfig] = None


@dataclass(frozen=True)
class HealthCheck:
    """`kind` is CloudStack's check type: basic (connectivity, disk, cpu, memory) or advanced (services, rules)."""

    name: str
    kind: Literal["basic", "advanced"]
    success: bool
    checked_at: float
    details: str = ""


@dataclass(frozen=True)
class TrafficCounters:
    received_bytes: int
    sent_bytes: int


@dataclass(frozen=True)
class RouterStatistics:
    """Bytes through the public interfaces since the router started, per public IP."""

    public_ips: dict[str, TrafficCounters]


class Network(ABC):
    """The networks and routers of one host."""

    @abstractmethod
    def ensure(self, network: NetworkSpec) -> NetworkReport:
        """The bridge for the network, made if it is missing. Refuses (wrong_state) another tag than it has while NICs
        are on it."""

    @abstractmethod
    def remove(self, network: str) -> None:
        """Refuses (in_use) while NICs are on it. Not there is no error."""

    @abstractmethod
    def list_networks(self) -> list[NetworkReport]: ...

    @abstractmethod
    def apply_router(self, router: str, generation: int, config: RouterConfig) -> RouterApplied:
        """Refuses: not_found (no such router runs here), outdated_generation (less than the one that is applied),
        already_exists (the same generation with another content), not_found (interface)."""

    @abstractmethod
    def remove_router(self, router: str) -> None:
        """Forgets its configuration. Not there is no error."""

    @abstractmethod
    def describe_router(self, router: str) -> RouterReport: ...

    @abstractmethod
    def router_health(self, router: str, fresh: bool) -> list[HealthCheck]: ...

    @abstractmethod
    def router_statistics(self, router: str) -> RouterStatistics: ...
