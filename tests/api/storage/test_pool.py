"""Primary storage: pools are attached to hosts, changed, put in maintenance and deleted."""

import itertools

import pytest

from tests.support.cloud import ApiFailure

TIB = 1 << 40
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def zone(cloud):
    return cloud.admin.list("listZones")[0]


@pytest.fixture(scope="module")
def cluster(cloud):
    return cloud.admin.list("listClusters")[0]


def make(cloud, cluster, url=None, **parameters):
    number = next(numbers)
    given = {"name": f"pool{number}", "zoneid": cluster["zoneid"], "podid": cluster["podid"],
             "clusterid": cluster["id"], "url": url or f"nfs://10.1.1.1:/export/{number}", **parameters}
    return cloud.admin("createStoragePool", **given)["storagepool"]


def drop(cloud, pool):
    cloud.admin.job("enableStorageMaintenance", id=pool["id"])
    cloud.admin("deleteStoragePool", id=pool["id"])


def test_a_pool_has_its_address_its_size_and_its_place(cloud, cluster):
    pool = make(cloud, cluster, url="nfs://10.9.8.7:/export/one", tags="fast,ssd", capacitybytes=TIB)
    assert (pool["state"], pool["type"], pool["scope"]) == ("Up", "NetworkFilesystem", "CLUSTER")
    assert (pool["ipaddress"], pool["path"], pool["tags"]) == ("10.9.8.7", "/export/one", "fast,ssd")
    assert (pool["disksizetotal"], pool["disksizeallocated"], pool["overprovisionfactor"]) == (TIB, 0, "2.0")
    assert (pool["clusterid"], pool["hypervisor"], pool["provider"]) == (cluster["id"], "Simulator", "DefaultPrimary")
    tags = {(tag["name"], tag["poolid"]) for tag in cloud.admin.list("listStorageTags")}
    assert {name for name, _ in tags} >= {"fast", "ssd"}
    drop(cloud, pool)
    assert cloud.admin.list("listStoragePools", id=pool["id"]) == []


def test_hosts_of_the_cluster_have_it_and_others_do_not(cloud, cluster):
    pool = make(cloud, cluster)
    for host in cloud.admin.list("listHosts", type="Routing"):
        found = {entry["id"] for entry in cloud.admin.list("listStoragePools", hostid=host["id"])}
        assert (pool["id"] in found) == (host["clusterid"] == cluster["id"])
    drop(cloud, pool)


def test_zone_wide_storage_reaches_every_cluster(cloud, zone):
    pool = cloud.admin("createStoragePool", name="wide", zoneid=zone["id"], scope="zone", hypervisor="Simulator",
                       url="nfs://10.1.1.2:/export/wide")["storagepool"]
    assert pool["scope"] == "ZONE" and "clusterid" not in pool
    hosts = cloud.admin.list("listHosts", type="Routing")
    for host in hosts:
        assert pool["id"] in {p["id"] for p in cloud.admin.list("listStoragePools", hostid=host["id"])}
    drop(cloud, pool)


@pytest.mark.parametrize(("parameters", "text"), [
    ({"url": "nfs://:/export"}, "host or path is null"),
    ({"url": "nfs://10.1.1.1"}, "host or path is null"),
    ({"url": "ftp://10.1.1.1/x"}, "scheme ftp is unknown"),
    ({"url": "no scheme"}, "is not a valid uri"),
    ({"scope": "galaxy"}, "invalid scope for pool galaxy"),
    ({"scope": "zone"}, "Missing parameter hypervisor"),
    ({"clusterid": None}, "cluster id can't be null"),
    ({"provider": "Nobody"}, "can't find storage provider: Nobody"),
    ({"url": "file:///srv"}, "Local storage is not enabled"),
    ({"capacitybytes": 0}, "capacitybytes"),
    ({"details": {"nfsmountopts": "vers=4,vers=3"}}, "Duplicate NFS option"),
])
def test_bad_values_are_refused_and_leave_nothing(cloud, cluster, parameters, text):
    before = {pool["id"] for pool in cloud.admin.list("listStoragePools")}
    with pytest.raises(ApiFailure, match=text) as failure:
        make(cloud, cluster, **parameters)
    assert failure.value.code == 431
    assert {pool["id"] for pool in cloud.admin.list("listStoragePools")} == before


def test_an_address_is_used_once(cloud, cluster):
    pool = make(cloud, cluster, url="nfs://10.1.1.1:/export/same")
    with pytest.raises(ApiFailure, match="in use already") as failure:
        make(cloud, cluster, url="nfs://10.1.1.1:/export/same")
    assert failure.value.code == 536
    drop(cloud, pool)
    drop(cloud, make(cloud, cluster, url="nfs://10.1.1.1:/export/same"))


def test_a_pool_that_no_host_can_attach_is_not_made(cloud, cluster):
    names = [cloud.admin("configureSimulator", zoneid=None, podid=None, clusterid=None, hostid=None,
                         name="pool.attach", value="result:fail", count=2)]
    assert names
    with pytest.raises(ApiFailure):
        make(cloud, cluster, url="nfs://10.1.1.1:/export/broken")
    assert "/export/broken" not in {pool["path"] for pool in cloud.admin.list("listStoragePools")}
    drop(cloud, make(cloud, cluster, url="nfs://10.1.1.1:/export/broken"))


def test_changes(cloud, cluster):
    pool = make(cloud, cluster)
    changed = cloud.admin("updateStoragePool", id=pool["id"], name="renamed", tags="a,b", capacityiops=500,
                          capacitybytes=2 * TIB)["storagepool"]
    assert (changed["name"], changed["tags"], changed["capacityiops"]) == ("renamed", "a,b", 500)
    assert changed["disksizetotal"] == 2 * TIB
    assert cloud.admin("updateStoragePool", id=pool["id"], enabled=False)["storagepool"]["state"] == "Disabled"
    with pytest.raises(ApiFailure, match="cannot be disabled"):
        cloud.admin("updateStoragePool", id=pool["id"], enabled=False)
    assert cloud.admin("updateStoragePool", id=pool["id"], enabled=True)["storagepool"]["state"] == "Up"
    drop(cloud, pool)


def test_a_pool_is_deleted_only_in_maintenance(cloud, cluster):
    pool = make(cloud, cluster)
    with pytest.raises(ApiFailure, match="not in Maintenance state"):
        cloud.admin("deleteStoragePool", id=pool["id"])
    assert cloud.admin.job("enableStorageMaintenance", id=pool["id"])["state"] == "Maintenance"
    host = cloud.admin.list("listHosts", clusterid=cluster["id"])[0]
    assert pool["id"] not in {p["id"] for p in cloud.admin.list("listStoragePools", hostid=host["id"])}
    with pytest.raises(ApiFailure, match="not ready for migration"):
        cloud.admin.job("enableStorageMaintenance", id=pool["id"])
    assert cloud.admin.job("cancelStorageMaintenance", id=pool["id"])["state"] == "Up"
    assert pool["id"] in {p["id"] for p in cloud.admin.list("listStoragePools", hostid=host["id"])}
    with pytest.raises(ApiFailure, match="not ready to complete migration"):
        cloud.admin.job("cancelStorageMaintenance", id=pool["id"])
    drop(cloud, pool)


def test_the_scope_changes_while_a_pool_is_disabled(cloud, cluster):
    pool = make(cloud, cluster)
    with pytest.raises(ApiFailure, match="not in the Disabled state"):
        cloud.admin.job("changeStoragePoolScope", id=pool["id"], scope="ZONE")
    cloud.admin("updateStoragePool", id=pool["id"], enabled=False)
    assert cloud.admin.job("changeStoragePoolScope", id=pool["id"], scope="ZONE")["success"] is True
    assert cloud.admin.one("listStoragePools", id=pool["id"])["scope"] == "ZONE"
    other = next(c for c in cloud.admin.list("listClusters") if c["id"] != cluster["id"])
    with pytest.raises(ApiFailure, match="New scope must be different"):
        cloud.admin.job("changeStoragePoolScope", id=pool["id"], scope="ZONE")
    cloud.admin.job("changeStoragePoolScope", id=pool["id"], scope="CLUSTER", clusterid=other["id"])
    assert cloud.admin.one("listStoragePools", id=pool["id"])["clusterid"] == other["id"]
    cloud.admin("updateStoragePool", id=pool["id"], enabled=True)
    drop(cloud, pool)


def test_access_groups_decide_which_hosts_have_a_pool(cloud, cluster):
    pool = make(cloud, cluster)
    first, second = cloud.admin.list("listHosts", clusterid=cluster["id"])[:2]

    def reached(host):
        return pool["id"] in {p["id"] for p in cloud.admin.list("listStoragePools", hostid=host["id"])}

    cloud.admin.job("configureStorageAccess", hostid=first["id"], storageaccessgroups="gold")
    cloud.admin.job("configureStorageAccess", storageid=pool["id"], storageaccessgroups="gold")
    assert reached(first) and not reached(second)
    shown = cloud.admin.one("listStorageAccessGroups", name="gold")
    assert [host["id"] for host in shown["hosts"]["host"]] == [first["id"]]
    assert [entry["id"] for entry in shown["storagepools"]["storagepool"]] == [pool["id"]]
    with pytest.raises(ApiFailure, match="Exactly one of"):
        cloud.admin.job("configureStorageAccess", storageaccessgroups="gold")
    cloud.admin.job("configureStorageAccess", storageid=pool["id"], storageaccessgroups="")
    cloud.admin.job("configureStorageAccess", hostid=first["id"], storageaccessgroups="")
    assert reached(first) and reached(second)
    assert cloud.admin.list("listStorageAccessGroups", name="gold") == []
    drop(cloud, pool)


@pytest.fixture
def gold(cloud, cluster):
    """A pool for which an offering asks, of an access group to which the second host of its cluster belongs alone."""
    pool = make(cloud, cluster, tags="gold-only")
    offering = cloud.admin("createDiskOffering", name="gold", displaytext="gold", disksize=1,
                           tags="gold-only")["diskoffering"]
    first, second = cloud.admin.list("listHosts", clusterid=cluster["id"])[:2]
    cloud.admin.job("configureStorageAccess", hostid=second["id"], storageaccessgroups="gold")
    cloud.admin.job("configureStorageAccess", storageid=pool["id"], storageaccessgroups="gold")
    yield {"pool": pool, "offering": offering, "outside": first, "inside": second}
    cloud.admin.job("configureStorageAccess", storageid=pool["id"], storageaccessgroups="")
    cloud.admin.job("configureStorageAccess", hostid=second["id"], storageaccessgroups="")
    cloud.admin("deleteDiskOffering", id=offering["id"])
    drop(cloud, pool)


def test_no_host_outside_of_a_pools_access_group_is_chosen(cloud, cluster, gold):
    wanted = {**cloud.deployment(), "diskofferingid": gold["offering"]["id"]}
    machine = cloud.admin.job("deployVirtualMachine", clusterid=cluster["id"], **wanted)
    assert machine["hostid"] == gold["inside"]["id"]
    (data,) = cloud.admin.list("listVolumes", virtualmachineid=machine["id"], type="DATADISK")
    assert data["storageid"] == gold["pool"]["id"]
    needs_motion = {host["id"]: host["requiresStorageMotion"] for host in cloud.admin.list(
        "findHostsForMigration", virtualmachineid=machine["id"])}
    assert needs_motion[gold["outside"]["id"]] is True
    for where in ({"hostid": gold["outside"]["id"]}, {"autoselect": True}):
        with pytest.raises(ApiFailure):
            cloud.admin.job("migrateVirtualMachine", virtualmachineid=machine["id"], **where)
    with pytest.raises(ApiFailure, match="no storage pool for volume DATA") as refused:
        cloud.admin.job("deployVirtualMachine", hostid=gold["outside"]["id"], **wanted)
    assert refused.value.code == 533
    failed = [each for each in cloud.admin.list("listVirtualMachines") if each["state"] == "Error"]
    for each in (machine, *failed):
        cloud.admin.job("destroyVirtualMachine", id=each["id"], expunge=True)
    for left in cloud.admin.list("listVolumes", type="DATADISK"):
        cloud.admin("deleteVolume", id=left["id"])


def test_a_volume_cannot_move_to_a_pool_that_its_instances_host_may_not_use(cloud, cluster, gold):
    machine = cloud.admin.job("deployVirtualMachine", hostid=gold["outside"]["id"], **cloud.deployment())
    (root,) = cloud.admin.list("listVolumes", virtualmachineid=machine["id"])
    found = cloud.admin.list("findStoragePoolsForMigration", id=root["id"])
    assert found and gold["pool"]["id"] not in [pool["id"] for pool in found]
    with pytest.raises(ApiFailure):
        cloud.admin.job("migrateVolume", volumeid=root["id"], storageid=gold["pool"]["id"], livemigrate=True)
    cloud.admin.job("destroyVirtualMachine", id=machine["id"], expunge=True)


def test_lists_are_filtered(cloud, cluster):
    pool = make(cloud, cluster, tags="only")
    assert cloud.admin.one("listStoragePools", name=pool["name"])["id"] == pool["id"]
    assert cloud.admin.one("listStoragePools", path=pool["path"])["id"] == pool["id"]
    assert cloud.admin.list("listStoragePools", clusterid=-1) == []
    assert cloud.admin.list("listStoragePools", keyword="nothing has this name") == []
    for name in ("scope", "status"):
        with pytest.raises(ApiFailure, match=f"parameter {name}"):
            cloud.admin("listStoragePools", **{name: "invalid"})
    drop(cloud, pool)


def test_only_admins_see_pools(cloud):
    with pytest.raises(ApiFailure) as failure:
        cloud.new_account()("listStoragePools")
    assert failure.value.code == 432


def test_its_figures_and_files_come_from_the_hosts(cloud, cluster):
    pool = make(cloud, cluster)
    assert cloud.admin.job("syncStoragePool", id=pool["id"])["state"] == "Up"
    assert cloud.admin("updateStorageCapabilities", id=pool["id"])["storagepool"]["storagecapabilities"]
    assert cloud.admin.list("listStoragePoolObjects", id=pool["id"]) == []
    with pytest.raises(ApiFailure, match="parameter path"):
        cloud.admin("listStoragePoolObjects", id=pool["id"], path="no/such/folder")
    drop(cloud, pool)
