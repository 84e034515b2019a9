"""Templates and ISOs brought to further zones, and to pools ahead of need."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter, ResourceUnavailable
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, StoragePool, Template, TemplateStore, TemplateZone
from cloudapi.services.account import limit
from cloudapi.services.storage import pool as pools
from cloudapi.services.storage import store as stores
from cloudapi.services.storage import transfer
from cloudapi.services.template import deletion, download, registration, stock
from cloudapi.services.template.image import prepare_on_pool, stored_copy
from cloudapi.states.base import transition


def to_zones(context: Context, template: Template, source: Zone | None, targets: Sequence[Zone]) -> TemplateZone:
    """Copy a template to zones; a job's work. It is done where at least one zone has it.

    :param source: the zone to copy from; any where it is not given.
    :returns: the template in the first of the zones.
    :raises InvalidParameter: no zone to copy to, the source itself, or the template is not ready there.
    :raises InternalError: it could be brought to none of them.
    """
    if not targets:
        raise InvalidParameter("Either destzoneid or destzoneids parameters have to be specified.")
    if source is not None and any(zone.id == source.id for zone in targets):
        raise InvalidParameter("Please specify different source and destination zones.")
    for zone in targets:
        registration.check_zone(context, zone)
    zones = [source] if source is not None else list(Zone.alive().order_by(Zone.id))
    origin = next((copy for copy in (stored_copy(template, zone) for zone in zones) if copy is not None), None)
    if origin is None:
        raise InvalidParameter(f"There is no Template {template.uuid} ready on image store.")
    failures = []
    for zone in targets:
        try:
            _to_zone(context, template, origin, zone)
        except ApiError as error:
            failures.append(f"{zone.name}: {error.text}")
    if len(failures) == len(targets):
        raise InternalError(f"Failed to copy Template ({'; '.join(failures)})")
    return TemplateZone.get(TemplateZone.template == template.id, TemplateZone.zone == targets[0].id)


def _to_zone(context: Context, template: Template, origin: TemplateStore, zone: Zone) -> None:
    if stored_copy(template, zone) is not None:
        context.steps.run(f"join {zone.uuid}", lambda: stock.join_zone(template, zone).id)
        return
    with context.steps.part(f"copy to {zone.uuid}") as part:
        number = part.run("allot", lambda: _allot(context, template, origin, zone),
                          undo=lambda made: _undo(context, template, made, zone))
        copy = TemplateStore.get_by_id(number)
        source, target = ImageStore.get_by_id(origin.image_store_id), ImageStore.get_by_id(copy.image_store_id)
        report = part.remote("transfer", lambda request_id: transfer.copy(
            context, source, origin.install_path, target, copy.install_path, copy.request_id, request_id,
            float(context.settings.get("agent.max.data.migration.wait.time"))))
        part.run("end", lambda: download.arrived(context, copy.id, report))


def _allot(context: Context, template: Template, origin: TemplateStore, zone: Zone) -> int:
    targets = stores.writable(context, zone, origin.physical_size)
    if not targets:
        raise ResourceUnavailable(f"Destination zone is not ready, no image store associated (zone {zone.uuid})")
    limit.take(context, Account.get_by_id(template.account_id), "secondary_storage", origin.physical_size)
    stock.join_zone(template, zone)
    copy = download.allot(template, targets[0])
    TemplateStore.update(counted_bytes=origin.physical_size).where(TemplateStore.id == copy.id).execute()
    transition(copy, "CreateOnlyRequested", download_state="DOWNLOAD_IN_PROGRESS")
    return int(copy.id)


def _undo(context: Context, template: Template, copy_id: int, zone: Zone) -> None:
    copy = TemplateStore.get_or_none(TemplateStore.id == copy_id)
    if copy is not None:
        deletion.forget_copy(context, copy)
    TemplateZone.delete().where(TemplateZone.template == template.id, TemplateZone.zone == zone.id).execute()


def to_pools(context: Context, template: Template, zone: Zone, pool: StoragePool | None) -> TemplateZone:
    """Copy a template to the pools of a zone, or to one, ahead of the Instances that need it. Outside transactions.

    :raises InvalidParameter: the pool is not in the zone, or the template is an ISO.
    """
    if template.format == "ISO":
        raise InvalidParameter(f"templateid: {template.uuid} is an ISO, which is not copied to primary storage")
    if pool is not None and pool.zone_id != zone.id:
        raise InvalidParameter(f"storageid: storage pool {pool.uuid} is not in zone {zone.uuid}")
    if stored_copy(template, zone) is None:
        raise InvalidParameter(f"Unable to prepare template {template.uuid}: it is not ready in zone {zone.uuid}")
    chosen = [pool] if pool is not None else [
        found for found in pools.usable(zone) if found.scope != "HOST"
        and (found.hypervisor_type in (None, "Any", template.hypervisor_type))]
    for found in chosen:
        prepare_on_pool(context, template, found, pools.host_for(found))
    return TemplateZone.get(TemplateZone.template == template.id, TemplateZone.zone == zone.id)
