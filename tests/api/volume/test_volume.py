"""Volumes that belong to no Instance: made, sized, moved, handed over, destroyed; and their snapshots."""

import itertools

import pytest

from tests.support.cloud import ApiFailure

GIB = 1 << 30
numbers = itertools.count(1)


def make(place, client=None, offering="Small", **parameters):
    client = client or place.admin
    return client.job("createVolume", name=f"volume{next(numbers)}", zoneid=place.zone,
                      diskofferingid=place.offerings[offering], **parameters)


def counts(place, account):
    """Return what an account has of each kind, in pieces and GiB."""
    shown = place.admin.one("listAccounts", id=account.account_id)
    return {name: shown[f"{name}total"] for name in ("volume", "snapshot", "primarystorage", "secondarystorage")}


def allocated(place, pool):
    return place.admin.one("listStoragePools", id=pool)["disksizeallocated"]


@pytest.fixture(scope="module")
def alice(place):
    return place.cloud.new_account("alice")


def test_a_new_volume_lies_nowhere_until_it_is_used(place):
    volume = make(place)
    assert (volume["state"], volume["type"], volume["size"]) == ("Allocated", "DATADISK", 5 * GIB)
    assert volume["storage"] == "none"
    assert not volume.keys() & {"storageid", "virtualmachineid", "deviceid", "path"}
    assert place.admin.one("listVolumes", id=volume["id"]) == volume


def test_a_volume_that_names_its_pool_is_made_there_at_once(place):
    before = allocated(place, place.pools[0])
    volume = make(place, offering="Custom", size=3, storageid=place.pools[0])
    assert (volume["state"], volume["size"], volume["storageid"]) == ("Ready", 3 * GIB, place.pools[0])
    assert allocated(place, place.pools[0]) == before + 3 * GIB


@pytest.mark.parametrize(("parameters", "said"), [
    ({"offering": "Custom"}, "requires a custom size"),
    ({"offering": "Custom", "size": 0}, "larger than 0"),
    ({"offering": "Custom", "size": 1025}, "out of allowed range"),
    ({"offering": "Small", "size": 3}, "does not allow custom size"),
    ({"customid": "x" * 41}, "customid"),
])
def test_sizes_and_names_that_do_not_go_are_refused(place, parameters, said):
    with pytest.raises(ApiFailure, match=said) as failure:
        make(place, **parameters)
    assert failure.value.code == 431


def test_the_least_and_greatest_custom_size_are_settings(place):
    place.admin("updateConfiguration", name="custom.diskoffering.size.min", value="4")
    try:
        with pytest.raises(ApiFailure, match="Min: 4 GB"):
            make(place, offering="Custom", size=3)
        assert make(place, offering="Custom", size=4)["size"] == 4 * GIB
    finally:
        place.admin("updateConfiguration", name="custom.diskoffering.size.min", value="1")


def test_a_volume_counts_to_its_owner_until_it_is_destroyed(place, alice):
    mine = {"account": alice.account, "domainid": alice.domain_id}
    before = counts(place, alice)
    volume = make(place, **mine)
    assert counts(place, alice) == {**before, "volume": before["volume"] + 1,
                                    "primarystorage": before["primarystorage"] + 5}
    place.admin.job("destroyVolume", id=volume["id"], expunge=True)
    assert counts(place, alice) == before
    assert place.admin.list("listVolumes", id=volume["id"]) == []


def test_an_account_makes_no_more_volumes_than_its_limit(place, alice):
    place.admin("updateResourceLimit", account=alice.account, domainid=alice.domain_id, resourcetype=2, max=0)
    try:
        with pytest.raises(ApiFailure, match="Type = 'volume'"):
            make(place, account=alice.account, domainid=alice.domain_id)
    finally:
        place.admin("updateResourceLimit", account=alice.account, domainid=alice.domain_id, resourcetype=2, max=-1)


def test_others_volumes_are_out_of_reach(place, alice):
    volume = make(place)
    assert alice.list("listVolumes", id=volume["id"]) == []
    for command in ("deleteVolume", "recoverVolume"):
        with pytest.raises(ApiFailure) as failure:
            alice(command, id=volume["id"])
        assert failure.value.code == 531


def test_a_destroyed_volume_is_listed_and_can_be_recovered(place, alice):
    volume = make(place, account=alice.account, domainid=alice.domain_id, storageid=place.pools[0])
    before = counts(place, alice)
    destroyed = alice.job("destroyVolume", id=volume["id"])
    assert (destroyed["state"], destroyed["destroyed"]) == ("Destroy", True)
    assert counts(place, alice)["volume"] == before["volume"] - 1
    assert alice("recoverVolume", id=volume["id"])["volume"]["state"] == "Ready"
    assert counts(place, alice) == before


def test_users_recover_nothing_where_the_setting_forbids_it(place, alice):
    volume = make(place, account=alice.account, domainid=alice.domain_id, storageid=place.pools[0])
    alice.job("destroyVolume", id=volume["id"])
    place.admin("updateConfiguration", name="allow.user.expunge.recover.volume", value="false")
    try:
        with pytest.raises(ApiFailure, match="only be done by an Admin"):
            alice("recoverVolume", id=volume["id"])
    finally:
        place.admin("updateConfiguration", name="allow.user.expunge.recover.volume", value="true")


def test_an_allocated_volume_can_only_be_expunged(place):
    volume = make(place)
    with pytest.raises(ApiFailure, match="only be expunged"):
        place.admin.job("destroyVolume", id=volume["id"])
    assert place.admin("deleteVolume", id=volume["id"])["success"]
    assert place.admin.list("listVolumes", id=volume["id"]) == []


def test_a_protected_volume_stays(place):
    volume = make(place, storageid=place.pools[0])
    assert place.admin.job("updateVolume", id=volume["id"], deleteprotection=True)["deleteprotection"]
    with pytest.raises(ApiFailure, match="delete protection"):
        place.admin("deleteVolume", id=volume["id"])
    place.admin.job("updateVolume", id=volume["id"], deleteprotection=False)
    place.admin("deleteVolume", id=volume["id"])


def test_deleting_gives_the_pool_its_room_back(place):
    before = allocated(place, place.pools[1])
    volume = make(place, storageid=place.pools[1])
    assert allocated(place, place.pools[1]) == before + 5 * GIB
    place.admin("deleteVolume", id=volume["id"])
    assert allocated(place, place.pools[1]) == before


def test_the_cleanup_expunges_what_was_destroyed_long_enough_ago(place):
    from cloudapi.services.volume import removal

    volume = make(place, storageid=place.pools[0])
    place.admin.job("destroyVolume", id=volume["id"])
    removal.expunge_destroyed(place.cloud.installation.context())
    assert place.admin.one("listVolumes", id=volume["id"])["state"] == "Destroy"
    place.admin("updateConfiguration", name="storage.cleanup.delay", value="0")
    try:
        removal.expunge_destroyed(place.cloud.installation.context())
    finally:
        place.admin("updateConfiguration", name="storage.cleanup.delay", value="86400")
    assert place.admin.list("listVolumes", id=volume["id"]) == []


def test_the_names_of_a_volume_change_but_not_to_those_of_another(place):
    one, other = make(place), make(place)
    changed = place.admin.job("updateVolume", id=one["id"], name="other name", chaininfo="[]", path="a/path")
    assert (changed["name"], changed["chaininfo"], changed["path"]) == ("other name", "[]", "a/path")
    with pytest.raises(ApiFailure, match="customid"):
        place.admin.job("updateVolume", id=one["id"], customid=other["id"])
    with pytest.raises(ApiFailure, match="state"):
        place.admin.job("updateVolume", id=one["id"], state="Nowhere")


def test_a_hidden_volume_is_not_seen_and_not_counted(place, alice):
    before = counts(place, alice)
    volume = make(place, account=alice.account, domainid=alice.domain_id, displayvolume=False)
    assert counts(place, alice) == before
    assert alice.list("listVolumes", id=volume["id"]) == []
    place.admin.job("updateVolume", id=volume["id"], displayvolume=True)
    assert counts(place, alice)["volume"] == before["volume"] + 1
    assert alice.one("listVolumes", id=volume["id"])["id"] == volume["id"]


def test_a_volume_is_handed_over_with_what_it_counts(place, alice):
    bob = place.cloud.new_account()
    volume = make(place, account=alice.account, domainid=alice.domain_id)
    before = counts(place, alice)
    given = place.admin("assignVolume", volumeid=volume["id"], accountid=bob.account_id)["volume"]
    event = next(item for item in place.admin.list("listEvents", type="VOLUME.CREATE", listall=True)
                 if item.get("resourceid") == volume["id"])
    assert event["state"] == "Completed" and bob.account in event["description"]
    assert given["account"] == bob.account
    assert counts(place, alice)["volume"] == before["volume"] - 1
    assert (counts(place, bob)["volume"], counts(place, bob)["primarystorage"]) == (1, 5)
    with pytest.raises(ApiFailure, match="are the same"):
        place.admin("assignVolume", volumeid=volume["id"], accountid=bob.account_id)


def test_a_volume_grows_where_it_lies(place):
    volume = make(place, offering="Custom", size=2, storageid=place.pools[0])
    before = allocated(place, place.pools[0])
    assert place.admin.job("resizeVolume", id=volume["id"], size=7)["size"] == 7 * GIB
    assert allocated(place, place.pools[0]) == before + 5 * GIB
    with pytest.raises(ApiFailure, match="shrinkok"):
        place.admin.job("resizeVolume", id=volume["id"], size=3)
    assert place.admin.job("resizeVolume", id=volume["id"], size=3, shrinkok=True)["size"] == 3 * GIB
    assert allocated(place, place.pools[0]) == before + GIB


def test_a_resize_that_a_host_refuses_leaves_the_volume_as_it_was(place):
    volume = make(place, offering="Custom", size=2, storageid=place.pools[0])
    before = allocated(place, place.pools[0])
    place.admin("configureSimulator", zoneid=place.zone, name="ResizeVolumeCommand", value="fail", count=1)
    with pytest.raises(ApiFailure):
        place.admin.job("resizeVolume", id=volume["id"], size=9)
    found = place.admin.one("listVolumes", id=volume["id"])
    assert (found["state"], found["size"]) == ("Ready", 2 * GIB)
    assert allocated(place, place.pools[0]) == before


def test_a_volume_gets_another_offering(place):
    volume = make(place)
    changed = place.admin.job("changeOfferingForVolume", id=volume["id"], diskofferingid=place.offerings["Medium"])
    assert (changed["diskofferingname"], changed["size"]) == ("Medium", 20 * GIB)
    with pytest.raises(ApiFailure, match="already having disk offering"):
        place.admin.job("changeOfferingForVolume", id=volume["id"], diskofferingid=place.offerings["Medium"])


@pytest.mark.parametrize("target", [1, 2], ids=["same cluster", "other cluster"])
def test_a_volume_moves_to_another_pool(place, target):
    volume = make(place, storageid=place.pools[0])
    rooms = [allocated(place, pool) for pool in place.pools]
    moved = place.admin.job("migrateVolume", volumeid=volume["id"], storageid=place.pools[target])
    assert (moved["state"], moved["storageid"]) == ("Ready", place.pools[target])
    rooms[0] -= 5 * GIB
    rooms[target] += 5 * GIB
    assert [allocated(place, pool) for pool in place.pools] == rooms
    with pytest.raises(ApiFailure, match="already on the destination"):
        place.admin.job("migrateVolume", volumeid=volume["id"], storageid=place.pools[target])


def test_a_list_is_narrowed_by_place_kind_and_tags(place):
    volume = make(place, offering="Custom", size=1, storageid=place.pools[3])
    place.admin.job("createTags", resourceids=volume["id"], resourcetype="Volume", tags={"colour": "blue"})
    cluster = place.admin.one("listStoragePools", id=place.pools[3])["clusterid"]

    def found(**filters):
        return [item["id"] for item in place.admin.list("listVolumes", **filters)]

    assert volume["id"] in found(storageid=place.pools[3])
    assert volume["id"] not in found(storageid=place.pools[0])
    assert volume["id"] in found(clusterid=cluster, type="DATADISK", state="Ready")
    assert found(tags={"colour": "blue"}) == [volume["id"]]
    assert found(tags={"colour": "red"}) == found(type="ROOT") == found(isencrypted=True) == []
    assert place.admin("listVolumes", id=volume["id"], retrieveonlyresourcecount=True)["count"] == 1
    with pytest.raises(ApiFailure, match="storageid"):
        found(storageid="nowhere")


def test_a_volume_comes_from_a_url(place):
    volume = place.admin.job("uploadVolume", name="from outside", zoneid=place.zone, format="QCOW2",
                             url="http://example.org/disk.qcow2")
    arrived = place.cloud.until(lambda: next((found for found in place.admin.list("listVolumes", id=volume["id"])
                                              if found["state"] == "Uploaded"), None), "upload")
    assert arrived["size"] > 0
    place.admin("deleteVolume", id=volume["id"])
    assert place.admin.list("listVolumes", id=volume["id"]) == []


@pytest.mark.parametrize(("url", "said"), [
    ("file:///etc/passwd", "unsupported"), ("http://example.org/disk.iso", "qcow2")])
def test_urls_of_no_use_are_refused_and_leave_nothing(place, url, said):
    before = place.admin("listVolumes", listall=True, retrieveonlyresourcecount=True)["count"]
    with pytest.raises(ApiFailure, match=said):
        place.admin.job("uploadVolume", name="bad", zoneid=place.zone, format="QCOW2", url=url)
    assert place.admin("listVolumes", listall=True, retrieveonlyresourcecount=True)["count"] == before


def test_an_upload_is_permitted_for_a_time_and_then_given_up(place):
    permit = place.admin("getUploadParamsForVolume", name="sent", zoneid=place.zone, format="QCOW2")["getuploadparams"]
    assert permit.keys() == {"id", "postURL", "metadata", "expires", "signature"}
    assert permit["postURL"].endswith(f"/upload/{permit['id']}")
    assert place.admin.one("listVolumes", id=permit["id"])["state"] == "NotUploaded"
    with pytest.raises(ApiFailure, match="getting uploaded"):
        place.admin("deleteVolume", id=permit["id"])


def test_a_volume_is_handed_out_by_a_link(place):
    volume = make(place, storageid=place.pools[0])
    extracted = place.admin.job("extractVolume", id=volume["id"], zoneid=place.zone, mode="HTTP_DOWNLOAD")
    assert (extracted["id"], extracted["state"]) == (volume["id"], "DOWNLOAD_URL_CREATED")
    assert extracted["url"].startswith("http") and extracted["url"].endswith(".qcow2")
    with pytest.raises(ApiFailure) as failure:
        place.admin.job("extractVolume", id=make(place)["id"], zoneid=place.zone, mode="HTTP_DOWNLOAD")
    assert failure.value.code == 431
