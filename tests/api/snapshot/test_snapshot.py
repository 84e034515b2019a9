"""Snapshots of volumes: taken, backed up, used, reverted to, deleted."""

import pytest

from tests.api.volume.conftest import place  # noqa: F401 - the fixture
from tests.api.volume.test_volume import GIB, counts, make
from tests.support.cloud import ApiFailure


def test_a_snapshot_is_backed_up_and_counts_what_it_takes(place):  # noqa: F811
    owner = place.cloud.new_account()
    volume = make(place, account=owner.account, domainid=owner.domain_id, storageid=place.pools[0])
    snapshot = place.admin.job("createSnapshot", volumeid=volume["id"], name="before the change")
    assert snapshot.items() >= {
        "name": "before the change", "state": "BackedUp", "volumeid": volume["id"], "locationtype": "SECONDARY",
        "snapshottype": "MANUAL", "virtualsize": 5 * GIB, "account": owner.account}.items()
    assert counts(place, owner)["snapshot"] == 1
    owner.job("deleteSnapshot", id=snapshot["id"])
    assert owner.list("listSnapshots") == []
    assert counts(place, owner)["snapshot"] == counts(place, owner)["secondarystorage"] == 0


def test_a_volume_is_made_from_a_snapshot(place):  # noqa: F811
    snapshot = place.admin.job("createSnapshot", volumeid=make(place, storageid=place.pools[0])["id"])
    made = place.admin.job("createVolume", name="again", snapshotid=snapshot["id"])
    assert (made["state"], made["size"], made["snapshotid"]) == ("Ready", 5 * GIB, snapshot["id"])


@pytest.mark.parametrize("moved", [False, True], ids=["from the pool", "from secondary storage"])
def test_a_volume_is_put_back_to_what_it_was(place, moved):  # noqa: F811
    volume = make(place, offering="Custom", size=2, storageid=place.pools[0])
    snapshot = place.admin.job("createSnapshot", volumeid=volume["id"])
    place.admin.job("resizeVolume", id=volume["id"], size=6)
    if moved:
        place.admin.job("migrateVolume", volumeid=volume["id"], storageid=place.pools[1])
    assert place.admin.job("revertSnapshot", id=snapshot["id"])["id"] == snapshot["id"]
    found = place.admin.one("listVolumes", id=volume["id"])
    assert (found["state"], found["size"]) == ("Ready", 2 * GIB)


def test_snapshots_outlive_their_volume(place):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    snapshot = place.admin.job("createSnapshot", volumeid=volume["id"])
    place.admin("deleteVolume", id=volume["id"])
    assert place.admin.one("listSnapshots", volumeid=volume["id"])["state"] == "BackedUp"
    assert place.admin.job("createVolume", name="saved", snapshotid=snapshot["id"])["state"] == "Ready"
    with pytest.raises(ApiFailure, match="Ready state"):
        place.admin.job("revertSnapshot", id=snapshot["id"])


def test_a_backup_may_come_later(place):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    snapshot = place.admin.job("createSnapshot", volumeid=volume["id"], asyncbackup=True)
    assert snapshot["state"] in ("CreatedOnPrimary", "BackingUp", "BackedUp")
    place.cloud.until(lambda: place.admin.one("listSnapshots", id=snapshot["id"])["state"] == "BackedUp", "backup")


def test_a_snapshot_that_fails_counts_nothing_and_can_be_deleted(place):  # noqa: F811
    owner = place.cloud.new_account()
    volume = make(place, account=owner.account, domainid=owner.domain_id, storageid=place.pools[0])
    place.admin("configureSimulator", zoneid=place.zone, name="ManageSnapshotCommand", value="fail", count=1)
    with pytest.raises(ApiFailure):
        place.admin.job("createSnapshot", volumeid=volume["id"])
    assert owner.one("listVolumes", id=volume["id"])["state"] == "Ready"
    assert counts(place, owner)["snapshot"] == counts(place, owner)["secondarystorage"] == 0
    failed = owner.one("listSnapshots")
    assert failed["state"] == "Error"
    owner.job("deleteSnapshot", id=failed["id"])
    assert owner.list("listSnapshots") == []


def test_what_no_storage_here_can_do_is_refused(place):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    for parameters, code in (({"quiescevm": True}, 432), ({"locationtype": "PRIMARY"}, 431),
                             ({"usestoragereplication": True}, 432)):
        with pytest.raises(ApiFailure) as failure:
            place.admin("createSnapshot", volumeid=volume["id"], **parameters)
        assert failure.value.code == code
    with pytest.raises(ApiFailure, match="not in Ready state"):
        place.admin("createSnapshot", volumeid=make(place)["id"])
    assert place.admin.list("listSnapshots", volumeid=volume["id"]) == []
