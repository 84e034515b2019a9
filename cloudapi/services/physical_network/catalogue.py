"""The network services, their capabilities, and the providers that this program has for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# How guests are kept apart, as far as agents can: L3 is none at all, in Basic zones, where security groups do.
ISOLATION_METHODS = ("VLAN", "VXLAN", "GRE", "L3")

TRAFFIC_TYPES = ("Public", "Guest", "Storage", "Management", "Control", "Vpn", "None")
SINGLE_TRAFFIC_TYPES = ("Public", "Storage", "Management", "Control")

# What makes and keeps the networks of each traffic type, under the names that CloudStack's tools know.
IMPLEMENTORS = (
    ("Control", "ControlNetworkGuru"), ("Guest", "ExternalGuestNetworkGuru"), ("Guest", "DirectNetworkGuru"),
    ("Management", "PodBasedNetworkGuru"), ("Public", "PublicNetworkGuru"), ("Storage", "StorageNetworkGuru"))

# Each service with its capabilities; True where an offering may choose the value.
SERVICES: dict[str, dict[str, bool]] = {
    "Vpn": {"SupportedVpnTypes": False, "VpnTypes": False},
    "Dhcp": {"ExtraDhcpOptions": False},
    "Dns": {"AllowDnsSuffixModification": False},
    "Gateway": {"RedundantRouter": True},
    "Firewall": {"SupportedProtocols": False, "MultipleIps": False, "TrafficStatistics": False,
                 "SupportedTrafficDirection": False, "SupportedEgressProtocols": False},
    "Lb": {"SupportedLbAlgorithms": False, "SupportedLBIsolation": True, "SupportedProtocols": False,
           "TrafficStatistics": False, "LoadBalancingSupportedIps": False, "SupportedStickinessMethods": False,
           "ElasticLb": False, "LbSchemes": False},
    "UserData": {},
    "SourceNat": {"SupportedSourceNatTypes": True, "RedundantRouter": True},
    "StaticNat": {"ElasticIp": False},
    "PortForwarding": {},
    "SecurityGroup": {},
    "NetworkACL": {"SupportedProtocols": False},
    "Connectivity": {"DistributedRouter": False, "RegionLevelVpc": False, "StretchedL2Subnet": False, "NoVlan": False,
                     "PublicAccess": False},
    "CustomAction": {},
}


def _parameter(name: str, description: str, *, flag: bool = False) -> dict[str, Any]:
    return {"paramname": name, "required": False, "isflag": flag, "description": description}


STICKINESS_METHODS: list[dict[str, Any]] = [
    {"methodname": "LbCookie", "description": "Keeps a client on its server with a cookie that the load balancer knows",
     "paramlist": [
         _parameter("cookie-name", "Name of the cookie that is sent to the client"),
         _parameter("mode", "insert (default): the load balancer makes the cookie; rewrite, prefix: the server "
                            "makes it and the load balancer changes it"),
         _parameter("nocache", "Marks answers that carry a new cookie as not cacheable, for clients behind a shared "
                               "cache", flag=True),
         _parameter("indirect", "In insert mode: sends no cookie to a client that already has a valid one, and "
                                "hides it from the server", flag=True),
         _parameter("postonly", "Inserts the cookie in answers to POST requests only", flag=True),
         _parameter("domain", "Domain for which the cookie is set")]},
    {"methodname": "AppCookie", "description": "Keeps a client on its server with a cookie of the application; for "
                                               "HTTP only",
     "paramlist": [
         _parameter("cookie-name", "Name of the application's cookie; derived from the address by default"),
         _parameter("length", "Number of characters of the cookie that are remembered and compared; 52 by default"),
         _parameter("holdtime", "How long an unused cookie is remembered, with one of the units s, m, h, d; 3h by "
                                "default"),
         _parameter("request-learn", "Learns the cookie from a request where the server's answer set none", flag=True),
         _parameter("prefix", "Compares the name as a prefix of the cookie or URL parameter", flag=True),
         _parameter("mode", "Where in the URL the session is looked for: path-parameters (default) or query-string")]},
    {"methodname": "SourceBased", "description": "Keeps a client on its server by the client's address; for any "
                                                 "protocol",
     "paramlist": [
         _parameter("tablesize", "Size of the table of addresses, with a unit: 200k (default), 300m"),
         _parameter("expire", "How long an address is remembered, with one of the units s, m, h, d; 3h by default")]},
]
AUTOSCALE_COUNTERS: list[dict[str, Any]] = [
    {"methodname": name, "paramlist": []} for name in ("cpu", "memory", "virtualrouter")]

Capabilities = Mapping[str, Any]

LOAD_BALANCER: Capabilities = {
    "SupportedLbAlgorithms": "roundrobin,leastconn,source", "SupportedLBIsolation": "dedicated",
    "SupportedStickinessMethods": STICKINESS_METHODS}

ROUTER: Mapping[str, Capabilities] = {
    "Dhcp": {"DhcpAccrossMultipleSubnets": "true"},
    "Dns": {"AllowDnsSuffixModification": "true"},
    "UserData": {},
    "Firewall": {"SupportedProtocols": "tcp,udp,icmp", "SupportedEgressProtocols": "tcp,udp,icmp, all",
                 "SupportedTrafficDirection": "ingress, egress", "MultipleIps": "true",
                 "TrafficStatistics": "per public ip"},
    "Gateway": {"RedundantRouter": "true"},
    "Lb": {**LOAD_BALANCER, "SupportedProtocols": "tcp, udp, tcp-proxy, ssl", "LbSchemes": "Public",
           "SslTermination": "true", "AutoScaleCounters": AUTOSCALE_COUNTERS, "VmAutoScaling": "true"},
    "SourceNat": {"SupportedSourceNatTypes": "peraccount", "RedundantRouter": "true"},
    "StaticNat": {},
    "PortForwarding": {"SupportedProtocols": "tcp,udp"},
    "Vpn": {"SupportedVpnTypes": "pptp,l2tp,ipsec", "VpnTypes": "remoteaccessvpn"},
}


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of network services.

    :ivar services: what it can do, with its capabilities.
    :ivar separable: an admin may leave out some of its services.
    :ivar element: the kind of element that must be enabled before the provider can be; None where there is none.
    :ivar ready: it can be enabled whether its element is or not.
    :ivar needs: a service without which it has no part in an offering.
    :ivar zones: the types of zone whose physical networks get it by themselves.
    :ivar isolation: it is for physical networks of this isolation method, which get it by themselves.
    :ivar state: its state on a new physical network.
    """

    name: str
    services: Mapping[str, Capabilities]
    separable: bool = True
    element: str | None = None
    ready: bool = False
    needs: str | None = None
    zones: tuple[str, ...] = ("Basic", "Advanced")
    isolation: str | None = None
    state: str = "Disabled"


PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (
    Provider("VirtualRouter", ROUTER, element="VirtualRouter"),
    Provider("SecurityGroupProvider", {"SecurityGroup": {}}, separable=False),
    Provider("VpcVirtualRouter", {**ROUTER, "Vpn": {**ROUTER["Vpn"], "VpnTypes": "s2svpn"},
                                  "NetworkACL": {"SupportedProtocols": "tcp,udp,icmp"}}, element="VPCVirtualRouter"),
    Provider("InternalLbVm", {"Lb": {**LOAD_BALANCER, "SupportedProtocols": "tcp, udp", "LbSchemes": "Internal"}},
             element="InternalLbVm"),
    Provider("ConfigDrive", {"UserData": {}, "Dhcp": {"DhcpAccrossMultipleSubnets": "true"},
                             "Dns": {"AllowDnsSuffixModification": "true"}}, zones=("Advanced",), state="Enabled"),
    Provider("Ovs", {"Connectivity": {"DistributedRouter": "", "StretchedL2Subnet": "", "RegionLevelVpc": ""},
                     "StaticNat": {}, "PortForwarding": {},
                     "Lb": {**LOAD_BALANCER, "SupportedProtocols": "tcp, udp", "LbSchemes": "Public"}},
             element="Ovs", ready=True, needs="Connectivity", isolation="GRE"),
)}


def find(name: str) -> Provider | None:
    """Return the provider of this name, in any case."""
    return next((provider for key, provider in PROVIDERS.items() if key.lower() == name.lower()), None)


def find_service(name: str) -> str | None:
    """Return the service of this name, in any case, as it is written."""
    return next((key for key in SERVICES if key.lower() == name.lower()), None)


def providers_of(service: str) -> list[Provider]:
    """Return the providers that offer a service."""
    return [provider for provider in PROVIDERS.values() if service in provider.services]
