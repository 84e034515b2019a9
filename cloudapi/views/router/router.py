"""What the API shows of virtual routers and the elements that provide them."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, fetch, stamp
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Pod
from cloudapi.models.machine import Machine
from cloudapi.models.network import VirtualRouterElement
from cloudapi.views.common import ProjectOwnedView, pretty_path
from cloudapi.views.nic.nic import NicView
from cloudapi.views.zone.place import HasAnnotations

PREFIXES = {"Public": "public", "Control": "linklocal", "Guest": "guest"}


class RouterHealthCheckResultView(View):
    name = "routerhealthcheckresult"

    checkname = Given("name of the check", type="string")
    checktype = Given("basic or advanced", type="string")
    success = Given("whether it passed", type="boolean")
    status = Given("SUCCESS or FAILURE", type="string", since="4.20.0")
    lastupdated = Given("when it was done", type="date")
    details = Given("what it found", type="string")


class RouterHealthCheckResultsListView(View):
    name = "routerhealthchecks"

    routerid = Given("ID of the router", type="string")
    healthchecks = Given("results of the checks", type="list", nested=RouterHealthCheckResultView)


def check(name: str, kind: str, success: Any, details: str | None, moment: int) -> dict[str, Any]:
    return {"checkname": name, "checktype": kind, "success": bool(success), "details": details or "",
            "status": "SUCCESS" if success else "FAILURE", "lastupdated": stamp(moment)}


def load_health(page: Page) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    columns = ("id", "name", "kind", "success", "details", "checked")
    for machine_id, _, name, kind, success, details, moment in sorted(
            fetch("router_health_check", columns, page.ids, key="machine_id"), key=lambda row: row[1]):
        found.setdefault(machine_id, []).append(check(name, kind, success, details, moment))
    return found


def load_failed(page: Page) -> dict[int, bool]:
    return {key: any(not item["success"] for item in items) for key, items in load_health(page).items()}


def load_wanted_health(page: Page) -> dict[int, list[dict[str, Any]]]:
    """The results, where the list asks for them."""
    return load_health(page) if getattr(page.arguments, "fetchhealthcheckresults", False) else {}


def load_nics(page: Page) -> dict[int, dict[str, Any]]:
    """The NICs, and the older fields that repeat those of the guest, control and public one."""
    owners = {row[1]: row[0] for row in sorted(
        (row for row in fetch("nic", ("id", "removed"), page.ids, key="vm_id") if row[2] is None),
        key=lambda row: row[1])}
    found: dict[int, dict[str, Any]] = {key: {"nics": []} for key in page.ids}
    shown = {nic["id"]: nic for nic in NicView.render(page.context, list(owners))}
    domains = {row[0]: row for row in fetch("network", ("network_domain",), {row[1] for row in fetch(
        "nic", ("network_id",), list(owners))})}
    for nic_id, uuid, network_id in fetch("nic", ("uuid", "network_id"), list(owners)):
        nic, fields = shown[uuid], found[owners[nic_id]]
        fields["nics"].append(nic)
        prefix = PREFIXES.get(nic["traffictype"])
        if prefix is None or f"{prefix}_ip" in fields:
            continue
        fields |= {f"{prefix}_ip": nic.get("ipaddress"), f"{prefix}_mac": nic.get("macaddress"),
                   f"{prefix}_netmask": nic.get("netmask"), f"{prefix}_network": nic.get("networkid"),
                   f"{prefix}_name": nic.get("networkname")}
        if prefix == "public":
            fields["gateway"] = nic.get("gateway")
        if prefix == "guest":
            fields["domain"] = domains[network_id][1] if network_id in domains else None
        found[owners[nic_id]] = fields
    for fields in found.values():
        fields["nics"].sort(key=lambda nic: int(nic["deviceid"]))
    return found


def load_routers(page: Page) -> dict[int, dict[str, Any]]:
    found = {}
    zones = dict(fetch("machine", ("zone_id",), page.ids, key="id"))
    required = {zone: page.context.settings.get("minreq.sysvmtemplate.version", zone=zone) for zone in zones.values()}
    for machine_id, redundant, state, role, version, scripts, software in fetch(
            "router", ("is_redundant", "redundant_state", "role", "template_version", "scripts_version",
                       "software_version"), page.ids, key="machine_id"):
        found[machine_id] = {
            "redundant": bool(redundant), "state": state, "role": role, "version": version or "UNKNOWN",
            "scripts": scripts, "software": software,
            "upgrade": version is None or older(version, required[zones[machine_id]])}
    return found


def older(version: str, required: str | None) -> bool:
    """Whether a version, as `4.20.1`, is under another."""
    def parts(text: str) -> list[int]:
        return [int(part) for part in text.split(".") if part.isdecimal()]

    return parts(version) < parts(required or "")


def control_state(status: str | None, resource_state: str | None) -> str | None:
    """Return in one word whether a host can be worked with."""
    if status is None:
        return None
    if resource_state in ("Maintenance", "PrepareForMaintenance", "ErrorInMaintenance", "ErrorInPrepareForMaintenance"):
        return "Maintenance"
    if status != "Up":
        return "Offline"
    return "Disabled" if resource_state == "Disabled" else "Enabled"


def nic_field(key: str, help: str) -> Batch:
    return Batch(load_nics, help, key=key, type="string")


class DomainRouterView(ProjectOwnedView, View):
    record, name = Machine, "router"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain), "pod": ("pod_id", Pod)}

    hasannotations = HasAnnotations()
    id = Column("uuid", "ID of the router")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    dns1 = Column("zone.dns1", "first DNS server")
    dns2 = Column("zone.dns2", "second DNS server")
    ip6dns1 = Column("zone.ip6_dns1", "first DNS server over IPv6")
    ip6dns2 = Column("zone.ip6_dns2", "second DNS server over IPv6")
    networkdomain = nic_field("domain", "DNS domain of its guest network")
    gateway = nic_field("gateway", "gateway of its public address")
    name_ = Column("name", "name of the router")
    podid = Column("pod.uuid", "ID of its pod")
    podname = Column("pod.name", "name of its pod", since="4.13.2")
    hostid = Column("host.uuid", "ID of its host")
    hostname = Column("host.name", "name of its host")
    hostcontrolstate = Computed(control_state, "host.status", "host.resource_state", type="string",
                                help="whether its host can be worked with")
    hypervisor = Column("hypervisor_type", "hypervisor of its host")
    linklocalip = nic_field("linklocal_ip", "control address")
    linklocalmacaddress = nic_field("linklocal_mac", "MAC of the control NIC")
    linklocalnetmask = nic_field("linklocal_netmask", "netmask of the control address")
    linklocalnetworkid = nic_field("linklocal_network", "ID of the control network")
    publicip = nic_field("public_ip", "public address")
    publicmacaddress = nic_field("public_mac", "MAC of the public NIC")
    publicnetmask = nic_field("public_netmask", "netmask of the public address")
    publicnetworkid = nic_field("public_network", "ID of the public network")
    guestipaddress = nic_field("guest_ip", "address in the guest network")
    guestmacaddress = nic_field("guest_mac", "MAC of the guest NIC")
    guestnetmask = nic_field("guest_netmask", "netmask of the guest network")
    guestnetworkid = nic_field("guest_network", "ID of the guest network")
    guestnetworkname = nic_field("guest_name", "name of the guest network")
    templateid = Column("template.uuid", "ID of its template")
    templatename = Column("template.name", "name of its template", since="4.13.2")
    created = Column("created", "when it was made", type="date")
    state = Column("state", "state of the machine")
    account = Column("account_.account_name", "account that owns it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    serviceofferingid = Column("service_offering.uuid", "ID of its offering")
    serviceofferingname = Column("service_offering.name", "name of its offering")
    isredundantrouter = Batch(load_routers, "whether it is one of a pair", key="redundant", type="boolean")
    redundantstate = Batch(load_routers, "PRIMARY, BACKUP or UNKNOWN", key="state", type="string")
    version = Batch(load_routers, "version of its template", key="version", type="string")
    scriptsversion = Batch(load_routers, "version of its scripts", key="scripts", type="string")
    vpcid = Given("ID of its VPC", type="string")
    vpcname = Given("name of its VPC", type="string")
    role = Batch(load_routers, "VIRTUAL_ROUTER, LB or INTERNAL_LB_VM", key="role", type="string")
    nic = Batch(load_nics, "its NICs", key="nics", type="list", nested=NicView, since="4.0")
    requiresupgrade = Batch(load_routers, "whether it is older than this cloud needs", key="upgrade", type="boolean")
    healthchecksfailed = Batch(load_failed, "whether a health check failed", type="boolean", default=False)
    healthcheckresults = Batch(load_wanted_health, "results of its health checks", type="list", since="4.14",
                               nested=RouterHealthCheckResultView)
    softwareversion = Batch(load_routers, "version of its software", key="software", type="string")
    arch = Column("arch", "architecture of its CPU", since="4.20.1")


class _ElementView(View):
    record = VirtualRouterElement

    id = Column("uuid", "ID of the element")
    nspid = Column("provider.uuid", "ID of its service provider")
    enabled = Column("enabled", "whether it is enabled")
    account = Given("account that owns it", type="string")
    projectid = Given("ID of the project that owns it", type="string")
    project = Given("name of the project that owns it", type="string")
    domainid = Given("ID of the domain that owns it", type="string")
    domain = Given("name of the domain that owns it", type="string")
    domainpath = Given("path of the domain that owns it", type="string", since="4.19.2.0")


class VirtualRouterProviderView(_ElementView):
    name = "virtualrouterelement"


class OvsProviderView(_ElementView):
    name = "ovselement"
