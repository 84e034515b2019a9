"""What the API shows of an image store."""

from __future__ import annotations

from cloudapi.api.view import Column, View
from cloudapi.models.storage import ImageStore
from cloudapi.views.storage.pool import without_secrets
from cloudapi.views.zone.place import HasAnnotations


class ImageStoreView(View):
    record, name = ImageStore, "imagestore"

    hasannotations = HasAnnotations()
    id = Column("uuid", "ID of the store")
    name_ = Column("name", "name of the store")
    zoneid = Column("zone.uuid", "ID of its zone; none where it serves the region")
    zonename = Column("zone.name", "name of its zone")
    url = Column("url", "where it is", convert=without_secrets)
    protocol = Column("protocol", "how it is reached: nfs, s3 …")
    providername = Column("provider", "storage provider")
    scope = Column("scope", "ZONE or REGION", type="string")
    readonly = Column("readonly", "whether it takes nothing new")
    disksizetotal = Column("capacity_bytes", "size in bytes")
    disksizeused = Column("used_bytes", "bytes taken up now")


class SecondaryStorageView(ImageStoreView):
    """A staging store, as the command that makes one names it."""

    name = "secondarystorage"


class SecondaryStagingStoreView(ImageStoreView):
    name = "secondarystagingstore"


class SwiftView(ImageStoreView):
    name = "swift"
