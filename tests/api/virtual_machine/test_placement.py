"""Where Instances go, why they cannot, and what a failed start leaves behind."""

import pytest

from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def parts(cloud):
    admin = cloud.admin
    # Capacity is compared below: the system's own machines shall be there before.
    cloud.until(lambda: len(admin.list("listSystemVms", state="Running")) == 2, "system VMs run")
    return {"zoneid": admin.one("listZones")["id"],
            "templateid": admin.list("listTemplates", templatefilter="featured")[0]["id"],
            "serviceofferingid": admin.one("listServiceOfferings", name="Small Instance")["id"]}


@pytest.fixture(scope="module")
def hosts(cloud):
    return cloud.admin.list("listHosts", type="Routing")


@pytest.fixture
def running(cloud, parts):
    """An Instance whose network has its router already."""
    made = cloud.admin.job("deployVirtualMachine", **parts)
    yield made
    cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)


def allocated(cloud):
    return [(host["cpuallocatedvalue"], host["memoryallocatedbytes"])
            for host in cloud.admin.list("listHosts", type="Routing")]


def test_a_named_host_wins_over_a_named_cluster_and_pod(cloud, parts, hosts):
    other = next(cluster for cluster in cloud.admin.list("listClusters") if cluster["id"] != hosts[0]["clusterid"])
    made = cloud.admin.job("deployVirtualMachine", hostid=hosts[0]["id"], clusterid=other["id"], **parts)
    assert made["hostid"] == hosts[0]["id"]
    cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)


@pytest.mark.parametrize("planner", ["FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner"])
def test_planners(cloud, parts, planner):
    made = cloud.admin.job("deployVirtualMachine", deploymentplanner=planner, **parts)
    assert made["state"] == "Running"
    cloud.admin.job("destroyVirtualMachine", id=made["id"], expunge=True)


def test_an_unknown_planner_is_refused(cloud, parts):
    with pytest.raises(ApiFailure, match="Can't find the deployment planner Nowhere") as refused:
        cloud.admin("deployVirtualMachine", deploymentplanner="Nowhere", **parts)
    assert refused.value.code == 431


def test_a_refusal_tells_the_root_admin_the_reason_of_each_host(cloud, parts, hosts):
    admin = cloud.admin
    huge = admin("createServiceOffering", name="Huge", displaytext="Huge", cpunumber=64, cpuspeed=100,
                 memory=512)["serviceoffering"]
    wanted = {**parts, "serviceofferingid": huge["id"]}
    before = allocated(cloud)
    with pytest.raises(ApiFailure) as refused:
        admin.job("deployVirtualMachine", name="too-large", **wanted)
    assert refused.value.code == 533
    assert "No destination found for a deployment for VM instance" in refused.value.text
    for host in hosts:
        assert f"{host['name']}: it has" in refused.value.text
    assert "64 are asked for" in refused.value.text
    failed = admin.one("listVirtualMachines", name="too-large")
    assert failed["state"] == "Error"
    assert admin("listVolumes", virtualmachineid=failed["id"]) == {}
    assert allocated(cloud) == before
    admin.job("destroyVirtualMachine", id=failed["id"], expunge=True)
    user = cloud.new_account()
    with pytest.raises(ApiFailure) as refused:
        user.job("deployVirtualMachine", **wanted)
    assert hosts[0]["name"] not in refused.value.text, "hosts are the administrator's business"


def test_a_named_host_without_the_tags_is_refused_and_the_instance_can_be_expunged(cloud, parts, hosts):
    admin = cloud.admin
    tagged = admin("createServiceOffering", name="Tagged", displaytext="Tagged", cpunumber=1, cpuspeed=100, memory=64,
                   hosttags="elsewhere")["serviceoffering"]
    admin("updateConfiguration", name="vm.strict.host.tags", value="elsewhere")
    try:
        with pytest.raises(ApiFailure, match="it has not the tags elsewhere"):
            admin.job("deployVirtualMachine", name="strict", hostid=hosts[0]["id"],
                      **{**parts, "serviceofferingid": tagged["id"]})
    finally:
        admin("resetConfiguration", name="vm.strict.host.tags")
    failed = admin.one("listVirtualMachines", name="strict")
    assert failed["state"] == "Error"
    admin.job("expungeVirtualMachine", id=failed["id"])
    assert admin("listVirtualMachines", name="strict") == {}


def test_a_host_that_fails_is_undone_and_the_next_one_tried(cloud, parts, hosts, running):
    admin = cloud.admin
    before = allocated(cloud)
    admin("configureSimulator", name="instance.start", value="result:fail", count=1)
    made = admin.job("deployVirtualMachine", **parts)
    assert made["state"] == "Running"
    admin.job("destroyVirtualMachine", id=made["id"], expunge=True)
    assert allocated(cloud) == before


def test_a_start_that_fails_on_every_host_leaves_nothing_taken(cloud, parts, running):
    admin = cloud.admin
    before = allocated(cloud)
    admin.job("stopVirtualMachine", id=running["id"])
    fault = admin("configureSimulator", name="instance.start", value="result:fail")["simulatormock"]["id"]
    try:
        with pytest.raises(ApiFailure, match="Unable to orchestrate the start of VM instance") as refused:
            admin.job("startVirtualMachine", id=running["id"])
        assert refused.value.code == 533
    finally:
        admin("cleanupSimulatorMock", id=fault)
    assert admin.one("listVirtualMachines", id=running["id"])["state"] == "Stopped"
    left = [sum(column) for column in zip(*allocated(cloud), strict=True)]
    assert left == [sum(column) - own for column, own in zip(zip(*before, strict=True), (500, 512 << 20), strict=True)]
    assert admin.job("startVirtualMachine", id=running["id"])["state"] == "Running"


def test_a_failed_migration_leaves_the_instance_where_it_runs(cloud, running):
    admin = cloud.admin
    before = allocated(cloud)
    admin("configureSimulator", name="instance.migrate", value="result:fail", count=1)
    with pytest.raises(ApiFailure):
        admin.job("migrateVirtualMachine", virtualmachineid=running["id"])
    found = admin.one("listVirtualMachines", id=running["id"])
    assert (found["state"], found["hostid"]) == ("Running", running["hostid"])
    assert allocated(cloud) == before
