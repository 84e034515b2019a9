"""Templates."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand, Command, OwnerParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Map, NewName, Text, TextList
from cloudapi.api.query import Query
from cloudapi.commands.template.visibility import FILTERS, _ImageList, wanted_groups
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain, Project
from cloudapi.models.infrastructure import GuestOs, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Snapshot, StoragePool, Template, TemplateZone, Volume
from cloudapi.services.template import change, creation, deletion, duplicate, permission, registration
from cloudapi.views.template.template import TemplateView


def flags_of(command: Any) -> dict[str, bool]:
    """Return the columns of a template that are plain flags, as far as they are given."""
    names = {"passwordenabled": "password_enabled", "sshkeyenabled": "ssh_key_enabled", "requireshvm": "requires_hvm",
             "isdynamicallyscalable": "dynamically_scalable", "forcks": "for_cks"}
    return {column: getattr(command, name) for name, column in names.items()
            if getattr(command, name, None) is not None}


def refuse_unsupported(command: Any) -> None:
    """Refuse what needs a hypervisor that does it: hosts that download, Instances that follow an OVF."""
    if getattr(command, "directdownload", False):
        raise InvalidParameter("Parameter directdownload is only allowed for KVM Templates whose hosts download by "
                               "themselves, which no hypervisor here does")
    if getattr(command, "deployasis", False):
        raise InvalidParameter("deployasis: Deploy as-is is only supported for VMware")


class ListTemplates(_ImageList):
    """Lists templates."""

    lasting = True
    roles, response, tag_type = EVERYONE, TemplateView, "Template"

    ids = EntityList(Template, since="4.9", help="those with these IDs")
    templatefilter = Text(required=True, choices=FILTERS, help=f"one of {', '.join(FILTERS)}")
    parenttemplateid = Entity(Template, since="4.4", help="the disks of this template")
    details = TextList(since="4.15", help="all or min: how much of each to show")
    templatetype = Text(since="4.19.0", help="those of this type")
    isvnf = Flag(since="4.19.0", help="those of network functions, or those that are not")
    forcks = Flag(since="4.21.0", help="those for Kubernetes clusters, or those that are not")
    extensionid = Entity(since="4.21.0", help="those for this extension")
    isready = Flag(since="4.21.0", help="those that can be used now")

    def chosen(self) -> str:
        return str(self.templatefilter)

    def groups(self, context: Context) -> Any:
        return wanted_groups(self.details)

    def select(self, context: Context, query: Query) -> None:
        if self.id is None:
            query.where("(t.hypervisor_type = ? OR t.hypervisor_type IN "
                        "(SELECT c.hypervisor_type FROM cluster c WHERE c.removed IS NULL))", "Any")
        if self.ids is not None:
            query.among("id", [template.id for template in self.ids])
        if self.parenttemplateid is not None:
            query.equals("parent_template_id", self.parenttemplateid.id)
        if self.templatetype:
            query.equals("template_type", self.templatetype.upper())
        if self.isvnf is not None:
            query.where("t.template_type = ?" if self.isvnf else "t.template_type <> ?", "VNF")
        if self.forcks is not None:
            query.equals("for_cks", self.forcks)


class RegisterTemplate(OwnerParameters, Command):
    """Registers a template that is downloaded from a URL."""

    roles, response = EVERYONE, TemplateView

    name = Text(required=True, help="its name")
    url = Text(required=True, length=2048, help="where it is downloaded from")
    format = Text(required=True, help=f"format of the image: {', '.join(registration.FORMATS)}")
    hypervisor = Text(required=True, help="the hypervisor that it is for")
    zoneid = Entity(Zone, access=ANY, minus_one=True, help="the zone that it is for; -1 for all")
    zoneids = EntityList(Zone, access=ANY, help="the zones that it is for")
    displaytext = Text(length=4096, help="what it is")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS type")
    bits = Integer(default=64, help="32 or 64")
    checksum = Text(help="checksum of the image, as {ALGORITHM}digits; MD5 without an algorithm")
    details = Map(help="details, such as rootDiskController")
    isdynamicallyscalable = Flag(help="whether its Instances can grow while they run")
    isextractable = Flag(default=False, help="whether it can be fetched")
    isfeatured = Flag(default=False, help="whether it is featured")
    ispublic = Flag(default=False, help="whether everybody may use it")
    isrouting = Flag(help="whether virtual routers are made of it")
    passwordenabled = Flag(help="whether its Instances get a password")
    requireshvm = Flag(help="whether it needs hardware virtualisation")
    sshkeyenabled = Flag(help="whether its Instances get SSH keys")
    templatetag = Text(help="tag that hosts must bear")
    templatetype = Text(since="4.19.0", help="its type; USER where none is given")
    directdownload = Flag(default=False, help="whether hosts download it themselves")
    deployasis = Flag(default=False, since="4.15.1", help="whether Instances take their settings from it")
    forcks = Flag(since="4.21.0", help="whether it is for Kubernetes clusters")
    arch = Text(since="4.20", help="CPU architecture: x86_64 or aarch64")
    extensionid = Entity(access=ANY, since="4.21.0", help="the extension that it is for")
    externaldetails = Map(since="4.21.0", help="details for the extension")

    def run(self, context: Context) -> list[TemplateZone]:
        refuse_unsupported(self)
        if self.zoneid is not None and self.zoneids:
            raise InvalidParameter("Both zoneid and zoneids cannot be specified at the same time")
        if self.zoneid is None and not self.zoneids:
            raise InvalidParameter("Either zoneid or zoneids is required. Both cannot be null.")
        if self.ostypeid is None:
            raise InvalidParameter("Please provide a guest OS type: parameter ostypeid is missing")
        if self.externaldetails:
            raise InvalidParameter("externaldetails are for templates of an extension: extensionid is missing")
        return registration.register(context, self.owner(context), registration.Image(
            name=self.name, format=registration.checked_format(self.format),
            zones=self.zoneids or (None if self.zoneid == -1 else [self.zoneid]), display_text=self.displaytext,
            url=self.url, hypervisor=self.hypervisor, guest_os=self.ostypeid, checksum=self.checksum,
            template_type=self.templatetype, is_routing=self.isrouting, template_tag=self.templatetag, arch=self.arch,
            is_public=self.ispublic, featured=self.isfeatured, extractable=self.isextractable, bits=self.bits,
            details=self.details or {}, flags=flags_of(self)))


class CreateTemplate(AsyncCreateCommand):
    """Creates a private template of a volume or a snapshot."""

    roles, event, response, creates = EVERYONE, "TEMPLATE.CREATE", TemplateView, Template

    name = Text(required=True, help="its name")
    ostypeid = Entity(GuestOs, access=ANY, required=True, help="its guest OS type")
    volumeid = Entity(Volume, access=OPERATE, help="the volume")
    snapshotid = Entity(Snapshot, access=OPERATE, help="the snapshot")
    displaytext = Text(length=4096, help="what it is")
    bits = Integer(default=64, help="32 or 64")
    details = Map(help="details, such as rootDiskController")
    isdynamicallyscalable = Flag(help="whether its Instances can grow while they run")
    isfeatured = Flag(default=False, help="whether it is featured")
    ispublic = Flag(default=False, help="whether everybody may use it")
    passwordenabled = Flag(help="whether its Instances get a password")
    requireshvm = Flag(help="whether it needs hardware virtualisation")
    sshkeyenabled = Flag(help="whether its Instances get SSH keys")
    templatetag = Text(help="tag that hosts must bear")
    url = Text(length=2048, help="where a bare-metal template is")
    virtualmachineid = Entity(Machine, access=OPERATE, help="the bare-metal machine that it is made of")
    projectid = Entity(Project, access=OPERATE, help="the project that shall own it")
    account = Text(since="4.19.0", help="the account that shall own it; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, since="4.19.0", help="the domain of the account")
    zoneid = Entity(Zone, access=ANY, since="4.19.0", help="the zone that it is for; goes with snapshotid")
    arch = Text(since="4.20.2", help="CPU architecture: x86_64 or aarch64")

    def create(self, context: Context) -> Any:
        from cloudapi.api.ownership import owner_for

        creation.check_bare_metal(context, self.virtualmachineid, self.url)
        owner = owner_for(context, self.account, self.domainid, self.projectid)
        return creation.allot(context, owner, registration.Image(
            name=self.name, format="", zones=[], display_text=self.displaytext, guest_os=self.ostypeid,
            template_tag=self.templatetag, arch=self.arch, is_public=self.ispublic, featured=self.isfeatured,
            bits=self.bits, details=self.details or {}, flags=flags_of(self)),
            self.volumeid, self.snapshotid, self.zoneid)

    def run(self, context: Context) -> Any:
        return creation.make(context, self.created, self.volumeid, self.snapshotid)


class UpdateTemplate(Command):
    """Changes a template."""

    roles, event, response = EVERYONE, "TEMPLATE.UPDATE", TemplateView

    id = Entity(Template, access=OPERATE, required=True, help="the template")
    name = NewName(length=251, help="a new name")
    displaytext = Text(length=4096, help="what it is")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS type")
    forceupdateostype = Flag(default=False, since="4.21", help="also where Instances were made of it")
    format = Text(help="format of the image")
    bootable = Flag(help="whether it can be booted")
    requireshvm = Flag(help="whether it needs hardware virtualisation")
    passwordenabled = Flag(help="whether its Instances get a password")
    sshkeyenabled = Flag(help="whether its Instances get SSH keys")
    sortkey = Integer(help="its place in lists")
    isdynamicallyscalable = Flag(help="whether its Instances can grow while they run")
    isrouting = Flag(help="whether virtual routers are made of it")
    details = Map(help="details to set")
    cleanupdetails = Flag(default=False, help="remove all details")
    arch = Text(since="4.20", help="CPU architecture: x86_64 or aarch64")
    templatetype = Text(help="its type")
    templatetag = Text(since="4.20.0", help="tag that hosts must bear; empty for none")
    forcks = Flag(since="4.21.0", help="whether it is for Kubernetes clusters")

    def run(self, context: Context) -> Any:
        permission.check_kind(self.id, iso=False)
        return change.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteTemplate(AsyncCommand):
    """Deletes a template from a zone, or from all."""

    roles, event = EVERYONE, "TEMPLATE.DELETE"

    id = Entity(Template, access=OPERATE, required=True, lock=True, help="the template")
    zoneid = Entity(Zone, access=ANY, help="the zone; all where it is absent")
    forced = Flag(default=False, since="4.9+", help="also where Instances were made of it")
    issystem = Flag(default=False, since="4.20.0", roles=ROOT, help="also where it is the system's")

    def run(self, context: Context) -> None:
        permission.check_kind(self.id, iso=False)
        deletion.delete(context, self.id, self.zoneid, self.forced, self.issystem)


class CopyTemplate(AsyncCommand):
    """Copies a template to further zones."""

    roles, event, response = EVERYONE, "TEMPLATE.COPY", TemplateView

    id = Entity(Template, access=OPERATE, required=True, lock=True, help="the template")
    sourcezoneid = Entity(Zone, access=ANY, help="the zone that it is copied from")
    destzoneid = Entity(Zone, access=ANY, help="the zone that it is copied to")
    destzoneids = EntityList(Zone, access=ANY, help="the zones that it is copied to")

    def targets(self) -> list[Zone]:
        if self.destzoneid is not None and self.destzoneids:
            raise InvalidParameter("Both destzoneid and destzoneids cannot be specified at the same time.")
        return self.destzoneids or ([self.destzoneid] if self.destzoneid is not None else [])

    def run(self, context: Context) -> Any:
        return duplicate.to_zones(context, self.id, self.sourcezoneid, self.targets())


class PrepareTemplate(Command):
    """Copies a template to primary storage ahead of the Instances that are made of it."""

    roles, response, atomic = ROOT, TemplateView, False

    templateid = Entity(Template, access=USE, required=True, help="the template")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    storageid = Entity(StoragePool, access=ANY, help="the pool; all of the zone's where it is absent")

    def run(self, context: Context) -> list[TemplateZone]:
        return [duplicate.to_pools(context, self.templateid, self.zoneid, self.storageid)]
