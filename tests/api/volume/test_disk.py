"""Volumes on Instances: attached, detached, resized, moved and kept apart while they run."""

from types import SimpleNamespace

import pytest

from tests.support.cloud import ApiFailure

GIB = 1 << 30


@pytest.fixture(scope="module")
def sandbox(cloud):
    """A running Instance of the admin's, with what is needed to make volumes for it."""
    admin = cloud.admin
    zone = admin.one("listZones")["id"]
    template = next(item["id"] for item in admin.list("listTemplates", templatefilter="featured", zoneid=zone)
                    if item["isready"])
    service = admin.list("listServiceOfferings")[0]["id"]

    def deploy(**parameters):
        return admin.job("deployVirtualMachine", zoneid=zone, serviceofferingid=service, templateid=template,
                         **parameters)["id"]

    offerings = {offering["name"]: offering["id"] for offering in admin.list("listDiskOfferings")}
    numbers = iter(range(1000))

    def make(offering="Small", **parameters):
        return admin.job("createVolume", name=f"disk{next(numbers)}", zoneid=zone, diskofferingid=offerings[offering],
                         **parameters)["id"]

    return SimpleNamespace(admin=admin, zone=zone, deploy=deploy, make=make, offerings=offerings, instance=deploy(),
                           cloud=cloud)


@pytest.fixture
def disk(sandbox):
    """A data volume on the running Instance; gone after the test."""
    volume = sandbox.make("Custom", size=2)
    sandbox.admin.job("attachVolume", id=volume, virtualmachineid=sandbox.instance)
    yield volume
    found = sandbox.admin.list("listVolumes", id=volume)
    if found and "virtualmachineid" in found[0]:
        sandbox.admin.job("detachVolume", id=volume)
    if found:
        sandbox.admin("deleteVolume", id=volume)


def shown(sandbox, volume):
    return sandbox.admin.one("listVolumes", id=volume)


def test_an_attached_volume_lies_where_its_instance_runs(sandbox, disk):
    root = sandbox.admin.one("listVolumes", virtualmachineid=sandbox.instance, type="ROOT")
    volume = shown(sandbox, disk)
    assert (volume["state"], volume["virtualmachineid"], volume["vmstate"]) == ("Ready", sandbox.instance, "Running")
    assert volume["clusterid"] == root["clusterid"]
    assert volume["deviceid"] == 1
    host = sandbox.admin.one("listVirtualMachines", id=sandbox.instance)["hostid"]
    assert disk in [item["id"] for item in sandbox.admin.list("listVolumes", hostid=host)]


def test_what_is_attached_is_neither_deleted_nor_handed_out_nor_attached_again(sandbox, disk):
    with pytest.raises(ApiFailure, match="not attached"):
        sandbox.admin("deleteVolume", id=disk)
    with pytest.raises(ApiFailure) as failure:
        sandbox.admin.job("extractVolume", id=disk, zoneid=sandbox.zone, mode="HTTP_DOWNLOAD")
    assert failure.value.code == 531
    with pytest.raises(ApiFailure, match="not attached"):
        sandbox.admin.job("attachVolume", id=disk, virtualmachineid=sandbox.instance)


def test_a_detached_volume_keeps_its_place_on_storage(sandbox, disk):
    before = shown(sandbox, disk)
    detached = sandbox.admin.job("detachVolume", id=disk)
    assert not detached.keys() & {"virtualmachineid", "deviceid", "attached"}
    assert (detached["state"], detached["storageid"]) == ("Ready", before["storageid"])
    with pytest.raises(ApiFailure, match="not attached to a VM"):
        sandbox.admin.job("detachVolume", id=disk)
    assert sandbox.admin.job("attachVolume", id=disk, virtualmachineid=sandbox.instance,
                             deviceid=5)["deviceid"] == 5
    assert sandbox.admin.job("detachVolume", virtualmachineid=sandbox.instance, deviceid=5)["id"] == disk


@pytest.mark.parametrize(("device", "said"), [(3, "deviceid should be"), (99, "deviceid should be"),
                                              (0, "Root volume detach"), (1, "is used by")])
def test_places_that_are_not_to_be_had(sandbox, disk, device, said):
    other = sandbox.make()
    with pytest.raises(ApiFailure, match=said):
        sandbox.admin.job("attachVolume", id=other, virtualmachineid=sandbox.instance, deviceid=device)
    assert shown(sandbox, other)["state"] == "Allocated"
    sandbox.admin("deleteVolume", id=other)


def test_a_hypervisor_takes_only_so_many_data_volumes(sandbox):
    attached = []
    for _ in range(6):
        attached.append(sandbox.make("Custom", size=1))
        sandbox.admin.job("attachVolume", id=attached[-1], virtualmachineid=sandbox.instance)
    places = {shown(sandbox, volume)["deviceid"] for volume in attached}
    assert places == {1, 2, 4, 5, 6, 7}
    one_more = sandbox.make("Custom", size=1)
    with pytest.raises(ApiFailure, match="maximum number of data disks"):
        sandbox.admin.job("attachVolume", id=one_more, virtualmachineid=sandbox.instance)
    for volume in attached:
        sandbox.admin.job("detachVolume", id=volume)
    for volume in [*attached, one_more]:
        sandbox.admin("deleteVolume", id=volume)


def test_a_host_that_does_not_attach_leaves_the_volume_free(sandbox):
    volume = sandbox.make()
    sandbox.admin("configureSimulator", zoneid=sandbox.zone, name="AttachCommand", value="fail", count=1)
    with pytest.raises(ApiFailure):
        sandbox.admin.job("attachVolume", id=volume, virtualmachineid=sandbox.instance)
    found = shown(sandbox, volume)
    assert "virtualmachineid" not in found
    assert (found["state"], found["storage"]) == ("Allocated", "none")
    assert sandbox.admin.job("attachVolume", id=volume, virtualmachineid=sandbox.instance)["state"] == "Ready"
    sandbox.admin.job("detachVolume", id=volume)
    sandbox.admin("deleteVolume", id=volume)


def test_a_running_instance_sees_its_disk_grow(sandbox, disk):
    assert sandbox.admin.job("resizeVolume", id=disk, size=5)["size"] == 5 * GIB
    with pytest.raises(ApiFailure):
        sandbox.admin.job("resizeVolume", id=disk, size=3, shrinkok=True)
    assert (shown(sandbox, disk)["state"], shown(sandbox, disk)["size"]) == ("Ready", 5 * GIB)


def test_a_disk_moves_while_its_instance_runs(sandbox, disk):
    volume = shown(sandbox, disk)
    target = next(pool["id"] for pool in sandbox.admin.list("listStoragePools", clusterid=volume["clusterid"])
                  if pool["id"] != volume["storageid"])
    with pytest.raises(ApiFailure, match="livemigrate"):
        sandbox.admin.job("migrateVolume", volumeid=disk, storageid=target)
    moved = sandbox.admin.job("migrateVolume", volumeid=disk, storageid=target, livemigrate=True)
    assert (moved["storageid"], moved["state"], moved["virtualmachineid"]) == (target, "Ready", sandbox.instance)
    elsewhere = next(pool["id"] for pool in sandbox.admin.list("listStoragePools")
                     if pool["clusterid"] != volume["clusterid"])
    with pytest.raises(ApiFailure, match="different cluster"):
        sandbox.admin.job("migrateVolume", volumeid=disk, storageid=elsewhere, livemigrate=True)


def test_a_volume_follows_its_instance_to_another_cluster(sandbox):
    cluster = sandbox.admin.one("listVolumes", virtualmachineid=sandbox.instance, type="ROOT")["clusterid"]
    elsewhere = next(pool["id"] for pool in sandbox.admin.list("listStoragePools") if pool["clusterid"] != cluster)
    volume = sandbox.make(storageid=elsewhere)
    attached = sandbox.admin.job("attachVolume", id=volume, virtualmachineid=sandbox.instance)
    assert (attached["clusterid"], attached["virtualmachineid"]) == (cluster, sandbox.instance)
    sandbox.admin.job("detachVolume", id=volume)
    sandbox.admin("deleteVolume", id=volume)


def test_an_uploaded_volume_comes_to_its_instance(sandbox):
    volume = sandbox.admin.job("uploadVolume", name="sent", zoneid=sandbox.zone, format="QCOW2",
                               url="http://example.org/disk.qcow2")["id"]
    sandbox.cloud.until(lambda: shown(sandbox, volume)["state"] == "Uploaded", "upload")
    attached = sandbox.admin.job("attachVolume", id=volume, virtualmachineid=sandbox.instance)
    assert (attached["state"], attached["virtualmachineid"]) == ("Ready", sandbox.instance)
    sandbox.admin.job("detachVolume", id=volume)
    sandbox.admin("deleteVolume", id=volume)


def test_the_root_disk_changes_only_while_its_instance_stands_still(sandbox):
    instance = sandbox.deploy()
    root = sandbox.admin.one("listVolumes", virtualmachineid=instance, type="ROOT")
    with pytest.raises(ApiFailure, match="Stopped"):
        sandbox.admin.job("detachVolume", id=root["id"])
    with pytest.raises(ApiFailure, match="shutdown state"):
        snapshot = sandbox.admin.job("createSnapshot", volumeid=root["id"])
        sandbox.admin.job("revertSnapshot", id=snapshot["id"])
    sandbox.admin.job("stopVirtualMachine", id=instance)
    assert sandbox.admin.job("revertSnapshot", id=snapshot["id"])["state"] == "BackedUp"
    assert sandbox.admin.job("detachVolume", id=root["id"])["type"] == "DATADISK"
    back = sandbox.admin.job("attachVolume", id=root["id"], virtualmachineid=instance, deviceid=0)
    assert (back["type"], back["deviceid"]) == ("ROOT", 0)
    assert sandbox.admin.job("startVirtualMachine", id=instance)["state"] == "Running"


def test_a_volume_waits_for_an_instance_that_never_ran(sandbox):
    instance = sandbox.deploy(startvm=False)
    volume = sandbox.make()
    assert sandbox.admin.job("attachVolume", id=volume, virtualmachineid=instance)["state"] == "Allocated"
    sandbox.admin.job("startVirtualMachine", id=instance)
    found = shown(sandbox, volume)
    assert (found["state"], found["vmstate"]) == ("Ready", "Running")


def test_what_hosts_report_is_shown(sandbox, disk):
    from cloudapi.services.volume import statistics

    statistics.collect(sandbox.cloud.installation.context())
    found = shown(sandbox, disk)
    assert found["virtualsize"] == found["size"] == 2 * GIB
    assert found["utilization"] == f"{100 * found['physicalsize'] / found['virtualsize']:.2f}%"
    assert found.keys() >= {"diskioread", "diskiowrite", "diskkbsread", "diskkbswrite"}
