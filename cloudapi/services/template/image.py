"""Templates where they are used: ready in a zone, copied to the pools that Instances' disks lie on."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, ResourceUnavailable
from cloudapi.jobs import locks
from cloudapi.models.database import rows
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.storage import ImageStore, StoragePool, Template, TemplatePool, TemplateStore
from cloudapi.services.host import agent
from cloudapi.services.storage import store as stores
from cloudapi.states.base import transition

READY = "Ready"

READY_IN_ZONE = """
SELECT 1 FROM template_zone WHERE template_id = ? AND zone_id = ? AND removed IS NULL AND EXISTS (
    SELECT 1 FROM template_store t JOIN image_store s ON s.id = t.image_store_id WHERE t.template_id = ?
    AND t.state IN ('Ready', 'Copying', 'Migrating') AND s.role = 'Image' AND s.removed IS NULL
    AND (s.zone_id = ? OR s.zone_id IS NULL))
"""


def stored_copy(template: Template, zone: Zone | int) -> TemplateStore | None:
    """Return the template's finished copy on an image store of the zone; None where there is none."""
    zone_id = zone if isinstance(zone, int) else zone.id
    copies = (TemplateStore.select(TemplateStore, ImageStore)
              .join(ImageStore, on=(TemplateStore.image_store == ImageStore.id))
              .where(TemplateStore.template == template.id, TemplateStore.state.in_((READY, "Copying", "Migrating")),
                     ImageStore.role == "Image", ImageStore.removed.is_null(),
                     (ImageStore.zone == zone_id) | ImageStore.zone.is_null())
              .order_by(TemplateStore.id))
    return copies.first()


def in_zone(template: Template, zone: Zone | int) -> bool:
    """Whether the template belongs to the zone, finished or not."""
    zone_id = zone if isinstance(zone, int) else zone.id
    return bool(rows("SELECT 1 FROM template_zone WHERE template_id = ? AND zone_id = ? AND removed IS NULL",
                     (template.id, zone_id)))


def ready(template: Template, zone: Zone | int) -> bool:
    """Whether Instances can be made of the template in the zone now."""
    if template.removed is not None or template.state != "Active":
        return False
    zone_id = zone if isinstance(zone, int) else zone.id
    return bool(rows(READY_IN_ZONE, (template.id, zone_id, template.id, zone_id)))


def _source(template: Template, zone: Zone | int) -> TemplateStore:
    found = stored_copy(template, zone)
    if found is None or template.removed is not None:
        place = Zone.get_by_id(zone) if isinstance(zone, int) else zone
        kind = "ISO" if template.format == "ISO" else "template"
        raise ResourceUnavailable(f"Unable to use {kind} {template.uuid}: it is not ready in zone {place.uuid}")
    return found


def system_template(zone: Zone | int, hypervisor: str) -> Template:
    """Return the template of virtual routers and system VMs.

    :raises ResourceUnavailable: the zone has none for this hypervisor that is ready.
    """
    for template in (Template.alive(Template.template_type.in_(("SYSTEM", "ROUTING")), Template.state == "Active",
                                    Template.hypervisor_type == hypervisor).order_by(Template.id.desc())):
        if ready(template, zone):
            return template
    place = Zone.get_by_id(zone) if isinstance(zone, int) else zone
    raise ResourceUnavailable(f"The system VM template for {hypervisor} is not ready in zone {place.uuid}")


def iso_spec(template: Template, zone: Zone | int) -> dict[str, Any]:
    """Return an ISO as agents' `IsoSpec` names it.

    :raises ResourceUnavailable: the ISO is not ready in the zone.
    """
    copy = _source(template, zone)
    return {"id": template.uuid, "store": stores.reference(copy.image_store), "path": copy.install_path,
            "bootable": bool(template.bootable)}


def prepare_on_pool(context: Context, template: Template, pool: StoragePool, host: Host) -> TemplatePool:
    """Copy a template to a primary pool, once, however many ask at the same time. For jobs, outside transactions.

    The copy takes its size of the pool's capacity and stays when what it was made for fails.

    :param host: a host to which the pool is attached.
    :raises InsufficientCapacity: it does not fit on the pool.
    :raises ResourceUnavailable: the template is not ready in the zone.
    """
    found = _on_pool(template, pool)
    if found is not None and found.state == READY:
        return found
    name = f"template {template.uuid} on pool {pool.uuid}"
    with locks.hold([f"TemplatePool:{template.id}:{pool.id}"], context.steps.name or context.request_id,
                    timeout=float(context.settings.get("storage.pool.max.waitseconds"))):
        found = _on_pool(template, pool)
        if found is not None and found.state == READY:
            return found
        source = _source(template, pool.zone_id)
        with context.steps.part(name) as part:
            part.run("reserve", lambda: _reserve(template, pool), undo=lambda _: _forget(template, pool))
            report = part.remote("copy", lambda request_id: agent.call(
                context, host, "template.prepare",
                {"template": template.uuid, "pool": pool.uuid, "store": stores.reference(source.image_store),
                 "path": source.install_path},
                request_id=request_id, timeout=float(context.settings.get("primary.storage.download.wait"))))
            part.run("finish", lambda: _finish(template, pool, report))
        return TemplatePool.get(TemplatePool.template == template.id, TemplatePool.pool == pool.id)


def _on_pool(template: Template, pool: StoragePool) -> TemplatePool | None:
    return TemplatePool.get_or_none(TemplatePool.template == template.id, TemplatePool.pool == pool.id)


def _reserve(template: Template, pool: StoragePool) -> None:
    from cloudapi.services.capacity import capacity

    size = template.size or 0
    if _on_pool(template, pool) is not None:
        return
    if not capacity.take_pool(pool, size):
        raise InsufficientCapacity(f"Template {template.name} does not fit on its storage pool",
                                   refusals=((pool.name, f"no room for {size} bytes of template {template.uuid}"),))
    TemplatePool.create(template=template.id, pool=pool.id, state="Creating", download_state="DOWNLOAD_IN_PROGRESS",
                        size=size)


def _finish(template: Template, pool: StoragePool, report: dict[str, Any]) -> None:
    _reserve(template, pool)  # again: another job that gave up may have taken the reservation with it
    copy = _on_pool(template, pool)
    if copy is not None and copy.state != READY:
        transition(copy, "OperationSucceeded", download_state="DOWNLOADED", install_path=report["path"],
                   marked_for_gc=False)


def _forget(template: Template, pool: StoragePool) -> None:
    """Undo the reservation of a copy that was not finished."""
    copy = _on_pool(template, pool)
    if copy is not None and copy.state != READY:
        release_pool_copy(copy)


def release_pool_copy(copy: TemplatePool) -> None:
    """Delete the row of a copy and give its capacity back. Within a transaction; the copy itself is gone already."""
    from cloudapi.services.capacity import capacity

    if TemplatePool.delete().where(TemplatePool.id == copy.id).execute():
        capacity.give_back_pool(copy.pool, copy.size)
