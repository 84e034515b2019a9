"""Console proxies and secondary storage VMs: they come by themselves, and come again."""

import pytest

from cloudapi.models.machine import Machine
from cloudapi.models.storage import Volume
from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def system(cloud):
    """The two system VMs of the zone, by their type."""
    def both():
        found = {each["systemvmtype"]: each for each in cloud.admin.list("listSystemVms", state="Running")}
        return found if len(found) == 2 else None

    return lambda: cloud.until(both, "both system VMs run")


def test_an_enabled_zone_gets_both_with_all_their_addresses(cloud, system):
    for kind, machine in system().items():
        assert machine["name"].startswith("s-" if kind == "secondarystoragevm" else "v-")
        assert machine["publicip"].startswith("192.168.2.")
        assert machine["linklocalip"].startswith("169.254.")
        assert machine["privateip"].startswith("172.16.15.")
        assert machine["agentstate"] == "Up" and machine["hostid"] and machine["gateway"]
    assert cloud.admin.one("listSystemVms", systemvmtype="consoleproxy")["id"] == system()["consoleproxy"]["id"]
    addresses = [each[name] for each in system().values() for name in ("publicip", "linklocalip", "privateip")]
    assert len(set(addresses)) == 6


def test_their_agents_are_listed_as_hosts(cloud, system):
    admin = cloud.admin
    machines = {machine["name"]: machine for machine in system().values()}
    for name, machine in machines.items():
        host = admin.one("listHosts", name=name)
        kind = {"consoleproxy": "ConsoleProxy", "secondarystoragevm": "SecondaryStorageVM"}[machine["systemvmtype"]]
        assert (host["type"], host["state"], host["resourcestate"]) == (kind, "Up", "Enabled")
        assert (host["virtualmachineid"], host["ipaddress"]) == (machine["id"], machine["privateip"])
        assert host["version"] == machine["version"] == admin.one("listHosts", id=machine["hostid"])["version"]
        assert admin.one("listHosts", id=host["id"]) == host
        assert [each["name"] for each in admin.list("listHosts", type=kind, state="Up")] == [name]
        for parameters in ({"state": "Alert"}, {"hypervisor": "Simulator"}, {"resourcestate": "Disabled"}):
            assert admin("listHosts", type=kind, **parameters) == {}
    routing = admin.list("listHosts", type="Routing")
    everything = admin("listHosts", zoneid=admin.one("listZones")["id"])
    assert everything["count"] == len(routing) + 2
    assert {each["name"] for each in everything["host"][len(routing):]} == set(machines)
    for parameters in ({"clusterid": routing[0]["clusterid"]}, {"storageaccessgroup": "any"}):
        assert not {each["type"] for each in admin.list("listHosts", **parameters)} - {"Routing"}


def test_pages_of_hosts_go_on_with_the_agents(cloud, system):
    names = {machine["name"] for machine in system().values()}
    everything = [host["id"] for host in cloud.admin.list("listHosts")]
    for size in (1, 2, len(everything) - 1, len(everything)):
        found = []
        for page in range(1, len(everything) // size + 2):
            answer = cloud.admin("listHosts", page=page, pagesize=size)
            found += [host["id"] for host in answer.get("host", ())]
            assert answer.get("count", len(everything)) == len(everything)
        assert found == everything
    assert {host["name"] for host in cloud.admin.list("listHosts", keyword="ProXY") +
            cloud.admin.list("listHosts", keyword="secondary")} == names
    assert cloud.admin.list("listHosts", id=-1) == []
    with pytest.raises(ApiFailure):
        cloud.admin("listHosts", id=names.pop())


def test_the_agent_of_a_stopped_one_is_disconnected(cloud, system):
    proxy = system()["consoleproxy"]
    cloud.admin.job("stopSystemVm", id=proxy["id"])
    assert cloud.admin.one("listHosts", type="ConsoleProxy")["state"] == "Disconnected"
    assert cloud.admin.one("listSystemVms", id=proxy["id"])["agentstate"] == "Disconnected"
    cloud.admin.job("startSystemVm", id=proxy["id"])
    assert cloud.admin.one("listHosts", type="ConsoleProxy")["state"] == "Up"


def test_a_destroyed_one_is_replaced(cloud, system):
    old = system()["consoleproxy"]
    cloud.admin.job("destroySystemVm", id=old["id"])
    assert cloud.admin("listSystemVms", id=old["id"]) == {}
    assert system()["consoleproxy"]["id"] != old["id"]


def test_a_new_one_has_a_root_disk_of_the_settings_size(cloud, system):
    proxy = system()["consoleproxy"]
    cloud.admin("updateConfiguration", name="systemvm.root.disk.size", value="7")
    try:
        cloud.admin.job("destroySystemVm", id=proxy["id"])
        made = system()["consoleproxy"]
    finally:
        cloud.admin("resetConfiguration", name="systemvm.root.disk.size")
    machine = Machine.get(Machine.uuid == made["id"])
    assert Volume.get(Volume.vm_id == machine.id).size == 7 << 30


def test_one_that_an_administrator_stops_stays_stopped_until_it_is_started(cloud, system):
    proxy = system()["consoleproxy"]
    assert cloud.admin.job("stopSystemVm", id=proxy["id"])["state"] == "Stopped"
    assert cloud.admin.job("startSystemVm", id=proxy["id"])["state"] == "Running"
    assert cloud.admin.job("rebootSystemVm", id=proxy["id"])["state"] == "Running"


def test_every_change_leaves_the_events_of_a_job(cloud, system):
    admin, machines = cloud.admin, system()

    def left(machine):
        return [event for event in admin.list("listEvents", listall=True) if event.get("resourceid") == machine["id"]]

    for kind, machine in machines.items():
        prefix = "PROXY" if kind == "consoleproxy" else "SSVM"
        for command in ("stop", "start", "reboot", "destroy"):
            admin.job(f"{command}SystemVm", id=machine["id"])
            of_it = [event for event in left(machine) if event["type"] == f"{prefix}.{command.upper()}"]
            first = next(event["id"] for event in of_it if event["state"] == "Scheduled")
            assert [event["state"] for event in of_it if event.get("parentid") == first] == ["Completed", "Started"]
        assert {event["type"].partition(".")[0] for event in left(machine)} <= {prefix, "VM"}
    assert len(system()) == 2


def test_a_running_one_is_patched(cloud, system):
    for machine in system().values():
        same = cloud.admin.job("patchSystemVm", id=machine["id"])
        assert same["success"] is True and "No change" in same["displaytext"] and machine["name"] in same["displaytext"]
        forced = cloud.admin.job("patchSystemVm", id=machine["id"], forced=True)
        assert forced["displaytext"] == f"Successfully patched systemVM {machine['name']}"
    proxy = system()["consoleproxy"]
    cloud.admin("configureSimulator", name="PatchSystemVmCommand", value="result:fail", count=1)
    with pytest.raises(ApiFailure) as refused:
        cloud.admin.job("patchSystemVm", id=proxy["id"], forced=True)
    assert refused.value.code == 530
    cloud.admin.job("stopSystemVm", id=proxy["id"])
    with pytest.raises(ApiFailure, match="not in Running state") as refused:
        cloud.admin.job("patchSystemVm", id=proxy["id"])
    assert refused.value.code == 530
    cloud.admin.job("startSystemVm", id=proxy["id"])


def test_migrate(cloud, system):
    store = system()["secondarystoragevm"]
    source = cloud.admin.one("listHosts", id=store["hostid"])
    other = next(host for host in cloud.admin.list("listHosts", clusterid=source["clusterid"])
                 if host["id"] != source["id"])
    moved = cloud.admin.job("migrateSystemVm", virtualmachineid=store["id"], hostid=other["id"])
    assert (moved["hostid"], moved["state"]) == (other["id"], "Running")


def test_a_disabled_zone_gets_none(cloud, system):
    admin = cloud.admin
    zone = admin.one("listZones")["id"]
    proxy = system()["consoleproxy"]
    admin("updateZone", id=zone, allocationstate="Disabled")
    try:
        admin.job("destroySystemVm", id=proxy["id"])
        from cloudapi.services.system_vm.system_vm import keep

        keep(cloud.installation.context())
        assert admin("listSystemVms", systemvmtype="consoleproxy") == {}
    finally:
        admin("updateZone", id=zone, allocationstate="Enabled")
    assert system()["consoleproxy"]["id"] != proxy["id"]


def test_instances_are_no_system_vms(cloud):
    with pytest.raises(ApiFailure) as refused:
        cloud.admin.job("startVirtualMachine", id=cloud.admin.list("listSystemVms")[0]["id"])
    assert refused.value.code == 431
