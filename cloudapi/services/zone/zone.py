"""The rules of zones."""

from __future__ import annotations

import ipaddress
from typing import Any

from cloudapi.context import DOMAIN_ADMIN, ROOT_DOMAIN, SYSTEM_ACCOUNT, Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied, UnsupportedAction
from cloudapi.models.base import new_uuid, now
from cloudapi.models.common import Annotation
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Capacity, Host, Pod, PodIpAddress, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, IpRange, Network, PhysicalNetwork, TrafficType
from cloudapi.models.offering import NetworkOffering
from cloudapi.models.storage import ImageStore, TemplateZone, Volume
from cloudapi.services import detail
from cloudapi.services.storage import access
from cloudapi.services.vlan import subnet
from cloudapi.services.zone.domain_name import check_domain_name

# How the networks of each traffic type that every zone has reach their hosts.
SYSTEM_NETWORKS = {"Public": "Vlan", "Management": "Native", "Control": "LinkLocal", "Storage": "Native"}

# The detail with the domains that routers tell Instances to search, with commas between them.
SEARCH_ORDER = "network.guestnetwork.dns.search.order"

Dns = tuple[str | None, str | None]


def check_guest_cidr(context: Context, cidr: str, parameter: str = "guestcidraddress") -> str:
    """Return the CIDR of guest networks as it is written everywhere.

    :raises InvalidParameter: it is none, or of public addresses while the setting
        `allow.non.rfc1918.compliant.ips` does not let them through.
    """
    try:
        network = ipaddress.IPv4Network(cidr.strip(), strict=False)
    except ValueError:
        network = None
    if network is None or "/" not in cidr or network.prefixlen in (0, 32):
        raise InvalidParameter(f"Please enter a valid guest cidr: {cidr[:64]!r} for parameter {parameter} is none")
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    if not context.settings.get("allow.non.rfc1918.compliant.ips") \
            and not any(network.subnet_of(ipaddress.IPv4Network(outer)) for outer in private):
        raise InvalidParameter(f"Please enter a valid guest cidr: {cidr[:64]} for parameter {parameter} is outside of "
                               "the private ranges (RFC 1918)")
    return f"{cidr.strip().split('/')[0]}/{network.prefixlen}"


def _check_dns(servers: dict[str, str | None]) -> None:
    for name, value in servers.items():
        if value:
            (subnet.ip6 if name.startswith("ip6") else subnet.ip4)(value, name)


def _check_name(name: str, own_id: int | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("Invalid value for parameter name: a zone needs a name")
    same = Zone.alive(Zone.name == name).first()
    if same is not None and same.id != own_id:
        raise InvalidParameter(f"A zone with that name already exists: {name}. Please specify a unique zone name.")


def create(context: Context, name: str, network_type: str, *, dns: Dns, ip6_dns: Dns, internal_dns: Dns,
           guest_cidr: str | None, network_domain: str | None, domain: Domain | None, allocation_state: str | None,
           security_groups: bool, local_storage: bool, edge: bool, storage_access_groups: list[str] | None) -> Zone:
    """Make a zone with the networks that every zone has. Within a transaction.

    :raises InvalidParameter: the name is taken, an address is none, or something does not go with the network type.
    :raises UnsupportedAction: its guests were to have security groups.
    """
    if security_groups:
        # Who asks for them relies on them: guests without them would be open to each other.
        raise UnsupportedAction("securitygroupenabled: this installation has no security groups to keep the guests of "
                                "a zone apart")
    basic = network_type == "Basic"
    if basic and guest_cidr is not None:
        raise InvalidParameter("guestcidraddress parameter is not supported for Basic zone")
    if basic and edge:
        raise InvalidParameter("isedge is for zones with networktype Advanced: a Basic zone cannot be an edge zone")
    if guest_cidr is not None:
        guest_cidr = check_guest_cidr(context, guest_cidr)
    if network_domain:
        check_domain_name(network_domain, "domain")
    _check_name(name)
    _check_dns({"dns1": dns[0], "dns2": dns[1], "ip6dns1": ip6_dns[0], "ip6dns2": ip6_dns[1],
                "internaldns1": internal_dns[0], "internaldns2": internal_dns[1]})
    zone: Zone = Zone.create(
        name=name, network_type=network_type, dns1=dns[0], dns2=dns[1], ip6_dns1=ip6_dns[0], ip6_dns2=ip6_dns[1],
        internal_dns1=internal_dns[0], internal_dns2=internal_dns[1], guest_cidr=guest_cidr,
        network_domain=network_domain, domain_id=domain.id if domain else None,
        allocation_state=allocation_state or "Disabled", security_groups=security_groups,
        local_storage=local_storage, zone_token=new_uuid(), kind="Edge" if edge else "Core")
    access.put(zone, storage_access_groups or [])
    create_system_networks(context, zone)
    return zone


def create_system_networks(context: Context, zone: Zone) -> None:
    """Make the zone's networks for public, management, control and storage traffic. Within a transaction."""
    offerings = NetworkOffering.alive(NetworkOffering.system_only == True)  # noqa: E712
    for offering in offerings.order_by(NetworkOffering.id):
        traffic = offering.traffic_type
        if traffic not in SYSTEM_NETWORKS:
            continue
        # With security groups guests are on the public network themselves, there is none beside it.
        if traffic == "Public" and zone.network_type == "Advanced" and zone.security_groups:
            continue
        control = traffic == "Control"
        Network.create(
            zone=zone, offering=offering, traffic_type=traffic, broadcast_domain_type=SYSTEM_NETWORKS[traffic],
            mode="Static", state="Setup", account_id=SYSTEM_ACCOUNT, domain_id=ROOT_DOMAIN, acl_type="Domain",
            gateway=context.settings.get("control.gateway") if control else None,
            cidr=context.settings.get("control.cidr") if control else None)


def update(context: Context, zone: Zone, values: dict[str, Any]) -> Zone:
    """Change a zone. Within a transaction.

    :param values: by the names of `updateZone`'s parameters.
    :raises InvalidParameter: as `create` does, or the zone cannot be enabled yet.
    """
    changes: dict[str, Any] = {}
    if values.get("name") is not None:
        _check_name(values["name"], zone.id)
        changes["name"] = values["name"]
    servers = {name: values[name] for name in values
               if name in ("dns1", "dns2", "ip6dns1", "ip6dns2", "internaldns1", "internaldns2")}
    _check_dns(servers)
    columns = {"dns1": "dns1", "dns2": "dns2", "ip6dns1": "ip6_dns1", "ip6dns2": "ip6_dns2",
               "internaldns1": "internal_dns1", "internaldns2": "internal_dns2", "dhcpprovider": "dhcp_provider",
               "localstorageenabled": "local_storage", "sortkey": "sort_key"}
    changes.update({column: values[name] for name, column in columns.items() if name in values})
    if values.get("guestcidraddress") is not None:
        changes["guest_cidr"] = check_guest_cidr(context, values["guestcidraddress"])
    if "domain" in values:
        if values["domain"]:
            check_domain_name(values["domain"], "domain")
        changes["network_domain"] = values["domain"] or None
    if values.get("ispublic"):
        changes.update(domain_id=None, account_id=None)
    if values.get("allocationstate") is not None:
        if values["allocationstate"] == "Enabled" and zone.allocation_state != "Enabled":
            _check_ready(zone)
        changes["allocation_state"] = values["allocationstate"]
    details = dict(values.get("details") or {})
    if values.get("dnssearchorder") is not None:
        for suffix in values["dnssearchorder"]:
            check_domain_name(suffix, "dnssearchorder")
        details[SEARCH_ORDER] = ",".join(values["dnssearchorder"])
    if changes:
        Zone.update(changes).where(Zone.id == zone.id).execute()
    detail.put(zone, details)
    return Zone.get_by_id(zone.id)


def _check_ready(zone: Zone) -> None:
    """Check that the traffic which a zone cannot do without has a physical network.

    Storage traffic goes with the management traffic where nobody said otherwise.
    """
    carried = {row.traffic_type: row for row in TrafficType.alive().join(
        PhysicalNetwork, on=(PhysicalNetwork.id == TrafficType.physical_network)).where(
        PhysicalNetwork.zone == zone.id, PhysicalNetwork.removed.is_null())}
    wanted = ["Management"]
    if zone.network_type == "Advanced" and not zone.security_groups:
        wanted.append("Public")
    for traffic in wanted:
        if traffic not in carried:
            raise InvalidParameter(f"Cannot enable this Zone since: Unable to find the default physical network with "
                                   f"traffic type {traffic} in zone id={zone.uuid}")
    if "Storage" not in carried:
        management = carried["Management"]
        TrafficType.create(physical_network=management.physical_network_id, traffic_type="Storage",
                           labels=management.labels, vlan=management.vlan, isolation_method="VLAN")


def delete(context: Context, zone: Zone) -> None:
    """Delete a zone that nothing is left in. Within a transaction.

    :raises InternalError: something is.
    """
    checks = (
        (Host.alive(Host.zone == zone.id), "there are servers in this zone."),
        (Pod.alive(Pod.zone == zone.id), "there are pods in this zone."),
        (PodIpAddress.select().join(Pod, on=(Pod.id == PodIpAddress.pod)).where(
            Pod.zone == zone.id, PodIpAddress.taken.is_null(False)),
         "there are private IP addresses allocated in this zone."),
        (IpAddress.alive(IpAddress.zone == zone.id, IpAddress.state != "Free"),
         "there are public IP addresses allocated in this zone."),
        (Machine.alive(Machine.zone == zone.id), "there are virtual machines in this zone."),
        (Volume.alive(Volume.zone == zone.id), "there are storage volumes in this zone."),
        (PhysicalNetwork.alive(PhysicalNetwork.zone == zone.id), "there are physical networks in this zone."),
        (ImageStore.alive(ImageStore.zone == zone.id), "there are Secondary storages in this zone"),
    )
    for query, reason in checks:
        if query.exists():
            raise InternalError(f"The zone cannot be deleted because {reason}")
    moment = now()
    ranges = [row.id for row in IpRange.alive(IpRange.zone == zone.id)]
    if ranges:
        IpAddress.update(removed=moment).where(IpAddress.ip_range.in_(ranges)).execute()
        IpRange.update(removed=moment).where(IpRange.id.in_(ranges)).execute()
    Network.update(removed=moment).where(Network.zone == zone.id, Network.removed.is_null()).execute()
    TemplateZone.update(removed=moment).where(TemplateZone.zone == zone.id, TemplateZone.removed.is_null()).execute()
    Capacity.delete().where(Capacity.zone_id == zone.id).execute()
    Annotation.update(removed=moment).where(Annotation.entity_uuid == zone.uuid).execute()
    detail.remove(zone)
    Zone.update(removed=moment).where(Zone.id == zone.id).execute()


def check_usable(context: Context, zone: Zone, owner: Account | None = None) -> None:
    """Refuse to place something into a zone that is disabled, or belongs to another domain.

    :param owner: for whom; the caller where it is not given.
    :raises PermissionDenied: 531.
    """
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.uuid}")
    if zone.domain_id is not None and not context.caller.is_root_admin:
        domain = Domain.get_by_id(owner.domain_id if owner is not None else context.caller.domain_id)
        if not domain.path.startswith(Domain.get_by_id(zone.domain_id).path):
            raise PermissionDenied(f"Zone {zone.uuid} is dedicated to another domain")


def mark_default(context: Context, account: Account, zone: Zone) -> Account:
    """Make a zone the one that an account uses where it names none. Within a transaction.

    :raises InvalidParameter: the zone is dedicated to a domain that is not the account's.
    """
    if zone.domain_id is not None and not Domain.get_by_id(account.domain_id).path.startswith(
            Domain.get_by_id(zone.domain_id).path):
        raise InvalidParameter(f"Zone {zone.uuid} is dedicated to another domain than that of account "
                               f"{account.account_name}")
    Account.update(default_zone_id=zone.id).where(Account.id == account.id).execute()
    account.default_zone_id = zone.id
    return account


def visible(context: Context) -> tuple[str, tuple[Any, ...]] | None:
    """Return the condition of the zones that the caller may see; None for all.

    A zone that is dedicated to a domain is seen in it and below, and by the admins above. Where the setting
    `allow.user.view.all.zones` of the caller's domain is false, those that are not dedicated are not seen.
    """
    caller = context.caller
    if caller.is_root_admin:
        return None
    names = [part for part in caller.domain_path.split("/") if part]
    paths = ["/", *("/" + "/".join(names[:index]) + "/" for index in range(1, len(names) + 1))]
    condition = f"d.path IN ({','.join('?' * len(paths))})"
    values: list[Any] = list(paths)
    if caller.role_type == DOMAIN_ADMIN:
        condition += " OR d.path LIKE ?"
        values.append(caller.domain_path + "%")
    dedicated = f"t.domain_id IN (SELECT d.id FROM domain d WHERE {condition})"
    if context.settings.get("allow.user.view.all.zones", domain=caller.domain_id):
        return f"(t.domain_id IS NULL OR {dedicated})", tuple(values)
    return dedicated, tuple(values)
