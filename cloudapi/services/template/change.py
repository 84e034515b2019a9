"""Templates and ISOs changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Template
from cloudapi.services import detail
from cloudapi.services.template import registration

COLUMNS = {"displaytext": "display_text", "passwordenabled": "password_enabled", "sshkeyenabled": "ssh_key_enabled",
           "bootable": "bootable", "requireshvm": "requires_hvm", "sortkey": "sort_key", "forcks": "for_cks",
           "isdynamicallyscalable": "dynamically_scalable"}


def update(context: Context, template: Template, values: Mapping[str, Any]) -> Template:
    """Change a template or ISO. Within a transaction.

    :param values: by the names of the parameters of `updateTemplate` and `updateIso`.
    :raises InvalidParameter: a value cannot be, or it is the system's own template.
    """
    if template.removed is not None:
        raise InvalidParameter(f"Unable to find Template/ISO with specified id {template.uuid}")
    changes: dict[str, Any] = {column: values[name] for name, column in COLUMNS.items() if values.get(name) is not None}
    if values.get("name") is not None:
        changes["name"] = values["name"]
    if values.get("format") is not None:
        changes["format"] = _format(template, values["format"])
    if values.get("arch") is not None:
        changes["arch"] = registration.checked_arch(values["arch"])
    if values.get("templatetag") is not None:
        if not context.caller.is_root_admin:
            raise PermissionDenied("Parameter templatetag can only be specified by a Root Admin, permission denied")
        changes["template_tag"] = values["templatetag"].strip() or None
    if values.get("templatetype") is not None or values.get("isrouting") is not None:
        changes["template_type"] = registration.checked_type(
            context, values.get("templatetype"), values.get("isrouting"), bool(template.cross_zones), "update")
    if values.get("ostypeid") is not None:
        changes["guest_os"] = _guest_os(template, values["ostypeid"], bool(values.get("forceupdateostype")))
    if changes:
        Template.update(changes).where(Template.id == template.id).execute()
    if values.get("cleanupdetails"):
        detail.remove(template)
    elif values.get("details"):
        detail.put(template, registration.checked_details(values["details"]))
    return Template.get_by_id(template.id)


def _format(template: Template, name: str) -> str:
    iso = template.format == "ISO"
    found = registration.checked_format(name, ("ISO",) if iso else registration.FORMATS)
    known = registration.READS.get(template.hypervisor_type or "")
    if known and found not in known:
        raise InvalidParameter(f"Image format {found} is not of use for hypervisor {template.hypervisor_type}")
    return found


def _guest_os(template: Template, guest_os: Any, forced: bool) -> int:
    """Return the new guest OS; the Instances made of the template take it over, where that is allowed."""
    if guest_os.id != template.guest_os_id:
        link = Machine.iso_id if template.format == "ISO" else Machine.template
        made = Machine.alive(link == template.id, Machine.state != "Expunging")
        count = made.count()
        if count and not forced:
            raise InvalidParameter(f"Updating OS type will update the guest OS configuration for all of the {count} "
                                   "Instance(s) deployed with this Template/ISO, which may affect their behavior. To "
                                   "proceed, please set the 'forceupdateostype' parameter to true.")
        for machine in made:
            Machine.update(guest_os=guest_os.id).where(Machine.id == machine.id).execute()
    return int(guest_os.id)
