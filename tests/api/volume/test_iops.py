"""A pool with `capacityiops` takes volumes while the operations a second that they are promised suffice."""

import itertools

import pytest

from tests.support.cloud import ApiFailure

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def offering(place):
    made = place.admin("createDiskOffering", name="iops", displaytext="iops", disksize=1,
                       customizediops=True)["diskoffering"]
    return made["id"]


@pytest.fixture
def pool(place):
    """A pool that can do 1000 operations a second."""
    place.admin("updateStoragePool", id=place.pools[0], capacityiops=1000)
    yield place.pools[0]
    for volume in place.admin.list("listVolumes", listall=True):
        place.admin("deleteVolume", id=volume["id"])


def start(place, offering, iops, **parameters):
    return place.admin("createVolume", name=f"iops{next(numbers)}", zoneid=place.zone, diskofferingid=offering,
                       miniops=iops, maxiops=iops, **parameters)


def make(place, offering, iops, **parameters):
    return place.admin.wait(start(place, offering, iops, **parameters)["jobid"])["volume"]


def test_volumes_have_the_operations_that_are_left(place, offering, pool):
    first = make(place, offering, 600, storageid=pool)
    with pytest.raises(ApiFailure, match=r"600 IOPS for volume .* are more than it has left") as refused:
        make(place, offering, 600, storageid=pool)
    assert refused.value.code == 533
    make(place, offering, 400, storageid=pool)
    place.admin("deleteVolume", id=first["id"])
    make(place, offering, 600, storageid=pool)
    place.admin("updateStoragePool", id=pool, capacityiops=2000)
    make(place, offering, 1000, storageid=pool)


def test_of_two_that_come_together_only_one_gets_what_is_there_for_one(place, offering, pool):
    jobs = [start(place, offering, 600, storageid=pool)["jobid"] for _ in range(4)]
    made = 0
    for job in jobs:
        try:
            place.admin.wait(job)
            made += 1
        except ApiFailure as failure:
            assert "IOPS" in failure.text
    assert made == 1


def test_a_volume_is_not_moved_to_where_its_operations_do_not_suffice(place, offering, pool):
    volume = make(place, offering, 700, storageid=place.pools[1])
    other = make(place, offering, 600, storageid=pool)

    def suits():
        found = place.admin.list("findStoragePoolsForMigration", id=volume["id"])
        return next(each["suitableformigration"] for each in found if each["id"] == pool)

    assert not suits()
    with pytest.raises(ApiFailure, match="700 IOPS are asked for, 400 of 1000 are free") as refused:
        place.admin.job("migrateVolume", volumeid=volume["id"], storageid=pool)
    assert refused.value.code == 533
    place.admin.job("migrateVolume", volumeid=other["id"], storageid=place.pools[1])
    assert suits()
    assert place.admin.job("migrateVolume", volumeid=volume["id"], storageid=pool)["storageid"] == pool
    with pytest.raises(ApiFailure, match="IOPS"):
        place.admin.job("migrateVolume", volumeid=other["id"], storageid=pool)


def test_a_volume_that_is_promised_more_or_less_takes_and_gives_the_difference(place, offering, pool):
    volume = make(place, offering, 600, storageid=pool)
    place.admin.job("resizeVolume", id=volume["id"], size=1, miniops=900, maxiops=900)
    with pytest.raises(ApiFailure, match="200 IOPS are asked for, 100 of 1000 are free"):
        place.admin.job("resizeVolume", id=volume["id"], size=1, miniops=1100, maxiops=1100)
    assert place.admin.one("listVolumes", id=volume["id"])["miniops"] == 900
    with pytest.raises(ApiFailure, match="IOPS"):
        make(place, offering, 200, storageid=pool)
    place.admin.job("resizeVolume", id=volume["id"], size=1, miniops=300, maxiops=300)
    make(place, offering, 700, storageid=pool)
