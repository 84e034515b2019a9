"""What every installation begins with: the root domain, roles, system accounts, offerings, guest operating systems."""

from __future__ import annotations

import json
from collections.abc import Collection
from importlib.resources import files
from typing import Any

from cloudapi.models.base import Table, new_uuid, now
from cloudapi.models.identity import Account, Domain, Role, User
from cloudapi.models.infrastructure import (
    GuestOs,
    GuestOsCategory,
    GuestOsMapping,
    HypervisorCapability,
    Region,
)
from cloudapi.models.offering import DiskOffering, NetworkOffering, ServiceOffering

GIB = 1 << 30
BATCH = 100


def load(name: str) -> Any:
    """Return the facts of one of the files beside this module."""
    return json.loads(files(__package__).joinpath(f"{name}.json").read_text())


def insert(table: type[Table], values: list[dict[str, Any]]) -> None:
    for start in range(0, len(values), BATCH):
        table.insert_many(values[start:start + BATCH]).execute()


def seed(end_point: str, providers: Collection[str]) -> None:
    """Fill an empty database. Within a transaction.

    :param end_point: the URL of the API, for the local region.
    :param providers: the network service providers that the program has.
    """
    identity()
    Region.create(id=1, name="Local", end_point=end_point, created=now())
    guest_systems()
    offerings()
    network_offerings(providers)


def identity() -> None:
    Domain.create(id=1, name="ROOT", parent_id=None, path="/", level=0, owner_id=2)
    for number, (name, kind, text) in enumerate((
            ("Root Admin", "Admin", "Default root admin role"),
            ("Resource Admin", "ResourceAdmin", "Default resource admin role"),
            ("Domain Admin", "DomainAdmin", "Default domain admin role"),
            ("User", "User", "Default user role")), 1):
        Role.create(id=number, name=name, role_type=kind, description=text, is_default=True)
    Account.create(id=1, account_name="system", account_type=1, role=1, domain=1, is_default=True)
    Account.create(id=2, account_name="admin", account_type=1, role=1, domain=1, is_default=True)
    User.create(id=1, username="system", account=1, domain_id=1, first_name="system", last_name="cloud",
                is_default=True)
    User.create(id=2, username="admin", account=2, domain_id=1, first_name="admin", last_name="cloud",
                email="", is_default=True)


def guest_systems() -> None:
    moment = now()
    insert(GuestOsCategory, [
        {"uuid": new_uuid(), "created": moment, "name": row["name"], "featured": row["featured"],
         "sort_key": row["sort_key"] or 0} for row in load("guest_os_categories")])
    categories = {row.name: row.id for row in GuestOsCategory.select()}
    insert(GuestOs, [
        {"uuid": new_uuid(), "created": moment, "category": categories[row["category"]],
         "display_name": row["display_name"], "for_display": row["for_display"]} for row in load("guest_os")])
    systems = {row.display_name: row.id for row in GuestOs.select(GuestOs.id, GuestOs.display_name)}
    insert(GuestOsMapping, [
        {"uuid": new_uuid(), "created": moment, "guest_os": systems[row["guest_os"]],
         "hypervisor_type": row["hypervisor"], "hypervisor_version": row["hypervisor_version"],
         "os_name": row["name_for_hypervisor"]} for row in load("guest_os_mappings") if row["guest_os"] in systems])
    insert(HypervisorCapability, [
        {"uuid": new_uuid(), "created": moment, "hypervisor_type": row["hypervisor"],
         "hypervisor_version": row["hypervisor_version"], "max_guests": row["max_guests_limit"],
         "max_data_volumes": row["max_data_volumes_limit"] or 6, "max_hosts_per_cluster": row["max_hosts_per_cluster"],
         "security_groups": row["security_group_enabled"], "storage_motion": row["storage_motion_enabled"],
         "vm_snapshots": row["vm_snapshot_enabled"]} for row in load("hypervisor_capabilities")])


def offerings() -> None:
    for row in load("disk_offerings"):
        DiskOffering.create(
            name=row["name"], unique_name=row["unique_name"], display_text=row["display_text"],
            disk_size=(row["disk_size_gb"] or 0) * GIB, is_custom=row["is_customized"],
            is_custom_iops=row["is_customized_iops"], use_local_storage=row["storage_type"] == "local",
            provisioning_type=row["provisioning_type"], tags=row["storage_tags"] or "", display=row["display_offering"])
    for row in load("service_offerings"):
        disk = DiskOffering.create(
            name=row["name"], unique_name=f"{row['unique_name']}-root" if row["unique_name"] else None,
            display_text=row["display_text"], compute_only=True, is_custom=True,
            use_local_storage=row["storage_type"] == "local", provisioning_type=row["provisioning_type"],
            tags=row["storage_tags"] or "")
        ServiceOffering.create(
            name=row["name"], unique_name=row["unique_name"], display_text=row["display_text"], cpu=row["cpu_number"],
            speed=row["cpu_speed_mhz"], memory=row["memory_mb"], network_rate=row["network_rate_mbps"],
            offer_ha=row["offer_ha"], limit_cpu_use=row["limit_cpu_use"], is_volatile=row["is_volatile"],
            host_tag=row["host_tags"], default_use=row["default_use"], system_use=row["is_system"],
            vm_type=row["system_vm_type"], deployment_planner=row["deployment_planner"],
            dynamic_scaling=row["dynamic_scaling_enabled"], disk_offering_id=disk.id)


def network_offerings(known: Collection[str]) -> None:
    """Make CloudStack's default offerings, but for those whose providers this program does not have."""
    for row in load("network_offerings"):
        if not all(provider in known for providers in row["services"].values() for provider in providers):
            continue
        NetworkOffering.create(
            name=row["name"], unique_name=row["unique_name"], display_text=row["display_text"], state=row["state"],
            availability=row["availability"], guest_type=row["guest_type"], traffic_type=row["traffic_type"],
            is_default=row["is_default"], system_only=row["is_system"], specify_vlan=row["specify_vlan"],
            specify_ip_ranges=row["specify_ip_ranges"], conserve_mode=row["conserve_mode"],
            is_persistent=row["is_persistent"], for_vpc=row["for_vpc"], redundant_router=row["redundant_router"],
            egress_default_policy=row["egress_default_policy_allow"], keepalive=row["keepalive_enabled"],
            max_connections=row["max_connections"], network_rate=row["network_rate_mbps"],
            multicast_rate=row["multicast_rate_mbps"], tags=row["tags"] or "",
            internet_protocol=row["internet_protocol"], network_mode=row["network_mode"],
            routing_mode=row["routing_mode"], supports_public_access=row["supports_public_access"],
            services=row["services"], capabilities=row["service_capabilities"])
