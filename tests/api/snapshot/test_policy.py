"""Snapshots by the clock."""

import pytest

from cloudapi.models.storage import SnapshotPolicy
from cloudapi.services.snapshot import policy as policies
from tests.api.volume.conftest import place  # noqa: F401 - the fixture
from tests.api.volume.test_volume import make
from tests.support.cloud import ApiFailure


def make_policy(place, volume, **parameters):  # noqa: F811
    return place.admin("createSnapshotPolicy", **{
        "volumeid": volume["id"], "intervaltype": "DAILY", "schedule": "30:02", "timezone": "Europe/Vienna",
        "maxsnaps": 2, **parameters})["snapshotpolicy"]


def listed(place, volume):  # noqa: F811
    return place.admin.list("listSnapshotPolicies", volumeid=volume["id"])


def test_a_volume_has_one_policy_for_each_interval(place):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    made = make_policy(place, volume)
    assert (made["intervaltype"], made["schedule"], made["maxsnaps"]) == (1, "30:02", 2)
    changed = make_policy(place, volume, maxsnaps=3)
    assert (changed["id"], changed["maxsnaps"]) == (made["id"], 3)
    hourly = make_policy(place, volume, intervaltype="hourly", schedule="5")
    assert [item["id"] for item in listed(place, volume)] == [made["id"], hourly["id"]]
    place.admin("deleteSnapshotPolicies", ids=[made["id"], hourly["id"]])
    assert listed(place, volume) == []


@pytest.mark.parametrize(("parameters", "said"), [
    ({"maxsnaps": 0}, "greater than 0"), ({"maxsnaps": 9}, "exceeds limit"), ({"schedule": "99:02"}, "schedule"),
    ({"timezone": "Mars"}, "timezone"), ({"intervaltype": "YEARLY"}, "intervaltype")])
def test_policies_that_do_not_go_are_refused(place, parameters, said):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    with pytest.raises(ApiFailure, match=said) as failure:
        make_policy(place, volume, **parameters)
    assert failure.value.code == 431
    assert listed(place, volume) == []


def test_a_due_policy_takes_a_snapshot_and_keeps_only_so_many(place):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    policy = make_policy(place, volume)
    context = place.cloud.installation.context()
    seen = []
    for _ in range(3):
        policies.run_due(context)
        assert len(snapshots(place, volume)) == len(seen)  # nothing is due yet
        SnapshotPolicy.update(next_run=1).where(SnapshotPolicy.uuid == policy["id"]).execute()
        policies.run_due(context)
        place.cloud.until(lambda known=tuple(seen): set(snapshots(place, volume)).difference(known), "snapshot")
        place.cloud.until(lambda: len(snapshots(place, volume)) <= 2, "pruning")
        found = snapshots(place, volume)
        assert not seen or seen[0] in found
        seen = found
    assert len(seen) == 2
    assert {item["snapshottype"] for item in place.admin.list("listSnapshots", volumeid=volume["id"])} == {"DAILY"}


def snapshots(place, volume):  # noqa: F811
    """Return the finished snapshots of a volume, the newest first."""
    found = place.admin.list("listSnapshots", volumeid=volume["id"])
    return [item["id"] for item in found if item["state"] == "BackedUp"]


def test_a_hidden_policy_takes_nothing(place):  # noqa: F811
    policy = make_policy(place, make(place, storageid=place.pools[0]), fordisplay=False)
    assert SnapshotPolicy.get(SnapshotPolicy.uuid == policy["id"]).next_run is None
    place.admin.job("updateSnapshotPolicy", id=policy["id"], fordisplay=True)
    assert SnapshotPolicy.get(SnapshotPolicy.uuid == policy["id"]).next_run is not None


def test_a_policy_goes_with_its_volume(place):  # noqa: F811
    volume = make(place, storageid=place.pools[0])
    policy = make_policy(place, volume)
    place.admin("deleteVolume", id=volume["id"])
    assert policy["id"] not in [item["id"] for item in place.admin.list("listSnapshotPolicies", listall=True)]
    with pytest.raises(ApiFailure, match="id"):
        place.admin("deleteSnapshotPolicies", id=policy["id"])
