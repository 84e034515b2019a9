"""Instances through the API: deployed on simulated hosts, stopped, moved, lost and brought back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def parts(cloud):
    """The zone, the template and the offering that all deployments here use."""
    admin = cloud.admin
    # Capacity is compared below: the system's own machines shall be there before.
    cloud.until(lambda: len(admin.list("listSystemVms", state="Running")) == 2, "system VMs run")
    return {"zoneid": admin.one("listZones")["id"],
            "templateid": admin.list("listTemplates", templatefilter="featured")[0]["id"],
            "serviceofferingid": admin.one("listServiceOfferings", name="Small Instance")["id"]}


@pytest.fixture(scope="module")
def alice(cloud):
    return cloud.new_account("alice")


@pytest.fixture
def machine(alice, parts):
    made = alice.job("deployVirtualMachine", **parts)
    yield made
    if alice.list("listVirtualMachines", id=made["id"]):
        alice.cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)


def shown(client, machine):
    return client.one("listVirtualMachines", id=machine["id"], listall=True)


def used(cloud):
    """CPU in MHz and memory in bytes that are given on all hosts together."""
    return [sum(host[name] for host in cloud.admin.list("listHosts", type="Routing"))
            for name in ("cpuallocatedvalue", "memoryallocatedbytes")]


def test_a_deployed_instance_runs_on_a_host_with_a_disk_and_an_address(cloud, alice, machine):
    assert machine["state"] == "Running"
    assert machine["nic"][0]["ipaddress"].startswith("10.1.1.")
    assert "hostid" not in machine, "users do not see hosts"
    host = shown(cloud.admin, machine)["hostid"]
    assert host in {each["id"] for each in cloud.admin.list("listHosts", type="Routing")}
    root = alice.one("listVolumes", virtualmachineid=machine["id"])
    assert (root["type"], root["state"]) == ("ROOT", "Ready")
    router = cloud.admin.one("listRouters", account="alice", domainid=alice.domain_id)
    assert router["state"] == "Running"


def test_a_result_names_the_job_that_made_it(alice, parts):
    answer = alice("deployVirtualMachine", startvm=False, **parts)
    result = alice.wait(answer["jobid"])["virtualmachine"]
    assert (result["jobid"], result["state"]) == (answer["jobid"], "Stopped")
    assert result["nic"][0]["ipaddress"], "an address is taken before the first start"
    alice.cloud.admin.job("destroyVirtualMachine", id=result["id"], expunge=True)


def test_stop_gives_the_room_back_and_start_prefers_the_last_host(cloud, alice, machine):
    host = shown(cloud.admin, machine)["hostid"]
    before = used(cloud)
    assert alice.job("stopVirtualMachine", id=machine["id"])["state"] == "Stopped"
    assert "hostid" not in shown(cloud.admin, machine)
    assert alice.job("stopVirtualMachine", id=machine["id"], forced=True)["state"] == "Stopped"
    started = alice.job("startVirtualMachine", id=machine["id"])
    assert started["state"] == "Running"
    assert shown(cloud.admin, machine)["hostid"] == host
    assert used(cloud) == before
    with pytest.raises(ApiFailure, match="already running"):
        alice.job("startVirtualMachine", id=machine["id"])


def test_reboot(alice, machine):
    assert alice.job("rebootVirtualMachine", id=machine["id"])["state"] == "Running"
    assert alice.job("rebootVirtualMachine", id=machine["id"], forced=True)["state"] == "Running"
    alice.job("stopVirtualMachine", id=machine["id"])
    with pytest.raises(ApiFailure, match="in state Stopped"):
        alice.job("rebootVirtualMachine", id=machine["id"])


def test_migrate_to_another_host_of_the_cluster(cloud, machine):
    admin = cloud.admin
    source = admin.one("listHosts", id=shown(admin, machine)["hostid"])
    other = next(host for host in admin.list("listHosts", clusterid=source["clusterid"]) if host["id"] != source["id"])
    before = used(cloud)
    moved = admin.job("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=other["id"])
    assert (moved["state"], moved["hostid"]) == ("Running", other["id"])
    assert used(cloud) == before
    with pytest.raises(ApiFailure, match="already present on this host"):
        admin.job("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=other["id"])


def test_destroyed_instances_can_be_recovered_until_they_are_expunged(cloud, alice, machine):
    admin = cloud.admin
    assert alice.job("destroyVirtualMachine", id=machine["id"])["state"] == "Destroyed"
    assert alice("listVirtualMachines", id=machine["id"]) == {}, "users do not see what they destroyed"
    with pytest.raises(ApiFailure) as refused:
        alice("recoverVirtualMachine", id=machine["id"])
    assert refused.value.code == 531
    assert admin("recoverVirtualMachine", id=machine["id"])["virtualmachine"]["state"] == "Stopped"
    with pytest.raises(ApiFailure, match="before expunging"):
        admin.job("expungeVirtualMachine", id=machine["id"])
    admin.job("destroyVirtualMachine", id=machine["id"])
    assert admin.job("expungeVirtualMachine", id=machine["id"]) == {"success": True}
    assert admin("listVirtualMachines", id=machine["id"]) == {}
    assert alice("listVolumes", virtualmachineid=machine["id"]) == {}


def test_what_was_destroyed_is_expunged_by_the_clock(cloud, alice, machine):
    for name, value in (("expunge.delay", 0), ("expunge.interval", 1)):
        cloud.admin("updateConfiguration", name=name, value=value)
    try:
        alice.job("destroyVirtualMachine", id=machine["id"])
        cloud.until(lambda: not cloud.admin.list("listVirtualMachines", id=machine["id"]), "the Instance is expunged")
    finally:
        for name in ("expunge.delay", "expunge.interval"):
            cloud.admin("resetConfiguration", name=name)


def test_protected_instances_stay(cloud, alice, machine):
    alice("updateVirtualMachine", id=machine["id"], deleteprotection=True)
    with pytest.raises(ApiFailure, match="delete protection"):
        alice.job("destroyVirtualMachine", id=machine["id"])
    assert shown(alice, machine)["state"] == "Running"
    alice("updateVirtualMachine", id=machine["id"], deleteprotection=False)


def test_restore_gives_a_fresh_root_disk(cloud, alice, machine):
    old = alice.one("listVolumes", virtualmachineid=machine["id"])
    restored = alice.job("restoreVirtualMachine", virtualmachineid=machine["id"])
    assert restored["state"] == "Running"
    new = alice.one("listVolumes", virtualmachineid=machine["id"])
    assert new["id"] != old["id"] and new["state"] == "Ready"
    assert cloud.admin.one("listVolumes", id=old["id"], listall=True)["state"] == "Destroy"
    alice.job("restoreVirtualMachine", virtualmachineid=machine["id"], rootdisksize=3, expunge=True)
    larger = alice.one("listVolumes", virtualmachineid=machine["id"])
    assert larger["size"] == 3 << 30
    assert cloud.admin("listVolumes", id=new["id"], listall=True) == {}


def test_a_reboot_gives_an_instance_of_a_volatile_offering_a_fresh_root_disk(cloud, alice, parts):
    volatile = cloud.admin("createServiceOffering", name="Volatile", displaytext="Volatile", cpunumber=1, cpuspeed=500,
                           memory=128, isvolatile=True)["serviceoffering"]["id"]
    made = alice.job("deployVirtualMachine", **{**parts, "serviceofferingid": volatile})
    old = alice.one("listVolumes", virtualmachineid=made["id"])
    assert alice.job("rebootVirtualMachine", id=made["id"])["state"] == "Running"
    new = alice.one("listVolumes", virtualmachineid=made["id"])
    assert new["id"] != old["id"]
    assert (new["state"], new["size"], new["deviceid"]) == ("Ready", old["size"], old["deviceid"])
    assert cloud.admin.one("listVolumes", id=old["id"], listall=True)["state"] == "Destroy"
    alice.job("stopVirtualMachine", id=made["id"])
    with pytest.raises(ApiFailure, match="in state Stopped"):
        alice.job("rebootVirtualMachine", id=made["id"])
    assert alice.one("listVolumes", virtualmachineid=made["id"])["id"] == new["id"]
    cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)


def test_scaling_a_stopped_instance(cloud, alice, machine):
    medium = cloud.admin.one("listServiceOfferings", name="Medium Instance")["id"]
    with pytest.raises(ApiFailure, match="disabled for this zone"):
        alice.job("scaleVirtualMachine", id=machine["id"], serviceofferingid=medium)
    alice.job("stopVirtualMachine", id=machine["id"])
    scaled = alice.job("scaleVirtualMachine", id=machine["id"], serviceofferingid=medium)
    assert (scaled["serviceofferingid"], scaled["memory"], scaled["cpuspeed"]) == (medium, 1024, 1000)
    assert alice.job("startVirtualMachine", id=machine["id"])["state"] == "Running"


def test_a_running_instance_grows_on_its_host(cloud, parts):
    admin = cloud.admin
    medium = admin.one("listServiceOfferings", name="Medium Instance")["id"]
    admin("updateConfiguration", name="enable.dynamic.scale.vm", value="true")
    admin("updateTemplate", id=parts["templateid"], isdynamicallyscalable=True)
    try:
        made = admin.job("deployVirtualMachine", **parts)
        assert made["isdynamicallyscalable"] is True
        before = used(cloud)
        scaled = admin.job("scaleVirtualMachine", id=made["id"], serviceofferingid=medium)
        assert (scaled["state"], scaled["memory"]) == ("Running", 1024)
        assert [after - then for after, then in zip(used(cloud), before, strict=True)] == [500, 512 << 20]
        with pytest.raises(ApiFailure, match="Scaling down"):
            admin.job("scaleVirtualMachine", id=made["id"], serviceofferingid=parts["serviceofferingid"])
        admin.job("destroyVirtualMachine", id=made["id"], expunge=True)
    finally:
        admin("updateTemplate", id=parts["templateid"], isdynamicallyscalable=False)
        admin("resetConfiguration", name="enable.dynamic.scale.vm")


def test_fifty_parallel_deployments_get_fifty_addresses(cloud, parts):
    bob = cloud.new_account("bob")
    cloud.admin("updateResourceLimit", account="bob", domainid=bob.domain_id, resourcetype=0, max=-1)
    for kind in (2, 8, 9, 10):
        cloud.admin("updateResourceLimit", account="bob", domainid=bob.domain_id, resourcetype=kind, max=-1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bob("deployVirtualMachine", startvm=False, **parts), range(50)))
    for answer in answers:
        bob.wait(answer["jobid"])
    found = bob.list("listVirtualMachines")
    addresses = [machine["nic"][0]["ipaddress"] for machine in found]
    assert len(set(addresses)) == len(addresses) == 50
    assert len({machine["nic"][0]["networkid"] for machine in found}) == 1, "they share one network, made once"
