"""Secondary storage: added, changed, browsed, emptied into others, deleted."""

import itertools

import pytest

from tests.support.cloud import ApiFailure

numbers = itertools.count(1)
STOCK = 2


@pytest.fixture(scope="module")
def zone(cloud):
    return cloud.admin.list("listZones")[0]


def add(cloud, zone, **parameters):
    number = next(numbers)
    given = {"name": f"store{number}", "provider": "NFS", "zoneid": zone["id"],
             "url": f"nfs://10.2.2.2:/export/{number}"}
    return cloud.admin("addImageStore", **{**given, **parameters})["imagestore"]


def templates_on(cloud, store):
    return cloud.admin.list("listTemplates", templatefilter="all", imagestoreid=store["id"])


def test_a_new_store_gets_what_every_zone_has(cloud, zone):
    store = add(cloud, zone)
    assert (store["protocol"], store["providername"], store["scope"]) == ("nfs", "NFS", "ZONE")
    assert (store["zoneid"], store["readonly"]) == (zone["id"], False)
    assert store["disksizetotal"] > 0
    cloud.until(lambda: [t["isready"] for t in templates_on(cloud, store)] == [True] * STOCK,
                "the system's templates arrive")
    shown = cloud.admin.one("listTemplates", templatefilter="featured")
    assert {entry["datastore"] for entry in shown["downloaddetails"]} >= {"secondary", store["name"]}
    cloud.admin("deleteImageStore", id=store["id"])
    assert cloud.admin.list("listImageStores", id=store["id"]) == []


@pytest.mark.parametrize(("parameters", "text"), [
    ({"url": "nfs://:/x"}, "host or path is null"),
    ({"url": "s3://host/bucket"}, "NFS is at nfs or file"),
    ({"url": None}, "missing parameter url"),
    ({"name": "secondary"}, "already exists"),
    ({"zoneid": None}, "does not support scope REGION"),
    ({"provider": "S3", "url": None, "zoneid": None}, "accesskey is missing"),
])
def test_bad_values_are_refused(cloud, zone, parameters, text):
    before = len(cloud.admin.list("listImageStores"))
    with pytest.raises(ApiFailure, match=text) as failure:
        add(cloud, zone, **parameters)
    assert failure.value.code == 431
    assert len(cloud.admin.list("listImageStores")) == before


def test_another_provider_beside_the_first_is_refused(cloud):
    with pytest.raises(ApiFailure, match="same provider NFS"):
        cloud.admin("addImageStoreS3", accesskey="AKIA", secretkey="s3cr3t-key", endpoint="s3.example.org",
                    bucket="images")


def test_changes(cloud, zone):
    store = add(cloud, zone)
    changed = cloud.admin("updateImageStore", id=store["id"], name="other", readonly=True,
                          capacitybytes=1 << 40)["imagestore"]
    assert (changed["name"], changed["readonly"], changed["disksizetotal"]) == ("other", True, 1 << 40)
    assert [s["id"] for s in cloud.admin.list("listImageStores", readonly=True)] == [store["id"]]
    with pytest.raises(ApiFailure, match="already exists"):
        cloud.admin("updateImageStore", id=store["id"], name="secondary")
    cloud.admin("deleteImageStore", id=store["id"])


def test_its_files_are_listed_and_linked_to(cloud, zone):
    store = cloud.admin.one("listImageStores", name="secondary")
    (top,) = cloud.admin.list("listImageStoreObjects", id=store["id"])
    assert (top["name"], top["isdirectory"]) == ("template", True)
    path = "template/tmpl/1"
    folder = cloud.admin.list("listImageStoreObjects", id=store["id"], path=path)[0]
    file = cloud.admin.list("listImageStoreObjects", id=store["id"], path=f"{path}/{folder['name']}")[0]
    assert file["size"] == 1_000_000_000 and file["templatename"]
    link = cloud.admin.job("downloadImageStoreObject", id=store["id"], path=f"{path}/{folder['name']}/{file['name']}")
    assert link["state"] == "DOWNLOAD_URL_CREATED" and link["extractId"] in link["url"]
    with pytest.raises(ApiFailure):
        cloud.admin.job("downloadImageStoreObject", id=store["id"], path="no/such/file")


def test_data_is_migrated_to_stores_that_take_it(cloud, zone):
    source, target = add(cloud, zone), add(cloud, zone)
    for store in (source, target):
        cloud.until(lambda store=store: len(templates_on(cloud, store)) == STOCK, "the system's templates arrive")
    cloud.admin("updateImageStore", id=target["id"], readonly=True)
    with pytest.raises(ApiFailure, match="No destination valid store"):
        cloud.admin.job("migrateSecondaryStorageData", srcpool=source["id"], destpools=target["id"])
    cloud.admin("updateImageStore", id=target["id"], readonly=False)
    answer = cloud.admin.job("migrateSecondaryStorageData", srcpool=source["id"], destpools=target["id"],
                             migrationtype="Balance")
    assert answer["success"] is True and "balanced" in answer["message"]
    answer = cloud.admin.job("migrateSecondaryStorageData", srcpool=source["id"], destpools=target["id"],
                             migrationtype="Complete")
    assert answer["migrationtype"] == "COMPLETE"
    assert cloud.admin.one("listImageStores", id=source["id"])["readonly"] is True
    for store in (source, target):
        cloud.admin("deleteImageStore", id=store["id"])


def test_staging_stores_are_lists_of_their_own(cloud, zone):
    store = cloud.admin("createSecondaryStagingStore", url="nfs://10.2.2.9:/stage",
                        zoneid=zone["id"])["secondarystorage"]
    assert [s["id"] for s in cloud.admin.list("listSecondaryStagingStores")] == [store["id"]]
    assert store["id"] not in {s["id"] for s in cloud.admin.list("listImageStores")}
    with pytest.raises(ApiFailure, match="role ImageCache"):
        cloud.admin("deleteImageStore", id=store["id"])
    cloud.admin("deleteSecondaryStagingStore", id=store["id"])
    assert cloud.admin.list("listSecondaryStagingStores") == []
    with pytest.raises(ApiFailure, match="Only zone wide"):
        cloud.admin("createSecondaryStagingStore", url="nfs://10.2.2.9:/stage", zoneid=zone["id"], scope="REGION")


def test_providers(cloud):
    assert {p["name"] for p in cloud.admin.list("listStorageProviders", type="primary")} == {"DefaultPrimary"}
    assert {p["name"] for p in cloud.admin.list("listStorageProviders", type="image")} == {"NFS", "S3", "Swift"}
    with pytest.raises(ApiFailure, match="can only be"):
        cloud.admin("listStorageProviders", type="tape")
    assert cloud.admin.list("listSwifts") == []
