"""Templates and ISOs that their owners send themselves."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, ResourceLimitExceeded, ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, Template, TemplateStore
from cloudapi.services.storage import link as links
from cloudapi.services.storage import store as stores
from cloudapi.services.template import download, registration, stock
from cloudapi.states.base import transition

log = logging.getLogger(__name__)

GIB = 1 << 30
UPLOADING = ("NotUploaded", "UploadInProgress")


def prepare(context: Context, owner: Account, image: registration.Image, zone: Zone) -> dict[str, str]:
    """Write a template that is to be uploaded, and permit the upload. Within a transaction.

    :returns: `id`, `postURL`, `metadata`, `expires`, `signature`.
    :raises ResourceUnavailable: the zone has no store that takes it.
    """
    registration.check_zone(context, zone)
    targets = stores.writable(context, zone)
    if not targets:
        raise ResourceUnavailable(f"unable to find zone or an image store with enough capacity (zone {zone.uuid})")
    template = registration.write(context, owner, image, state="NotUploaded")
    stock.join_zone(template, zone)
    download.allot(template, targets[0])
    events.completed(context, download.creation_event(template),
                     f"preparing the upload of {template.name} ({template.uuid})", template)
    return links.permit(context, targets[0], template.uuid, {
        "kind": "template", "name": template.name, "format": template.format}).shown()


def begin(context: Context, uuid: str) -> dict[str, Any]:
    """The sender has begun. Returns the `UploadSlot` that takes the bytes, with `maximum_bytes`. Outside transactions.

    :raises InvalidParameter: the template is not waited for.
    """
    template = Template.alive(Template.uuid == uuid, Template.state == "NotUploaded").first()
    if template is None:
        raise InvalidParameter(f"template {uuid} is not waiting for an upload")
    copy = TemplateStore.get(TemplateStore.template == template.id)
    most = int(context.settings.get("max.template.iso.size")) * GIB
    slot = stores.call(context, ImageStore.get_by_id(copy.image_store_id), "secondary.open_upload", {
        "upload": copy.request_id, "path": copy.install_path, "format": template.format, "maximum_bytes": most})

    def write() -> None:
        transition(template, "UploadRequested")
        transition(copy, "CreateOnlyRequested", download_state="UPLOAD_IN_PROGRESS", updated=now())

    transact(write)
    return {**slot, "maximum_bytes": most}


def finish(context: Context, uuid: str, physical_bytes: int) -> None:
    """All bytes are there: check them and put the template in its place. Outside transactions.

    :raises ApiError: it is not what was announced; the template stays in UploadError with the reason.
    """
    template = Template.alive(Template.uuid == uuid, Template.state == "UploadInProgress").first()
    if template is None:
        raise InvalidParameter(f"template {uuid} is not waiting for an upload any more")
    copy = TemplateStore.get(TemplateStore.template == template.id)
    store = ImageStore.get_by_id(copy.image_store_id)
    try:
        image = stores.call(context, store, "secondary.finish_upload", {
            "upload": copy.request_id, "checksum": template.checksum, "physical_bytes": physical_bytes})
        download.finish(context, copy, {"state": "DOWNLOADED", "percent": 100.0, **image})
    except ApiError as error:
        fail(context, uuid, error.text)
        raise
    copy = TemplateStore.get_by_id(copy.id)
    if copy.state != "Ready":
        transact(lambda: transition(Template.get_by_id(template.id), "OperationFailed"))
        raise ResourceLimitExceeded(copy.error_text or f"template {uuid} has no room on secondary storage")
    transact(lambda: transition(Template.get_by_id(template.id), "OperationSucceeded"))


def fail(context: Context, uuid: str, reason: str) -> None:
    """The upload broke off, or is not what was announced: nothing of it stays on the store. Outside transactions."""
    template = Template.alive(Template.uuid == uuid, Template.state == "UploadInProgress").first()
    if template is None:
        return
    copy = TemplateStore.get(TemplateStore.template == template.id)
    download.fail(context, copy, reason)
    transact(lambda: transition(Template.get_by_id(template.id), "OperationFailed"))
    _clear(context, copy)


def _clear(context: Context, copy: TemplateStore) -> None:
    store = ImageStore.get_by_id(copy.image_store_id)
    try:
        if store.removed is None:
            stores.call(context, store, "secondary.delete", {"path": copy.install_path})
    except ApiError as error:
        log.warning("what came of template %d stays on image store %s: %s", copy.template_id, store.name, error.text)


def give_up(context: Context) -> None:
    """End uploads that did not come within `upload.operation.timeout`. By the clock."""
    before = now() - int(context.settings.get("upload.operation.timeout")) * 60_000
    for template in list(Template.alive(Template.state.in_(UPLOADING), Template.created < before)):
        def work(template: Template = template) -> None:
            transition(template, "OperationTimeout")
            TemplateStore.update(download_state="DOWNLOAD_ERROR", error_text="Timed out", updated=now()).where(
                TemplateStore.template == template.id).execute()

        try:
            transact(work)
        except ApiError as error:
            log.info("upload of template %s is not given up: %s", template.uuid, error.text)
            continue
        for copy in list(TemplateStore.select().where(TemplateStore.template == template.id)):
            _clear(context, copy)
