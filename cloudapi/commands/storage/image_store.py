"""Secondary storage and staging stores."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import MOST_BYTES, Entity, EntityList, Flag, Integer, Long, Map, NewName, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, Snapshot, Template
from cloudapi.services.storage import image_store as image_stores
from cloudapi.services.storage import migration
from cloudapi.views.storage.image_store import (
    ImageStoreView,
    SecondaryStagingStoreView,
    SecondaryStorageView,
    SwiftView,
)
from cloudapi.views.storage.item import MigrationView

S3_PARAMETERS = ("accesskey", "secretkey", "endpoint", "bucket", "s3signer", "usehttps", "connectiontimeout",
                 "maxerrorretry", "sockettimeout", "connectionttl", "usetcpkeepalive")


class _ListStores(ListCommand):
    """What all lists of stores have; `role` is that of the stores."""

    keywords = ("name", "provider")
    role = "Image"

    id = Entity(ImageStore, column="id", minus_one=True, removed=True, help="the store with this ID")
    name = Text(column="name", help="the store of this name")
    protocol = Text(column="protocol", help="stores reached by this protocol")
    provider = Text(column="provider", help="stores of this provider")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="stores of this zone")

    def filter(self, context: Context, query: Query) -> None:
        query.equals("role", self.role)


class ListImageStores(_ListStores):
    """Lists secondary storage."""

    roles, response, since = ROOT, ImageStoreView, "4.2.0"

    readonly = Flag(column="readonly", since="4.15.0", help="stores that take nothing new, or those that do")


class ListSecondaryStagingStores(_ListStores):
    """Lists staging stores."""

    roles, response, since = ROOT, SecondaryStagingStoreView, "4.2.0"
    role = "ImageCache"


class ListSwifts(ListCommand):
    """Lists secondary storage on Swift."""

    roles, response, since = ROOT, SwiftView, "3.0.0"

    id = Long(column="id", help="the number of the store")

    def filter(self, context: Context, query: Query) -> None:
        query.equals("role", "Image")
        query.equals("provider", "Swift")


class AddImageStore(Command):
    """Adds secondary storage."""

    roles, response, since, atomic = ROOT, ImageStoreView, "4.2.0", False

    name = Text(help="its name; the URL where none is given")
    url = Text(length=2048, help="where it is, such as nfs://host/path")
    zoneid = Entity(Zone, access=ANY, help="the zone that it serves")
    provider = Text(required=True, help="NFS, S3 or Swift")
    details = Map(secret=True, help="what the provider needs to know: S3 credentials and bucket, for one")

    def run(self, context: Context) -> Any:
        return image_stores.add(context, self.name, self.url, self.zoneid, self.provider, self.details)


class AddImageStoreS3(Command):
    """Adds secondary storage in an S3 bucket."""

    roles, response, since, atomic = ROOT, ImageStoreView, "4.7.0", False

    accesskey = Text(required=True, secret=True, help="the access key")
    secretkey = Text(required=True, secret=True, help="the secret key")
    endpoint = Text(required=True, help="host name of the S3 service")
    bucket = Text(required=True, help="the bucket")
    s3signer = Text(help="how requests are signed: S3SignerType or AWSS3V4SignerType")
    usehttps = Flag(help="whether it is reached by HTTPS")
    connectiontimeout = Integer(minimum=0, help="how long a connection may take, in milliseconds")
    maxerrorretry = Integer(minimum=0, help="how often a failed request is sent again")
    sockettimeout = Integer(minimum=0, help="how long an answer may take, in milliseconds")
    connectionttl = Integer(minimum=0, help="how long a connection is kept, in milliseconds")
    usetcpkeepalive = Flag(help="whether connections are kept alive")

    def run(self, context: Context) -> Any:
        given = {name: str(getattr(self, name)).lower() if isinstance(getattr(self, name), bool)
                 else str(getattr(self, name)) for name in S3_PARAMETERS if name in self.given}
        return image_stores.add(context, None, None, None, "S3", given)


class CreateSecondaryStagingStore(Command):
    """Adds a staging store to a zone with object storage."""

    roles, response, atomic = ROOT, SecondaryStorageView, False

    url = Text(required=True, length=2048, help="where it is, such as nfs://host/path")
    zoneid = Entity(Zone, access=ANY, help="the zone that it serves")
    scope = Text(help="ZONE")
    provider = Text(help="NFS")
    details = Map(secret=True, help="what the provider needs to know")

    def run(self, context: Context) -> Any:
        return image_stores.add_staging(context, self.url, self.zoneid, self.scope, self.provider, self.details)


class UpdateImageStore(Command):
    """Changes secondary storage."""

    roles, response, since = ROOT, ImageStoreView, "4.15.0"

    id = Entity(ImageStore, access=ANY, required=True, help="the store")
    name = NewName(help="a new name")
    readonly = Flag(help="whether it takes nothing new")
    capacitybytes = Long(minimum=1, maximum=MOST_BYTES, help="its size in bytes, where it cannot be asked for it")

    def run(self, context: Context) -> Any:
        return image_stores.update(context, self.id, self.name, self.readonly, self.capacitybytes)


class DeleteImageStore(Command):
    """Deletes secondary storage that holds nothing of users."""

    roles, since, atomic = ROOT, "4.2.0", False

    id = Entity(ImageStore, access=ANY, required=True, help="the store")

    def run(self, context: Context) -> None:
        image_stores.delete(context, self.id, "Image")


class DeleteSecondaryStagingStore(Command):
    """Deletes a staging store."""

    roles, since, atomic = ROOT, "4.2.0", False

    id = Entity(ImageStore, access=ANY, required=True, help="the store")

    def run(self, context: Context) -> None:
        image_stores.delete(context, self.id, "ImageCache")


class MigrateSecondaryStorageData(AsyncCommand):
    """Migrates data from one secondary storage to others."""

    roles, event, response, wrapper, since = ROOT, "IMAGE.STORE.MIGRATE.DATA", MigrationView, "imagestore", "4.15.0"
    subject = "srcpool"

    srcpool = Entity(ImageStore, access=ANY, required=True, lock=True, help="where the data is")
    destpools = EntityList(ImageStore, access=ANY, required=True, help="where it goes")
    migrationtype = Text(choices=("Balance", "Complete"), default="Complete",
                         help="Balance to even usage out, Complete to empty the source")

    def run(self, context: Context) -> Any:
        return migration.migrate(context, self.srcpool, self.destpools, self.migrationtype)


class MigrateResourceToAnotherSecondaryStorage(AsyncCommand):
    """Migrates templates and snapshots from one secondary storage to another."""

    roles, event, response = ROOT, "IMAGE.STORE.MIGRATE.RESOURCES", MigrationView
    wrapper, since, subject = "imagestore", "4.19.0", "srcpool"

    srcpool = Entity(ImageStore, access=ANY, required=True, lock=True, help="where they are")
    destpool = Entity(ImageStore, access=ANY, required=True, lock=True, help="where they go")
    templates = EntityList(Template, access=ANY, help="templates to migrate")
    snapshots = EntityList(Snapshot, access=ANY, help="snapshots to migrate")

    def run(self, context: Context) -> Any:
        return migration.migrate_some(context, self.srcpool, self.destpool, self.templates or [], self.snapshots or [])
