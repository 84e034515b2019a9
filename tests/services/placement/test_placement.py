"""Placement as functions: reasons of hosts and pools, tags, planners' order, what a search reads."""

from types import SimpleNamespace

import pytest

from cloudapi.placement import host, planner, pool
from cloudapi.placement.demand import Demand, VolumeDemand
from cloudapi.placement.planner import ClusterRoom
from cloudapi.placement.refusal import Refusals
from cloudapi.placement.tag import rule_holds, tag_refusal

GIB = 1 << 30
DEFAULTS = {
    "cpu.overprovisioning.factor": 1.0, "mem.overprovisioning.factor": 1.0, "cluster.threshold.enabled": True,
    "cluster.cpu.allocated.capacity.disablethreshold": 0.85,
    "cluster.memory.allocated.capacity.disablethreshold": 0.85, "host.capacityType.to.order.clusters": "CPU",
    "apply.allocation.algorithm.to.pods": False, "vm.allocation.algorithm": "firstfit",
    "volume.allocation.algorithm": "firstfit", "storage.overprovisioning.factor": 2.0, "preferred.storage.pool": "",
    "pool.storage.capacity.disablethreshold": 0.85, "pool.storage.allocated.capacity.disablethreshold": 0.85}


class Settings:
    def __init__(self, **values):
        self.values = {**DEFAULTS, **{name.replace("_", "."): value for name, value in values.items()}}

    def get(self, name, **scopes):
        return self.values[name]


def candidate(**values):
    known = {"id": 1, "name": "h1", "pod_id": 1, "cluster_id": 1, "status": "Up", "resource_state": "Enabled",
             "hypervisor": "Simulator", "hypervisor_version": "4.23", "arch": "x86_64", "cpus": 4, "speed": 2000,
             "capabilities": None, "pod_state": "Enabled", "cluster_state": "Enabled", "managed_state": "Managed",
             "cpu_total": 8000, "memory_total": 8 * GIB}
    return host.Candidate(**{**known, **values})


def demand(**values):
    known = {"machine_id": 1, "name": "i-2-1-VM", "zone_id": 1, "account_id": 2, "hypervisor": "Simulator",
             "arch": "x86_64", "cpu": 1, "speed": 1000, "memory": 1024}
    return Demand(**{**known, **values})


@pytest.mark.parametrize(("where", "asked", "reason"), [
    ({}, {}, None),
    ({"status": "Down"}, {}, "state Down"),
    ({"resource_state": "Maintenance"}, {}, "resource state is Maintenance"),
    ({"resource_state": "Disabled"}, {"on_disabled": True}, None),
    ({"cluster_state": "Disabled"}, {}, "cluster is disabled"),
    ({"pod_state": "Disabled"}, {}, "pod is disabled"),
    ({"hypervisor": "KVM"}, {}, "hypervisor is KVM"),
    ({"arch": "aarch64"}, {}, "architecture is aarch64"),
    ({}, {"uefi": True}, "UEFI"),
    ({"capabilities": '{"uefi": true}'}, {"uefi": True}, None),
    ({}, {"cpu": 5}, "4 CPU cores, 5 are asked for"),
    ({}, {"speed": 2500}, "2000 MHz, 2500 MHz are asked for"),
    ({}, {"host_tags": ("ssd", "gpu")}, "host tags ssd,gpu"),
    ({"tags": ("gpu", "ssd")}, {"host_tags": ("ssd",)}, None),
    ({"cpu_used": 7500}, {}, "1000 MHz of CPU are asked for, 500 of 8000 are free"),
    ({"memory_used": 8 * GIB - (512 << 20)}, {}, "1024 MiB of memory are asked for, 512 of 8192 are free"),
    ({"guests": 50}, {}, "runs 50 machines"),
])
def test_why_a_host_is_refused(where, asked, reason):
    found = host.refusal(Settings(), candidate(**where), demand(**asked), {("Simulator", "default"): 50})
    assert found is None if reason is None else reason in found


def test_over_provisioning_makes_room():
    full = candidate(cpu_used=8000)
    assert host.refusal(Settings(), full, demand(), {}) is not None
    assert host.refusal(Settings(cpu_overprovisioning_factor=2.0), full, demand(), {}) is None


def test_of_a_named_host_only_strict_tags_count():
    asked = demand(host_tags=("gpu", "ssd"), strict_tags=("gpu",))
    assert host.refusal(Settings(), candidate(tags=("gpu",)), asked, {}, named=True) is None
    assert "gpu" in host.refusal(Settings(), candidate(tags=("ssd",)), asked, {}, named=True)


@pytest.mark.parametrize(("rule", "tags", "holds"), [
    ("tags[0] == 'ssd'", ["ssd"], True), ("tags[0] == 'ssd'", ["hdd"], False), ("tags[0] == 'ssd'", [], False),
    ("tags[0] != 'ssd'", ["hdd"], True), ("tags[0] == 'a' || tags[0] == 'b'", ["b"], True),
    ("tags[0] == 'a' && tags[1] == 'b'", ["a", "b"], True), ("tags[0] == 'a' && tags[1] == 'b'", ["a"], False),
    ("process.exit()", ["a"], False)])
def test_tags_that_are_rules(rule, tags, holds):
    assert rule_holds(rule, tags) is holds
    assert (tag_refusal(tags, [rule], True, "host") is None) is holds


def storage(**values):
    known = {"id": 1, "name": "p1", "scope": "CLUSTER", "pod_id": 1, "cluster_id": 1, "host_id": None,
             "hypervisor": "Simulator", "state": "Up", "tags": frozenset(), "tag_is_rule": False,
             "kind": "NetworkFilesystem", "capacity": 100 * GIB, "used": 0, "allocated": 0}
    return pool.Pool(**{**known, **values})


@pytest.mark.parametrize(("where", "asked", "reason"), [
    ({}, {}, None),
    ({"state": "Maintenance"}, {}, "state Maintenance"),
    ({}, {"local": True}, "local storage"),
    ({"scope": "HOST", "host_id": 1}, {"local": True}, None),
    ({}, {"tags": ("fast",)}, "storage tags fast"),
    ({"used": 86 * GIB}, {}, "threshold of 85%"),
    ({"allocated": 165 * GIB}, {}, "may still be allocated"),
    ({"allocated": 80 * GIB, "kind": "LVM"}, {}, "may still be allocated"),
])
def test_why_a_pool_is_refused(where, asked, reason):
    needed = VolumeDemand(**{"volume_id": 1, "name": "ROOT-1", "size": 10 * GIB, **asked})
    found = pool.refusal(Settings(), storage(**where), needed)
    assert found is None if reason is None else reason in found


def test_the_volumes_of_a_machine_share_what_a_pool_has_left():
    context = SimpleNamespace(settings=Settings())
    needed = [VolumeDemand(1, "ROOT-1", 8 * GIB), VolumeDemand(2, "DATA-1", 8 * GIB)]
    small = storage(capacity=6 * GIB)  # 10.2 GiB with over-provisioning and threshold
    place = {"host_id": 1, "cluster_id": 1, "hypervisor": "Simulator", "account_id": 2}
    chosen, reason = pool.assign(context, needed, [small], **place)
    assert chosen == {} and "DATA-1" in reason
    chosen, reason = pool.assign(context, needed, [small, storage(id=2, name="p2")], **place)
    assert (chosen, reason) == ({1: 1, 2: 2}, None)


def test_the_accounts_preferred_pool_is_tried_first_of_all():
    pools = [storage(id=1, uuid="one", scope="HOST", host_id=1), storage(id=2, uuid="two"), storage(id=3, uuid="three")]
    context = SimpleNamespace(settings=Settings(preferred_storage_pool="three"))
    assert [found.id for found in pool.suitable_order(context, pools, 2, ())] == [3, 1, 2]
    assert [found.id for found in pool.ordered(context.settings, pools, 2)] == [3, 1, 2]


def test_a_volume_that_is_made_ties_its_machine_to_the_pools_hosts():
    context = SimpleNamespace(settings=Settings())
    made = [VolumeDemand(1, "ROOT-1", 8 * GIB, pool_id=1)]
    assert pool.assign(context, made, [storage()], host_id=1, cluster_id=1, hypervisor=None, account_id=2) == ({}, None)
    assert "does not reach" in pool.assign(context, made, [storage()], host_id=9, cluster_id=2, hypervisor=None,
                                           account_id=2)[1]


def test_clusters_over_their_threshold_are_refused_unless_the_planner_ignores_it():
    context = SimpleNamespace(settings=Settings())
    rooms = [ClusterRoom(1, "c1", 1, 8000, 6500, 8 * GIB, 0), ClusterRoom(2, "c2", 1, 8000, 4000, 8 * GIB, 0)]
    refusals = Refusals()
    ordered = planner.FirstFitPlanner(context, demand()).clusters(rooms, refusals)
    assert [room.id for room in ordered] == [2], "most free first; the full one is left out"
    assert refusals.listed()[0][0] == "cluster c1"
    ordered = planner.SkipHeuresticsPlanner(context, demand()).clusters(rooms, Refusals())
    assert [room.id for room in ordered] == [2, 1]
