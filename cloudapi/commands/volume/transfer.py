"""Volumes that come from outside and are taken away."""

from __future__ import annotations

from typing import Any

from cloudapi import events
from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, AsyncCommand, Command, OwnerParameters
from cloudapi.api.parameters import Entity, Text
from cloudapi.api.view import stamp
from cloudapi.context import Context
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import Volume
from cloudapi.services.volume import extract, post_upload, upload
from cloudapi.views.storage.item import ExtractView
from cloudapi.views.template.permission import GetUploadParamsView
from cloudapi.views.volume.volume import VolumeView


class UploadVolume(OwnerParameters, AsyncCommand):
    """Downloads a data volume to secondary storage."""

    roles, event, response = EVERYONE, "VOLUME.UPLOAD", VolumeView
    subject = "name"

    name = Text(required=True, help="its name")
    url = Text(required=True, length=2048, help="where it is")
    format = Text(required=True, choices=upload.FORMATS, help="the format of the image")
    zoneid = Entity(Zone, access=ANY, required=True, help="its zone")
    checksum = Text(help="checksum of the image, such as {SHA-256}hex")
    diskofferingid = Entity(DiskOffering, access=USE, help="a disk offering that leaves the size open")
    imagestoreuuid = Text(help="the image store that it goes to")

    def run(self, context: Context) -> Any:
        return upload.from_url(context, self.owner(context), self.zoneid, self.name, self.format, self.url,
                               self.diskofferingid, self.imagestoreuuid, self.checksum)


class GetUploadParamsForVolume(OwnerParameters, Command):
    """Permits the upload of a data volume and says where it is sent to."""

    roles, response, atomic = EVERYONE, GetUploadParamsView, False
    since = "4.6.0"

    name = Text(required=True, help="its name")
    format = Text(required=True, choices=upload.FORMATS, help="the format of the image")
    zoneid = Entity(Zone, access=ANY, required=True, help="its zone")
    checksum = Text(help="checksum of the image, such as {SHA-256}hex")
    diskofferingid = Entity(DiskOffering, access=USE, help="a disk offering that leaves the size open")
    imagestoreuuid = Text(help="the image store that it goes to")

    @classmethod
    def response_name(cls) -> str:
        return "postuploadvolumeresponse"

    def run(self, context: Context) -> Any:
        permit = post_upload.permit(context, self.owner(context), self.zoneid, self.name, self.format,
                                    self.diskofferingid, self.imagestoreuuid, self.checksum)
        transact(lambda: events.completed(context, "VOLUME.UPLOAD", f"permitting the upload of volume {self.name}",
                                          Volume.get(Volume.uuid == permit.id)))
        return permit.shown()


class ExtractVolume(AsyncCommand):
    """Copies a volume to secondary storage, from where it can be downloaded."""

    action = "extracting a volume"
    roles, event, response, wrapper = EVERYONE, "VOLUME.EXTRACT", ExtractView, "volume"

    id = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    zoneid = Entity(Zone, access=ANY, required=True, help="its zone")
    mode = Text(required=True, choices=extract.MODES, help="HTTP_DOWNLOAD")
    url = Text(length=2048, help="where it is sent to, in the mode FTP_UPLOAD, which is not to be had here")

    def run(self, context: Context) -> Any:
        url = extract.extract(context, self.id, self.zoneid, self.mode)
        return {"id": self.id.uuid, "name": self.id.name, "accountid": Account.get_by_id(self.id.account_id).uuid,
                "state": "DOWNLOAD_URL_CREATED", "created": stamp(context.now()), "zoneid": self.zoneid.uuid,
                "zonename": self.zoneid.name, "extractMode": self.mode, "storagetype": "volume", "url": url}
