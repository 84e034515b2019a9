"""What the API shows of physical networks, their traffic and providers, and their storage ranges."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.database import rows
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Pod
from cloudapi.models.network import (
    Network,
    NetworkServiceProvider,
    PhysicalNetwork,
    StorageIpRange,
    TrafficType,
)
from cloudapi.services.physical_network import catalogue, vlan
from cloudapi.views.network.network import NetworkServiceView


class PhysicalNetworkView(View):
    record, name = PhysicalNetwork, "physicalnetwork"
    links = {"domain": ("domain_id", Domain)}

    id = Column("uuid", "ID of the physical network")
    name_ = Column("name", "name of the physical network")
    broadcastdomainrange = Column("broadcast_domain_range", "ZONE or POD")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    state = Column("state", "Enabled or Disabled")
    vlan = Computed(lambda ranges: vlan.text_of(ranges) or None, "vlan_ranges",
                    help="VLANs that its isolated networks take, as 100-200,300-310", type="string")
    domainid = Column("domain.uuid", "ID of the domain that has it")
    tags = Computed(lambda tags: tags or None, "tags", help="its tag", type="string")
    isolationmethods = Computed(lambda methods: ",".join(methods or []) or None, "isolation_methods",
                                help="how it keeps networks apart", type="string")
    networkspeed = Column("network_speed", "its speed")


def label(hypervisor: str, shown: str) -> Computed:
    return Computed(lambda labels: (labels or {}).get(hypervisor), "labels",
                    help=f"name of the bridge on {shown} hosts", type="string")


class TrafficTypeView(View):
    record, name = TrafficType, "traffictype"

    id = Column("uuid", "ID of the traffic type")
    traffictype = Column("traffic_type", "Guest, Public, Management, Storage or Control")
    physicalnetworkid = Column("physical_network.uuid", "ID of the physical network that carries it")
    xennetworklabel = label("xenserver", "XenServer")
    kvmnetworklabel = label("kvm", "KVM")
    vmwarenetworklabel = label("vmware", "VMware")
    hypervnetworklabel = label("hyperv", "Hyper-V")
    ovm3networklabel = label("ovm3", "OVM3")
    vlan = Column("vlan", "VLAN of the traffic")
    isolationmethods = Computed(lambda methods: ",".join(methods or []) or None, "physical_network.isolation_methods",
                                help="how it is kept apart", type="string")


def load_destinations(page: Page) -> dict[int, str]:
    wanted = {key: value for key, value in page.values("destination_physical_network_id").items() if value}
    if not wanted:
        return {}
    marks = ",".join("?" * len(wanted))
    uuids = dict(rows(f"SELECT p.id, p.uuid FROM physical_network p WHERE p.id IN ({marks})", list(wanted.values())))
    return {key: uuids[value] for key, value in wanted.items() if value in uuids}


class ProviderView(View):
    record, name = NetworkServiceProvider, "networkserviceprovider"

    id = Column("uuid", "ID of the provider")
    name_ = Column("provider_name", "name of the provider")
    physicalnetworkid = Column("physical_network.uuid", "ID of its physical network")
    destinationphysicalnetworkid = Batch(load_destinations, "ID of the destination physical network",
                                         type="string", needs=("destination_physical_network_id",))
    state = Column("state", "Enabled or Disabled")
    servicelist = Column("services", "its services", type="list")
    canenableindividualservice = Computed(
        lambda name: catalogue.PROVIDERS[name].separable if name in catalogue.PROVIDERS else False, "provider_name",
        help="whether some of its services can be left out", type="boolean")


class ServiceView(NetworkServiceView):
    name = "networkservice"


class IsolationMethodView(View):
    name = "isolationmethod"

    name_ = Given("name of the isolation method", type="string")


class TrafficTypeImplementorView(View):
    name = "traffictypeimplementorresponse"

    traffictype = Given("the kind of traffic", type="string")
    traffictypeimplementor = Given("what makes its networks", type="string")


class StorageNetworkIpRangeView(View):
    record, name = StorageIpRange, "storagenetworkiprange"
    links = {"pod": ("pod_id", Pod), "network_": ("network_id", Network)}

    id = Column("uuid", "ID of the range")
    vlan = Column("vlan", "VLAN of the range")
    podid = Column("pod.uuid", "ID of the pod")
    startip = Column("start_ip", "first address")
    endip = Column("end_ip", "last address")
    gateway = Column("gateway", "gateway of the range")
    networkid = Column("network_.uuid", "ID of the storage network")
    zoneid = Column("zone.uuid", "ID of the zone")
    netmask = Column("netmask", "netmask of the range")
