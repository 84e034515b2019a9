"""What every primary storage does."""

import pytest

from tests.contracts.conftest import GIB, new_id


def used(cloud):
    return cloud.first("pool.statistics", pools=[cloud.pool])["pools"][0]["used_bytes"]


def prepared(cloud, path=None):
    path = path or cloud.image()
    return cloud.first("template.prepare", template=cloud.template, pool=cloud.pool, store=cloud.store, path=path)


def clone(cloud, size=1):
    volume = new_id()
    source = {"kind": "template", "id": cloud.template, "pool": cloud.pool}
    spec = {"id": volume, "pool": cloud.pool, "size_bytes": size}
    return cloud.first("volume.create", volume=spec, source=source)


def test_a_pool_is_attached_once_and_known_by_what_it_is(cloud):
    pool = {"id": cloud.pool, "kind": "NetworkFilesystem", "url": "nfs://10.0.0.1/primary"}
    assert cloud.first("pool.attach", pool=pool)["capacity_bytes"] == 100 * GIB
    assert cloud.first("pool.attach", pool={**pool, "capacity_bytes": 200 * GIB})["capacity_bytes"] == 200 * GIB
    cloud.first.refuses("already_exists", "pool.attach", pool={**pool, "url": "nfs://10.0.0.9/other"})


def test_a_pool_in_use_cannot_be_detached(cloud):
    spec = cloud.started()
    cloud.first.refuses("in_use", "pool.detach", pool=cloud.pool)
    # Another host, on which nothing runs from it, may.
    cloud.second("pool.detach", pool=cloud.pool)
    cloud.second.refuses("not_found", "instance.start", instance=cloud.spec())
    cloud.first("instance.stop", instance=spec["id"])
    cloud.first("pool.detach", pool=cloud.pool)
    cloud.first.refuses("not_found", "volume.create", volume={"id": new_id(), "pool": cloud.pool, "size_bytes": GIB})


def test_a_template_is_copied_once_and_cloned(cloud):
    report = prepared(cloud)
    assert prepared(cloud, "template/1/2/image") == report
    assert used(cloud) == report["allocated_bytes"]
    small, large = clone(cloud), clone(cloud, 20 * GIB)
    assert small["size_bytes"] == report["size_bytes"]
    assert large["size_bytes"] == 20 * GIB
    assert large["allocated_bytes"] < report["allocated_bytes"]
    cloud.first.refuses("in_use", "template.evict", template=cloud.template, pool=cloud.pool)
    for volume in (small, large):
        cloud.first("volume.delete", pool=cloud.pool, volume=volume["id"])
    cloud.first("template.evict", template=cloud.template, pool=cloud.pool)
    assert cloud.first("template.list", pool=cloud.pool)["templates"] == []
    assert used(cloud) == 0


def test_a_template_that_is_not_there_cannot_be_prepared_or_cloned(cloud):
    wanted = {"template": cloud.template, "pool": cloud.pool, "store": cloud.store, "path": "template/missing"}
    cloud.first.refuses("not_found", "template.prepare", **wanted)
    with pytest.raises(Exception, match="is not on pool"):
        clone(cloud)


def test_volumes_are_created_described_and_deleted(cloud):
    volume = cloud.volume(5 * GIB)
    spec = {"id": volume, "pool": cloud.pool, "size_bytes": GIB}
    cloud.first.refuses("already_exists", "volume.create", volume=spec)
    cloud.first.refuses("bad_argument", "volume.create", volume={**spec, "id": new_id(), "size_bytes": 0})
    report = cloud.second("volume.describe", pool=cloud.pool, volume=volume)
    assert (report["size_bytes"], report["instance"]) == (5 * GIB, None)
    found = cloud.first("volume.statistics", pool=cloud.pool, volumes=[volume, "missing"])["volumes"]
    assert [each["id"] for each in found] == [volume]
    for _ in range(2):
        cloud.first("volume.delete", pool=cloud.pool, volume=volume)
    cloud.first.refuses("not_found", "volume.describe", pool=cloud.pool, volume=volume)
    assert used(cloud) == 0


def test_a_pool_holds_no_more_than_it_has(cloud):
    cloud.volume(60 * GIB, provisioning="fat")
    spec = {"id": new_id(), "pool": cloud.pool, "size_bytes": 60 * GIB, "provisioning": "fat"}
    cloud.first.refuses("insufficient_capacity", "volume.create", volume=spec)
    cloud.first("volume.create", volume={**spec, "provisioning": "thin"})
    too_large = {**spec, "id": new_id(), "provisioning": "thin", "size_bytes": 101 * GIB}
    cloud.first.refuses("insufficient_capacity", "volume.create", volume=too_large)
    statistics = cloud.first("pool.statistics", pools=[cloud.pool])["pools"][0]
    assert 60 * GIB <= statistics["used_bytes"] < 61 * GIB
    assert statistics["provisioned_bytes"] == 120 * GIB


def test_resizing(cloud):
    volume = cloud.volume(4 * GIB)
    wanted = {"pool": cloud.pool, "volume": volume}
    assert cloud.first("volume.resize", **wanted, size_bytes=8 * GIB)["size_bytes"] == 8 * GIB
    cloud.first.refuses("bad_argument", "volume.resize", **wanted, size_bytes=2 * GIB)
    assert cloud.first("volume.resize", **wanted, size_bytes=2 * GIB, shrink=True)["size_bytes"] == 2 * GIB
    cloud.first.refuses("insufficient_capacity", "volume.resize", **wanted, size_bytes=101 * GIB)
    cloud.started(disks=[cloud.disk(volume)])
    assert cloud.first("volume.resize", **wanted, size_bytes=3 * GIB)["size_bytes"] == 3 * GIB
    cloud.first.refuses("in_use", "volume.resize", **wanted, size_bytes=GIB, shrink=True)


def test_copies_stand_alone(cloud):
    report = prepared(cloud)
    origin, other, target = clone(cloud)["id"], new_id(), new_id()
    cloud.first("pool.attach", pool={"id": other, "kind": "NetworkFilesystem", "url": "nfs://10.0.0.2/primary"})
    copied = cloud.first("volume.copy", pool=cloud.pool, volume=origin, target_pool=other, target=target)
    # A clone shares blocks with its template, a copy has them all.
    assert copied["allocated_bytes"] >= report["allocated_bytes"]
    cloud.first("volume.delete", pool=cloud.pool, volume=origin)
    cloud.first("template.evict", template=cloud.template, pool=cloud.pool)
    cloud.first.refuses("not_found", "volume.copy", pool=cloud.pool, volume=origin, target_pool=other, target=new_id())
    running = cloud.started(disks=[{"volume": target, "pool": other, "device": 0}])
    again = {"pool": other, "volume": target, "target_pool": cloud.pool, "target": new_id()}
    cloud.first.refuses("in_use", "volume.copy", **again)
    cloud.first("instance.stop", instance=running["id"])
    cloud.first("volume.copy", **again)


def test_snapshots_keep_revert_and_serve_as_source(cloud):
    volume, snapshot = cloud.volume(4 * GIB), new_id()
    wanted = {"pool": cloud.pool, "volume": volume, "snapshot": snapshot}
    assert cloud.first("volume.create_snapshot", **wanted)["size_bytes"] == 4 * GIB
    cloud.first.refuses("already_exists", "volume.create_snapshot", **wanted)
    cloud.first("volume.resize", pool=cloud.pool, volume=volume, size_bytes=6 * GIB)
    source = {"kind": "snapshot", "id": snapshot, "pool": cloud.pool}
    spec = {"id": new_id(), "pool": cloud.pool, "size_bytes": 1}
    assert cloud.first("volume.create", volume=spec, source=source)["size_bytes"] == 4 * GIB
    running = cloud.started(disks=[cloud.disk(volume)])
    cloud.first.refuses("in_use", "volume.revert_snapshot", **wanted)
    cloud.first("instance.stop", instance=running["id"])
    assert cloud.first("volume.revert_snapshot", **wanted)["size_bytes"] == 4 * GIB
    cloud.first("volume.delete_snapshot", **wanted)
    cloud.first.refuses("not_found", "volume.revert_snapshot", **wanted)


def test_volumes_travel_to_secondary_storage_and_back(cloud):
    prepared(cloud)
    volume, path = clone(cloud, 3 * GIB)["id"], "volumes/1/copy.qcow2"
    image = cloud.first("volume.copy_to_secondary", pool=cloud.pool, volume=volume, store=cloud.store, path=path)
    assert image["size_bytes"] == 3 * GIB
    assert cloud.first("secondary.describe", store=cloud.store, path=path)["size_bytes"] == 3 * GIB
    back = {"id": new_id(), "pool": cloud.pool, "size_bytes": 5 * GIB}
    assert cloud.first("volume.copy_from_secondary", store=cloud.store, path=path, volume=back)["size_bytes"] == 5 * GIB
    cloud.first.refuses("already_exists", "volume.copy_from_secondary", store=cloud.store, path=path, volume=back)


def test_a_snapshot_travels_with_the_size_it_had(cloud):
    volume, snapshot = cloud.volume(4 * GIB), new_id()
    cloud.first("volume.create_snapshot", pool=cloud.pool, volume=volume, snapshot=snapshot)
    cloud.first("volume.resize", pool=cloud.pool, volume=volume, size_bytes=6 * GIB)
    wanted = {"pool": cloud.pool, "volume": volume, "snapshot": snapshot, "store": cloud.store, "path": "snapshots/1"}
    assert cloud.first("volume.copy_to_secondary", **wanted)["size_bytes"] == 4 * GIB


def test_a_pool_is_browsed_folder_by_folder(cloud):
    prepared(cloud)
    volumes = sorted(cloud.volume() for _ in range(3))
    root = cloud.first("pool.list_objects", pool=cloud.pool)
    assert [each["name"] for each in root["objects"]] == ["template", *volumes]
    assert root["objects"][0]["directory"] is True
    page = cloud.first("pool.list_objects", pool=cloud.pool, offset=1, limit=2)
    assert ([each["name"] for each in page["objects"]], page["count"]) == (volumes[:2], 4)
    inner = cloud.first("pool.list_objects", pool=cloud.pool, path="template")
    assert [each["id"] for each in inner["objects"]] == [cloud.template]
    assert cloud.first("pool.list_objects", pool=cloud.pool, path="nowhere")["path_exists"] is False
    assert cloud.first("pool.list_objects", pool=cloud.pool, keyword=volumes[0][:13])["count"] == 1
