"""The program as users start it, spoken to by clients that know nothing of it: cs, libcloud, curl."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest
import requests

from tests.support.server import BIN, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("served") / "data")
    yield started
    assert started.stop() == 0


@pytest.fixture
def cs(server):
    """The `cs` command, which reads its endpoint and keys from the environment."""

    def run(*arguments):
        environment = {**os.environ, "CLOUDSTACK_ENDPOINT": server.endpoint, "CLOUDSTACK_KEY": server.key,
                       "CLOUDSTACK_SECRET": server.secret, "CLOUDSTACK_POLL_INTERVAL": "0.05"}
        done = subprocess.run([BIN / "cs", *arguments], env=environment, capture_output=True, text=True, check=True,
                              timeout=120)
        return json.loads(done.stdout)

    return run


@pytest.fixture
def what(cs):
    """The zone, template and offering of a deployment."""
    deadline = time.monotonic() + 60
    while True:
        template = cs("listTemplates", "templatefilter=featured")["template"][0]
        if template["isready"]:
            break
        assert time.monotonic() < deadline, "the template is not ready"
    return {"zoneid": cs("listZones")["zone"][0]["id"], "templateid": template["id"],
            "serviceofferingid": cs("listServiceOfferings", "name=Small Instance")["serviceoffering"][0]["id"]}


def test_the_keys_are_private_and_not_in_the_log(server):
    assert (server.data / "admin.json").stat().st_mode & 0o777 == 0o600
    for log in (server.log, server.data / "cloudapi.log"):
        assert server.secret not in log.read_text()
        assert server.key not in log.read_text()


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


def test_libcloud_creates_a_node(server, what):
    from libcloud.compute.base import NodeState
    from libcloud.compute.drivers.cloudstack import CloudStackNodeDriver

    driver = CloudStackNodeDriver(server.key, server.secret, secure=False, host="127.0.0.1", port=server.port,
                                  path="/client/api")
    driver.connection.poll_interval = 0.05
    location = driver.list_locations()[0]
    size = next(size for size in driver.list_sizes() if size.id == what["serviceofferingid"])
    image = next(image for image in driver.list_images() if image.id == what["templateid"])
    node = driver.create_node(name="from-libcloud", size=size, image=image, location=location)
    listed = next(found for found in driver.list_nodes() if found.id == node.id)
    assert listed.name == "from-libcloud"
    assert listed.state == NodeState.RUNNING
    assert driver.destroy_node(listed)


def test_a_second_start_keeps_the_data(tmp_path):
    first = Server(tmp_path / "data")
    before = requests.get(f"http://127.0.0.1:{first.port}/client/openapi.json", timeout=30).json()
    assert before["openapi"].startswith("3.1")
    assert first.stop() == 0
    second = Server(tmp_path / "data")
    assert (second.key, second.secret) == (first.key, first.secret)
    assert second.stop() == 0
