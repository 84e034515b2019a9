"""Changing the properties of Instances."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, UserData
from cloudapi.models.infrastructure import GuestOs
from cloudapi.models.machine import Machine
from cloudapi.models.network import Nic
from cloudapi.services import detail
from cloudapi.services.virtual_machine import (
    count,
    deployment,
    hostname,
    lease,
    life,
    resizing,
    setting,
    size,
    user_data,
)

# Parameters of updateVirtualMachine that are columns of the machine.
COLUMNS = {"displayname": "display_name", "haenable": "ha_enabled", "displayvm": "display",
           "isdynamicallyscalable": "dynamically_scalable", "deleteprotection": "delete_protection", "name": "name",
           "instancename": "instance_name", "customid": "uuid"}


def update(context: Context, machine: Machine, given: Mapping[str, Any]) -> Machine:
    """Change an Instance. Within a transaction.

    :param given: the parameters of updateVirtualMachine that were sent, by name.
    :raises InvalidParameter: a change that is not possible.
    """
    if machine.state in ("Error", "Expunging"):
        raise InvalidParameter(f"Vm {machine.uuid} is not in the right state: {machine.state}")
    values = {column: given[name] for name, column in COLUMNS.items() if given.get(name) is not None}
    _check(context, machine, values)
    if "ostypeid" in given:
        values["guest_os"] = _guest_os(given["ostypeid"])
    if given.get("group") is not None:
        values["group_id"] = deployment.join_group(Account.get_by_id(machine.account_id), given["group"])
    values |= _user_data(context, machine, given.get("userdata"), given.get("userdataid"), given.get("userdatadetails"))
    if "display" in values and values["display"] != machine.display:
        _recount(context, machine, values["display"])
    if values:
        Machine.update(**values).where(Machine.id == machine.id).execute()
    found = life.again(machine)
    _details(context, found, given)
    _dhcp_options(context, found, given.get("dhcpoptionsnetworklist"))
    lease.update(context, found, given.get("leaseduration"), given.get("leaseexpiryaction"))
    _tell_guest(context, found, values)
    return life.again(machine)


def _check(context: Context, machine: Machine, values: dict[str, Any]) -> None:
    if values.get("ha_enabled") and not machine.service_offering.offer_ha:
        raise InvalidParameter("Can't enable ha for the vm as it's created from the Service offering having HA "
                               "disabled: haenable")
    if values.get("dynamically_scalable"):
        _check_scalable(context, machine)
    name = values.get("name")
    if name is not None and name != machine.name:
        from cloudapi.services.nic import nic as nics

        hostname.check(name)
        networks = [nic.network for nic in nics.of_machine(machine)]
        hostname.check_unique(context, name, Account.get_by_id(machine.account_id), networks, but=machine.id)
    instance_name = values.get("instance_name")
    if instance_name is not None and instance_name != machine.instance_name:
        if machine.state != "Stopped":
            raise InvalidParameter(f"Vm {machine.uuid} should be stopped to change its instancename")
        if Machine.select().where(Machine.instance_name == instance_name).exists():
            raise InvalidParameter(f"There is an Instance named {instance_name} already: instancename")
    identifier = values.get("uuid")
    if identifier is not None:
        values["uuid"] = check_custom_id(identifier, machine)
        if values["uuid"] != machine.uuid and machine.state != "Stopped":
            raise InvalidParameter(f"Vm {machine.uuid} should be stopped to change its ID: customid")


def check_custom_id(text: str, machine: Machine | None = None) -> str:
    """Return a UUID that a caller chose for an Instance.

    :raises InvalidParameter: it is taken.
    """
    taken = Machine.get_or_none(Machine.uuid == text)
    if taken is not None and (machine is None or taken.id != machine.id):
        raise InvalidParameter(f"There is an Instance with the ID {text} already: customid")
    return text


def _check_scalable(context: Context, machine: Machine) -> None:
    if machine.template_id is None or not machine.template.dynamically_scalable:
        raise InvalidParameter("Dynamic Scaling cannot be enabled for the Instance since its Template does not have "
                               "dynamic scaling enabled")
    if not machine.service_offering.dynamic_scaling:
        raise InvalidParameter("Dynamic Scaling cannot be enabled for the Instance since its service offering does not "
                               "have dynamic scaling enabled")
    if not context.settings.get("enable.dynamic.scale.vm", zone=machine.zone_id):
        raise InvalidParameter("Dynamic Scaling cannot be enabled for the VM since corresponding global setting is set "
                               "to false")


def _guest_os(record: GuestOs) -> int:
    return int(record.id)


def _user_data(context: Context, machine: Machine, content: str | None, record: UserData | None,
               details: Mapping[str, str] | None) -> dict[str, Any]:
    if content is None and record is None and not details:
        return {}
    if content == "":
        return {"user_data": None, "user_data_id": None, "user_data_details": None}
    template = machine.template if machine.template_id is not None else None
    chosen = user_data.choose(context, content, record, details, template)
    return {"user_data": chosen.content, "user_data_id": chosen.record_id, "user_data_details": chosen.details}


def _recount(context: Context, machine: Machine, display: bool) -> None:
    """An Instance that is not shown does not count."""
    if not count.counted(context, machine):
        return
    if display:
        machine.display = True
        count.take(context, machine)
    else:
        count.give_back(context, machine)


def _details(context: Context, machine: Machine, given: Mapping[str, Any]) -> None:
    """Details that are sent replace the others; those that the caller may not see stay."""
    present = detail.get(machine)
    kept = {name for name in present if name.lower() in setting.denied(context)
            or name in setting.readonly(context) or name.startswith(setting.EXTRA) or name in size.NAMES
            or name in setting.password.SECRET_DETAILS}
    if given.get("cleanupdetails"):
        detail.remove(machine, *[name for name in present if name not in kept] or ["-"])
    elif given.get("details"):
        wanted: dict[str, str] = given["details"]
        setting.check(context, wanted, present)
        kept_size = resizing.change(context, machine, wanted)
        removed = [name for name in present if name not in wanted and name not in kept]
        if removed:
            detail.remove(machine, *removed)
        detail.put(machine, {**setting.without_size(wanted), **kept_size})
    if given.get("cleanupextraconfig"):
        setting.remove_extra(machine)
    setting.put_extra(context, machine, given.get("extraconfig"))


def _dhcp_options(context: Context, machine: Machine, options: Mapping[str, dict[str, str]] | None) -> None:
    if not options:
        return
    from cloudapi.services.network import network as networks
    from cloudapi.services.nic import nic as nics

    by_network = {nic.network.uuid: nic for nic in nics.of_machine(machine)}
    for network, values in options.items():
        nic = by_network.get(network)
        if nic is None:
            raise InvalidParameter(f"VM does not has a nic in the Network ({network}) that is specified in the extra "
                                   "dhcp options: dhcpoptionsnetworklist")
        Nic.update(extra_dhcp_options=values).where(Nic.id == nic.id).execute()
        networks.changed(nic.network)


def _tell_guest(context: Context, machine: Machine, values: Mapping[str, Any]) -> None:
    """New user data of a running Instance is served by its router as soon as this is committed."""
    if "user_data" not in values or machine.state != "Running":
        return
    from cloudapi.services.nic import nic as nics

    for nic in nics.of_machine(machine):
        if nic.traffic_type == "Guest":
            context.after.append(functools.partial(nics.router_refresh, context, nic.network))
