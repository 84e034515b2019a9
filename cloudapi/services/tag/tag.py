"""Tags: names with values that users put on resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import new_uuid
from cloudapi.models.common import ResourceTag
from cloudapi.models.identity import Account, Domain, Project, User
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.machine import AffinityGroup, InstanceGroup, Machine
from cloudapi.models.network import IpAddress, Network, Nic
from cloudapi.models.offering import DiskOffering, NetworkOffering, ServiceOffering
from cloudapi.models.rule import FirewallRule, PortForwardingRule
from cloudapi.models.storage import ImageStore, Snapshot, SnapshotPolicy, StoragePool, Template, Volume

# CloudStack's name of each kind, as tags and details write it.
KINDS: dict[str, type] = {
    "UserVm": Machine, "Template": Template, "ISO": Template, "Volume": Volume, "Snapshot": Snapshot,
    "SnapshotPolicy": SnapshotPolicy, "Network": Network, "Nic": Nic, "PublicIpAddress": IpAddress,
    "FirewallRule": FirewallRule, "PortForwardingRule": PortForwardingRule, "Project": Project, "Zone": Zone,
    "Pod": Pod, "Cluster": Cluster, "Host": Host, "Storage": StoragePool, "ImageStore": ImageStore,
    "ServiceOffering": ServiceOffering, "DiskOffering": DiskOffering, "NetworkOffering": NetworkOffering,
    "AffinityGroup": AffinityGroup, "InstanceGroup": InstanceGroup, "Domain": Domain, "User": User,
    "Account": Account}


def kind_named(name: str) -> str:
    """Return the kind of this name, in any case.

    :raises InvalidParameter: there is none.
    """
    for kind in KINDS:
        if kind.lower() == name.strip().lower():
            return kind
    raise InvalidParameter(f"Invalid resource type {name[:60]} (parameter resourcetype): it is one of "
                           f"{', '.join(sorted(KINDS))}")


def resources(kind: str, uuids: Sequence[str]) -> list[Any]:
    """Return the resources of a kind.

    :raises InvalidParameter: one does not exist.
    """
    record: Any = KINDS[kind]
    found = []
    for uuid in dict.fromkeys(uuids):
        one = record.alive(record.uuid == uuid).first()
        if one is None or (record is Template and (one.format == "ISO") != (kind == "ISO")):
            raise InvalidParameter(f"Unable to find {kind} by the resource id {uuid[:64]} of parameter resourceids")
        found.append(one)
    return found


def owner(context: Context, resource: Any) -> tuple[int, int]:
    """Return the account and the domain to which a resource's tags belong."""
    account_id, domain_id = getattr(resource, "account_id", None), getattr(resource, "domain_id", None)
    if isinstance(resource, Nic):
        machine = Machine.get_by_id(resource.vm_id)
        account_id, domain_id = machine.account_id, machine.domain_id
    if account_id is None or domain_id is None:
        account_id, domain_id = context.caller.account_id, context.caller.domain_id
    return account_id, domain_id


def create(context: Context, kind: str, tagged: Sequence[Any], tags: Mapping[str, str], customer: str | None) -> None:
    """Put all tags on all resources, or none. Within a transaction.

    :raises InvalidParameter: no tags, an empty key, or a resource has a tag of the same key.
    """
    if not tags:
        raise InvalidParameter("parameter tags is empty")
    for key in tags:
        if not key.strip() or len(key) > 255 or len(tags[key] or "") > 255:
            raise InvalidParameter("parameter tags: a key has 1 to 255 characters, a value at most 255")
    for resource in tagged:
        account_id, domain_id = owner(context, resource)
        taken = {row.name for row in ResourceTag.select(ResourceTag.name).where(
            ResourceTag.resource_type == kind, ResourceTag.resource_id == resource.id)}
        for key, value in tags.items():
            if key in taken:
                raise InvalidParameter(f"tag {key} already on {kind} with id {resource.uuid}")
            ResourceTag.create(
                uuid=new_uuid(), resource_type=kind, resource_id=resource.id, resource_uuid=resource.uuid, name=key,
                value=value, customer=customer, account_id=account_id, domain_id=domain_id)


def delete(kind: str, tagged: Sequence[Any], tags: Mapping[str, str] | None) -> None:
    """Take tags off the resources: those named (where a value is given, only with it), or all.

    :raises InvalidParameter: there is none to take off.
    """
    query = ResourceTag.select().where(
        ResourceTag.resource_type == kind, ResourceTag.resource_id.in_([resource.id for resource in tagged]))
    doomed = [row.id for row in query if tags is None
              or (row.name in tags and tags[row.name] in ("", None, row.value))]
    if not doomed:
        raise InvalidParameter("Unable to find any tags which conform to specified delete parameters.")
    ResourceTag.delete().where(ResourceTag.id.in_(doomed)).execute()


def remove_all(kind: str, resource_id: int) -> None:
    """Take all tags off a resource that goes."""
    ResourceTag.delete().where(ResourceTag.resource_type == kind, ResourceTag.resource_id == resource_id).execute()


