"""Templates fetched by their owners, and sent by them."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, AsyncCommand, Command, OwnerParameters
from cloudapi.api.parameters import Entity, Flag, Integer, Map, Text
from cloudapi.api.view import stamp
from cloudapi.commands.template.template import flags_of, refuse_unsupported
from cloudapi.context import Context
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import GuestOs, Zone
from cloudapi.models.storage import Template
from cloudapi.services.template import extraction, permission, registration, upload
from cloudapi.views.storage.item import ExtractView
from cloudapi.views.template.permission import GetUploadParamsView


class ExtractTemplate(AsyncCommand):
    """Makes a link by which a template can be fetched."""

    action = "extracting a template"
    roles, event, response, wrapper = EVERYONE, "TEMPLATE.EXTRACT", ExtractView, "template"
    iso = False

    id = Entity(Template, access=OPERATE, required=True, help="the template")
    mode = Text(required=True, help="HTTP_DOWNLOAD")
    url = Text(length=2048, help="where to send it, with the mode FTP_UPLOAD")
    zoneid = Entity(Zone, access=ANY, help="the zone whose copy is fetched")

    def run(self, context: Context) -> dict[str, Any]:
        permission.check_kind(self.id, self.iso)
        extraction.check_mode(self.mode, self.url)
        made = extraction.extract(context, self.id, self.zoneid)
        return {**made, "accountid": Account.get_by_id(made["accountid"]).uuid, "created": stamp(made["created"])}


class GetUploadParamsForTemplate(OwnerParameters, Command):
    """Permits the upload of a template, and says how it is sent."""

    roles, response, since = EVERYONE, GetUploadParamsView, "4.6.0"

    name = Text(required=True, help="its name")
    format = Text(required=True, help=f"format of the image: {', '.join(registration.FORMATS)}")
    hypervisor = Text(required=True, help="the hypervisor that it is for")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone that it is for")
    checksum = Text(help="checksum of the image, as {ALGORITHM}digits; MD5 without an algorithm")
    displaytext = Text(length=4096, help="what it is")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS type")
    arch = Text(since="4.20", help="CPU architecture: x86_64 or aarch64")
    bits = Integer(default=64, help="32 or 64")
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
    deployasis = Flag(default=False, since="4.15.1", help="whether Instances take their settings from it")
    forcks = Flag(since="4.21.0", help="whether it is for Kubernetes clusters")
    templatetype = Text(since="4.22.0", help="its type; USER where none is given")

    def run(self, context: Context) -> dict[str, str]:
        refuse_unsupported(self)
        return upload.prepare(context, self.owner(context), registration.Image(
            name=self.name, format=registration.checked_format(self.format), zones=[self.zoneid],
            display_text=self.displaytext, hypervisor=self.hypervisor, guest_os=self.ostypeid, checksum=self.checksum,
            template_type=self.templatetype, is_routing=self.isrouting, template_tag=self.templatetag, arch=self.arch,
            is_public=self.ispublic, featured=self.isfeatured, extractable=self.isextractable, bits=self.bits,
            details=self.details or {}, flags=flags_of(self)), self.zoneid)
