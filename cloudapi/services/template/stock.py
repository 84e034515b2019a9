"""What every zone has: the system's templates, and those registered for all zones."""

from __future__ import annotations

from cloudapi.context import ROOT_DOMAIN, SYSTEM_ACCOUNT, Context
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import GuestOs, Zone
from cloudapi.models.storage import ImageStore, Template, TemplateStore, TemplateZone
from cloudapi.services.storage import store as stores
from cloudapi.services.template import download
from schema.seed import load


def install() -> None:
    """Make the templates that an installation begins with, once. Within a transaction."""
    for fact in load("templates"):
        if Template.select().where(Template.unique_name == fact["unique_name"]).exists():
            continue
        guest_os = GuestOs.get_or_none(GuestOs.display_name == fact["guest_os"])
        Template.create(
            name=fact["name"], unique_name=fact["unique_name"], display_text=fact["display_text"], url=fact["url"],
            format=fact["format"], hypervisor_type=fact["hypervisor"], template_type=fact["template_type"],
            guest_os=guest_os.id if guest_os else None, bits=fact["bits"], requires_hvm=fact["requires_hvm"],
            is_public=fact["is_public"], featured=fact["is_featured"], cross_zones=fact["is_cross_zones"],
            extractable=fact["is_extractable"], password_enabled=fact["password_enabled"], size=fact["size_bytes"],
            dynamically_scalable=fact["is_dynamically_scalable"], arch=fact["arch"], checksum=fact["checksum"],
            account_id=SYSTEM_ACCOUNT, domain_id=ROOT_DOMAIN)


def join_zone(template: Template, zone: Zone) -> TemplateZone:
    """Write that a template belongs to a zone. Within a transaction; once."""
    found = TemplateZone.get_or_none(TemplateZone.template == template.id, TemplateZone.zone == zone.id)
    if found is None:
        return TemplateZone.create(template=template.id, zone=zone.id, created=now())
    if found.removed is not None:
        found.removed = None
        TemplateZone.update(removed=None).where(TemplateZone.id == found.id).execute()
    return found


def targets(context: Context, template: Template, zone: Zone) -> list[ImageStore]:
    """Return the stores of a zone that a template still has to be brought to.

    As many of them hold it as `secstorage.public.template.copy.max` (or its private twin) says; all hold what is
    the system's.
    """
    kind = "public" if template.is_public or template.featured else "private"
    most = 0 if template.template_type in download.STOCK else int(
        context.settings.get(f"secstorage.{kind}.template.copy.max", zone=zone.id))
    held = {row.image_store_id for row in TemplateStore.select().where(
        TemplateStore.template == template.id, TemplateStore.state != "Destroyed")}
    there = [store for store in stores.image_stores(zone) if store.id in held]
    free = [store for store in stores.writable(context, zone, template.size or 0) if store.id not in held]
    return free if most == 0 else free[:max(0, most - len(there))]


def arrive(context: Context, store: ImageStore) -> None:
    """Bring to a new store what every zone has. Outside transactions."""
    def work() -> list[TemplateStore]:
        install()
        found = []
        for template in list(Template.alive(Template.cross_zones == True, Template.state == "Active")):  # noqa: E712
            for zone in download.zones_of(store):
                join_zone(template, zone)
                if template.url and any(target.id == store.id for target in targets(context, template, zone)):
                    found.append(download.allot(template, store))
        return found

    for copy in transact(work):
        if copy.state == "Allocated":
            download.begin(context, copy)


def spread(context: Context) -> None:
    """Bring what every zone has to zones and stores that lack it. By the clock."""
    for store in list(ImageStore.alive(ImageStore.role == "Image").order_by(ImageStore.id)):
        arrive(context, store)
