"""ISO images."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, AsyncCommand, Command, OwnerParameters
from cloudapi.api.parameters import Entity, Flag, Integer, Map, NewName, Text
from cloudapi.api.query import Query
from cloudapi.commands.template.permission import ListTemplatePermissions, UpdateTemplatePermissions
from cloudapi.commands.template.template import CopyTemplate, flags_of, refuse_unsupported
from cloudapi.commands.template.transfer import ExtractTemplate
from cloudapi.commands.template.visibility import FILTERS, _ImageList
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import GuestOs, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import ImageStore, Template, TemplateZone
from cloudapi.services.iso import drive
from cloudapi.services.template import change, deletion, permission, registration, upload
from cloudapi.views.template.permission import GetUploadParamsView
from cloudapi.views.template.template import IsoView
from cloudapi.views.virtual_machine.virtual_machine import VirtualMachineView


class ListIsos(_ImageList):
    """Lists ISOs."""

    lasting = True
    roles, response, tag_type, iso = EVERYONE, IsoView, "ISO", True

    isofilter = Text(default="selfexecutable", choices=FILTERS, help=f"one of {', '.join(FILTERS)}")
    bootable = Flag(help="those that can be booted, or those that cannot")
    ispublic = Flag(help="those that everybody may use, or those that not")

    def chosen(self) -> str:
        return str(self.isofilter)

    def select(self, context: Context, query: Query) -> None:
        if self.bootable is not None:
            query.equals("bootable", self.bootable)
        if self.ispublic is not None:
            query.equals("is_public", self.ispublic)


class RegisterIso(OwnerParameters, Command):
    """Registers an ISO that is downloaded from a URL."""

    roles, response = EVERYONE, IsoView

    name = Text(required=True, length=251, help="its name")
    url = Text(required=True, length=2048, help="where it is downloaded from")
    zoneid = Entity(Zone, access=ANY, required=True, minus_one=True, help="the zone that it is for; -1 for all")
    bootable = Flag(default=True, help="whether it can be booted")
    displaytext = Text(length=4096, help="what it is")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS type")
    checksum = Text(help="checksum of the image, as {ALGORITHM}digits; MD5 without an algorithm")
    isextractable = Flag(default=False, help="whether it can be fetched")
    isfeatured = Flag(default=False, help="whether it is featured")
    ispublic = Flag(default=False, help="whether everybody may use it")
    isdynamicallyscalable = Flag(help="whether Instances can grow while they run")
    passwordenabled = Flag(help="whether Instances get a password")
    imagestoreuuid = Text(help="the image store that it goes to")
    directdownload = Flag(default=False, help="whether hosts download it themselves")
    arch = Text(since="4.20", help="CPU architecture: x86_64 or aarch64")

    def run(self, context: Context) -> list[TemplateZone]:
        refuse_unsupported(self)
        store = None
        if self.imagestoreuuid:
            store = ImageStore.alive(ImageStore.uuid == self.imagestoreuuid, ImageStore.role == "Image").first()
            if store is None:
                raise InvalidParameter(f"Invalid value for parameter imagestoreuuid: there is no {self.imagestoreuuid}")
        return registration.register(context, self.owner(context), registration.Image(
            name=self.name, format="ISO", zones=None if self.zoneid == -1 else [self.zoneid],
            display_text=self.displaytext, url=self.url, checksum=self.checksum, arch=self.arch,
            guest_os=registration.iso_guest_os(self.ostypeid, self.bootable), is_public=self.ispublic,
            featured=self.isfeatured, extractable=self.isextractable, bootable=self.bootable, flags=flags_of(self)),
            store)


class UpdateIso(Command):
    """Changes an ISO."""

    roles, event, response = EVERYONE, "ISO.UPDATE", IsoView

    id = Entity(Template, access=OPERATE, required=True, help="the ISO")
    name = NewName(length=251, help="a new name")
    displaytext = Text(length=4096, help="what it is")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS type")
    forceupdateostype = Flag(default=False, since="4.21", help="also where Instances have it")
    format = Text(help="format of the image: ISO")
    bootable = Flag(help="whether it can be booted")
    requireshvm = Flag(help="whether it needs hardware virtualisation")
    passwordenabled = Flag(help="whether Instances get a password")
    sshkeyenabled = Flag(help="whether Instances get SSH keys")
    sortkey = Integer(help="its place in lists")
    isdynamicallyscalable = Flag(help="whether Instances can grow while they run")
    isrouting = Flag(help="whether virtual routers are made of it")
    details = Map(help="details to set")
    cleanupdetails = Flag(default=False, help="remove all details")
    arch = Text(since="4.20", help="CPU architecture: x86_64 or aarch64")

    def run(self, context: Context) -> Any:
        permission.check_kind(self.id, iso=True)
        return change.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteIso(AsyncCommand):
    """Deletes an ISO from a zone, or from all."""

    roles, event = EVERYONE, "ISO.DELETE"

    id = Entity(Template, access=OPERATE, required=True, lock=True, help="the ISO")
    zoneid = Entity(Zone, access=ANY, help="the zone; all where it is absent")

    def run(self, context: Context) -> None:
        permission.check_kind(self.id, iso=True)
        deletion.delete(context, self.id, self.zoneid)


class CopyIso(CopyTemplate):
    """Copies an ISO to further zones."""

    event = "ISO.COPY"

    def run(self, context: Context) -> Any:
        permission.check_kind(self.id, iso=True)
        return super().run(context)


class AttachIso(AsyncCommand):
    """Puts an ISO into the drive of an Instance."""

    action = "attaching an ISO to an Instance"
    roles, event, response, subject = EVERYONE, "ISO.ATTACH", VirtualMachineView, "virtualmachineid"

    id = Entity(Template, access=USE, required=True, help="the ISO")
    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    forced = Flag(default=False, since="4.15.1", help="take out the one that is in it")

    def run(self, context: Context) -> Any:
        return drive.attach(context, self.virtualmachineid, self.id, self.forced)


class DetachIso(AsyncCommand):
    """Empties the drive of an Instance."""

    action = "detaching an ISO from an Instance"
    roles, event, response, subject = EVERYONE, "ISO.DETACH", VirtualMachineView, "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    forced = Flag(default=False, since="4.15.1", help="also where the host does not do it now")
    id = Entity(Template, access=USE, since="4.23.0", help="the ISO that is taken out")

    def run(self, context: Context) -> Any:
        return drive.detach(context, self.virtualmachineid, self.id, self.forced)


class ExtractIso(ExtractTemplate):
    """Makes a link by which an ISO can be fetched."""

    action = "extracting an ISO"
    event, wrapper, iso = "ISO.EXTRACT", "iso", True


class ListIsoPermissions(ListTemplatePermissions):
    """Shows who may use an ISO."""

    iso = True


class UpdateIsoPermissions(UpdateTemplatePermissions):
    """Changes who may use an ISO."""

    action = "updating permissions of an ISO"
    event, iso = "ISO.UPDATE", True


class GetUploadParamsForIso(OwnerParameters, Command):
    """Permits the upload of an ISO, and says how it is sent."""

    roles, response, since = EVERYONE, GetUploadParamsView, "4.13"

    name = Text(required=True, help="its name")
    format = Text(required=True, help="format of the image: ISO")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone that it is for")
    bootable = Flag(default=True, help="whether it can be booted")
    checksum = Text(help="checksum of the image, as {ALGORITHM}digits; MD5 without an algorithm")
    displaytext = Text(length=4096, help="what it is")
    isfeatured = Flag(default=False, help="whether it is featured")
    ispublic = Flag(default=False, help="whether everybody may use it")
    isextractable = Flag(default=False, help="whether it can be fetched")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS type")

    def run(self, context: Context) -> dict[str, str]:
        return upload.prepare(context, self.owner(context), registration.Image(
            name=self.name, format=registration.checked_format(self.format, ("ISO",)), zones=[self.zoneid],
            display_text=self.displaytext, checksum=self.checksum, bootable=self.bootable,
            guest_os=registration.iso_guest_os(self.ostypeid, self.bootable), is_public=self.ispublic,
            featured=self.isfeatured, extractable=self.isextractable), self.zoneid)
