"""Making an Instance: everything is checked and written in one transaction, then it is started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, PermissionDenied
from cloudapi.models.base import new_uuid, now
from cloudapi.models.common import ResourceTag
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, SshKeyPair
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import AffinityGroup, AffinityGroupMember, InstanceGroup, Machine, MachineKeyPair
from cloudapi.models.network import Network
from cloudapi.models.storage import Template
from cloudapi.placement.demand import Plan
from cloudapi.services import detail
from cloudapi.services.offering.scope import check_usable
from cloudapi.services.virtual_machine import (
    allocate,
    count,
    drive,
    hostname,
    lease,
    life,
    password,
    setting,
    size,
    user_data,
)
from cloudapi.services.virtual_machine.order import NicOrder, Order
from cloudapi.services.volume import disk, removal
from cloudapi.services.zone import zone as zones
from cloudapi.states.base import transition

BOOT_TYPES, BOOT_MODES = ("BIOS", "UEFI"), ("LEGACY", "SECURE")


def create(context: Context, order: Order) -> Machine:
    """Write an Instance, Stopped, with its disks and NICs. Within a transaction.

    :raises InvalidParameter: anything that was asked for cannot be.
    :raises PermissionDenied: the zone or the owner is disabled.
    :raises ResourceLimitExceeded: the owner has as much as allowed.
    """
    owner, zone, offering, template = order.owner, order.zone, order.offering, order.template
    _check_owner(context, owner, zone)
    drive.check(context, order)
    for each in (offering, order.root_offering, *(disk_order.offering for disk_order in order.disks)):
        if each is not None:
            check_usable(owner, each, zone)
    hypervisor = _hypervisor(order)
    chosen = size.of(context, offering, order.details)
    setting.check(context, order.details)
    networks = _nics(context, order)
    uuid = order.uuid or new_uuid()
    if order.name:
        hostname.check(order.name)
    name = order.name or hostname.default(context, uuid)
    hostname.check_unique(context, name, owner, [nic.network for nic in networks])
    boot_type, boot_mode = boot(order.boot_type, order.boot_mode)
    data = user_data.choose(context, order.user_data, order.user_data_record, order.user_data_details, template)
    keys = key_pairs(owner, order.key_names)
    _check_service(order, networks, data.content, bool(keys))
    expiry, action = lease.of_new(context, offering, order.lease_duration, order.lease_action)
    machine = allocate.write(
        uuid=uuid, kind="User", name=name, display_name=order.display_name or order.name or name, account_id=owner.id,
        domain_id=owner.domain_id, zone=zone.id, user_id=context.caller.user_id, service_offering=offering.id,
        template=template.id if template is not None else None,
        iso_id=template.id if template is not None and template.format == "ISO" else None,
        guest_os=template.guest_os_id if template is not None else None, hypervisor_type=hypervisor,
        disk_offering_id=order.disks[0].offering.id if order.disks else None, cpu=chosen.cpu, speed=chosen.speed,
        memory=chosen.memory, ha_enabled=offering.offer_ha, limit_cpu_use=offering.limit_cpu_use,
        dynamically_scalable=order.dynamic_scaling and scalable(context, offering, template, zone.id),
        display=order.display, user_data=data.content, user_data_id=data.record_id, user_data_details=data.details,
        boot_type=boot_type, boot_mode=boot_mode, arch=template.arch if template is not None else "x86_64",
        planner=order.planner or offering.deployment_planner, lease_expiry=expiry, lease_action=action)
    allocate.rename(machine, hostname.instance_name(context, owner.id, machine.id, order.name),
                    group_id=_group(owner, order.group))
    if not count.only_running(context):
        count.take(context, machine, account=owner)
    drive.allocate(context, order, machine)
    _add_nics(context, machine, networks)
    _add_details(context, order, machine)
    _add_keys(machine, keys)
    _add_password(context, order, machine)
    _add_affinity(context, order, machine)
    return machine


def _check_owner(context: Context, owner: Account, zone: Zone) -> None:
    if owner.state != "enabled":
        raise PermissionDenied(f"The owner of vm to deploy is disabled: {owner.account_name}")
    zones.check_usable(context, zone, owner)


def _hypervisor(order: Order) -> str:
    template, asked = order.template, order.hypervisor
    present = template.hypervisor_type if template is not None else None
    if template is None and order.volume is not None:
        present = order.volume.hypervisor_type
    if present in (None, "None", "Any"):
        if not asked:
            raise InvalidParameter("Hypervisor parameter is needed to deploy VM or the hypervisor parameter value "
                                   "passed is invalid")
        return asked
    if asked and asked.lower() != str(present).lower():
        raise InvalidParameter("Hypervisor passed to the deployVm call, is different from the hypervisor type of the "
                               "Template")
    return str(present)


def boot(kind: str | None, mode: str | None) -> tuple[str, str]:
    """Return the boot type and mode as machines keep them.

    :raises InvalidParameter: UEFI without a mode, or a secure start of a BIOS.
    """
    if kind is None or kind.upper() == "BIOS":
        if mode is not None and mode.upper() == "SECURE":
            raise InvalidParameter("Invalid boot mode Secure for boot type BIOS: bootmode")
        return "Bios", "Legacy"
    if mode is None:
        raise InvalidParameter("bootmode is needed with boot type UEFI: LEGACY or SECURE")
    return "UEFI", mode.capitalize()


def scalable(context: Context, offering: Any, template: Template | None, zone_id: int) -> bool:
    """Whether a machine can be scaled while it runs: offering, template and setting agree."""
    return bool(offering.dynamic_scaling and template is not None and template.dynamically_scalable
                and context.settings.get("enable.dynamic.scale.vm", zone=zone_id))


def _nics(context: Context, order: Order) -> list[NicOrder]:
    """Return the NICs to make, the default one first, with the addresses that were asked for."""
    from cloudapi.services.network import network as networks
    from cloudapi.services.network import permission

    found = order.nics
    if not found:
        found = [NicOrder(network) for network in networks.default_networks(context, order.owner, order.zone)]
    for nic in found:
        if nic.network.zone_id != order.zone.id:
            raise InvalidParameter(f"Network {nic.network.uuid} doesn't belong to zone {order.zone.uuid}")
        if nic.network.traffic_type != "Guest":
            raise InvalidParameter(f"Network id={nic.network.uuid} is system only and can't be used for vm deployment")
        permission.check_use(context, order.owner, nic.network)
    if len({nic.network.id for nic in found}) != len(found):
        raise InvalidParameter("A network can be given once only: networkids")
    if found and (order.ip4 or order.ip6 or order.mac):
        first = found[0]
        first.ip4, first.ip6, first.mac = first.ip4 or order.ip4, first.ip6 or order.ip6, first.mac or order.mac
    for uuid, options in order.dhcp_options.items():
        nic = next((nic for nic in found if nic.network.uuid == uuid), None)  # type: ignore[assignment]
        if nic is None:
            raise InvalidParameter(f"VM does not has a nic in the Network ({uuid}) that is specified in the extra dhcp "
                                   "options: dhcpoptionsnetworklist")
        nic.dhcp_options = options
    return found


def _check_service(order: Order, nics: list[NicOrder], data: str | None, keys: bool) -> None:
    """User data, keys and passwords reach a guest through its default network."""
    from cloudapi.services.network import network as networks

    if not nics:
        return
    first = nics[0].network
    place = f"there is no support for UserData service in the default network {first.name}/{first.uuid}"
    supported = networks.has_service(first, "UserData")
    if data and not supported and order.user_data:
        raise InvalidParameter(f"Unable to deploy VM as UserData is provided while deploying the VM, but {place}")
    if keys and not supported:
        raise InvalidParameter(f"Unable to deploy VM as SSH keypair is provided while deploying the VM, but {place}")
    if order.template is not None and order.template.password_enabled and not supported:
        raise InvalidParameter(f"Unable to deploy VM as template {order.template.uuid} is password enabled, "
                               f"but {place}")


def _add_nics(context: Context, machine: Machine, orders: list[NicOrder]) -> None:
    from cloudapi.services.nic import nic as nics

    for number, order in enumerate(orders):
        nics.allocate(context, machine, order.network, ip4=order.ip4, ip6=order.ip6, mac=order.mac, default=number == 0,
                      device_id=number, dhcp_options=order.dhcp_options)


def key_pairs(owner: Account, names: Any) -> list[SshKeyPair]:
    """Return the owner's key pairs of these names.

    :raises InvalidParameter: one is missing.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    found = {pair.name: pair for pair in SshKeyPair.alive(SshKeyPair.account_id == owner.id,
                                                          SshKeyPair.name.in_(wanted))}
    if len(found) != len(wanted):
        missing = ", ".join(name for name in wanted if name not in found)
        raise InvalidParameter(f"Not all specified keypairs exist: {missing}")
    return [found[name] for name in wanted]


def _add_keys(machine: Machine, keys: list[SshKeyPair]) -> None:
    for pair in keys:
        MachineKeyPair.create(machine=machine.id, name=pair.name, public_key=pair.public_key)


def _add_password(context: Context, order: Order, machine: Machine) -> None:
    if order.template is not None and order.template.password_enabled:
        password.put(context, machine, order.password or password.generate(context))


def _add_details(context: Context, order: Order, machine: Machine) -> None:
    kept = setting.without_size(order.details)
    if size.is_dynamic(order.offering):
        kept |= {size.CPU: str(machine.cpu), size.SPEED: str(machine.speed), size.MEMORY: str(machine.memory)}
    if order.root_size:
        kept["rootdisksize"] = str(order.root_size)
    kept |= order.system_details
    if machine.boot_type == "UEFI":
        kept["UEFI"] = machine.boot_mode.upper()
    if kept:
        detail.put(machine, kept)
    setting.put_extra(context, machine, order.extra_config)
    if order.copy_image_tags and order.template is not None:
        for tag in ResourceTag.select().where(
                ResourceTag.resource_type.in_(("Template", "ISO")), ResourceTag.resource_id == order.template.id):
            ResourceTag.create(uuid=new_uuid(), resource_type="UserVm", resource_id=machine.id,
                               resource_uuid=machine.uuid, name=tag.name, value=tag.value, customer=tag.customer,
                               account_id=machine.account_id, domain_id=machine.domain_id)


def _group(owner: Account, name: str | None) -> int | None:
    """Return the id of the owner's Instance group of this name, made where there is none."""
    if not name:
        return None
    found = InstanceGroup.alive(InstanceGroup.account_id == owner.id, InstanceGroup.name == name).first()
    made = found or InstanceGroup.create(account_id=owner.id, domain_id=owner.domain_id, name=name)
    return int(made.id)


join_group = _group


def _add_affinity(context: Context, order: Order, machine: Machine) -> None:
    if order.affinity_groups and order.affinity_names:
        raise InvalidParameter("affinitygroupids parameter is mutually exclusive with affinitygroupnames parameter")
    groups = list(order.affinity_groups)
    for name in order.affinity_names:
        found = AffinityGroup.alive(AffinityGroup.account_id == order.owner.id, AffinityGroup.name == name).first()
        if found is None:
            raise InvalidParameter(f"Unable to find affinity group by name {name}: affinitygroupnames")
        groups.append(found)
    for group in {group.id: group for group in groups}.values():
        if group.acl_type == "Domain":
            if group.domain_id != order.owner.domain_id:
                raise PermissionDenied(f"Affinity Group {group.uuid} does not belong to the VM's domain")
        elif group.account_id != order.owner.id:
            raise PermissionDenied(f"Affinity Group {group.uuid} does not belong to the VM's account")
        AffinityGroupMember.create(group=group.id, machine=machine.id, created=now())


def start(context: Context, machine: Machine, plan: Plan, check: Callable[[], object]) -> Machine:
    """Start an Instance that was just made; where that fails it is in state Error, its disks are given up.

    :param check: what must hold before; its refusal is a failed deployment too.
    :raises ApiError: as `life.start` does.
    """
    plan.planner = plan.planner or machine.planner
    try:
        check()
        return life.start(context, machine, plan=plan)
    except ApiError:
        transact(lambda: _failed(context, machine))
        raise


def _failed(context: Context, made: Machine) -> None:
    machine = Machine.get_by_id(made.id)
    if machine.state != "Stopped":
        return
    if not count.only_running(context):
        count.give_back(context, machine)
    transition(machine, "OperationFailedToError", updated=now())
    for volume in disk.of_machine(machine, "Allocated"):
        removal.destroy(context, volume)
        removal.expunged(context, volume.id)
    events.went_wrong(context, "VM.CREATE", f"deploying Instance {machine.uuid}: it could not be started", machine)


def network_of(uuid: str, zone: Zone) -> Network:
    """Return the network that a row of `iptonetworklist` names.

    :raises InvalidParameter: there is none.
    """
    found = Network.alive(Network.uuid == uuid).first()
    if found is None:
        raise InvalidParameter(f"Unable to find network by id {uuid[:64]} in zone {zone.uuid}")
    return found


