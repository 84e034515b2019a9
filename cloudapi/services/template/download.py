"""Templates and ISOs on their way to image stores: begun, followed, finished."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError, ResourceLimitExceeded
from cloudapi.jobs import locks
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, Template, TemplateStore
from cloudapi.services.account import limit
from cloudapi.services.storage import store as stores
from cloudapi.services.template.image import READY, stored_copy
from cloudapi.states import template as _states  # noqa: F401 - declares the table
from cloudapi.states.base import TransitionRefused, transition

log = logging.getLogger(__name__)

GIB = 1 << 30
EXTENSIONS = {"QCOW2": "qcow2", "RAW": "raw", "VHD": "vhd", "OVA": "ova", "VMDK": "vmdk", "ISO": "iso"}
STOCK = ("SYSTEM", "BUILTIN")
UNDER_WAY = ("Allocated", "Creating")


def install_path(template: Template) -> str:
    """Return where a template lies on its stores."""
    return f"template/tmpl/{template.account_id}/{template.id}/{template.uuid}.{EXTENSIONS[template.format]}"


def allot(template: Template, store: ImageStore) -> TemplateStore:
    """Write that a template is to be on a store. Within a transaction; once."""
    found = TemplateStore.get_or_none(TemplateStore.template == template.id, TemplateStore.image_store == store.id)
    if found is not None:
        return found
    return TemplateStore.create(
        template=template.id, image_store=store.id, install_path=install_path(template), created=now(),
        request_id=f"{template.uuid}.{store.id}")


def begin(context: Context, copy: TemplateStore) -> None:
    """Begin to bring a template to a store. Outside transactions; what goes wrong is noted on the copy."""
    # Who asks for it, the clock and other servers may all find it in the same moment.
    with locks.hold([locks.key(copy)], context.request_id, unless=lambda: not _under_way(copy)) as held:
        if held:
            _begin(context, TemplateStore.get_by_id(copy.id))


def _under_way(copy: TemplateStore) -> bool:
    return TemplateStore.select().where(TemplateStore.id == copy.id, TemplateStore.state.in_(UNDER_WAY)).exists()


def _begin(context: Context, copy: TemplateStore) -> None:
    template, store = Template.get_by_id(copy.template_id), ImageStore.get_by_id(copy.image_store_id)
    if copy.state == "Allocated":
        transact(lambda: transition(copy, "CreateOnlyRequested", download_state="DOWNLOAD_IN_PROGRESS", updated=now()))
        transact(lambda: events.noted(context, "TEMPLATE.DOWNLOAD.START",
                                      f"Template {template.name} download to image store {store.name} started",
                                      template))
    try:
        report = _seeded(context, template, store, copy) if _comes_with(template, store) else \
            _from_elsewhere(context, template, store, copy) or _over_http(context, template, store, copy)
    except ApiError as error:
        fail(context, copy, error.text)
    else:
        note(context, copy, report)


def _comes_with(template: Template, store: ImageStore) -> bool:
    """Whether simulated storage has the template from the start, as an admin seeds secondary storage by hand."""
    simulated = template.hypervisor_type == stores.SIMULATOR and not stores.fetches(store)
    return simulated and template.template_type in STOCK


def _seeded(context: Context, template: Template, store: ImageStore, copy: TemplateStore) -> dict[str, Any]:
    stores.call(context, store, "secondary.open_upload", {
        "upload": copy.request_id, "path": copy.install_path, "format": template.format})
    image = stores.call(context, store, "secondary.finish_upload", {
        "upload": copy.request_id, "physical_bytes": template.size})
    return {"state": "DOWNLOADED", "percent": 100.0, **image}


def _from_elsewhere(context: Context, template: Template, store: ImageStore,
                    copy: TemplateStore) -> dict[str, Any] | None:
    """Begin to copy from another store of the zone that has it; None where none has, or it is not wanted."""
    zone_id = store.zone_id
    if zone_id is None or not context.settings.get("copy.templates.from.other.secondary.storages", zone=zone_id):
        return None
    source = stored_copy(template, zone_id)
    if source is None:
        return None
    try:
        return copy_between(context, source, copy)
    except ApiError as error:
        log.info("template %s is downloaded again: %s", template.uuid, error.text)
        return None


def copy_between(context: Context, source: TemplateStore, target: TemplateStore,
                 request_id: str | None = None) -> dict[str, Any]:
    """Begin to copy an image from one store to another. Returns the target's `TransferReport`."""
    origin, place = ImageStore.get_by_id(source.image_store_id), ImageStore.get_by_id(target.image_store_id)
    return stores.call(context, place, "secondary.copy", {
        "source": stores.reference(origin), "source_path": source.install_path, "target": stores.reference(place),
        "target_path": target.install_path, "transfer": target.request_id}, request_id=request_id)


def _over_http(context: Context, template: Template, store: ImageStore, copy: TemplateStore) -> dict[str, Any]:
    return stores.call(context, store, "secondary.download", {"download": {
        "id": copy.request_id, "url": template.url, "path": copy.install_path, "format": template.format,
        "kind": "ISO" if template.format == "ISO" else "TEMPLATE", "checksum": template.checksum,
        "maximum_bytes": int(context.settings.get("max.template.iso.size")) * GIB,
        "follow_redirects": bool(context.settings.get("store.download.follow.redirects"))}})


def note(context: Context, copy: TemplateStore, report: dict[str, Any]) -> None:
    """Take over how far a transfer is."""
    state = report["state"]
    if state == "DOWNLOADED":
        finish(context, copy, report)
    elif state == "DOWNLOAD_ERROR":
        fail(context, copy, report.get("error") or "the download failed")
    elif state in ("ABANDONED", "NOT_DOWNLOADED"):
        transact(lambda: TemplateStore.update(state="Allocated", download_state="NOT_DOWNLOADED", download_percent=0)
                 .where(TemplateStore.id == copy.id, TemplateStore.state == "Creating").execute())
    else:
        transact(lambda: TemplateStore.update(download_percent=int(report["percent"]), updated=now())
                 .where(TemplateStore.id == copy.id).execute())


def finish(context: Context, copy: TemplateStore, report: dict[str, Any]) -> None:
    """The image is on the store: count its size, or give it up where the owner may not have so much."""
    try:
        transact(lambda: arrived(context, copy.id, report))
    except ResourceLimitExceeded as error:
        store = ImageStore.get_by_id(copy.image_store_id)
        stores.call(context, store, "secondary.delete", {"path": copy.install_path})
        fail(context, copy, error.text)
    except TransitionRefused:
        # The clock looks after transfers as well: it, or another server, has written the same in this moment.
        if TemplateStore.get_by_id(copy.id).state != READY:
            raise


def arrived(context: Context, copy_id: int, report: dict[str, Any]) -> None:
    """Write that an image is ready on its store. Within a transaction; once."""
    copy = TemplateStore.get_by_id(copy_id)
    if copy.state == READY:
        return
    template = Template.get_by_id(copy.template_id)
    more = report["physical_bytes"] - copy.counted_bytes
    owner = Account.get_by_id(template.account_id)
    if more > 0:
        limit.take(context, owner, "secondary_storage", more)
    else:
        limit.give_back(owner, "secondary_storage", -more)
    transition(copy, "OperationSucceeded", download_state="DOWNLOADED", download_percent=100, error_text=None,
               size=report["size_bytes"], physical_size=report["physical_bytes"],
               counted_bytes=report["physical_bytes"], updated=now())
    changes: dict[str, Any] = {"size": report["size_bytes"]}
    if template.checksum is None and report.get("checksum"):
        changes["checksum"] = report["checksum"]
    Template.update(changes).where(Template.id == template.id).execute()
    store = ImageStore.get_by_id(copy.image_store_id)
    ImageStore.update(used_bytes=ImageStore.used_bytes + report["physical_bytes"]).where(
        ImageStore.id == store.id).execute()
    events.noted(context, "TEMPLATE.DOWNLOAD.SUCCESS",
                 f"Template {template.name} download to image store {store.name} succeeded", template)


def fail(context: Context, copy: TemplateStore, text: str) -> None:
    """Note why a template does not arrive."""
    def work() -> None:
        fresh = TemplateStore.get_by_id(copy.id)
        if fresh.state not in UNDER_WAY:
            return
        transition(fresh, "OperationFailed", download_state="DOWNLOAD_ERROR", error_text=text[:512], updated=now())
        template = Template.get_by_id(fresh.template_id)
        events.went_wrong(context, "TEMPLATE.DOWNLOAD.FAILED",
                          f"downloading {template.name} ({template.uuid}): {text}", template)

    transact(work)


def creation_event(template: Template) -> str:
    """Return the type of the event of a new template or ISO; their downloads have the same types."""
    return "ISO.CREATE" if template.format == "ISO" else "TEMPLATE.CREATE"


def poll(context: Context) -> None:
    """Follow what is under way, and begin what waits. By the clock."""
    waiting = (TemplateStore.select().join(Template, on=(TemplateStore.template == Template.id))
               .where(TemplateStore.state.in_(UNDER_WAY), TemplateStore.download_state != "DOWNLOAD_ERROR",
                      Template.removed.is_null(), Template.state == "Active", Template.url.is_null(False)))
    for copy in list(waiting):
        store = ImageStore.get_or_none(ImageStore.id == copy.image_store_id, ImageStore.removed.is_null())
        if store is None:
            continue
        if copy.state == "Allocated":
            begin(context, copy)
            continue
        try:
            # Whoever begins it at this moment will note how far it is; his transfer is not known to the store yet.
            with locks.hold([locks.key(copy)], context.request_id, timeout=0):
                note(context, copy, stores.call(context, store, "secondary.status", {"transfer": copy.request_id}))
        except ApiError as error:
            log.warning("template copy %d: %s", copy.id, error.text)


def zones_of(store: ImageStore) -> list[Zone]:
    """Return the zones that a store serves."""
    where = [] if store.zone_id is None else [Zone.id == store.zone_id]
    return list(Zone.alive(*where).order_by(Zone.id))
