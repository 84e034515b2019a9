"""Links by which templates and ISOs are fetched, for as long as `extract.url.expiration.interval` says."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, PermissionDenied
from cloudapi.models.base import new_uuid, now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, Template, TemplateStore
from cloudapi.services.storage import browse
from cloudapi.services.storage import link as links
from cloudapi.services.storage import store as stores
from cloudapi.services.template.image import stored_copy

log = logging.getLogger(__name__)

MODES = ("HTTP_DOWNLOAD", "FTP_UPLOAD")


def check_mode(mode: str, url: str | None) -> None:
    """Refuse what no store does: to send an image somewhere by FTP.

    :raises InvalidParameter: the mode is unknown, or one that needs FTP.
    """
    if mode.strip().upper() != "HTTP_DOWNLOAD" or url is not None:
        raise InvalidParameter(f"Please specify a valid extract mode: {mode[:40]} with url is not supported, "
                               "HTTP_DOWNLOAD without one is")


def extract(context: Context, template: Template, zone: Zone | None) -> dict[str, Any]:
    """Return a link to a template's image; a job's work. One that still lives is given again.

    :raises PermissionDenied: extraction is disabled.
    :raises InvalidParameter: the template may not be fetched, or is on no store of the zone.
    """
    caller = context.caller
    kind = "ISO" if template.format == "ISO" else "TEMPLATE"
    if not caller.is_root_admin:
        if context.settings.get("disable.extraction"):
            raise PermissionDenied("Extraction has been disabled by admin")
        if not template.extractable:
            raise InvalidParameter(f"Unable to extract Template {template.uuid} as it's not extractable")
    if template.template_type == "PERHOST":
        raise InvalidParameter(f"Unable to extract the {kind} {template.name} as it resides on host and not on SSVM")
    copy = _copy(template, zone)
    if copy is None:
        raise InvalidParameter(f"The {kind} has not been downloaded")
    store = ImageStore.get_by_id(copy.image_store_id)
    url = copy.download_url
    if url is None or not links.alive(context, copy.download_url_created):
        ended = copy.download_link
        if ended is not None:
            context.steps.remote("end old link", lambda request_id: stores.call(
                context, store, "secondary.delete_link", {"link": ended}, request_id=request_id))
        link = context.steps.run("name link", new_uuid)
        made = context.steps.remote("make link", lambda request_id: stores.call(
            context, store, "secondary.create_link", {"path": copy.install_path, "link": link}, request_id=request_id))
        url = links.url(context, store, made["path"])
        context.steps.run("note link", lambda: _note(copy, link, url))
    place = zone or (Zone.get_by_id(store.zone_id) if store.zone_id else None)
    return {"id": template.uuid, "name": template.name, "accountid": template.account_id,
            "extractMode": "HTTP_DOWNLOAD", "state": "DOWNLOAD_URL_CREATED", "status": "DOWNLOADED",
            "uploadpercentage": 100, "storagetype": "secondary", "created": copy.created, "url": url,
            **({"zoneid": place.uuid, "zonename": place.name} if place is not None else {})}


def _copy(template: Template, zone: Zone | None) -> TemplateStore | None:
    zones = [zone] if zone is not None else list(Zone.alive().order_by(Zone.id))
    return next((copy for copy in (stored_copy(template, place) for place in zones) if copy is not None), None)


def _note(copy: TemplateStore, link: str, url: str) -> None:
    TemplateStore.update(download_link=link, download_url=url, download_url_created=now()).where(
        TemplateStore.id == copy.id).execute()


def end_links(context: Context) -> None:
    """Delete the links whose time is over. By the clock."""
    before = now() - int(context.settings.get("extract.url.expiration.interval")) * 1000
    for copy in list(TemplateStore.select().where(TemplateStore.download_url_created < before)):
        store = ImageStore.get_by_id(copy.image_store_id)
        try:
            if store.removed is None:
                stores.call(context, store, "secondary.delete_link", {"link": copy.download_link})
        except ApiError as error:
            log.warning("link %s is not deleted: %s", copy.download_link, error.text)
            continue
        transact(TemplateStore.update(download_link=None, download_url=None, download_url_created=None).where(
            TemplateStore.id == copy.id).execute)
    browse.end_links(context, before)
