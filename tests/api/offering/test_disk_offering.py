"""Disk offerings: what they say, for whom they are, and which of them suit a volume."""

import pytest

from tests.support.cloud import ApiFailure


def make(client, name="disk", **values):
    return client("createDiskOffering", **{"name": name, "displaytext": name, "disksize": 5, **values})["diskoffering"]


def refusal(client, command, **values):
    with pytest.raises(ApiFailure) as caught:
        client(command, **values)
    return caught.value


def test_an_offering_is_shown_as_it_was_asked_for(cloud):
    made = make(
        cloud.admin, tags="a,b", storagetype="local", provisioningtype="fat", displayoffering=False, encrypt=True,
        cachemode="writethrough", disksizestrictness=True, customizediops=False, miniops=1, maxiops=2,
        hypervisorsnapshotreserve=10, bytesWriteRate=7, iopsReadRateMax=9, details={"colour": "blue"})
    assert cloud.admin.one("listDiskOfferings", id=made["id"]) == made
    assert made.items() >= {
        "disksize": 5, "tags": "a,b", "storagetype": "local", "provisioningtype": "fat", "displayoffering": False,
        "encrypt": True, "cacheMode": "writethrough", "disksizestrictness": True, "iscustomizediops": False,
        "miniops": 1, "maxiops": 2, "hypervisorsnapshotreserve": 10, "diskBytesWriteRate": 7, "diskIopsReadRateMax": 9,
        "details": {"colour": "blue"}, "iscustomized": False, "state": "Active"}.items()


def test_a_custom_offering_has_no_size(cloud):
    made = make(cloud.admin, disksize=None, customized=True)
    assert (made["disksize"], made["iscustomized"], made["encrypt"]) == (0, True, False)


@pytest.mark.parametrize(("values", "named"), [
    ({"disksize": None}, "disksize"),
    ({"customized": True}, "disksize"),
    ({"disksize": 0}, "disksize"),
    ({"disksize": 1 << 30}, "disksize"),
    ({"cachemode": "no"}, "cachemode"),
    ({"customizediops": False, "miniops": 3}, "miniops"),
    ({"iopsreadrate": 3, "iopsreadratemax": 2}, "iopsreadrate"),
    ({"hypervisorsnapshotreserve": -1}, "hypervisorsnapshotreserve"),
])
def test_bad_values_are_refused_by_name(cloud, values, named):
    failure = refusal(cloud.admin, "createDiskOffering", **{"name": "refused", "disksize": 1, **values})
    assert failure.code == 431 and named in failure.text
    assert cloud.admin.list("listDiskOfferings", name="refused") == []


def test_changes_and_the_end_of_sale(cloud):
    made = make(cloud.admin, bytesreadrate=5)
    changed = cloud.admin("updateDiskOffering", id=made["id"], name="new", displaytext="text", tags="x", sortkey=3,
                          displayoffering=False, cachemode="writeback", byteswriterate=6)["diskoffering"]
    assert changed.items() >= {"name": "new", "displaytext": "text", "tags": "x", "displayoffering": False,
                               "cacheMode": "writeback", "diskBytesReadRate": 5, "diskBytesWriteRate": 6}.items()
    assert refusal(cloud.admin, "updateDiskOffering", id=made["id"], cachemode="none of these").code == 431
    cloud.admin("deleteDiskOffering", id=made["id"])
    assert cloud.admin.list("listDiskOfferings", id=made["id"]) == []
    assert cloud.admin.one("listDiskOfferings", id=made["id"], state="Inactive")["name"] == "new"


def test_a_clone_is_like_its_source_but_for_what_is_asked(cloud):
    source = make(cloud.admin, tags="fast", encrypt=True, iopsreadrate=9, details={"a": "1"})
    clone = cloud.admin("cloneDiskOffering", sourceofferingid=source["id"], name="copy", disksize=9)["diskoffering"]
    assert clone.items() >= {"name": "copy", "disksize": 9, "tags": "fast", "encrypt": True, "diskIopsReadRate": 9,
                             "details": {"a": "1"}}.items()
    custom = cloud.admin("cloneDiskOffering", sourceofferingid=source["id"], name="open", customized=True)
    assert (custom["diskoffering"]["iscustomized"], custom["diskoffering"]["disksize"]) == (True, 0)


def test_domains_see_their_own_offerings_and_those_above(cloud):
    parent = cloud.new_domain()
    child = cloud.new_domain(parent=parent)
    public, of_parent, of_child = (
        make(cloud.admin, name="scoped", domainid=domain)["id"] for domain in (None, parent, child))
    hidden = make(cloud.admin, name="scoped", displayoffering=False)["id"]

    def seen(client, **filters):
        return {item["id"] for item in client.list("listDiskOfferings", name="scoped", **filters)}

    boss = cloud.new_account(domain=parent, role="DomainAdmin")
    assert seen(cloud.admin) == {public, of_parent, of_child, hidden}
    assert seen(cloud.admin, domainid=parent) == {of_parent}
    assert seen(cloud.admin, domainid=-1) == set()
    assert seen(boss) == {public, of_parent}
    assert seen(boss, isrecursive=True) == {public, of_parent, of_child}
    assert seen(cloud.new_account(domain=child)) == {public, of_parent, of_child}
    assert seen(cloud.admin, encrypt=True) == set()
    assert len(cloud.admin.list("listDiskOfferings", keyword="scope", pagesize=2, page=1)) == 2


def test_those_that_suit_a_volume_and_a_pool(cloud):
    pool = cloud.admin.list("listStoragePools")[0]["id"]
    cloud.admin("updateStoragePool", id=pool, tags="fast,safe")
    tagged = make(cloud.admin, name="suited", tags="fast,safe")
    some = make(cloud.admin, name="suited", tags="fast")
    strict = make(cloud.admin, name="suited", tags="fast,safe", disksizestrictness=True)
    cloud.admin("updateConfiguration", name="match.storage.pool.tags.with.disk.offering", value="true")
    try:
        found = {item["id"] for item in cloud.admin.list("listDiskOfferings", name="suited", storageid=pool)}
        assert found == {tagged["id"], strict["id"]}
        zone = cloud.admin.list("listZones")[0]["id"]
        volume = cloud.admin.job("createVolume", name="v", zoneid=zone, diskofferingid=some["id"])
        found = {item["id"] for item in cloud.admin.list("listDiskOfferings", name="suited", volumeid=volume["id"])}
        assert found == {tagged["id"]}
    finally:
        cloud.admin("resetConfiguration", name="match.storage.pool.tags.with.disk.offering")
        cloud.admin("updateStoragePool", id=pool, tags="")
    failure = refusal(cloud.admin, "listDiskOfferings", volumeid=volume["id"], storageid=pool)
    assert "volumeid" in failure.text


def test_whether_a_disk_would_find_a_place(cloud):
    vm = cloud.admin.job("deployVirtualMachine", **cloud.deployment())
    possible, impossible = make(cloud.admin, name="fits"), make(cloud.admin, name="fits", tags="no-pool-has-this")
    found = {item["id"]: item["suitableforvirtualmachine"] for item in cloud.admin.list(
        "listDiskOfferings", name="fits", virtualmachineid=vm["id"])}
    assert found == {possible["id"]: True, impossible["id"]: False}
    assert "suitableforvirtualmachine" not in cloud.admin.one("listDiskOfferings", id=possible["id"])
