"""Placement heeds the operations a second that pools have left."""

import pytest

from tests.support.cloud import ApiFailure


def test_an_instance_finds_no_place_where_no_pool_can_serve_its_disks(cloud):
    admin, parts = cloud.admin, cloud.deployment()
    pools = admin.list("listStoragePools")
    for pool in pools:
        admin("updateStoragePool", id=pool["id"], capacityiops=10)
    offering = admin("createDiskOffering", name="fast", displaytext="fast", disksize=1, customizediops=False,
                     miniops=6, maxiops=6)["diskoffering"]["id"]
    made = []
    with pytest.raises(ApiFailure) as refused:
        for _ in range(len(pools) + 1):
            made.append(admin.job("deployVirtualMachine", diskofferingid=offering, **parts)["id"])
    assert refused.value.code == 533
    assert "6 IOPS are asked for, 4 of 10 are free" in refused.value.text
    assert made
    gone = next(volume for volume in admin.list("listVolumes", type="DATADISK", virtualmachineid=made[0]))
    admin.job("destroyVirtualMachine", id=made[0], expunge=True, volumeids=gone["id"])
    assert admin.job("deployVirtualMachine", diskofferingid=offering, **parts)["state"] == "Running"
