"""How templates and ISOs go: from a zone, or altogether."""

from __future__ import annotations

from functools import partial

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.common import ResourceTag
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import (
    ImageStore,
    LaunchPermission,
    Template,
    TemplateStore,
    TemplateZone,
)
from cloudapi.services.account import cleanup, limit
from cloudapi.services.storage import store as stores
from cloudapi.services.template import copy as pool_copies
from cloudapi.services.template.image import in_zone

UPLOADING = ("NotUploaded", "UploadInProgress")


def users(template: Template, zone: Zone | None) -> list[Machine]:
    """Return the machines that were made of a template, or have an ISO in their drive, and are not expunged."""
    link = Machine.iso_id if template.format == "ISO" else Machine.template
    where = [link == template.id, Machine.state != "Expunging"]
    if zone is not None:
        where.append(Machine.zone == zone.id)
    return list(Machine.alive(*where).order_by(Machine.id))


def check(context: Context, template: Template, zone: Zone | None, forced: bool, system: bool) -> None:
    """Refuse to delete what is in use, on its way, or the system's.

    :raises InvalidParameter: with the reason.
    """
    if template.removed is not None:
        raise InvalidParameter(f"Please specify a valid Template: {template.uuid} is deleted already")
    if zone is not None and not in_zone(template, zone):
        raise InvalidParameter(f"zoneid: template {template.uuid} is not in zone {zone.uuid}")
    if template.template_type == "SYSTEM" and not system:
        raise InvalidParameter("Could not delete template as it is a SYSTEM template and isSystem is set to false.")
    if template.state in UPLOADING:
        raise InvalidParameter("The Template is either getting uploaded or it may be initiated shortly, please wait "
                               "for it to be completed")
    machines = users(template, zone)
    if not machines:
        return
    if template.format == "ISO":
        raise InvalidParameter("Unable to delete ISO, as it's used by other instances")
    if not forced:
        text = f"Unable to delete template [{template.uuid}] because there are [{len(machines)}] VM instances using it."
        if context.caller.is_root_admin:
            text += f" Instances list: [{','.join(machine.uuid for machine in machines[:20])}]."
        raise InvalidParameter(text)


def delete(context: Context, template: Template, zone: Zone | None, forced: bool = False, system: bool = False) -> None:
    """Delete a template from a zone, or from all; a job's work. Its copies go from stores, and from unused pools.

    :raises InvalidParameter: it is in use, on its way, or the system's.
    """
    context.steps.run("check", lambda: check(context, template, zone, forced, system))
    served = [store.id for store in stores.image_stores(zone)] if zone is not None else None
    copies = TemplateStore.select().where(TemplateStore.template == template.id)
    for copy in list(copies if served is None else copies.where(TemplateStore.image_store.in_(served))):
        _delete_copy(context, template, copy, zone)
    context.steps.run("forget", lambda: leave(context, template.id, zone.id if zone is not None else None))
    pool_copies.evict_removed(context)


def _delete_copy(context: Context, template: Template, copy: TemplateStore, zone: Zone | None) -> None:
    """Delete a copy from its store, unless it is the region's and other zones still use it."""
    store = ImageStore.get_by_id(copy.image_store_id)
    if zone is not None and store.zone_id is None:
        elsewhere = TemplateZone.select().where(TemplateZone.template == template.id, TemplateZone.removed.is_null(),
                                                TemplateZone.zone != zone.id)
        if elsewhere.exists():
            return
    if store.removed is None:
        context.steps.remote(f"delete from {store.uuid}", lambda request_id: stores.call(
            context, store, "secondary.delete", {"path": copy.install_path}, request_id=request_id))
    context.steps.run(f"forget on {store.uuid}", lambda: forget_copy(context, copy))


def forget_copy(context: Context, copy: TemplateStore) -> None:
    """Delete the row of a copy and count its size no longer. Within a transaction."""
    if not TemplateStore.delete().where(TemplateStore.id == copy.id).execute():
        return
    template = Template.get_by_id(copy.template_id)
    limit.give_back(Account.get_by_id(template.account_id), "secondary_storage", copy.counted_bytes)
    ImageStore.update(used_bytes=ImageStore.used_bytes - copy.physical_size).where(
        ImageStore.id == copy.image_store_id, ImageStore.used_bytes >= copy.physical_size).execute()


def leave(context: Context, template_id: int, zone_id: int | None) -> None:
    """Mark a template as gone from a zone or all; without a zone left it is deleted. Within a transaction."""
    places = TemplateZone.update(removed=now()).where(TemplateZone.template == template_id,
                                                      TemplateZone.removed.is_null())
    (places if zone_id is None else places.where(TemplateZone.zone == zone_id)).execute()
    if TemplateZone.select().where(TemplateZone.template == template_id, TemplateZone.removed.is_null()).exists():
        return
    template = Template.get_by_id(template_id)
    if not Template.update(removed=now(), state="Inactive").where(
            Template.id == template_id, Template.removed.is_null()).execute():
        return
    limit.give_back(Account.get_by_id(template.account_id), "template")
    LaunchPermission.delete().where(LaunchPermission.template == template_id).execute()
    ResourceTag.delete().where(ResourceTag.resource_type.in_(("Template", "ISO")),
                               ResourceTag.resource_id == template_id).execute()


def forget(context: Context, template_id: int) -> None:
    """Undo what was written for a template that could not be made. Within a transaction."""
    for copy in list(TemplateStore.select().where(TemplateStore.template == template_id)):
        forget_copy(context, copy)
    leave(context, template_id, None)


@cleanup.register(40, "templates")
def remove_of_account(context: Context, account: Account) -> None:
    """Delete the templates and ISOs of an account that is deleted, whoever still uses them."""
    for template in list(Template.alive(Template.account_id == account.id)):
        for copy in list(TemplateStore.select().where(TemplateStore.template == template.id)):
            store = ImageStore.get_by_id(copy.image_store_id)
            if store.removed is None:
                stores.call(context, store, "secondary.delete", {"path": copy.install_path})
        transact(partial(forget, context, template.id))
    transact(lambda: LaunchPermission.delete().where(LaunchPermission.account_id == account.id).execute())
    pool_copies.evict_removed(context)
