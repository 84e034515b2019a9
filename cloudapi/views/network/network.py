"""What the API shows of networks."""

from __future__ import annotations

import ipaddress
from json import dumps
from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, fetch
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain
from cloudapi.models.network import Network
from cloudapi.services.nic.segment import tag_of
from cloudapi.services.physical_network.catalogue import PROVIDERS
from cloudapi.views.common import DetailMap, ProjectOwnedView, Tags, pretty_path
from cloudapi.views.zone.place import HasAnnotations

CHOOSABLE = ("SupportedLBIsolation", "SupportedSourceNatTypes", "RedundantRouter")


class NetworkCapabilityView(View):
    name = "capability"

    name_ = Given("name of the capability", type="string")
    value = Given("its value", type="string")
    canchooseservicecapability = Given("whether an offering may choose it", type="boolean")


class NetworkProviderView(View):
    name = "provider"

    name_ = Given("name of the provider", type="string")
    physicalnetworkid = Given("ID of the physical network", type="string")
    destinationphysicalnetworkid = Given("ID of the physical network behind it", type="string")
    state = Given("state of the provider", type="string")
    id = Given("ID of the provider", type="string")
    servicelist = Given("its services", type="list")
    canenableindividualservice = Given("whether its services can be enabled one by one", type="boolean")


class NetworkServiceView(View):
    name = "service"

    name_ = Given("name of the service", type="string")
    provider = Given("who provides it", type="list", nested=NetworkProviderView)
    capability = Given("what it can do", type="list", nested=NetworkCapabilityView)


def first(text: str | None) -> str | None:
    """Return the first of several values, as networks with several ranges have them."""
    return text.split(",")[0] if text else None


def netmask(cidr: str | None, whole: str | None) -> str | None:
    text = whole or first(cidr)
    return str(ipaddress.IPv4Network(text, strict=False).netmask) if text else None


def reserved(cidr: str | None, whole: str | None) -> str | None:
    """Return the parts of the network that Instances do not get addresses from."""
    if not cidr or not whole or cidr == whole:
        return None
    inner, outer = ipaddress.IPv4Network(first(cidr) or cidr), ipaddress.IPv4Network(whole)
    parts = []
    if inner.network_address > outer.network_address + 1:
        parts.append(f"{outer.network_address + 1}-{inner.network_address - 1}")
    if inner.broadcast_address < outer.broadcast_address - 1:
        parts.append(f"{inner.broadcast_address + 1}-{outer.broadcast_address - 1}")
    return " ,  ".join(parts) or None


def services(offered: dict[str, list[str]] | None, chosen: dict[str, dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return the services of an offering: what their providers can do, with what the offering chose of it."""
    found = []
    for name, providers in (offered or {}).items():
        if name == "Gateway":
            continue
        capabilities: dict[str, Any] = {}
        for provider in providers:
            known = PROVIDERS.get(provider)
            capabilities |= dict(known.services.get(name, {})) if known is not None else {}
        capabilities |= (chosen or {}).get(name) or {}
        found.append({"name": name, "provider": [{"name": provider} for provider in providers], "capability": [
            {"name": capability, "value": value if isinstance(value, str) else dumps(value),
             "canchooseservicecapability": capability in CHOOSABLE} for capability, value in capabilities.items()]})
    return found


def usable(guest_type: str | None, traffic_type: str, state: str) -> bool:
    """Whether Instances can be deployed in the network."""
    return traffic_type == "Guest" and guest_type is not None and state != "Destroy"


def load_owners(page: Page) -> dict[int, dict[str, Any]]:
    """The account that owns a network; one that a domain shares shows the domain alone."""
    kinds = page.values("acl_type")
    owners = page.values("account_id")
    names = {row[0]: row[1] for row in fetch("account", ("account_name", ), sorted(set(owners.values())))}
    return {key: {"account": names.get(owner)} for key, owner in owners.items() if kinds[key] != "Domain"}


def load_traffic(page: Page) -> dict[int, dict[str, int]]:
    """Bytes that went through the network's routers."""
    found: dict[int, dict[str, int]] = {key: {"received": 0, "sent": 0} for key in page.ids}
    if page.ids:
        marks = ",".join("?" * len(page.ids))
        for network_id, received, sent in rows(
                "SELECT r.network_id, SUM(n.bytes_received), SUM(n.bytes_sent) FROM router r JOIN nic n ON n.vm_id = "
                f"r.machine_id WHERE r.network_id IN ({marks}) AND n.traffic_type = ? GROUP BY r.network_id",
                [*page.ids, "Public"]):
            found[network_id] = {"received": int(received or 0), "sent": int(sent or 0)}
    return found


class NetworkView(ProjectOwnedView, View):
    record, name = Network, "network"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain),
             "related_": ("related_id", Network), "associated": ("associated_network_id", Network)}

    hasannotations = HasAnnotations()
    associatednetworkid = Column("associated.uuid", "ID of the network whose VLAN it uses")
    associatednetwork = Column("associated.name", "name of the network whose VLAN it uses")
    id = Column("uuid", "ID of the network")
    name_ = Column("name", "name of the network")
    displaytext = Column("display_text", "display text of the network")
    broadcastdomaintype = Column("broadcast_domain_type", "what separates it from others: Vlan, Vxlan, …")
    traffictype = Column("traffic_type", "Guest, Public, Management, Control or Storage")
    gateway = Computed(first, "gateway", type="string", help="gateway of the network")
    netmask = Computed(netmask, "cidr", "network_cidr", type="string", help="netmask of the network")
    cidr = Computed(first, "cidr", type="string", help="CIDR from which Instances get addresses")
    networkcidr = Column("network_cidr", "CIDR of the whole network, where a part of it is reserved")
    reservediprange = Computed(reserved, "cidr", "network_cidr", type="string",
                               help="addresses that Instances do not get")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    networkofferingid = Column("offering.uuid", "ID of its offering")
    networkofferingname = Column("offering.name", "name of its offering")
    networkofferingdisplaytext = Column("offering.display_text", "display text of its offering")
    networkofferingconservemode = Column("offering.conserve_mode", "whether a public address may serve several ends")
    networkofferingavailability = Column("offering.availability", "availability of its offering")
    issystem = Column("offering.system_only", "whether it is one of the zone's own")
    state = Column("state", "Allocated, Implementing, Implemented, Setup, Shutdown or Destroy")
    related = Computed(lambda other, own: other or own, "related_.uuid", "uuid", type="string",
                       help="ID of the network that it is related to; its own where there is none")
    broadcasturi = Column("broadcast_uri", "its VLAN or VXLAN id as a URI", admin=True)
    dns1 = Computed(lambda own, zone: own or zone, "dns1", "zone.dns1", type="string", help="first DNS server")
    dns2 = Computed(lambda first_own, own, zone: own if first_own else zone, "dns1", "dns2", "zone.dns2", type="string",
                    help="second DNS server")
    type = Column("guest_type", "Isolated, Shared or L2")
    vlan = Computed(lambda uri: None if uri is None else str(tag_of(uri)[1] or "N/A"), "broadcast_uri", admin=True,
                    type="string", help="its VLAN or VXLAN id")
    asnumberid = Given("ID of its AS number", type="string", since="4.20.0")
    asnumber = Given("its AS number", type="long", since="4.20.0")
    acltype = Column("acl_type", "Account or Domain: who may use it")
    subdomainaccess = Computed(lambda kind, access: access if kind == "Domain" else None, "acl_type",
                               "subdomain_access",
                               type="boolean", help="whether the domains below may use it")
    account = Batch(load_owners, "account that owns it", key="account", type="string", needs=("acl_type", "account_id"))
    domainid = Column("domain_.uuid", "ID of the domain")
    domain = Column("domain_.name", "name of the domain")
    domainpath = Column("domain_.path", "path of the domain", convert=pretty_path, since="4.19.0.0")
    isdefault = Given("whether it is the Instance's default one", type="boolean")
    service = Computed(services, "offering.services", "offering.capabilities", type="list", nested=NetworkServiceView,
                       help="its services")
    networkdomain = Column("network_domain", "DNS domain of its Instances")
    physicalnetworkid = Column("physical_network.uuid", "ID of its physical network")
    restartrequired = Column("restart_required", "whether a restart has to bring a change into force")
    specifyvlan = Column("offering.specify_vlan", "whether its creator chose the VLAN")
    specifyipranges = Column("specify_ip_ranges", "whether ranges of addresses are added to it")
    vpcid = Given("ID of its VPC", type="string")
    vpcname = Given("name of its VPC", type="string", since="4.15")
    tungstenvirtualrouteruuid = Given("ID of its Tungsten Fabric router", type="string")
    canusefordeploy = Computed(usable, "guest_type", "traffic_type", "state", type="boolean",
                               help="whether Instances can be deployed in it")
    ispersistent = Column("offering.is_persistent", "whether it stays implemented without Instances")
    tags = Tags("Network")
    details = DetailMap("Network", "its details", admin=True)
    ip6gateway = Computed(first, "ip6_gateway", type="string", help="IPv6 gateway")
    ip6cidr = Computed(first, "ip6_cidr", type="string", help="IPv6 CIDR")
    displaynetwork = Column("display", "whether users see it", admin=True)
    aclid = Given("ID of its ACL", type="string")
    aclname = Given("name of its ACL", type="string")
    strechedl2subnet = Computed(lambda uuid: False, "uuid", type="boolean", since="4.4",
                                help="whether its subnet spans zones")
    zonesnetworkspans = Given("zones that its subnet spans", type="list", since="4.4")
    externalid = Column("external_id", "its ID in another system", since="4.11")
    redundantrouter = Column("redundant_router", "whether it has a pair of routers", since="4.11.1")
    supportsvmautoscaling = Computed(
        lambda chosen: str(((chosen or {}).get("Lb") or {}).get("VmAutoScaling", "false")).lower() == "true",
        "offering.capabilities", type="boolean", since="4.18.0", help="whether its load balancer can scale Instances")
    icon = Given("its icon", type="resourceiconresponse", since="4.16.0.0")
    created = Column("created", "when it was made", type="date", since="4.16.0")
    receivedbytes = Batch(load_traffic, "bytes that its routers received", key="received", type="long")
    sentbytes = Batch(load_traffic, "bytes that its routers sent", key="sent", type="long")
    egressdefaultpolicy = Computed(lambda guest_type, policy: policy if guest_type == "Isolated" else None,
                                   "guest_type",
                                   "offering.egress_default_policy", type="boolean",
                                   help="whether its Instances may send anywhere unless a rule forbids it")
    internetprotocol = Column("offering.internet_protocol", "IPv4 or DualStack")
    ip6routing = Given("how IPv6 is routed", type="string", since="4.17.0")
    ip6routes = Given("IPv6 routes", type="list", since="4.17.0")
    publicmtu = Column("public_mtu", "MTU of its routers' public interfaces")
    privatemtu = Column("private_mtu", "MTU of its routers' private interfaces")
    ip6dns1 = Computed(lambda own, zone: own or zone, "ip6_dns1", "zone.ip6_dns1", type="string", since="4.18.0",
                       help="first DNS server over IPv6")
    ip6dns2 = Computed(lambda own, zone: own or zone, "ip6_dns2", "zone.ip6_dns2", type="string", since="4.18.0",
                       help="second DNS server over IPv6")
    ip4routing = Given("how IPv4 is routed", type="string", since="4.20.0")
    ip4routes = Given("IPv4 routes", type="list", since="4.20.0")
    bgppeers = Given("its BGP peers", type="list", since="4.20.0")
    keepmacaddressonpublicnic = Column("keep_mac_on_public_nic", "whether new routers keep the public MAC address",
                                       since="4.23.0")
    dnszone = Given("DNS zone of its Instances", type="string", since="4.23.0")
    dnssubdomain = Given("subdomain of its Instances in the DNS zone", type="string", since="4.23.0")


class NetworkPermissionsView(View):
    name = "networkpermission"

    networkid = Given("ID of the network", type="string")
    domainid = Given("ID of the account's domain", type="string")
    domain = Given("name of the account's domain", type="string")
    account = Given("account that may use the network", type="string")
    accountid = Given("ID of that account", type="string")
    project = Given("name of the project that may use the network", type="string")
    projectid = Given("ID of that project", type="string")


class NetworkProtocolView(View):
    name = "networkprotocol"

    index = Given("number of the protocol or ICMP type", type="integer")
    name_ = Given("keyword of the protocol", type="string")
    description = Given("what it is", type="string")
    details = Given("names of the ICMP type's codes, by number", type="map")
