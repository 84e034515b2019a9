"""What the API shows of a zone."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.database import rows
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.services.storage import access
from cloudapi.views.common import DetailMap, Tags
from cloudapi.views.zone.place import AccessGroups, Capacities, HasAnnotations, setting_loader

load_settings = setting_loader({
    "allowuserspecifyvrmtu": "allow.end.users.to.specify.vr.mtu",
    "routerprivateinterfacemaxmtu": "vr.private.interface.max.mtu",
    "routerpublicinterfacemaxmtu": "vr.public.interface.max.mtu",
    "routedmodeenabled": "routed.network.vpc.enabled"}, "zone")


def load_architectures(page: Page) -> dict[int, bool]:
    marks = ",".join("?" * len(page.ids))
    return {zone_id: count > 1 for zone_id, count in rows(
        f"SELECT zone_id, COUNT(DISTINCT arch) FROM cluster WHERE removed IS NULL AND zone_id IN ({marks}) "
        "GROUP BY zone_id", page.ids)}


class ZoneView(View):
    record, name = Zone, "zone"
    links = {"domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the zone")
    name_ = Column("name", "name of the zone")
    description = Column("description", "what the zone is")
    displaytext = Given("what the zone is; clients before 4 read it", type="string")
    dns1 = Column("dns1", "first DNS server of its Instances", admin=True)
    dns2 = Column("dns2", "second DNS server of its Instances", admin=True)
    ip6dns1 = Column("ip6_dns1", "first DNS server over IPv6", admin=True)
    ip6dns2 = Column("ip6_dns2", "second DNS server over IPv6", admin=True)
    internaldns1 = Column("internal_dns1", "first DNS server of its system VMs", admin=True)
    internaldns2 = Column("internal_dns2", "second DNS server of its system VMs", admin=True)
    guestcidraddress = Column("guest_cidr", "CIDR of its isolated networks", admin=True)
    domain = Column("network_domain", "DNS domain of its networks")
    domainid = Column("domain_.uuid", "domain that alone may use it")
    domainname = Column("domain_.name", "name of the domain that alone may use it")
    networktype = Column("network_type", "Basic or Advanced")
    securitygroupsenabled = Column("security_groups", "whether its shared networks have security groups")
    allocationstate = Column("allocation_state", "whether Instances may be placed in it")
    zonetoken = Column("zone_token", "token of the zone")
    dhcpprovider = Column("dhcp_provider", "who serves DHCP in it")
    localstorageenabled = Column("local_storage", "whether disks may lie on the hosts themselves")
    type = Column("kind", "Core or Edge", since="4.18.0")
    capacity = Capacities("zone")
    tags = Tags("Zone", since="4.3")
    icon = Given("icon of the zone", type="resourceiconresponse", since="4.16.0.0")
    resourcedetails = DetailMap("Zone", "details of the zone", hidden=lambda name: name == access.NAME, since="4.3.0")
    hasannotations = HasAnnotations()
    storageaccessgroups = AccessGroups("Zone")
    allowuserspecifyvrmtu = Batch(load_settings, "whether users may set a router's MTU", key="allowuserspecifyvrmtu",
                                  type="boolean", since="4.18.0")
    routerprivateinterfacemaxmtu = Batch(load_settings, "greatest MTU of a router's guest side", type="integer",
                                         key="routerprivateinterfacemaxmtu", since="4.18.0")
    routerpublicinterfacemaxmtu = Batch(load_settings, "greatest MTU of a router's public side", type="integer",
                                        key="routerpublicinterfacemaxmtu", since="4.18.0")
    routedmodeenabled = Batch(load_settings, "whether networks in it may be routed instead of behind NAT",
                              key="routedmodeenabled", type="boolean", since="4.20.1")
    ismultiarch = Batch(load_architectures, "whether its clusters have several CPU architectures", default=False,
                        type="boolean", since="4.20")
    isnsxenabled = Computed(lambda uuid: False, "uuid", help="whether NSX serves its networks", type="boolean",
                            since="4.20.0")
    provider = Given("external provider of its networks", type="string", since="4.21.0")
    asnrange = Given("AS numbers of its routed networks", type="string")
    gputotal = Given("GPUs of its hosts", type="long", since="4.21")
    gpuused = Given("GPUs that are taken", type="long", since="4.21")
