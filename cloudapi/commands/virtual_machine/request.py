"""From the forms in which parameters are sent to what services take: rows of maps to networks, disks and options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.api import access
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import Network
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import Template
from cloudapi.placement import planner
from cloudapi.services.virtual_machine import deployment
from cloudapi.services.virtual_machine.order import DiskOrder, NicOrder

HYPERVISORS = ("XenServer", "KVM", "VMware", "Simulator", "LXC", "BareMetal", "Hyperv", "Ovm", "Ovm3", "Custom", "Any",
               "External")
Rows = Sequence[Mapping[str, str]] | None


def hypervisor(name: str | None) -> str | None:
    """Return a hypervisor's name as it is kept.

    :raises InvalidParameter: there is none of this name.
    """
    if not name:
        return None
    found = next((kind for kind in HYPERVISORS if kind.lower() == name.lower()), None)
    if found is None:
        raise InvalidParameter(f"Hypervisor {name[:40]} is not known: hypervisor")
    return found


def _row(row: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in row.items()}


def nics(context: Context, zone: Zone, networks: Sequence[Network] | None, with_addresses: Rows,
         for_template: Rows) -> list[NicOrder]:
    """Return the NICs that are asked for, each network once.

    :raises InvalidParameter: networks are given in more than one form, or one is unknown or not for the caller.
    """
    forms = [form for form in (networks, with_addresses, for_template) if form]
    if len(forms) > 1:
        raise InvalidParameter("ipToNetworkList cannot be specified along with networkids or nicnetworklist")
    if networks:
        return [NicOrder(network) for network in networks]
    found = []
    for row in map(_row, with_addresses or ()):
        if "networkid" not in row:
            raise InvalidParameter("networkid is missing in a row of iptonetworklist")
        network = deployment.network_of(row["networkid"], zone)
        access.check(context, network, access.USE)
        found.append(NicOrder(network, row.get("ip"), row.get("ipv6"), row.get("mac")))
    for row in sorted(map(_row, for_template or ()), key=lambda each: number(each, "nic") or 0):
        if "network" not in row:
            raise InvalidParameter("network is missing in a row of nicnetworklist")
        network = deployment.network_of(row["network"], zone)
        access.check(context, network, access.USE)
        found.append(NicOrder(network))
    return found


def dhcp_options(given: Rows) -> dict[str, dict[str, str]]:
    """Return `{network UUID: {code: value}}` of rows such as `networkid=…`, `dhcp:114=url`.

    :raises InvalidParameter: a row has no network, or an option's number is none.
    """
    from cloudapi.services.nic import dhcp_option

    found: dict[str, dict[str, str]] = {}
    for row in map(_row, given or ()):
        network = row.pop("networkid", None)
        if network is None:
            raise InvalidParameter("networkid is missing in a row of dhcpoptionsnetworklist")
        options = {}
        for name, value in row.items():
            if not name.startswith("dhcp:"):
                raise InvalidParameter(f"Unable to read {name[:40]} in dhcpoptionsnetworklist: write dhcp:<code>")
            options[str(dhcp_option.code_of(name.removeprefix("dhcp:")))] = value
        found[network] = options
    return found


def disks(context: Context, template: Template | None, offering: DiskOffering | None, size: int | None, given: Rows,
          for_template: Rows) -> list[DiskOrder]:
    """Return the data disks that are asked for.

    :raises InvalidParameter: both forms together, an unknown offering or number.
    """
    if given and offering is not None:
        raise InvalidParameter("Cannot specify both disk offering id and data disk offering details")
    found = [DiskOrder(offering, size)] if offering is not None else []
    if size is not None and offering is None:
        raise InvalidParameter("size is that of a data disk: give diskofferingid with it")
    for row in map(_row, given or ()):
        found.append(DiskOrder(_offering(context, row, "datadisksdetails"), number(row, "size"), number(row, "miniops"),
                               number(row, "maxiops"), number(row, "deviceid")))
    for row in map(_row, for_template or ()):
        disk = Template.alive(Template.uuid == row.get("datadisktemplateid")).first()
        if disk is None or template is None or disk.parent_template_id != template.id:
            raise InvalidParameter("Invalid Datadisk Template: it doesn't belong to the template that is deployed: "
                                   "datadiskofferinglist")
        chosen = _offering(context, row, "datadiskofferinglist")
        if chosen.is_custom or chosen.disk_size < (disk.size or 0):
            raise InvalidParameter(f"Invalid disk offering {chosen.uuid} specified for datadisk Template {disk.uuid}: "
                                   "it has to be of a fixed size, at least the template's")
        found.append(DiskOrder(chosen, template=disk))
    return found


def _offering(context: Context, row: Mapping[str, str], name: str) -> DiskOffering:
    found = DiskOffering.alive(DiskOffering.uuid == row.get("diskofferingid", "")).first()
    if found is None:
        raise InvalidParameter(f"Unable to find disk offering {row.get('diskofferingid', '')[:64]}: {name}")
    access.check(context, found, access.USE)
    return found


def number(row: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of a map, or None where it is not there.

    :raises InvalidParameter: it is none.
    """
    value = next((value for key, value in row.items() if key.lower() == name), None)
    if value is None or not value.strip():
        return None
    if not re.fullmatch(r"\d{1,15}", value.strip()):
        raise InvalidParameter(f"{name} {value[:40]} is not a positive whole number")
    return int(value)


def kvm_details(kind: str | None, values: Mapping[str, Any]) -> dict[str, str]:
    """Return details for KVM's devices.

    :raises InvalidParameter: another hypervisor, which knows nothing of them.
    """
    found = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()
             if value is not None}
    if found and kind not in (None, "KVM"):
        raise InvalidParameter(f"{', '.join(found)} can only be set for KVM, the Instance is for {kind}: "
                               "nicmultiqueuenumber, nicpackedvirtqueuesenabled")
    return found


def vapp_properties(template: Template | None, given: Rows) -> dict[str, str]:
    """Return the vApp properties of an appliance that is deployed as it is.

    :raises InvalidParameter: the template has none.
    """
    if not given:
        return {}
    if template is None or not template.deploy_as_is:
        raise InvalidParameter("properties can only be given for templates that are deployed as they are")
    return {f"properties.{row['key']}": row.get("value", "") for row in map(_row, given) if "key" in row}


def check_planner(name: str) -> None:
    """:raises InvalidParameter: there is no such planner."""
    planner.named(name)


def check_setup(machine: Machine) -> None:
    """:raises InvalidParameter: the hypervisor has no setup of the hardware."""
    if machine.hypervisor_type != "VMware":
        raise InvalidParameter(f"bootintosetup makes no sense for {machine.hypervisor_type}")
