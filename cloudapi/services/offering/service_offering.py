"""Service offerings: made, cloned, changed, taken from sale.

What clients ask for is a mapping from the API's parameters (`cpunumber`, `bytesreadrate`, …) to their values,
so that a clone is the source's own mapping with what was asked for put over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Host, HostTag
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.placement.tag import split, tag_refusal
from cloudapi.services import detail
from cloudapi.services.offering import compute, scope, storage

PURGE = "purge.db.entities"
EXTERNAL = "External:"
# Extra configuration of Instances that an offering may carry: what DPDK needs.
EXTRA_CONFIGURATION = ("extraconfig-dpdk-numa", "extraconfig-dpdk-hugepages", "extraconfig-dpdk-interface-")


def create(context: Context, asked: Mapping[str, Any]) -> ServiceOffering:
    """Make a service offering, and a disk offering for its root disks where none is named. Within a transaction.

    :raises InvalidParameter: names the parameter and its fault.
    """
    name = asked["name"]
    limits = compute.check(context, asked)
    domains = scope.topmost(asked.get("domainid") or [])
    columns = storage.columns(context, asked)
    if asked.get("offerha") and columns["use_local_storage"]:
        raise InvalidParameter("HA offering (offerha) with local storage (storagetype) is not supported")
    vm_type = compute.system_type(asked)
    rate = compute.check_network_rate(asked, vm_type)
    planner = compute.check_planner(asked.get("deploymentplanner"))
    days, action = compute.lease(context, asked)
    _check_gpu(asked)
    details = _details(asked, limits)
    host_tags = storage.clean_tags(asked.get("hosttags"))
    scope.check_maker(context, "service offering", domains, tagged=bool(columns["tags"] or host_tags))
    disk = asked.get("diskofferingid") or _root_disk_offering(context, asked, columns, vm_type)
    if disk.compute_only and asked.get("diskofferingid") is not None:
        raise InvalidParameter("Please specify a valid disk offering (diskofferingid): it is that of a service "
                               "offering")
    dynamic = asked.get("dynamicscalingenabled")
    made = ServiceOffering.create(
        name=name, display_text=asked.get("displaytext") or name, cpu=asked.get("cpunumber"),
        speed=asked.get("cpuspeed"), memory=asked.get("memory"), network_rate=rate,
        offer_ha=bool(asked.get("offerha")), limit_cpu_use=bool(asked.get("limitcpuuse")),
        is_volatile=bool(asked.get("isvolatile")), host_tag=host_tags or None, system_use=bool(asked.get("issystem")),
        vm_type=vm_type, deployment_planner=planner, dynamic_scaling=True if dynamic is None else dynamic,
        disk_offering_id=disk.id, disk_offering_strictness=bool(asked.get("diskofferingstrictness")),
        lease_duration=days, lease_expiry_action=action)
    detail.put(made, details)
    if asked.get("purgeresources"):
        detail.put(made, {PURGE: "true"}, display=False)
    scope.put(made, domains, asked.get("zoneid") or [])
    return made


def _check_gpu(asked: Mapping[str, Any]) -> None:
    for name in ("gpucount", "gpudisplay"):
        if asked.get(name):
            raise InvalidParameter(f"{name} goes with a vGPU profile (vgpuprofileid), of which there is none")


def _details(asked: Mapping[str, Any], limits: Mapping[str, int]) -> dict[str, str]:
    """Return what is kept as details: the limits, the given ones, those for external hypervisors.

    :raises InvalidParameter: one that Instances may not be given.
    """
    given = dict(asked.get("serviceofferingdetails") or {})
    if ("pciDevice" in given) != ("vgpuType" in given):
        raise InvalidParameter("Please specify the pciDevice and vgpuType correctly in serviceofferingdetails: both "
                               "or none")
    for name in given:
        if name.startswith("extraconfig") and not name.startswith(EXTRA_CONFIGURATION):
            raise InvalidParameter(f"Invalid serviceofferingdetails {name}: only extraconfig for DPDK are supported "
                                   "in service offering details")
    kept = {name: value for name, value in given.items() if name not in storage.DISK_DETAILS}
    return {**kept, **{name: str(value) for name, value in limits.items()}, **_external(asked)}


def _external(asked: Mapping[str, Any]) -> dict[str, str]:
    return {name if name.startswith(EXTERNAL) else EXTERNAL + name: value
            for name, value in (asked.get("externaldetails") or {}).items()}


def _root_disk_offering(context: Context, asked: Mapping[str, Any], columns: Mapping[str, Any],
                        vm_type: str | None) -> DiskOffering:
    size = storage.size_in_bytes(context, asked.get("rootdisksize"), "rootdisksize")
    if vm_type is not None:
        columns = {**columns, "is_custom_iops": False}
    made = DiskOffering.create(
        name=asked["name"], display_text=asked.get("displaytext") or asked["name"], disk_size=size, compute_only=True,
        encrypt=bool(asked.get("encryptroot")), **columns)
    storage.put_disk_details(made, asked.get("serviceofferingdetails") or {})
    return made


def asked_of(offering: ServiceOffering) -> dict[str, Any]:
    """Return the parameters with which an offering like this one is made."""
    disk = DiskOffering.get_by_id(offering.disk_offering_id)
    details = detail.get(offering)
    limits = {name: int(details.pop(name)) for name in compute.LIMITS if name in details}
    purge = details.pop(PURGE, None) == "true"
    found: dict[str, Any] = {
        "displaytext": offering.display_text, "cpunumber": offering.cpu, "cpuspeed": offering.speed,
        "memory": offering.memory, "customized": not (offering.cpu and offering.memory), **limits,
        "offerha": offering.offer_ha, "limitcpuuse": offering.limit_cpu_use, "isvolatile": offering.is_volatile,
        "hosttags": offering.host_tag, "issystem": offering.system_use, "systemvmtype": offering.vm_type,
        "networkrate": offering.network_rate, "deploymentplanner": offering.deployment_planner,
        "dynamicscalingenabled": offering.dynamic_scaling, "diskofferingstrictness": offering.disk_offering_strictness,
        "leaseduration": offering.lease_duration, "leaseexpiryaction": offering.lease_expiry_action,
        "purgeresources": purge, "domainid": scope.domains_of(offering), "zoneid": scope.zones_of(offering),
        "serviceofferingdetails": {name: value for name, value in details.items() if not name.startswith(EXTERNAL)},
        "externaldetails": {name: value for name, value in details.items() if name.startswith(EXTERNAL)}}
    if not disk.compute_only:
        return {**found, "diskofferingid": disk}
    found["serviceofferingdetails"].update(
        {name: value for name, value in detail.get(disk).items() if name in storage.DISK_DETAILS})
    return {**found, **storage.asked_of(disk), "rootdisksize": disk.disk_size // storage.GIB or None,
            "encryptroot": disk.encrypt}


def clone(context: Context, source: ServiceOffering, asked: Mapping[str, Any]) -> ServiceOffering:
    """Make an offering like the source, but for what is asked for. Within a transaction."""
    own = asked_of(source)
    if asked.get("customized") or any(asked.get(name) is not None for name in compute.LIMITS):
        own.update(cpunumber=None, memory=None, customized=True)
    elif asked.get("cpunumber") is not None and asked.get("memory") is not None:
        own.update(dict.fromkeys(compute.LIMITS), customized=False)
    if source.system_use:
        own.update(customizediops=None, hypervisorsnapshotreserve=None)
    if asked.get("diskofferingid") is None and own.get("diskofferingid") is not None and asked.get("rootdisksize"):
        own["diskofferingid"] = None
    details = {**own["serviceofferingdetails"], **(asked.get("serviceofferingdetails") or {})}
    return create(context, {**own, **asked, "serviceofferingdetails": details})


def update(context: Context, offering: ServiceOffering, asked: Mapping[str, Any]) -> ServiceOffering:
    """Change an offering. Within a transaction.

    :param asked: `name`, `displaytext`, `sortkey`, `state`, `storagetags`, `hosttags`, `domainid`, `zoneid`,
        `purgeresources`, `externaldetails`, `cleanupexternaldetails`; those that are None stay.
    """
    domains, zones = scope.parse_domains(asked.get("domainid")), scope.parse_zones(asked.get("zoneid"))
    described = any(asked.get(name) is not None for name in ("name", "displaytext", "sortkey"))
    domains = scope.check_changer(context, offering, domains, zones, described=described,
                                  tagged=bool(asked.get("storagetags") or asked.get("hosttags")))
    if domains:
        _check_users(offering, domains)
    changes = {column: asked[name] for name, column in (("name", "name"), ("displaytext", "display_text"),
                                                        ("sortkey", "sort_key"), ("state", "state"))
               if asked.get(name) is not None}
    disk = DiskOffering.get_by_id(offering.disk_offering_id)
    if asked.get("storagetags") is not None:
        tags = storage.clean_tags(asked["storagetags"])
        storage.check_new_tags(disk, tags)
        DiskOffering.update(tags=tags).where(DiskOffering.id == disk.id).execute()
    if disk.compute_only and "state" in changes:
        DiskOffering.update(state=changes["state"]).where(DiskOffering.id == disk.id).execute()
    if asked.get("hosttags") is not None:
        changes["host_tag"] = storage.clean_tags(asked["hosttags"]) or None
        _check_host_tags(offering, changes["host_tag"])
    if changes:
        ServiceOffering.update(**changes).where(ServiceOffering.id == offering.id).execute()
    scope.put(offering, domains, zones)
    _update_details(offering, asked)
    return ServiceOffering.get_by_id(offering.id)


def _update_details(offering: ServiceOffering, asked: Mapping[str, Any]) -> None:
    if asked.get("purgeresources") is not None:
        detail.remove(offering, PURGE)
        if asked["purgeresources"]:
            detail.put(offering, {PURGE: "true"}, display=False)
    if asked.get("cleanupexternaldetails") or asked.get("externaldetails"):
        old = [name for name in detail.get(offering) if name.startswith(EXTERNAL)]
        if old:
            detail.remove(offering, *old)
        if not asked.get("cleanupexternaldetails"):
            detail.put(offering, _external(asked))


def _check_users(offering: ServiceOffering, domains: list[Domain]) -> None:
    """Refuse to take an offering from domains whose Instances have it."""
    used = {row.domain_id for row in Machine.select(Machine.domain_id).where(
        Machine.service_offering == offering.id, Machine.removed.is_null()).distinct()}
    for domain in Domain.select().where(Domain.id.in_(list(used))):
        if not any(domain.path.startswith(wanted.path) for wanted in domains):
            raise InvalidParameter("There are Instances associated to this service offering outside of the specified "
                                   f"domains (domainid): in {domain.path}")


def _check_host_tags(offering: ServiceOffering, tags: str | None) -> None:
    """Refuse tags which a host that runs Instances of the offering does not bear."""
    wanted = split(tags)
    if not wanted:
        return
    for host in Host.select().join(Machine, on=(Machine.host == Host.id)).where(
            Machine.service_offering == offering.id, Machine.removed.is_null()).distinct():
        borne = list(HostTag.select().where(HostTag.host == host.id))
        rule = len(borne) == 1 and bool(borne[0].is_rule)
        if tag_refusal(wanted, [tag.tag for tag in borne], rule, "host") is not None:
            raise InvalidParameter(f"There are active VMs using offering {offering.uuid}, and the host {host.name} "
                                   f"({host.uuid}) doesn't have the new tags {tags} (hosttags)")


def delete(context: Context, offering: ServiceOffering) -> None:
    """Take an offering from sale; Instances that have it keep it. Within a transaction.

    :raises InvalidParameter: it is a default of system VMs, or not the caller's to delete.
    """
    if offering.default_use:
        raise InvalidParameter(f"The system service offering [{offering.display_text}] is marked for default use and "
                               "cannot be deleted")
    scope.check_remover(context, offering)
    DiskOffering.update(state="Inactive").where(
        DiskOffering.id == offering.disk_offering_id, DiskOffering.compute_only == True).execute()  # noqa: E712
    ServiceOffering.update(state="Inactive").where(ServiceOffering.id == offering.id).execute()
