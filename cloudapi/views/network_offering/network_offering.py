"""What the API shows of a network offering."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Page, View
from cloudapi.models.database import rows
from cloudapi.models.offering import NetworkOffering
from cloudapi.services.network_offering.service_map import has_internal_lb
from cloudapi.services.physical_network.catalogue import SERVICES
from cloudapi.views.common import DetailMap
from cloudapi.views.network.network import NetworkServiceView
from cloudapi.views.offering.common import scope_loader
from cloudapi.views.zone.place import HasAnnotations

ROUTER_OFFERING = "Cloud.Com-SoftwareRouter"

load_scope = scope_loader("NetworkOffering", "path")


def load_rates(page: Page) -> dict[int, int]:
    """The rate of a network's NICs: the offering's, else the setting's; 0 and -1 are unlimited, shown as -1."""
    default = int(page.context.settings.get("network.throttling.rate"))
    return {key: (default if rate is None else rate) or -1 for key, rate in page.values("network_rate").items()}


def load_router_offerings(page: Page) -> dict[int, str]:
    """The service offering of its routers: its own, else the default."""
    chosen = page.values("service_offering_id")
    wanted = sorted({key for key in chosen.values() if key is not None})
    marks = ",".join("?" * len(wanted)) or "NULL"
    found = rows("SELECT s.id, s.uuid, s.unique_name FROM service_offering s WHERE s.unique_name = ? OR s.id IN "
                 f"({marks})", [ROUTER_OFFERING, *wanted])
    uuids = {row[0]: row[1] for row in found}
    default = next((row[1] for row in found if row[2] == ROUTER_OFFERING), None)
    shown = {key: uuids.get(offering, default) for key, offering in chosen.items()}
    return {key: value for key, value in shown.items() if value is not None}


def services(offered: dict[str, list[str]] | None, chosen: dict[str, dict[str, str]] | None) -> list[dict[str, Any]]:
    """Return the services with their providers, and the capabilities that the offering chooses."""
    return [{"name": name, "provider": [{"name": provider} for provider in providers], "capability": [
        {"name": capability, "value": value, "canchooseservicecapability": SERVICES[name].get(capability, False)}
        for capability, value in (chosen or {}).get(name, {}).items()]}
        for name, providers in (offered or {}).items() if name != "Gateway"]


class NetworkOfferingView(View):
    record, name = NetworkOffering, "networkoffering"

    id = Column("uuid", "ID of the network offering")
    name_ = Column("name", "name of the network offering")
    displaytext = Column("display_text", "what the network offering is")
    tags = Computed(lambda tags: tags or None, "tags", help="tag of the physical network that it chooses",
                    type="string")
    created = Column("created", "when it was made")
    traffictype = Column("traffic_type", "kind of traffic of its networks")
    isdefault = Column("is_default", "whether it came with the installation")
    specifyvlan = Column("specify_vlan", "whether a network's maker names its VLAN")
    conservemode = Column("conserve_mode", "whether a public address may serve several services")
    specifyipranges = Column("specify_ip_ranges", "whether a network's maker names its ranges of addresses")
    availability = Column("availability", "Required or Optional")
    networkrate = Batch(load_rates, "data rate of its networks in Mbit/s; -1 is unlimited", type="integer",
                        needs=("network_rate",))
    state = Column("state", "Enabled or Disabled")
    guestiptype = Column("guest_type", "Isolated, Shared or L2")
    serviceofferingid = Batch(load_router_offerings, "ID of the service offering of its routers", type="string",
                              needs=("service_offering_id",))
    service = Computed(services, "services", "capabilities", help="services of its networks", type="list",
                       nested=NetworkServiceView)
    forvpc = Column("for_vpc", "whether it is for tiers of VPCs")
    fornsx = Computed(lambda uuid: False, "uuid", help="whether NSX provides its services", type="boolean")
    fortungsten = Computed(lambda uuid: False, "uuid", help="whether Tungsten-Fabric provides its services",
                           type="boolean")
    networkmode = Column("network_mode", "NATTED or ROUTED")
    ispersistent = Column("is_persistent", "whether a network runs without Instances, too")
    details = DetailMap("NetworkOffering", "further details", since="4.2.0")
    egressdefaultpolicy = Column("egress_default_policy", "whether traffic out of its networks is allowed by default")
    maxconnections = Column("max_connections", "most connections of the load balancer at once")
    supportsstrechedl2subnet = Computed(
        lambda chosen: (chosen or {}).get("Connectivity", {}).get("StretchedL2Subnet") == "true", "capabilities",
        help="whether a network may span zones", type="boolean", since="4.4")
    supportspublicaccess = Column("supports_public_access", "whether Instances are reached from outside directly",
                                  since="4.10.0")
    supportsinternallb = Computed(lambda offered, chosen: has_internal_lb(offered or {}, chosen or {}), "services",
                                  "capabilities", help="whether load balancers serve inside a VPC", type="boolean",
                                  since="4.20.0")
    domainid = Batch(load_scope, "domains that it is for; absent for all", key="domainid", type="string")
    domain = Batch(load_scope, "paths of the domains that it is for", key="domain", type="string")
    zoneid = Batch(load_scope, "zones that it is in; absent for all", key="zoneid", type="string", since="4.13.0")
    zone = Batch(load_scope, "names of the zones that it is in", key="zone", type="string", since="4.13.0")
    internetprotocol = Column("internet_protocol", "IPv4, IPv6 or DualStack")
    specifyasnumber = Column("specify_as_number", "whether a network's maker names its AS number")
    routingmode = Column("routing_mode", "Static or Dynamic")
    hasannotations = HasAnnotations()
