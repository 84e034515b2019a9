"""What Instances use: the last sample, all samples together, and how long they are kept."""

import sqlite3

import pytest

from cloudapi.models.base import now
from cloudapi.models.machine import Machine, MachineSample, MachineStatistics
from cloudapi.models.storage import VolumeSample
from cloudapi.services.virtual_machine import statistics
from cloudapi.services.volume import statistics as volume_statistics

SUMMED = ("networkkbsread", "networkkbswrite", "diskkbsread", "diskkbswrite", "diskioread", "diskiowrite")
LEVELS = ("cpuused", "memorykbs", "memoryintfreekbs", "memorytargetkbs")


@pytest.fixture(scope="module")
def parts(cloud):
    """Only these tests take samples; the system's own machines shall be there before."""
    cloud.admin("updateConfiguration", name="vm.stats.interval", value=0)
    cloud.until(lambda: len(cloud.admin.list("listSystemVms", state="Running")) == 2, "system VMs run")
    return cloud.deployment()


@pytest.fixture
def machine(cloud, parts):
    made = cloud.admin.job("deployVirtualMachine", **parts)
    yield made
    if cloud.admin.list("listVirtualMachines", id=made["id"]):
        cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)


@pytest.fixture
def setting(cloud):
    """`setting(name, value)` changes a setting for the test."""
    changed = []

    def change(name, value):
        changed.append(name)
        cloud.admin("updateConfiguration", name=name, value=value)

    yield change
    for name in changed:
        cloud.admin("resetConfiguration", name=name)


def run_for(cloud, machine, seconds):
    """The guest has run this much longer, as its host sees it."""
    store = sqlite3.connect(cloud.configuration.data / "simulator.sqlite", timeout=30)
    with store:
        store.execute("UPDATE instance SET started_at = started_at - ? WHERE id = ?", (seconds, machine["id"]))
    store.close()


def sample(cloud):
    statistics.collect(cloud.installation.context())


def shown(cloud, machine, **parameters):
    return cloud.admin.one("listVirtualMachines", id=machine["id"], **parameters)


def test_a_list_shows_the_last_sample_or_all_together(cloud, machine, setting):
    assert "cpuused" not in shown(cloud, machine)
    seen = []
    for seconds in (600, 1200, 600):
        run_for(cloud, machine, seconds)
        sample(cloud)
        seen.append(shown(cloud, machine))
    assert all(each[name] > 0 for each in seen for name in SUMMED)
    assert seen[1]["diskioread"] > 1.5 * seen[2]["diskioread"], "twice the time, about twice the reads"
    together = shown(cloud, machine, accumulate=True)
    for name in SUMMED:
        # Each KiB figure that was shown is rounded down.
        assert 0 <= together[name] - sum(each[name] for each in seen) < (len(seen) if "kbs" in name else 1), name
    assert {name: together[name] for name in LEVELS} == {name: seen[-1][name] for name in LEVELS}
    setting("vm.stats.increment.metrics", "true")
    assert shown(cloud, machine)["diskioread"] == together["diskioread"]
    assert shown(cloud, machine, accumulate=False)["diskioread"] == seen[-1]["diskioread"]


def test_a_guest_that_was_restarted_counts_from_nothing(cloud, machine):
    run_for(cloud, machine, 600)
    sample(cloud)
    before = shown(cloud, machine)["diskioread"]
    cloud.admin.job("rebootVirtualMachine", id=machine["id"])
    run_for(cloud, machine, 300)
    sample(cloud)
    after = shown(cloud, machine)["diskioread"]
    assert 0 < after < before, "half the time since its restart"
    assert shown(cloud, machine, accumulate=True)["diskioread"] == before + after


def test_samples_are_removed_when_their_time_is_over(cloud, machine, setting):
    for _ in range(2):
        run_for(cloud, machine, 600)
        sample(cloud)
    kept = shown(cloud, machine)
    own = Machine.get(Machine.uuid == machine["id"]).id
    first = MachineSample.select().where(MachineSample.machine_id == own).order_by(MachineSample.id).first()
    hour = 3_600_000
    MachineSample.update(sampled=now() - hour).where(MachineSample.id == first.id).execute()
    setting("vm.stats.max.retention.time", 0)
    statistics.remove_old(cloud.installation.context())
    assert shown(cloud, machine, accumulate=True)["diskioread"] > kept["diskioread"]
    setting("vm.stats.max.retention.time", 30)
    statistics.remove_old(cloud.installation.context())
    assert shown(cloud, machine, accumulate=True)["diskioread"] == shown(cloud, machine)["diskioread"]
    for table in (MachineSample, MachineStatistics):
        table.update(sampled=now() - hour).execute()
    statistics.remove_old(cloud.installation.context())
    assert "cpuused" not in shown(cloud, machine)


def test_samples_go_with_their_instance(cloud, machine):
    sample(cloud)
    own = Machine.get(Machine.uuid == machine["id"]).id
    tables = (MachineStatistics, MachineSample)
    assert all(table.select().where(table.machine_id == own).exists() for table in tables)
    cloud.admin.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert not any(table.select().where(table.machine_id == own).exists() for table in tables)


def test_a_page_takes_the_same_statements_whatever_its_size(cloud, parts, machine, count_statements):
    other = cloud.admin.job("deployVirtualMachine", **parts)
    sample(cloud)

    def costs(**parameters):
        return [count_statements(lambda size=size: cloud.admin(
            "listVirtualMachines", page=1, pagesize=size, **parameters)) for size in (1, 2)]

    last, together = costs(), costs(accumulate=True)
    assert last[0] == last[1]
    assert together == [last[0] + 1] * 2
    cloud.admin.job("destroyVirtualMachine", id=other["id"], expunge=True)


def test_disk_statistics_are_kept_where_a_setting_says_so(cloud, machine, setting):
    context = cloud.installation.context
    VolumeSample.delete().execute()
    run_for(cloud, machine, 600)
    volume_statistics.collect(context())
    assert not VolumeSample.select().exists()
    total = cloud.admin.one("listVolumes", virtualmachineid=machine["id"])["diskioread"]
    setting("vm.disk.stats.retention.enabled", "true")
    run_for(cloud, machine, 600)
    volume_statistics.collect(context())
    shown_now = cloud.admin.one("listVolumes", virtualmachineid=machine["id"])
    samples = [row.reads for row in VolumeSample.select()]
    assert shown_now["diskioread"] - total in samples
    setting("vm.disk.stats.max.retention.time", 30)
    volume_statistics.remove_old(context())
    assert VolumeSample.select().count() == len(samples)
    VolumeSample.update(sampled=now() - 3_600_000).execute()
    volume_statistics.remove_old(context())
    assert not VolumeSample.select().exists()
