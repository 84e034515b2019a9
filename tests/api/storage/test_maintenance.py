"""What a pool's maintenance does to the Instances with disks on it, and where volumes can go instead."""

import pytest

from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def place(cloud):
    """Two tagged pools on one cluster, an offering that goes there, and a running Instance on the first."""
    cluster = cloud.admin.list("listClusters")[0]

    def pool(name, tags):
        return cloud.admin("createStoragePool", name=name, zoneid=cluster["zoneid"], podid=cluster["podid"], tags=tags,
                           clusterid=cluster["id"], url=f"nfs://10.4.4.4:/export/{name}")["storagepool"]["id"]

    first = pool("first", "quiet")
    offering = cloud.admin("createServiceOffering", name="quiet", displaytext="quiet", cpunumber=1, cpuspeed=100,
                           memory=128, tags="quiet")["serviceoffering"]["id"]
    template = cloud.admin.one("listTemplates", templatefilter="featured")["id"]
    machine = cloud.admin.job("deployVirtualMachine", zoneid=cluster["zoneid"], templateid=template,
                              serviceofferingid=offering)["id"]
    return {"first": first, "second": pool("second", "quiet"), "machine": machine}


def root(cloud, place):
    return cloud.admin.one("listVolumes", virtualmachineid=place["machine"], type="ROOT")


def test_pools_for_a_volume_are_listed_with_those_that_do_not_suit(cloud, place):
    volume = root(cloud, place)
    assert volume["storageid"] == place["first"]
    found = {pool["id"]: pool["suitableformigration"]
             for pool in cloud.admin.list("findStoragePoolsForMigration", id=volume["id"])}
    assert [pool for pool, suits in found.items() if suits] == [place["second"]]
    assert False in found.values() and place["first"] not in found
    cloud.admin("updateStoragePool", id=place["second"], tags="other")
    found = cloud.admin.list("findStoragePoolsForMigration", id=volume["id"])
    assert found and not any(pool["suitableformigration"] for pool in found)


def test_instances_stop_for_it_and_start_after_it(cloud, place):
    assert cloud.admin.job("enableStorageMaintenance", id=place["first"])["state"] == "Maintenance"
    assert cloud.admin.one("listVirtualMachines", id=place["machine"])["state"] == "Stopped"
    with pytest.raises(ApiFailure):
        cloud.admin.job("startVirtualMachine", id=place["machine"])
    with pytest.raises(ApiFailure, match="non-destroyed volumes"):
        cloud.admin("deleteStoragePool", id=place["first"], forced=True)
    assert cloud.admin.job("cancelStorageMaintenance", id=place["first"])["state"] == "Up"
    assert cloud.admin.one("listVirtualMachines", id=place["machine"])["state"] == "Running"


def test_a_pool_is_deleted_with_what_is_destroyed_on_it(cloud, place):
    with pytest.raises(ApiFailure, match="VM instances using it"):
        cloud.admin.job("deleteTemplate", id=cloud.admin.one("listTemplates", templatefilter="featured")["id"])
    cloud.admin.job("destroyVirtualMachine", id=place["machine"], expunge=True)
    cloud.admin.job("enableStorageMaintenance", id=place["first"])
    cloud.admin("deleteStoragePool", id=place["first"], forced=True)
    assert cloud.admin.list("listStoragePools", id=place["first"]) == []
