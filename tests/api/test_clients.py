"""The program as users start it, spoken to by clients that know nothing of it: cs and libcloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from libcloud.compute.base import NodeState
from libcloud.compute.drivers.cloudstack import CloudStackNodeDriver

from tests.support.program import Program
from tests.support.waiting import until

CS = Path(sys.executable).with_name("cs")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with Program(tmp_path_factory.mktemp("served") / "data") as started:
        yield started
    assert started.process.returncode == 0


@pytest.fixture(scope="module")
def cs(program):
    """The `cs` command, which reads its endpoint and keys from the environment."""
    environment = {**os.environ, "CLOUDSTACK_ENDPOINT": program.keys["endpoint"],
                   "CLOUDSTACK_KEY": program.keys["apikey"], "CLOUDSTACK_SECRET": program.keys["secretkey"],
                   "CLOUDSTACK_POLL_INTERVAL": "0.05"}

    def run(*arguments):
        done = subprocess.run([CS, *arguments], env=environment, capture_output=True, text=True, check=True,
                              timeout=120)
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def what(program, cs):
    """The zone, template and offering of a deployment."""
    template = until(lambda: next((item for item in program.client.listTemplates(templatefilter="featured")["template"]
                                   if item["isready"]), None), "the template is ready")
    return {"zoneid": cs("listZones")["zone"][0]["id"], "templateid": template["id"],
            "serviceofferingid": cs("listServiceOfferings", "name=Small Instance")["serviceoffering"][0]["id"]}


@pytest.fixture(scope="module")
def driver(program):
    made = CloudStackNodeDriver(program.keys["apikey"], program.keys["secretkey"], secure=False, host="127.0.0.1",
                                port=program.port, path="/client/api")
    made.connection.poll_interval = 0.05
    return made


@pytest.fixture(scope="module")
def node(driver, what):
    """A node that libcloud has made and started."""
    size = next(size for size in driver.list_sizes() if size.id == what["serviceofferingid"])
    image = next(image for image in driver.list_images() if image.id == what["templateid"])
    made = driver.create_node(name="from-libcloud", size=size, image=image, location=driver.list_locations()[0],
                              ex_start_vm=True)
    yield made
    assert driver.destroy_node(made, ex_expunge=True)
    assert made.id not in [found.id for found in driver.list_nodes()]


def test_the_keys_are_private_and_not_in_the_log(program):
    assert (program.data / "admin.json").stat().st_mode & 0o777 == 0o600
    log = (program.data / "cloudapi.log").read_text()
    assert not any(program.keys[name] in log for name in ("apikey", "secretkey", "password"))


def test_the_sandbox_has_the_names_that_tools_expect(cs):
    zone = cs("listZones")["zone"][0]
    assert zone["name"] == "Sandbox-simulator"
    assert zone["networktype"] == "Advanced"
    assert cs("listClusters")["count"] == 2
    assert cs("listHosts", "type=Routing")["count"] == 4
    assert cs("listStoragePools")["count"] == 4
    template = cs("listTemplates", "templatefilter=featured")["template"][0]
    assert template["name"] == "CentOS 5.6 (64-bit) no GUI (Simulator)"


def test_cs_deploys_an_instance(cs, what):
    machine = cs("deployVirtualMachine", "name=from-cs", *(f"{key}={value}" for key, value in what.items()))
    machine = machine.get("virtualmachine", machine)
    assert machine["state"] == "Running"
    assert machine["nic"][0]["ipaddress"].startswith("10.1.1.")
    stopped = cs("stopVirtualMachine", f"id={machine['id']}", "forced=true")
    assert stopped.get("virtualmachine", stopped)["state"] == "Stopped"


def test_libcloud_creates_a_node(driver, node):
    listed = next(found for found in driver.list_nodes() if found.id == node.id)
    assert (listed.name, listed.state) == ("from-libcloud", NodeState.RUNNING)
    assert listed.private_ips == driver.ex_get_node(node.id).private_ips == node.private_ips
    assert node.private_ips[0].startswith("10.1.1.")


def test_libcloud_stops_starts_and_reboots_a_node(driver, node):
    assert driver.ex_stop(node).lower() == "stopped"
    assert driver.ex_get_node(node.id).state == NodeState.STOPPED
    assert driver.ex_start(node).lower() == "running"
    assert driver.reboot_node(node)
    assert driver.ex_get_node(node.id).state == NodeState.RUNNING


def test_libcloud_makes_attaches_and_deletes_a_volume(driver, node):
    volume = driver.create_volume(size=5, name="data")
    listed = next(found for found in driver.list_volumes() if found.id == volume.id)
    assert (listed.name, listed.size) == ("data", 5 << 30)
    assert driver.attach_volume(node, volume)
    assert volume.id in [found.id for found in driver.list_volumes(node)]
    assert driver.detach_volume(volume)
    assert volume.id not in [found.id for found in driver.list_volumes(node)]
    assert driver.destroy_volume(volume)
    assert volume.id not in [found.id for found in driver.list_volumes()]


def test_libcloud_makes_a_template_of_a_snapshot(driver, node):
    (root,) = driver.list_volumes(node)
    snapshot = driver.create_volume_snapshot(root)
    (listed,) = driver.list_snapshots()
    assert (listed.id, listed.extra["volume_id"]) == (snapshot.id, root.id)
    image = driver.ex_create_snapshot_template(snapshot, "of-a-snapshot", driver.ex_list_os_types()[0]["id"])
    assert image.id in [found.id for found in driver.list_images()]
    assert driver.destroy_volume_snapshot(snapshot)


def test_libcloud_leads_public_addresses_to_a_node(driver, node, program):
    (network,) = driver.ex_list_networks()
    address = driver.ex_allocate_public_ip(network_id=network.id)
    assert address.id in [found.id for found in driver.ex_list_public_ips()]
    forwarding = driver.ex_create_port_forwarding_rule(node, address, 22, 2222, "TCP")
    assert [found.id for found in driver.ex_list_port_forwarding_rules()] == [forwarding.id]
    assert [rule.start_port for rule in driver.ex_list_firewall_rules()] == [2222]
    assert driver.ex_delete_port_forwarding_rule(node, forwarding)
    program.client.enableStaticNat(ipaddressid=address.id, virtualmachineid=node.id)
    rule = driver.ex_create_ip_forwarding_rule(node, address, "TCP", 80, 90)
    (listed,) = driver.ex_list_ip_forwarding_rules()
    assert (listed.id, listed.node.id, listed.address.address) == (rule.id, node.id, address.address)
    shown = next(found for found in driver.list_nodes() if found.id == node.id)
    assert [found.id for found in shown.extra["ip_forwarding_rules"]] == [rule.id]
    assert shown.public_ips == [address.address]
    assert driver.ex_delete_ip_forwarding_rule(node, rule)
    assert driver.ex_release_public_ip(address)


def test_libcloud_makes_and_deletes_a_network(driver, what):
    offering = next(found for found in driver.ex_list_network_offerings()
                    if found.name == "DefaultIsolatedNetworkOfferingWithSourceNatService")
    network = driver.ex_create_network("second", "second", offering, driver.list_locations()[0])
    assert network.id in [found.id for found in driver.ex_list_networks()]
    assert driver.ex_delete_network(network)
    assert network.id not in [found.id for found in driver.ex_list_networks()]


def test_libcloud_keeps_key_pairs(driver):
    made = driver.create_key_pair("mine")
    assert made.private_key.startswith("-----BEGIN")
    assert driver.get_key_pair("mine").fingerprint == made.fingerprint
    driver.delete_key_pair(made)  # answers False: it looks for the text "true", CloudStack sends a boolean
    assert driver.list_key_pairs() == []


def test_libcloud_tags_and_sees_limits(driver, node):
    assert driver.ex_create_tags([node.id], "UserVm", {"tier": "web"})
    assert driver.ex_get_node(node.id).extra["tags"] == {"tier": "web"}
    assert driver.ex_delete_tags([node.id], "UserVm", ["tier"])
    assert driver.ex_limits()["max_instances"] == -1


def test_a_second_start_keeps_the_data(tmp_path):
    with Program(tmp_path / "data") as first:
        keys = first.keys
        described = requests.get(f"http://127.0.0.1:{first.port}/client/openapi.json", timeout=30).json()
        assert described["openapi"].startswith("3.1")
    assert first.process.returncode == 0
    assert not any(keys[name] in first.output for name in ("apikey", "secretkey", "password"))
    with Program(tmp_path / "data") as second:
        assert {name: second.keys[name] for name in ("apikey", "secretkey")} == {
            name: keys[name] for name in ("apikey", "secretkey")}
        assert second.client.listZones()["zone"][0]["name"] == "Sandbox-simulator"
    assert second.process.returncode == 0
