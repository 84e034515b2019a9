"""New virtual routers: the offering, the template and the NICs that a network's router gets."""

from __future__ import annotations

from typing import Any

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ResourceUnavailable
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Cluster, Host, Zone
from cloudapi.models.machine import Machine, Router
from cloudapi.models.network import IpAddress, Network, NetworkServiceProvider, Nic, VirtualRouterElement
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import Template
from cloudapi.services.network import network as networks
from cloudapi.services.network import system
from cloudapi.services.public_ip import public_ip

OFFERING, LOCAL_OFFERING = "Cloud.Com-SoftwareRouter", "Cloud.Com-SoftwareRouter-Local"


def create(context: Context, network: Network) -> Machine:
    """Write a router for a network, Stopped. Within a transaction.

    :raises ResourceUnavailable: the provider is off in the zone, or there is no template for routers.
    :raises InsufficientCapacity: no address for it.
    """
    from cloudapi.services.virtual_machine import allocate

    zone = Zone.get_by_id(network.zone_id)
    element = _element(network)
    machine = allocate.allocate_system(
        context, "DomainRouter", "r", zone, offering(context, network), template(context, zone),
        _nics(context, network), account=Account.get_by_id(network.account_id), ha=True)
    nics = {nic.traffic_type: nic for nic in Nic.alive(Nic.vm_id == machine.id)}
    public, guest = nics.get("Public"), nics.get("Guest")
    Router.create(machine_id=machine.id, network=network.id, element_id=element.id if element is not None else None,
                  public_ip=public.ip4 if public else None, public_netmask=public.netmask if public else None,
                  guest_ip=guest.ip4 if guest else None, is_redundant=bool(network.redundant_router))
    if public is not None:
        IpAddress.update(mac_address=public.mac_address).where(
            IpAddress.network_id == network.id, IpAddress.is_source_nat == True).execute()  # noqa: E712
    events.completed(context, "ROUTER.CREATE",
                     f"creating virtual router {machine.name} ({machine.uuid}) of network {network.uuid}", machine)
    return machine


def _nics(context: Context, network: Network) -> list[tuple[Network, dict[str, Any]]]:
    """Return the networks of a router in the order of its devices: guests, control, public."""
    behind = networks.has_service(network, "SourceNat")
    is_gateway = behind or networks.has_service(network, "Gateway")
    guest: dict[str, Any] = {"default": not behind}
    if network.router_ip:
        guest["ip4"] = network.router_ip
    elif is_gateway and not network.redundant_router:
        guest["ip4"] = network.gateway
    found = [(network, guest), (system.of(context, network.zone_id, system.CONTROL), {})]
    if behind:
        address = public_ip.ensure_source_nat(context, network)
        kept = address.mac_address if network.keep_mac_on_public_nic and not network.redundant_router else None
        found.append((system.of(context, network.zone_id, system.PUBLIC),
                      {"ip4": address.ip, "default": True, "mac": kept}))
    return found


def _element(network: Network) -> VirtualRouterElement | None:
    """Return the element that provides routers on the network's physical network.

    :raises ResourceUnavailable: it, or its provider, is not enabled.
    """
    if network.physical_network_id is None:
        return None
    provider = NetworkServiceProvider.alive(NetworkServiceProvider.physical_network == network.physical_network_id,
                                            NetworkServiceProvider.provider_name == "VirtualRouter").first()
    element = None if provider is None else VirtualRouterElement.alive(
        VirtualRouterElement.provider == provider.id).order_by(VirtualRouterElement.id).first()
    if provider is None or provider.state != "Enabled" or element is None or not element.enabled:
        raise ResourceUnavailable("The provider VirtualRouter is not enabled on the physical network of "
                                  f"{network.uuid}: "
                                  "a router cannot be made")
    return element


def offering(context: Context, network: Network) -> ServiceOffering:
    """Return the offering of a network's routers: the network offering's, the setting's, or the default."""
    if network.offering.service_offering_id is not None:
        return ServiceOffering.get_by_id(network.offering.service_offering_id)
    chosen = context.settings.get("router.service.offering", account=network.account_id, domain=network.domain_id)
    if chosen:
        found = ServiceOffering.alive(ServiceOffering.uuid == chosen).first()
        if found is not None:
            return found
    local = context.settings.get("system.vm.use.local.storage", zone=network.zone_id)
    return ServiceOffering.get(ServiceOffering.unique_name == (LOCAL_OFFERING if local else OFFERING))


def template(context: Context, zone: Zone) -> Template:
    """Return the router template of a hypervisor that runs in the zone.

    :raises ResourceUnavailable: none is ready.
    """
    from cloudapi.services.template import image

    chosen = context.settings.get("system.vm.default.hypervisor", zone=zone.id)
    up = Host.select(Host.cluster).where(Host.zone == zone.id, Host.status == "Up", Host.kind == "Routing",
                                         Host.removed.is_null())
    kinds = list(dict.fromkeys(row.hypervisor_type for row in Cluster.alive(
        Cluster.zone == zone.id, Cluster.id.in_(up)).order_by(Cluster.id)))
    failure = ResourceUnavailable(f"No host is up in zone {zone.name} that could run a router")
    for kind in sorted(kinds, key=lambda item: item != chosen):
        try:
            return image.system_template(zone, kind)
        except ResourceUnavailable as error:
            failure = error
    raise failure
