"""What the API shows of a zone."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, Page, View
from cloudapi.models.database import rows
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.views.common import DetailMap, Tags


def load_capacities(page: Page) -> dict[int, list[dict[str, object]]]:
    if not getattr(page.arguments, "showcapacities", False) or not page.ids:
        return {}
    marks = ",".join("?" * len(page.ids))
    found: dict[int, list[dict[str, object]]] = {}
    for zone_id, kind, total, used in rows(
            f"SELECT zone_id, kind, SUM(total), SUM(used + reserved) FROM capacity WHERE zone_id IN ({marks}) "
            "GROUP BY zone_id, kind ORDER BY zone_id, kind", page.ids):
        share = 100 * used / total if total else 0
        found.setdefault(zone_id, []).append({
            "type": kind, "capacitytotal": int(total), "capacityused": int(used), "percentused": f"{share:.2f}"})
    return found


class ZoneView(View):
    record, name = Zone, "zone"
    links = {"domain": ("domain_id", Domain)}

    id = Column("uuid", "ID of the zone")
    name_ = Column("name", "name of the zone")
    description = Column("description", "what the zone is")
    dns1 = Column("dns1", "first DNS server of its Instances", admin=True)
    dns2 = Column("dns2", "second DNS server of its Instances", admin=True)
    ip6dns1 = Column("ip6_dns1", "first DNS server over IPv6", admin=True)
    ip6dns2 = Column("ip6_dns2", "second DNS server over IPv6", admin=True)
    internaldns1 = Column("internal_dns1", "first DNS server of its system VMs", admin=True)
    internaldns2 = Column("internal_dns2", "second DNS server of its system VMs", admin=True)
    guestcidraddress = Column("guest_cidr", "CIDR of its isolated networks", admin=True)
    domain = Column("network_domain", "DNS domain of its networks")
    domainid = Column("domain.uuid", "domain that alone may use it")
    domainname = Column("domain.name", "name of the domain that alone may use it")
    networktype = Column("network_type", "Basic or Advanced")
    securitygroupsenabled = Column("security_groups", "whether its shared networks have security groups")
    allocationstate = Column("allocation_state", "whether Instances may be placed in it")
    zonetoken = Column("zone_token", "token of the zone", admin=True)
    dhcpprovider = Column("dhcp_provider", "who serves DHCP in it")
    localstorageenabled = Column("local_storage", "whether disks may lie on the hosts themselves")
    type = Column("kind", "Core or Edge")
    sortkey = Column("sort_key", "its place in lists")
    capacity = Batch(load_capacities, "capacities, where asked for", type="list")
    tags = Tags("Zone")
    resourcedetails = DetailMap("Zone", "details of the zone")
    allowuserspecifyvrmtu = Computed(lambda uuid: False, "uuid", help="whether users may set a router's MTU")
