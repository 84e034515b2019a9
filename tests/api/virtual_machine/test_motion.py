"""Instances that move together with their disks, to hosts which do not reach the pools that these lie on."""

from types import SimpleNamespace

import pytest

from cloudapi.models.infrastructure import Host
from cloudapi.services.host import agent
from tests.support.cloud import ApiFailure

GIB = 1 << 30


@pytest.fixture(scope="module")
def parts(cloud):
    cloud.until(lambda: len(cloud.admin.list("listSystemVms", state="Running")) == 2, "system VMs run")
    return cloud.deployment()


@pytest.fixture(scope="module")
def clusters(cloud, parts):
    """Two clusters, each with its hosts and two pools."""
    made = []
    for number, cluster in enumerate(cloud.admin.list("listClusters")[:2]):
        cloud.admin("createStoragePool", zoneid=parts["zoneid"], podid=cluster["podid"], clusterid=cluster["id"],
                    name=f"second{number}", url=f"nfs://10.7.7.7:/second/{number}")
        pools = cloud.admin.list("listStoragePools", clusterid=cluster["id"])
        made.append(SimpleNamespace(
            id=cluster["id"], hosts=[host["id"] for host in cloud.admin.list(
                "listHosts", clusterid=cluster["id"], type="Routing")],
            pools=[pool["id"] for pool in pools if pool["scope"] == "CLUSTER"]))
    return made


@pytest.fixture
def machine(cloud, parts, clusters):
    """A running Instance with a data disk in the first cluster."""
    disk = cloud.admin.one("listDiskOfferings", name="Small")["id"]
    made = cloud.admin.job("deployVirtualMachine", hostid=clusters[0].hosts[0], diskofferingid=disk, **parts)
    yield made
    data = cloud.admin.one("listVolumes", virtualmachineid=made["id"], type="DATADISK")
    cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True, volumeids=data["id"])


def disks(cloud, machine):
    return {disk["type"]: disk for disk in cloud.admin.list("listVolumes", virtualmachineid=machine["id"])}


def allocated(cloud):
    """What is given of hosts and pools, by ID."""
    hosts = {host["id"]: (host["cpuallocatedvalue"], host["memoryallocatedbytes"])
             for host in cloud.admin.list("listHosts", type="Routing")}
    return hosts | {pool["id"]: pool["disksizeallocated"] for pool in cloud.admin.list("listStoragePools")}


def ask(cloud, host, verb, **arguments):
    return agent.call(cloud.installation.context(), Host.get(Host.uuid == host), verb, arguments)


def suits(cloud, machine):
    """Whether a host suits for a migration and whether the disks would have to move, by host."""
    return {host["id"]: (host["suitableformigration"], host["requiresStorageMotion"])
            for host in cloud.admin.list("findHostsForMigration", virtualmachineid=machine["id"])}


def test_an_instance_moves_to_another_cluster_with_the_disks_that_nobody_named(cloud, clusters, machine):
    source, target = clusters[0].hosts[0], clusters[1].hosts[0]
    before, room = disks(cloud, machine), allocated(cloud)
    clone = ask(cloud, source, "volume.describe", pool=before["ROOT"]["storageid"], volume=before["ROOT"]["id"])
    assert suits(cloud, machine)[target] == (True, True)
    moved = cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], hostid=target)
    assert (moved["state"], moved["hostid"]) == ("Running", target)
    after = disks(cloud, machine)
    assert {disk["state"] for disk in after.values()} == {"Ready"}
    assert {disk["storageid"] for disk in after.values()} <= set(clusters[1].pools)
    # The host runs it with the disks on their new pools, and nothing is left on the old ones.
    running = ask(cloud, target, "instance.describe", instance=machine["id"])
    assert {disk["volume"]: disk["pool"] for disk in running["disks"]} == {
        disk["id"]: disk["storageid"] for disk in after.values()}
    for kind, disk in before.items():
        written = ask(cloud, target, "volume.describe", pool=after[kind]["storageid"], volume=disk["id"])
        assert (written["instance"], written["size_bytes"]) == (machine["id"], disk["size"])
        with pytest.raises(agent.HostRefused, match="is not on pool"):
            ask(cloud, source, "volume.describe", pool=disk["storageid"], volume=disk["id"])
    root = ask(cloud, target, "volume.describe", pool=after["ROOT"]["storageid"], volume=clone["id"])
    assert root["allocated_bytes"] > clone["allocated_bytes"], "what it shared with its template has moved as well"
    expected = dict(room)
    for kind, disk in before.items():
        expected[disk["storageid"]] -= disk["size"]
        expected[after[kind]["storageid"]] += disk["size"]
    own = (500, 512 << 20)
    expected[source] = tuple(had - has for had, has in zip(room[source], own, strict=True))
    expected[target] = tuple(had + has for had, has in zip(room[target], own, strict=True))
    assert allocated(cloud) == expected
    assert cloud.admin.job("rebootVirtualMachine", id=machine["id"], forced=True)["state"] == "Running"


def test_a_disk_goes_to_the_pool_that_was_named_for_it(cloud, clusters, machine):
    data, target = disks(cloud, machine)["DATADISK"], clusters[1].hosts[-1]
    for pool in clusters[1].pools:
        moved = cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], hostid=target,
                                migrateto=[{"volume": data["id"], "pool": pool}])
        assert moved["hostid"] == target
        after = disks(cloud, machine)
        assert after["DATADISK"]["storageid"] == pool
        assert after["ROOT"]["storageid"] in clusters[1].pools
        back = clusters[0].hosts[0]
        cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], hostid=back)
    data = disks(cloud, machine)["DATADISK"]
    chosen = cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], autoselect=True,
                             migrateto=[{"volume": data["id"], "pool": clusters[1].pools[0]}])
    assert chosen["hostid"] in clusters[1].hosts
    assert {disk["storageid"] for disk in disks(cloud, machine).values()} <= set(clusters[1].pools)


@pytest.mark.parametrize("verb", ["volume.create", "instance.prepare_migration", "instance.migrate"])
def test_a_motion_that_fails_leaves_everything_where_it_was(cloud, clusters, machine, verb):
    before, room = disks(cloud, machine), allocated(cloud)
    cloud.admin("configureSimulator", name=verb, value="result:fail", count=1)
    with pytest.raises(ApiFailure):
        cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], hostid=clusters[1].hosts[0])
    found = cloud.admin.one("listVirtualMachines", id=machine["id"])
    assert (found["state"], found["hostid"]) == ("Running", clusters[0].hosts[0])
    after = disks(cloud, machine)
    assert [(disk["state"], disk["storageid"]) for disk in after.values()] == [
        ("Ready", disk["storageid"]) for disk in before.values()]
    assert allocated(cloud) == room
    for pool in clusters[1].pools:
        for disk in after.values():
            with pytest.raises(agent.HostRefused, match="is not on pool"):
                ask(cloud, clusters[1].hosts[0], "volume.describe", pool=pool, volume=disk["id"])


def test_hosts_whose_pools_take_no_disk_do_not_suit(cloud, clusters, machine):
    target = clusters[1].hosts[0]
    for pool in clusters[1].pools:
        cloud.admin("updateStoragePool", id=pool, enabled=False)
    try:
        assert suits(cloud, machine)[target] == (False, True)
        with pytest.raises(ApiFailure, match="no storage pools available at the target host"):
            cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], hostid=target)
    finally:
        for pool in clusters[1].pools:
            cloud.admin("updateStoragePool", id=pool, enabled=True)
    assert suits(cloud, machine)[target] == (True, True)


def test_what_cannot_move_is_refused(cloud, clusters, machine):
    near, far = clusters[0].hosts[1], clusters[1].hosts[0]
    data = disks(cloud, machine)["DATADISK"]

    def refusal(**where):
        with pytest.raises(ApiFailure) as refused:
            cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], **where)
        return refused.value

    alone = refusal(hostid=near)
    assert (alone.code, "doesn't involve migrating the volumes" in alone.text) == (431, True)
    unreached = refusal(hostid=far, migrateto=[{"volume": data["id"], "pool": clusters[0].pools[0]}])
    assert (unreached.code, "does not have access to the storage pool" in unreached.text) == (431, True)
    assert "already present" in refusal(hostid=clusters[0].hosts[0]).text
    cloud.admin.job("stopVirtualMachine", id=machine["id"])
    stopped = refusal(hostid=far)
    assert (stopped.code, "not in the Running state" in stopped.text) == (431, True)


def test_disks_on_local_storage_move_to_that_of_the_new_host(cloud, clusters, parts):
    cloud.admin("updateZone", id=parts["zoneid"], localstorageenabled=True)
    for host in clusters[0].hosts:
        cloud.admin.job("reconnectHost", id=host)
    local = cloud.admin("createServiceOffering", name="Local", displaytext="Local", cpunumber=1, cpuspeed=100,
                        memory=128, storagetype="local")["serviceoffering"]["id"]
    made = cloud.admin.job("deployVirtualMachine", **{**parts, "serviceofferingid": local},
                           clusterid=clusters[0].id)
    for where in ({"hostid": next(host for host in clusters[0].hosts if host != made["hostid"])}, {"autoselect": True}):
        before = cloud.admin.one("listVirtualMachines", id=made["id"])["hostid"]
        moved = cloud.admin.job("migrateVirtualMachineWithVolume", virtualmachineid=made["id"], **where)
        assert moved["hostid"] != before
        pool = cloud.admin.one("listStoragePools", id=disks(cloud, made)["ROOT"]["storageid"])
        assert (pool["scope"], pool["id"] in {each["id"] for each in cloud.admin.list(
            "listStoragePools", hostid=moved["hostid"])}) == ("HOST", True)
    cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)
