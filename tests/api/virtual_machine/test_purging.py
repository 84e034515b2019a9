"""Expunged Instances that leave the database: as their offering says, and by the clock."""

import datetime

import pytest

from cloudapi.models.base import now
from cloudapi.models.machine import Machine, MachinePurge
from cloudapi.models.network import Nic
from cloudapi.models.storage import Volume
from cloudapi.services.virtual_machine import purging
from tests.support.cloud import ApiFailure

HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture(scope="module")
def offering(cloud):
    return cloud.admin("createServiceOffering", name="Purged", displaytext="Purged", cpunumber=1, cpuspeed=100,
                       memory=128, purgeresources=True)["serviceoffering"]["id"]


@pytest.fixture(scope="module")
def erin(cloud):
    return cloud.new_account("erin")


@pytest.fixture
def setting(cloud):
    changed = []

    def change(name, value):
        changed.append(name)
        cloud.admin("updateConfiguration", name=name, value=value)

    yield change
    for name in changed:
        cloud.admin("resetConfiguration", name=name)


def expunged(cloud, erin, ago=0, **parameters):
    """Deploy an Instance and expunge it; `ago` milliseconds before now."""
    made = erin.job("deployVirtualMachine", **{**cloud.deployment(), **parameters})
    root = erin.one("listVolumes", virtualmachineid=made["id"])["id"]
    own = Machine.get(Machine.uuid == made["id"]).id
    return finish(cloud, made["id"], root, own, ago)


def finish(cloud, uuid, root, own, ago):
    cloud.admin.job("destroyVirtualMachine", id=uuid, expunge=True)
    Machine.update(removed=now() - ago).where(Machine.id == own).execute()
    MachinePurge.update(expunged=now() - ago).where(MachinePurge.machine_id == own).execute()
    return uuid, root, own


def known(cloud, command, uuid):
    """Whether the database has the resource, removed as it is."""
    try:
        assert cloud.admin(command, id=uuid, listall=True) == {}
    except ApiFailure as refused:
        assert refused.code == 431
        return False
    return True


def test_an_instance_is_purged_some_time_after_it_was_expunged_where_its_offering_says_so(cloud, erin, offering):
    kept, _, _ = expunged(cloud, erin, ago=HOUR)
    young, _, _ = expunged(cloud, erin, ago=60_000, serviceofferingid=offering)
    old, root, own = expunged(cloud, erin, ago=HOUR, serviceofferingid=offering)
    # The clock does it.
    cloud.until(lambda: not known(cloud, "listVirtualMachines", old), "the Instance is purged")
    assert not known(cloud, "listVolumes", root)
    assert known(cloud, "listVirtualMachines", kept)
    assert known(cloud, "listVirtualMachines", young), "180 seconds at least"
    assert not Nic.select().where(Nic.vm_id == own).exists()
    assert not Volume.select().where(Volume.vm_id == own).exists()
    events = [event["type"] for event in erin.list("listEvents") if event.get("resourceid") == old]
    assert {"VM.CREATE", "VM.DESTROY"} <= set(events)


def test_the_delay_is_a_setting(cloud, erin, offering, setting):
    setting("expunged.resource.purge.job.delay", 7200)
    uuid, _, _ = expunged(cloud, erin, ago=HOUR, serviceofferingid=offering)
    purging.purge_due(cloud.installation.context())
    assert known(cloud, "listVirtualMachines", uuid)
    setting("expunged.resource.purge.job.delay", 0)
    purging.purge_due(cloud.installation.context())
    assert not known(cloud, "listVirtualMachines", uuid)


def test_an_instance_stays_as_long_as_there_is_a_snapshot_of_its_disk(cloud, erin, offering):
    made = erin.job("deployVirtualMachine", **{**cloud.deployment(), "serviceofferingid": offering})
    root = erin.one("listVolumes", virtualmachineid=made["id"])["id"]
    snapshot = erin.job("createSnapshot", volumeid=root)["id"]
    finish(cloud, made["id"], root, Machine.get(Machine.uuid == made["id"]).id, HOUR)
    purging.purge_due(cloud.installation.context())
    assert known(cloud, "listVirtualMachines", made["id"])
    assert erin.one("listSnapshots", id=snapshot)["volumeid"] == root
    erin.job("deleteSnapshot", id=snapshot)
    purging.purge_due(cloud.installation.context())
    assert not known(cloud, "listVirtualMachines", made["id"])
    assert not known(cloud, "listVolumes", root)


def test_all_that_was_expunged_is_purged_by_the_clock_where_a_setting_says_so(cloud, erin, setting):
    uuids = [expunged(cloud, erin, ago=ago)[0] for ago in (40 * DAY, 35 * DAY, 20 * DAY)]

    def left():
        purging.purge_old(cloud.installation.context())
        return [known(cloud, "listVirtualMachines", uuid) for uuid in uuids]

    assert left() == [True] * 3
    setting("expunged.resources.purge.enabled", "true")
    with pytest.raises(ApiFailure, match="not a date"):
        setting("expunged.resources.purge.start.time", "yesterday")
    setting("expunged.resources.purge.start.time",
            (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=38)).strftime("%Y-%m-%d %H:%M:%S"))
    setting("expunged.resources.purge.batch.size", 1)
    assert left() == [True, False, True]
    cloud.admin("resetConfiguration", name="expunged.resources.purge.start.time")
    assert left() == [False, False, True]
    setting("expunged.resources.purge.keep.past.days", 0)
    assert left() == [False] * 3
    assert cloud.admin.one("listAccounts", id=erin.account_id)["vmtotal"] == 0
