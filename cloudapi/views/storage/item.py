"""Answers of the storage area that stand for no single record."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class DataStoreObjectView(View):
    name = "datastoreobject"

    name_ = Given("name of the file or folder", type="string")
    isdirectory = Given("whether it is a folder", type="boolean")
    size = Given("size in bytes", type="long")
    templateid = Given("template that it belongs to", type="string")
    templatename = Given("name of the template", type="string")
    format = Given("format of the template", type="string")
    snapshotid = Given("snapshot that it belongs to", type="string")
    snapshotname = Given("name of the snapshot", type="string")
    volumeid = Given("volume that it belongs to", type="string")
    volumename = Given("name of the volume", type="string")
    lastupdated = Given("when it changed last", type="date")


class ExtractView(View):
    """A link by which an image can be fetched."""

    name = "volume"

    id = Given("ID of what is fetched", type="string")
    name_ = Given("its name", type="string")
    extractId = Given("ID of the link", type="string")
    uploadpercentage = Given("how much is ready, in percent", type="integer")
    status = Given("how far it is", type="string")
    accountid = Given("account that owns it", type="string")
    resultstring = Given("what went wrong", type="string")
    created = Given("when it was made", type="date")
    state = Given("state of the link", type="string")
    storagetype = Given("kind of storage that it comes from", type="string")
    zoneid = Given("ID of the zone", type="string")
    zonename = Given("name of the zone", type="string")
    extractMode = Given("HTTP_DOWNLOAD or FTP_UPLOAD", type="string")
    url = Given("where it can be fetched", type="string")


class MigrationView(View):
    """What came of a migration of data between image stores."""

    name = "imagestore"

    message = Given("what was done, and what was not", type="string")
    migrationtype = Given("Complete or Balance", type="string")
    success = Given("whether everything was migrated", type="boolean")


class StorageProviderView(View):
    name = "dataStoreProvider"

    name_ = Given("name of the provider", type="string")
    type = Given("primary, image or object", type="string")


class StorageTagView(View):
    name = "storagetag"

    id = Given("ID of the tag", type="string")
    poolid = Given("number of the pool that bears it", type="long")
    name_ = Given("the tag", type="string")


class StorageAccessGroupView(View):
    name = "storageaccessgroup"

    id = Given("ID of the group", type="string")
    name_ = Given("name of the group", type="string")
    hosts = Given("hosts that bear it", type="ListResponse")
    clusters = Given("clusters that bear it", type="ListResponse")
    pods = Given("pods that bear it", type="ListResponse")
    zones = Given("zones that bear it", type="ListResponse")
    storagepools = Given("pools that bear it", type="ListResponse")
