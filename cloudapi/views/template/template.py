"""What the API shows of templates and ISOs: an object per template and zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, stamp
from cloudapi.context import Context
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain, UserData
from cloudapi.models.storage import Template, TemplateZone
from cloudapi.views.common import ResourceTagView, by_resource, pretty_path

COPIES = """
SELECT z.id, s.name, s.uuid, s.role, c.download_state, c.download_percent, c.state, c.error_text, c.size,
  c.physical_size, c.created, s.zone_id
FROM template_zone z JOIN template_store c ON c.template_id = z.template_id
JOIN image_store s ON s.id = c.image_store_id AND s.removed IS NULL AND (s.zone_id = z.zone_id OR s.zone_id IS NULL)
WHERE c.state <> ? AND z.id IN ({marks}) ORDER BY c.id"""
POOL_COPIES = """
SELECT z.id, p.name, p.uuid, c.download_state FROM template_zone z
JOIN template_pool c ON c.template_id = z.template_id
JOIN storage_pool p ON p.id = c.pool_id AND p.zone_id = z.zone_id AND p.removed IS NULL
WHERE z.id IN ({marks}) ORDER BY c.id"""
BUSY = ("Ready", "Copying", "Migrating")


def marks(ids: Sequence[int]) -> str:
    return ",".join("?" * len(ids))


def status_text(image_format: str, download_state: str, percent: int, error: str | None) -> str:
    """Return how far a template is, in the words that CloudStack's clients wait for."""
    iso = image_format == "ISO"
    if download_state == "DOWNLOADED":
        return "Successfully Installed" if iso else "Download Complete"
    if download_state == "DOWNLOAD_IN_PROGRESS":
        if percent == 100:
            return "Installing ISO" if iso else "Installing Template"
        return f"{percent}% Downloaded"
    return error.strip() if error and error.strip() else "Processing"


def load_copies(page: Page) -> dict[int, dict[str, Any]]:
    """Return what the copies of a template on the stores and pools of a zone say."""
    full = page.context.caller.is_root_admin
    formats, owners = _of_templates(page)
    found: dict[int, dict[str, Any]] = {
        key: {"isready": False, "downloaddetails": [], "status": "Processing"} for key in page.ids}
    for (key, name, uuid, role, download, percent, state, error, size, physical, created, _) in rows(
            COPIES.format(marks=marks(page.ids)), ["Destroyed", *page.ids]):
        entry = found[key]
        entry["downloaddetails"].append({
            "datastore": name, **({"datastoreId": uuid, "datastoreRole": role} if full else {}),
            "downloadPercent": str(percent), "downloadState": download})
        better = state in BUSY and not entry["isready"]
        if better or "created" not in entry:
            entry.update(isready=state in BUSY, created=stamp(created),
                         status=status_text(formats[key], download, percent, error))
            entry.update({name: value for name, value in (("size", size), ("physicalsize", physical)) if value})
    for key, name, uuid, download in rows(POOL_COPIES.format(marks=marks(page.ids)), page.ids):
        found[key]["downloaddetails"].append({
            "datastore": name, **({"datastoreId": uuid, "datastoreRole": "Primary"} if full else {}),
            "downloadPercent": "100" if download == "DOWNLOADED" else "0", "downloadState": download})
    for key, entry in found.items():
        if not _may_see(page, owners[key]):
            del entry["status"]
    return found


def _of_templates(page: Page) -> tuple[dict[int, str], dict[int, tuple[int, int]]]:
    """Return the format of each row's template, and its owner's id and type."""
    formats: dict[int, str] = {}
    owners: dict[int, tuple[int, int]] = {}
    for key, image_format, account_id, kind in rows(
            "SELECT z.id, t.format, t.account_id, a.account_type FROM template_zone z "
            "JOIN template t ON t.id = z.template_id JOIN account a ON a.id = t.account_id "
            f"WHERE z.id IN ({marks(page.ids)})", page.ids):
        formats[key], owners[key] = image_format, (account_id, kind)
    return formats, owners


def _may_see(page: Page, owner: tuple[int, int]) -> bool:
    """Whether the caller may see how the template comes and from where: admins, its owner, its project."""
    caller = page.context.caller
    return caller.is_admin or owner[0] == caller.account_id or owner[1] == 5


def load_urls(page: Page) -> dict[int, str]:
    _, owners = _of_templates(page)
    return {key: url for key, url in rows(
        "SELECT z.id, t.url FROM template_zone z JOIN template t ON t.id = z.template_id "
        f"WHERE z.id IN ({marks(page.ids)}) AND t.url IS NOT NULL", page.ids) if _may_see(page, owners[key])}


def load_projects(page: Page) -> dict[int, dict[str, str]]:
    return {key: {"projectid": uuid, "project": name} for key, uuid, name in rows(
        "SELECT z.id, p.uuid, p.name FROM template_zone z JOIN template t ON t.id = z.template_id "
        f"JOIN project p ON p.project_account_id = t.account_id WHERE z.id IN ({marks(page.ids)})", page.ids)}


def _by_template(page: Page) -> dict[int, list[int]]:
    """Return the rows of the page by their template."""
    found: dict[int, list[int]] = {}
    for key, template_id in page.values("template_id").items():
        found.setdefault(template_id, []).append(key)
    return found


def load_details(page: Page) -> dict[int, dict[str, str]]:
    places = _by_template(page)
    found: dict[int, dict[str, str]] = {}
    for template_id, name, value, display in by_resource(
            page, "detail", "Template", list(places), "name, value, display"):
        if display or page.context.caller.is_root_admin:
            for key in places[template_id]:
                found.setdefault(key, {})[name] = value
    return found


def load_tags(page: Page) -> dict[int, list[dict[str, Any]]]:
    places = _by_template(page)
    found: dict[int, list[dict[str, Any]]] = {}
    owners = {tag_id: template_id for kind in ("Template", "ISO")
              for template_id, tag_id in by_resource(page, "resource_tag", kind, list(places), "id")}
    ordered = list(owners)
    for tag_id, shown in zip(ordered, ResourceTagView.render(page.context, ordered), strict=True):
        for key in places[owners[tag_id]]:
            found.setdefault(key, []).append(shown)
    return found


def load_annotated(page: Page) -> dict[int, bool]:
    everything = "" if page.context.caller.is_root_admin else " AND a.admins_only = ?"
    return {key: True for (key,) in rows(
        "SELECT z.id FROM template_zone z JOIN template t ON t.id = z.template_id JOIN annotation a "
        f"ON a.entity_uuid = t.uuid AND a.removed IS NULL{everything} WHERE z.id IN ({marks(page.ids)})",
        [*([False] if everything else []), *page.ids])}


def digest(checksum: str) -> str:
    """Return the digits of a checksum, without its algorithm."""
    return checksum.rpartition("}")[2]


class ChildTemplateView(View):
    record, name = Template, "childtemplate"

    id = Column("uuid", "ID of the template")
    name_ = Column("name", "name of the template")
    size = Column("size", "size in bytes", type="integer")
    templatetype = Column("template_type", "its type")


class TemplateView(View):
    record, name = TemplateZone, "template"
    links = {"template.account": ("account_id", Account), "template.domain": ("domain_id", Domain),
             "template.source": ("source_template_id", Template), "template.parent": ("parent_template_id", Template),
             "template.user_data": ("user_data_id", UserData)}

    hasannotations = Batch(load_annotated, "whether somebody has commented on it", default=False, type="boolean")
    tags = Batch(load_tags, "tags of the template", needs=("template_id",), default=[], type="set",
                 nested=ResourceTagView)
    id = Column("template.uuid", "ID of the template")
    name_ = Column("template.name", "name of the template")
    displaytext = Column("template.display_text", "what it is")
    ispublic = Column("template.is_public", "whether everybody may use it")
    created = Batch(load_copies, "when it was registered in the zone", key="created", type="date")
    removed = Column("removed", "when it was deleted from the zone", type="date")
    isready = Batch(load_copies, "whether Instances can be made of it", key="isready", type="boolean")
    passwordenabled = Column("template.password_enabled", "whether Instances get a password")
    format = Column("template.format", "format of the image")
    bootable = Column("template.bootable", "whether it can be booted")
    isfeatured = Column("template.featured", "whether it is featured")
    crossZones = Column("template.cross_zones", "whether all zones have it")
    ostypeid = Column("template.guest_os.uuid", "ID of the guest OS type")
    ostypename = Column("template.guest_os.display_name", "name of the guest OS type")
    accountid = Column("template.account.uuid", "ID of the account that owns it")
    account = Column("template.account.account_name", "account that owns it")
    zoneid = Column("zone.uuid", "ID of the zone")
    zonename = Column("zone.name", "name of the zone")
    status = Batch(load_copies, "how far it is", key="status", type="string")
    size = Batch(load_copies, "size that a guest sees, in bytes", key="size", type="long")
    physicalsize = Batch(load_copies, "bytes that it takes up", key="physicalsize", type="long")
    templatetype = Column("template.template_type", "USER, SYSTEM, BUILTIN …")
    hypervisor = Column("template.hypervisor_type", "hypervisor that it is for")
    domain = Column("template.domain.name", "domain of the account")
    domainpath = Column("template.domain.path", "path of the domain", convert=pretty_path, since="4.19.2.0")
    domainid = Column("template.domain.uuid", "ID of the domain")
    isextractable = Computed(lambda extractable, kind: bool(extractable) and kind not in ("SYSTEM", "PERHOST"),
                             "template.extractable", "template.template_type", type="boolean",
                             help="whether its owner may fetch it")
    checksum = Column("template.checksum", "checksum of the image", convert=digest)
    sourcetemplateid = Column("template.source.uuid", "template that it was made from")
    hostid = Given("host that it lies on", type="string")
    hostname = Given("name of that host", type="string")
    templatetag = Column("template.template_tag", "tag that hosts must bear")
    projectid = Batch(load_projects, "project that owns it", key="projectid", type="string")
    project = Batch(load_projects, "name of that project", key="project", type="string")
    details = Batch(load_details, "its details", needs=("template_id",), detail="all", type="map")
    downloaddetails = Batch(load_copies, "how far it is on each store", key="downloaddetails", type="list")
    arch = Column("template.arch", "CPU architecture", since="4.20", type="string")
    bits = Column("template.bits", "32 or 64", since="4.10")
    sshkeyenabled = Column("template.ssh_key_enabled", "whether Instances get SSH keys")
    isdynamicallyscalable = Column("template.dynamically_scalable", "whether Instances can grow while they run")
    directdownload = Column("template.direct_download", "whether hosts fetch it themselves")
    deployasis = Column("template.deploy_as_is", "whether Instances take their settings from it", since="4.15")
    forcks = Column("template.for_cks", "whether it is for Kubernetes clusters", since="4.21.0")
    deployasisdetails = Given("settings that Instances take from it", type="map", since="4.15")
    parenttemplateid = Column("template.parent.uuid", "template that it is a disk of")
    childtemplates = Given("its further disks", type="set", nested=ChildTemplateView)
    requireshvm = Column("template.requires_hvm", "whether it needs hardware virtualisation")
    url = Batch(load_urls, "where it comes from", type="string")
    icon = Given("its icon", type="resourceiconresponse", since="4.16.0.0")
    userdataid = Column("template.user_data.uuid", "user data that goes with it", since="4.18.0")
    userdataname = Column("template.user_data.name", "name of the user data", since="4.18.0")
    userdatapolicy = Column("template.user_data_policy", "whether deployers may give their own", since="4.18.0")
    userdataparams = Column("template.user_data.variables", "variables of the user data", since="4.18.0",
                            convert=lambda names: ",".join(names) or None)
    extensionid = Given("extension that it is for", type="string", since="4.21.0")
    extensionname = Given("name of the extension", type="string", since="4.21.0")

    @classmethod
    def one(cls, context: Context, record: Any, details: Any = None) -> dict[str, Any]:
        """Return the object of a template in one zone, given as `TemplateZone`, or of a template in its first zone."""
        if isinstance(record, Template):
            record = (TemplateZone.select().where(TemplateZone.template == record.id)
                      .order_by(TemplateZone.removed.is_null(False), TemplateZone.id).get())
        return super().one(context, record, details)


class IsoView(TemplateView):
    """An ISO, as the commands that list them name it."""

    name = "iso"
