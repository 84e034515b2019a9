"""What the API shows of public addresses and of their quarantine."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, fetch
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network, QuarantinedIp
from cloudapi.views.common import ProjectOwnedView, Tags, pretty_path
from cloudapi.views.zone.place import HasAnnotations


def load_machines(page: Page) -> dict[int, dict[str, Any]]:
    """The Instance behind static NAT, or the system VM that has the address."""
    owners = {key: vm for key, vm in page.values("vm_id").items() if vm is not None}
    found = {row[0]: row for row in fetch("machine", ("uuid", "name", "display_name", "kind"),
                                          sorted(set(owners.values())))}
    return {key: {"id": found[vm][1], "name": found[vm][2], "display": found[vm][3] or found[vm][2],
                  "type": found[vm][4]} for key, vm in owners.items() if vm in found}


def load_rules(page: Page) -> dict[int, dict[str, Any]]:
    """What the address is used for, as far as it has one use, and whether it has rules."""
    if not page.ids:
        return {}
    marks = ",".join("?" * len(page.ids))
    found: dict[int, dict[str, Any]] = {key: {"rules": False} for key in page.ids}
    for table, purpose in (("firewall_rule", "Firewall"), ("port_forwarding_rule", "PortForwarding")):
        for row in rows(f"SELECT DISTINCT ip_address_id FROM {table} WHERE removed IS NULL AND ip_address_id IN "
                        f"({marks})",
                        page.ids):
            found[row[0]] = {"rules": True, "purpose": purpose}
    for key, one_to_one in page.values("is_static_nat").items():
        if one_to_one:
            found[key]["purpose"] = "StaticNat"
    return found




class IPAddressView(ProjectOwnedView, View):
    record, name = IpAddress, "ipaddress"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain), "network": ("network_id", Network),
             "source": ("source_network_id", Network), "vm": ("vm_id", Machine)}

    hasannotations = HasAnnotations()
    id = Column("uuid", "ID of the address")
    ipaddress = Column("ip", "the address")
    allocated = Column("allocated", "when it was acquired", type="date")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    issourcenat = Column("is_source_nat", "whether its network's Instances appear behind it")
    account = Column("account_.account_name", "account that has it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    forvirtualnetwork = Computed(lambda kind: kind == "VirtualNetwork", "ip_range.kind", type="boolean",
                                 help="whether it is public, not one of a shared network")
    vlanid = Column("ip_range.uuid", "ID of its range", admin=True)
    vlanname = Column("ip_range.vlan", "VLAN of its range", admin=True)
    isstaticnat = Column("is_static_nat", "whether it leads to one Instance alone")
    issystem = Column("is_system", "whether a system VM has it")
    virtualmachineid = Batch(load_machines, "ID of the machine that it leads to", key="id", needs=("vm_id",))
    virtualmachinetype = Batch(load_machines, "kind of that machine", key="type", since="4.19.0")
    vmipaddress = Column("vm_ip", "address of the Instance that it leads to")
    virtualmachinename = Batch(load_machines, "name of that machine", key="name")
    virtualmachinedisplayname = Batch(load_machines, "display name of that machine", key="display")
    associatednetworkid = Column("network.uuid", "ID of the network that uses it")
    associatednetworkname = Column("network.name", "name of the network that uses it")
    networkid = Column("source.uuid", "ID of the network that it comes from")
    state = Column("state", "Free, Reserved, Allocating, Allocated or Releasing")
    physicalnetworkid = Column("ip_range.physical_network.uuid", "ID of the physical network that carries it",
                               admin=True)
    purpose = Batch(load_rules, "what it is used for", key="purpose", type="string", needs=("is_static_nat",))
    vpcid = Given("ID of the VPC that uses it", type="string")
    vpcname = Given("name of the VPC that uses it", type="string", since="4.13.2")
    tags = Tags("PublicIpAddress")
    isportable = Computed(lambda uuid: False, "uuid", type="boolean", help="whether it can move between zones")
    fordisplay = Column("for_display", "whether users see it", since="4.4", admin=True)
    networkname = Column("source.name", "name of the network that it comes from")
    hasrules = Batch(load_rules, "whether rules use it", key="rules", type="boolean")
    forsystemvms = Column("ip_range.for_system_vms", "whether its range is for system VMs")
    forprovider = Computed(lambda provider: provider is not None, "ip_range.provider", type="boolean", since="4.21.0",
                           help="whether its range is an external provider's")


class IpQuarantineView(View):
    record, name = QuarantinedIp, "quarantinedip"
    links = {"address": ("ip_address_id", IpAddress), "owner": ("previous_owner_id", Account),
             "remover": ("remover_account_id", Account)}

    id = Column("uuid", "ID of the quarantine")
    ipaddress = Column("address.ip", "the address")
    previousownerid = Column("owner.uuid", "ID of the account that had it")
    previousownername = Column("owner.account_name", "name of the account that had it")
    created = Column("created", "when it began", type="date")
    removed = Column("removed", "when it was removed", type="date")
    enddate = Column("end_date", "when it ends", type="date")
    removalreason = Column("removal_reason", "why it was removed")
    removeraccountid = Column("remover.uuid", "ID of the account that removed it")


class AcquirePodIpCmdView(View):
    name = "acquirepodip"

    ipaddress = Given("the address", type="string")
    podid = Given("number of its pod", type="long")
    gateway = Given("gateway of the pod", type="string")
    cidr = Given("CIDR of the pod", type="string")
    nicid = Given("number of the NIC that has it", type="long")
    hostmac = Given("MAC address for it, as a number", type="long")
    id = Given("number of the address, by which it is released", type="long")
