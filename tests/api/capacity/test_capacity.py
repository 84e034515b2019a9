"""Capacity: competed for by takes that never give more than there is, summed by place and kind."""

import threading

import pytest

from cloudapi.models.database import transact
from cloudapi.services.capacity import capacity
from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_site


@pytest.fixture
def host(bare_cloud):
    from cloudapi.models.infrastructure import Host

    (shown,) = add_site(bare_cloud.admin, hosts=1)
    return Host.get(Host.uuid == shown["id"])


def row(host, kind):
    from cloudapi.models.infrastructure import Capacity

    found = Capacity.get(Capacity.host_id == host.id, Capacity.kind == kind)
    return found.used, found.reserved


def test_a_take_is_refused_whole_where_one_kind_is_short(host):
    assert transact(lambda: capacity.take_host(host, 1000, 1 << 30, 2))
    assert not transact(lambda: capacity.take_host(host, 1000, 8 << 30, 2))
    assert not transact(lambda: capacity.take_host(host, 32000, 1 << 20, 2))
    assert [row(host, kind) for kind in (capacity.CPU, capacity.MEMORY, capacity.CORES)] == [
        (1000, 0), (1 << 30, 0), (2, 0)]
    transact(lambda: capacity.give_back_host(host, 1000, 1 << 30, 2))
    assert [row(host, kind) for kind in (capacity.CPU, capacity.MEMORY, capacity.CORES)] == [(0, 0), (0, 0), (0, 0)]


def test_takes_at_once_never_give_more_than_there_is(host):
    given = []

    def work():
        from cloudapi.models.database import database

        given.append(transact(lambda: capacity.take_host(host, 10000, 1 << 20, 1)))
        database.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == [False] * 5 + [True] * 3


def test_what_a_stopped_machine_keeps_is_nobody_elses_until_it_starts_or_its_time_is_over(host, bare_cloud):
    assert transact(lambda: capacity.take_host(host, 30000, 1 << 30, 1))
    transact(lambda: capacity.give_back_host(host, 30000, 1 << 30, 1, keep_for=901))
    assert row(host, capacity.CPU) == (0, 30000)
    assert not transact(lambda: capacity.take_host(host, 30000, 1 << 30, 1, machine_id=902))
    assert transact(lambda: capacity.take_host(host, 30000, 1 << 30, 1, machine_id=901))
    assert row(host, capacity.CPU) == (30000, 0)
    transact(lambda: capacity.give_back_host(host, 30000, 1 << 30, 1, keep_for=901))
    bare_cloud.admin("updateConfiguration", name="capacity.skipcounting.hours", value="0")
    bare_cloud.tick()
    capacity.expire_reservations(bare_cloud.installation.context())
    assert row(host, capacity.CPU) == (0, 0)


def test_overprovisioning_counts_from_the_next_take_on(host, bare_cloud):
    assert not transact(lambda: capacity.take_host(host, 40000, 1, 1))
    bare_cloud.admin("updateConfiguration", name="cpu.overprovisioning.factor", value="1.5",
                     clusterid=host.cluster.uuid)
    assert transact(lambda: capacity.take_host(host, 40000, 1, 1))
    assert not transact(lambda: capacity.take_host(host, 10000, 1, 1))


def test_what_is_taken_is_there_in_the_lists(host, bare_cloud):
    transact(lambda: capacity.take_host(host, 8000, 2 << 30, 3))
    figures = {item["name"]: (item["capacityused"], item["capacitytotal"], item["percentused"])
               for item in bare_cloud.admin.list("listCapacity", clusterid=host.cluster.uuid)}
    assert figures == {"CPU": (8000, 32000, "25"), "MEMORY": (2 << 30, 8 << 30, "25"), "CPU_CORE": (3, 4, "75")}
    shown = bare_cloud.admin.one("listHosts", id=host.uuid)
    assert (shown["cpuallocated"], shown["cpuallocatedvalue"]) == ("25%", 8000)
    assert (shown["memoryallocatedpercentage"], shown["memoryallocatedbytes"]) == ("25%", 2 << 30)


def test_lists_go_by_zone_name_and_kind_or_by_usage(host, bare_cloud):
    transact(lambda: capacity.take_host(host, 16000, 1 << 30, 0))
    every = bare_cloud.admin.list("listCapacity")
    assert [(item["zonename"], item["type"]) for item in every] == sorted(
        (item["zonename"], item["type"]) for item in every)
    zone = host.zone.uuid
    assert [item["type"] for item in bare_cloud.admin.list("listCapacity", zoneid=zone)] == [0, 1, 5, 90]
    used = bare_cloud.admin.list("listCapacity", podid=host.pod.uuid, sortby="usage")
    assert [item["name"] for item in used][:2] == ["CPU", "MEMORY"]
    assert {item["clusterid"] for item in used} == {host.cluster.uuid}
    body = bare_cloud.admin("listCapacity", zoneid=zone, page=2, pagesize=3)
    assert (body["count"], [item["type"] for item in body["capacity"]]) == (4, [90])
    with pytest.raises(ApiFailure, match="usage"):
        bare_cloud.admin("listCapacity", sortby="name")


def test_a_tag_counts_its_hosts_alone(host, bare_cloud):
    assert bare_cloud.admin.list("listCapacity", zoneid=host.zone.uuid, tag="rare") == []
    bare_cloud.admin("updateHost", id=host.uuid, hosttags="rare")
    tagged = bare_cloud.admin.list("listCapacity", zoneid=host.zone.uuid, tag="rare")
    assert {(item["name"], item["tag"]) for item in tagged} == {
        ("CPU", "rare"), ("MEMORY", "rare"), ("CPU_CORE", "rare")}
