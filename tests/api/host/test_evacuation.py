"""What becomes of the Instances of a host that is emptied, deleted or lost."""

import pytest

from cloudapi.services.host import agent
from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_host


@pytest.fixture(scope="module")
def zone(cloud):
    return cloud.admin.one("listZones")["id"]


@pytest.fixture(scope="module")
def template(cloud, zone):
    def ready():
        found = cloud.admin.list("listTemplates", templatefilter="featured", zoneid=zone)
        return next((item["id"] for item in found if item["isready"]), None)

    return cloud.until(ready, "the template")


@pytest.fixture
def cluster(cloud):
    """A cluster with two new hosts, which other tests leave alone."""
    cluster = cloud.admin.list("listClusters")[0]
    hosts = [add_host(cloud.admin, cluster, url="http://sim/c0/new") for _ in range(2)]
    yield [host["id"] for host in hosts]
    for host in hosts:
        if cloud.admin.list("listHosts", name=host["name"]):
            cloud.admin("deleteHost", id=host["id"], forced=True)


@pytest.fixture
def deploy(cloud, zone, template):
    """Deploys Instances onto a host; they are expunged in the end."""
    made = []

    def run(host, **offering):
        name = "Small Instance"
        if offering:
            name = cloud.admin("createServiceOffering", name="own", displaytext="own", cpunumber=1, cpuspeed=100,
                               memory=128, **offering)["serviceoffering"]["name"]
        offering_id = cloud.admin.list("listServiceOfferings", name=name)[0]["id"]
        instance = cloud.admin.job("deployVirtualMachine", zoneid=zone, templateid=template, hostid=host,
                                   serviceofferingid=offering_id)
        made.append(instance["id"])
        return instance["id"]

    yield run
    for instance in made:
        cloud.admin.job("destroyVirtualMachine", id=instance, expunge=True)


def instance(cloud, uuid):
    return cloud.admin.one("listVirtualMachines", id=uuid)


def host(cloud, uuid):
    return cloud.admin.one("listHosts", id=uuid)


def test_instances_move_away_from_a_host_in_maintenance(cloud, cluster, deploy):
    source, _ = cluster
    moved = [deploy(source) for _ in range(2)]
    assert [instance(cloud, uuid)["hostid"] for uuid in moved] == [source, source]
    assert host(cloud, source)["cpuallocatedvalue"] >= 1000  # a router may have started there as well
    assert cloud.admin.job("prepareHostForMaintenance", id=source)["resourcestate"] == "Maintenance"
    after = [instance(cloud, uuid) for uuid in moved]
    assert [found["state"] for found in after] == ["Running", "Running"]
    assert source not in [found["hostid"] for found in after]
    assert host(cloud, source)["cpuallocatedvalue"] == 0
    with pytest.raises(ApiFailure):
        deploy(source)


def test_an_instance_that_cannot_move_keeps_running_and_the_host_says_so(cloud, cluster, deploy):
    source, _ = cluster
    stays = deploy(source)
    fault = cloud.admin("configureSimulator", name="instance.migrate", value="result:fail", hostid=source)
    with pytest.raises(ApiFailure, match="Unable to prepare for maintenance") as failure:
        cloud.admin.job("prepareHostForMaintenance", id=source)
    assert stays in failure.value.text
    assert host(cloud, source)["resourcestate"] == "ErrorInMaintenance"
    assert (instance(cloud, stays)["state"], instance(cloud, stays)["hostid"]) == ("Running", source)
    cloud.admin("cleanupSimulatorMock", id=fault["simulatormock"]["id"])
    assert cloud.admin.job("cancelHostMaintenance", id=source)["resourcestate"] == "Enabled"


def test_a_host_with_instances_goes_by_force_alone_and_they_stop(cloud, cluster, deploy):
    source, _ = cluster
    stopped = deploy(source)
    with pytest.raises(ApiFailure):
        cloud.admin("deleteHost", id=source)
    assert instance(cloud, stopped)["state"] == "Running"
    cloud.admin("deleteHost", id=source, forced=True)
    assert instance(cloud, stopped)["state"] == "Stopped"
    assert "hostid" not in instance(cloud, stopped)
    assert cloud.admin.job("startVirtualMachine", id=stopped)["state"] == "Running"


def test_the_instances_of_a_lost_host_stop_and_those_with_high_availability_start_elsewhere(cloud, cluster, deploy):
    from cloudapi.models.infrastructure import Host

    source, _ = cluster
    plain, available = deploy(source), deploy(source, offerha=True)
    record = Host.get(Host.uuid == source)
    agent.call(cloud.installation.context(), record, "simulator.crash")
    Host.update(status="Alert").where(Host.id == record.id).execute()
    assert cloud.admin.job("declareHostAsDegraded", id=source)["resourcestate"] == "Degraded"
    assert instance(cloud, plain)["state"] == "Stopped"
    restarted = instance(cloud, available)
    assert restarted["state"] == "Running"
    assert restarted["hostid"] != source


def test_hosts_for_migration_are_shown_with_whether_they_suit(cloud, cluster, deploy):
    source, other = cluster
    uuid = deploy(source)
    cloud.admin("updateHost", id=other, allocationstate="Disable")
    found = {item["id"]: item for item in cloud.admin.list("findHostsForMigration", virtualmachineid=uuid)}
    assert source not in found
    assert (found[other]["suitableformigration"], found[other]["requiresStorageMotion"]) == (False, False)
    near = [item for item in found.values() if item["clusterid"] == found[other]["clusterid"] and item["id"] != other]
    assert {(item["suitableformigration"], item["requiresStorageMotion"]) for item in near} == {(True, False)}
    far = [item for item in found.values() if item["clusterid"] != found[other]["clusterid"]]
    assert {(item["suitableformigration"], item["requiresStorageMotion"]) for item in far} == {(True, True)}
    listed = cloud.admin.list("listHosts", virtualmachineid=uuid)
    assert {item["id"]: item["hasenoughcapacity"] for item in listed} == {
        number: item["hasenoughcapacity"] for number, item in found.items()}
    cloud.admin.job("stopVirtualMachine", id=uuid)
    with pytest.raises(ApiFailure, match="not Running"):
        cloud.admin("findHostsForMigration", virtualmachineid=uuid)


def test_a_guest_that_shuts_itself_down_is_followed(cloud, cluster, deploy):
    from cloudapi.models.base import now
    from cloudapi.models.infrastructure import Host
    from cloudapi.services.host.monitor import Sighting

    source, _ = cluster
    uuid = deploy(source)
    record = Host.get(Host.uuid == source)
    agent.call(cloud.installation.context(), record, "simulator.stop_instance", {"instance": uuid})
    report = agent.call(cloud.installation.context(), record, "host.ping")
    cloud.installation.monitor.take_in([Sighting(record.id, now() + 1, report["instances"])])
    assert instance(cloud, uuid)["state"] == "Stopped"
