"""What every hypervisor driver does."""

import pytest

from agents.verbs import VERBS
from cloudapi.hosts.errors import CapabilityMissing
from tests.contracts.conftest import GIB, new_id


def power(host):
    return host("host.ping")["instances"]


def test_a_host_describes_its_hardware_and_capabilities(cloud):
    host = cloud.first("host.describe")
    assert (host["cpus"], host["cpu_mhz"], host["memory_bytes"]) == (4, 2000, 8 * GIB)
    assert host["capabilities"]["live_migration"] is True
    assert host["private_ip"] != cloud.second("host.describe")["private_ip"]


def test_an_instance_lives_from_start_to_stop(cloud):
    spec = cloud.started()
    assert power(cloud.first) == {spec["id"]: "PowerOn"}
    report = cloud.first("instance.describe", instance=spec["id"])
    assert report["disks"][0]["volume"] == spec["disks"][0]["volume"]
    cloud.first("instance.stop", instance=spec["id"])
    assert power(cloud.first) == {}
    cloud.first.refuses("not_found", "instance.describe", instance=spec["id"])
    cloud.first("instance.stop", instance=spec["id"])
    cloud.first("instance.start", instance=spec)
    assert power(cloud.first) == {spec["id"]: "PowerOn"}


def test_an_instance_never_runs_twice(cloud):
    spec = cloud.started()
    cloud.first.refuses("already_exists", "instance.start", instance=spec)
    cloud.second.refuses("already_exists", "instance.start", instance=spec)
    assert power(cloud.second) == {}
    # Stopping it where it is not changes nothing where it is.
    cloud.second("instance.stop", instance=spec["id"])
    assert power(cloud.first) == {spec["id"]: "PowerOn"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cpus": 5}, "insufficient_capacity"),
        ({"cpus": 4, "cpu_mhz": 2001}, "insufficient_capacity"),
        ({"memory_bytes": 8 * GIB + 1}, "insufficient_capacity"),
        ({"memory_bytes": 0}, "bad_argument"),
        ({"arch": "aarch64"}, "failed"),
        ({"disks": [{"volume": "missing", "pool": "missing", "device": 0}]}, "not_found"),
        ({"nics": [{"id": "n", "network": "missing", "mac": "02:00:00:00:00:01", "device": 0}]}, "not_found"),
    ],
)
def test_a_start_that_cannot_be_is_refused_and_leaves_nothing(cloud, change, code):
    spec = cloud.spec()
    cloud.first.refuses(code, "instance.start", instance={**spec, **change})
    assert power(cloud.first) == {}
    cloud.first("instance.start", instance=spec)


def test_capacity_is_shared_and_given_back(cloud):
    one = cloud.started(memory_bytes=5 * GIB)
    text = cloud.first.refuses("insufficient_capacity", "instance.start", instance=cloud.spec(memory_bytes=4 * GIB))
    assert str(3 * GIB) in text
    cloud.started(memory_bytes=4 * GIB, minimum_memory_bytes=2 * GIB)
    cloud.first("instance.stop", instance=one["id"])
    cloud.started(memory_bytes=6 * GIB)
    assert cloud.first("host.statistics")["memory_allocated_bytes"] == 8 * GIB


def test_a_disk_belongs_to_one_instance_at_a_time(cloud):
    one = cloud.started()
    taken = one["disks"][0]
    text = cloud.second.refuses("in_use", "instance.start", instance=cloud.spec(disks=[taken]))
    assert one["id"] in text
    cloud.first("instance.stop", instance=one["id"])
    cloud.started(cloud.second, disks=[taken])


def test_a_host_in_maintenance_takes_nothing_in(cloud):
    spec = cloud.started(cloud.second)
    kept = cloud.started()
    cloud.first("host.set_maintenance", enabled=True)
    cloud.first.refuses("wrong_state", "instance.start", instance=cloud.spec())
    cloud.first.refuses("wrong_state", "instance.prepare_migration", instance=spec)
    assert power(cloud.first) == {kept["id"]: "PowerOn"}
    assert cloud.first("host.ping")["maintenance"] is True
    cloud.first("host.set_maintenance", enabled=False)
    cloud.started()


def migrate(cloud, spec):
    cloud.first(
        "instance.migrate", instance=spec["id"], destination=cloud.second.id, destination_url="http://sim/c0/h1"
    )


def test_a_migration_moves_the_running_instance(cloud):
    spec = cloud.started()
    cloud.clock.pass_(60)
    cloud.second("instance.prepare_migration", instance=spec)
    assert power(cloud.second) == {}
    migrate(cloud, spec)
    assert (power(cloud.first), power(cloud.second)) == ({}, {spec["id"]: "PowerOn"})
    assert cloud.second("instance.describe", instance=spec["id"])["uptime_seconds"] == 60
    assert cloud.first("host.statistics")["memory_allocated_bytes"] == 0
    volume = cloud.second("volume.describe", pool=cloud.pool, volume=spec["disks"][0]["volume"])
    assert volume["instance"] == spec["id"]


def test_a_migration_needs_preparation_and_room(cloud):
    spec = cloud.started(memory_bytes=5 * GIB)
    with pytest.raises(Exception, match="not prepared"):
        migrate(cloud, spec)
    cloud.second("instance.prepare_migration", instance=spec)
    # What is prepared holds its capacity until it is cancelled.
    cloud.second.refuses("insufficient_capacity", "instance.start", instance=cloud.spec(memory_bytes=4 * GIB))
    cloud.second("instance.cancel_migration", instance=spec["id"])
    cloud.started(cloud.second, memory_bytes=4 * GIB)
    cloud.second.refuses("insufficient_capacity", "instance.prepare_migration", instance=spec)
    assert power(cloud.first) == {spec["id"]: "PowerOn"}


def test_a_migration_with_its_storage_ends_on_the_other_pool(cloud):
    spec, other = cloud.started(), new_id()
    for host in (cloud.first, cloud.second):
        host("pool.attach", pool={"id": other, "kind": "NetworkFilesystem", "url": "nfs://10.0.0.2/primary"})
    volume = spec["disks"][0]["volume"]
    cloud.second("volume.create", volume={"id": volume, "pool": other, "size_bytes": GIB})
    cloud.second("instance.prepare_migration", instance={**spec, "disks": [{**spec["disks"][0], "pool": other}]})
    migrate(cloud, spec)
    assert cloud.second("volume.describe", pool=other, volume=volume)["instance"] == spec["id"]
    cloud.first("volume.delete", pool=cloud.pool, volume=volume)


def test_a_disk_with_snapshots_does_not_move_with_its_instance(cloud):
    spec, other = cloud.started(), new_id()
    for host in (cloud.first, cloud.second):
        host("pool.attach", pool={"id": other, "kind": "NetworkFilesystem", "url": "nfs://10.0.0.2/primary"})
    volume = spec["disks"][0]["volume"]
    cloud.first("volume.create_snapshot", pool=cloud.pool, volume=volume, snapshot=new_id())
    cloud.second("volume.create", volume={"id": volume, "pool": other, "size_bytes": GIB})
    cloud.second("instance.prepare_migration", instance={**spec, "disks": [{**spec["disks"][0], "pool": other}]})
    cloud.first.refuses(
        "wrong_state", "instance.migrate", instance=spec["id"], destination=cloud.second.id,
        destination_url="http://sim/c0/h1",
    )
    assert power(cloud.first) == {spec["id"]: "PowerOn"}
    cloud.second("instance.cancel_migration", instance=spec["id"])
    cloud.second("volume.delete", pool=other, volume=volume)


def test_a_disk_moves_under_a_running_instance(cloud):
    spec, other = cloud.started(), new_id()
    volume = spec["disks"][0]["volume"]
    wanted = {"instance": spec["id"], "volume": volume, "pool": other}
    cloud.first.refuses("not_found", "instance.migrate_disk", **wanted)
    cloud.first("pool.attach", pool={"id": other, "kind": "NetworkFilesystem", "url": "nfs://10.0.0.2/primary"})
    cloud.first.refuses("not_found", "instance.migrate_disk", **{**wanted, "volume": "missing"})
    for _ in range(2):
        report = cloud.first("instance.migrate_disk", **wanted)
        assert (report["pool"], report["instance"]) == (other, spec["id"])
    cloud.first.refuses("not_found", "volume.describe", pool=cloud.pool, volume=volume)
    assert cloud.first("instance.describe", instance=spec["id"])["disks"][0]["pool"] == other
    used = {
        each["id"]: each["used_bytes"] for each in cloud.first("pool.statistics", pools=[cloud.pool, other])["pools"]
    }
    assert used[cloud.pool] == 0 < used[other]


def test_a_disk_with_snapshots_stays(cloud):
    spec, other = cloud.started(), new_id()
    volume = spec["disks"][0]["volume"]
    cloud.first("pool.attach", pool={"id": other, "kind": "NetworkFilesystem", "url": "nfs://10.0.0.2/primary"})
    cloud.first("volume.create_snapshot", pool=cloud.pool, volume=volume, snapshot=new_id())
    cloud.first.refuses("wrong_state", "instance.migrate_disk", instance=spec["id"], volume=volume, pool=other)
    assert cloud.first("volume.describe", pool=cloud.pool, volume=volume)["instance"] == spec["id"]


def test_scaling_a_running_instance(cloud):
    spec = cloud.started()
    size = {"cpus": 2, "cpu_mhz": 1000, "memory_bytes": 2 * GIB}
    assert cloud.first("instance.scale", instance=spec["id"], size=size)["cpus"] == 2
    assert cloud.first("host.statistics")["memory_allocated_bytes"] == 2 * GIB
    too_much = {**size, "memory_bytes": 9 * GIB}
    cloud.first.refuses("insufficient_capacity", "instance.scale", instance=spec["id"], size=too_much)
    assert cloud.first("instance.describe", instance=spec["id"])["memory_bytes"] == 2 * GIB


def test_disks_are_plugged_and_unplugged(cloud):
    spec, disk = cloud.started(), cloud.disk(device=1)
    cloud.first.refuses("not_found", "instance.attach_disk", instance=spec["id"], disk={**disk, "volume": "missing"})
    cloud.first.refuses("in_use", "instance.attach_disk", instance=spec["id"], disk={**disk, "device": 0})
    cloud.first("instance.attach_disk", instance=spec["id"], disk=disk)
    other = cloud.started()
    cloud.first.refuses("in_use", "instance.attach_disk", instance=other["id"], disk=disk)
    cloud.first.refuses("in_use", "volume.delete", pool=cloud.pool, volume=disk["volume"])
    report = cloud.first("instance.detach_disk", instance=spec["id"], volume=disk["volume"])
    assert [each["device"] for each in report["disks"]] == [0]
    cloud.first.refuses("not_found", "instance.detach_disk", instance=spec["id"], volume=disk["volume"])
    cloud.first("volume.delete", pool=cloud.pool, volume=disk["volume"])


def test_nics_are_plugged_updated_and_unplugged(cloud):
    spec, nic = cloud.started(), cloud.nic(device=1)
    cloud.first("instance.plug_nic", instance=spec["id"], nic=nic)
    cloud.first.refuses("already_exists", "instance.plug_nic", instance=spec["id"], nic=nic)
    cloud.first.refuses(
        "not_found", "instance.plug_nic", instance=spec["id"], nic={**cloud.nic(2), "network": "missing"}
    )
    changed = cloud.first("instance.update_nic", instance=spec["id"], nic={**nic, "rate_mbps": 200, "enabled": False})
    assert (changed["nics"][1]["rate_mbps"], changed["nics"][1]["enabled"]) == (200, False)
    cloud.first.refuses(
        "bad_argument", "instance.update_nic", instance=spec["id"], nic={**nic, "mac": "02:00:00:00:00:99"}
    )
    assert len(cloud.first("instance.unplug_nic", instance=spec["id"], nic=nic["id"])["nics"]) == 1
    cloud.first.refuses("not_found", "instance.unplug_nic", instance=spec["id"], nic=nic["id"])


def test_an_iso_comes_from_secondary_storage(cloud):
    spec = cloud.started()
    iso = {"id": new_id(), "store": cloud.store, "path": cloud.image("iso/1/2.iso", "ISO")}
    cloud.first("instance.attach_iso", instance=spec["id"], iso=iso)
    cloud.first.refuses("in_use", "instance.attach_iso", instance=spec["id"], iso={**iso, "id": new_id()})
    assert cloud.first("instance.detach_iso", instance=spec["id"])["iso"] is None
    cloud.first.refuses("not_found", "instance.attach_iso", instance=spec["id"], iso={**iso, "path": "iso/missing"})
    disk_image = {**iso, "path": cloud.image("template/3")}
    cloud.first.refuses("failed", "instance.attach_iso", instance=spec["id"], iso=disk_image)


def test_a_reboot_stays_on_the_host(cloud):
    spec = cloud.started()
    cloud.clock.pass_(100)
    assert cloud.first("instance.reboot", instance=spec["id"])["uptime_seconds"] == 0
    cloud.second.refuses("not_found", "instance.reboot", instance=spec["id"])


def test_counters_rise_with_time(cloud):
    spec = cloud.started()
    earlier, volume, nic = None, spec["disks"][0]["volume"], spec["nics"][0]["id"]
    for _ in range(20):
        cloud.clock.pass_(30)
        counters = cloud.first("instance.statistics", instances=[spec["id"], "elsewhere"])["instances"]
        assert set(counters) == {spec["id"]}
        now = counters[spec["id"]]
        figures = [now["disks"][volume]["read_bytes"], now["nics"][nic]["write_bytes"], now["uptime_seconds"]]
        assert 0 <= now["cpu_percent"] <= 100
        assert 0 < now["memory_used_bytes"] <= now["memory_bytes"]
        assert earlier is None or all(new > old for new, old in zip(figures, earlier, strict=True))
        earlier = figures
    assert set(cloud.first("instance.statistics")["instances"]) == {spec["id"]}


def test_the_console_has_a_port_and_a_password_of_its_own(cloud):
    consoles = [cloud.first("instance.console", instance=cloud.started()["id"]) for _ in range(2)]
    assert len({each["port"] for each in consoles}) == 2
    assert len({each["password"] for each in consoles}) == 2


def test_secrets_of_the_guest_are_not_reported(cloud):
    spec = cloud.started(password="s3cret", user_data="czNjcmV0")
    cloud.first("instance.set_password", instance=spec["id"], password="an0ther")
    cloud.first("instance.update_user_data", instance=spec["id"], user_data="dGhpcmQ=")
    told = str([cloud.first("instance.describe", instance=spec["id"]), cloud.first("instance.list")])
    assert not any(secret in told for secret in ("s3cret", "czNjcmV0", "an0ther", "dGhpcmQ="))


def test_a_system_vm_that_is_up_to_date_is_patched_by_force_alone(cloud):
    user, system = cloud.started(), cloud.started(kind="ConsoleProxy")
    assert cloud.first("instance.patch", instance=system["id"])["patched"] is False
    forced = cloud.first("instance.patch", instance=system["id"], force=True)
    assert forced["patched"] is True and forced["version"]
    cloud.first.refuses("wrong_state", "instance.patch", instance=user["id"])
    cloud.second.refuses("not_found", "instance.patch", instance=system["id"])


def test_a_host_is_released_empty_or_by_force(cloud):
    spec = cloud.started()
    cloud.first.refuses("in_use", "host.release")
    cloud.first("host.release", force=True)
    assert cloud.second("volume.describe", pool=cloud.pool, volume=spec["disks"][0]["volume"])["instance"] is None
    cloud.second("instance.start", instance=spec)


def test_what_is_declared_as_missing_is_refused_by_name(cloud, monkeypatch):
    from dataclasses import replace

    from agents.hypervisors.simulator.hypervisor import SimulatedHypervisor

    lacking = replace(SimulatedHypervisor.capabilities, uefi=False, isolation=["NONE"])
    monkeypatch.setattr(SimulatedHypervisor, "capabilities", lacking)
    with pytest.raises(CapabilityMissing, match="uefi"):
        cloud.first("instance.start", instance=cloud.spec(boot_type="UEFI"))
    with pytest.raises(CapabilityMissing, match="VXLAN"):
        cloud.first("network.ensure", network={"id": new_id(), "isolation": "VXLAN", "tag": 5000})


def test_every_verb_of_the_contracts_is_declared_with_its_effect():
    assert {verb.effect for verb in VERBS.values()} == {"read", "repeatable", "once"}
    assert all(
        verb.effect == "read" for name, verb in VERBS.items() if name.endswith((".describe", ".statistics", ".list"))
    )
