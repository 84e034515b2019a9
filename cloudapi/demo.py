"""The sandbox: a cloud of simulated hosts, built by the same commands as any other.

Its names are those that tools written against CloudStack's simulator container expect.
"""

from __future__ import annotations

import time
from typing import Any

from cloudapi.errors import ApiError, by_code
from cloudapi.jobs.queue import FAILED, IN_PROGRESS
from cloudapi.models.common import AsyncJob
from cloudapi.models.infrastructure import Zone

ZONE = "Sandbox-simulator"
JOB_TIMEOUT = 60.0
POLL = 0.002


class NotEmpty(Exception):
    """The installation has a zone already."""


class Builder:
    """Runs commands as the admin and waits for the asynchronous ones."""

    def __init__(self, installation: Any) -> None:
        self.installation = installation

    def __call__(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Return the object of the answer.

        :raises ApiError: the command failed.
        """
        body = self.installation.run_command(command, **parameters)
        if "jobid" in body:
            body = self._wait(command, body["jobid"])
        objects = [value for value in body.values() if isinstance(value, (dict, list))]
        if not objects:
            return body
        found: dict[str, Any] = objects[0][0] if isinstance(objects[0], list) else objects[0]
        return found

    def _wait(self, command: str, uuid: str) -> dict[str, Any]:
        import orjson

        deadline = time.monotonic() + JOB_TIMEOUT
        while time.monotonic() < deadline:
            job = AsyncJob.get(AsyncJob.uuid == uuid)
            if job.status != IN_PROGRESS:
                result: dict[str, Any] = orjson.loads(job.result)
                if job.status == FAILED:
                    raise by_code(result["errorcode"], f"{command}: {result['errortext']}")
                return result
            time.sleep(POLL)
        raise ApiError(f"{command} has not ended after {JOB_TIMEOUT} s")


def build(installation: Any, progress: bool = False) -> None:
    """Build the sandbox. The workers must be running.

    :param progress: show it on standard error, where that is a terminal.
    :raises NotEmpty: there is a zone already.
    """
    from tqdm import tqdm

    if Zone.alive().exists():
        raise NotEmpty("the installation has a zone already: the sandbox is built into an empty one")
    run = Builder(installation)
    with tqdm(total=4, disable=None if progress else True, unit="part") as bar:
        bar.set_description("zone")
        zone = run("createZone", name=ZONE, networktype="Advanced", dns1="8.8.8.8", dns2="8.8.4.4",
                   internaldns1="10.147.28.6", guestcidraddress="10.1.1.0/24", localstorageenabled=False)["id"]
        bar.update()
        bar.set_description("network")
        networking(run, zone)
        bar.update()
        bar.set_description("hosts and storage")
        machines(run, zone)
        bar.update()
        bar.set_description("enabling")
        run("updateZone", id=zone, allocationstate="Enabled")
        bar.update()


def networking(run: Builder, zone: str) -> None:
    physical = run("createPhysicalNetwork", zoneid=zone, name="Sandbox-pnet", isolationmethods="VLAN")["id"]
    for traffic in ("Guest", "Management", "Public"):
        run("addTrafficType", physicalnetworkid=physical, traffictype=traffic)
    for name, listing, configure in (
            ("VirtualRouter", "listVirtualRouterElements", "configureVirtualRouterElement"),
            ("VpcVirtualRouter", "listVirtualRouterElements", "configureVirtualRouterElement"),
            ("InternalLbVm", "listInternalLoadBalancerElements", "configureInternalLoadBalancerElement")):
        provider = run("listNetworkServiceProviders", physicalnetworkid=physical, name=name)["id"]
        run(configure, id=run(listing, nspid=provider)["id"], enabled=True)
        run("updateNetworkServiceProvider", id=provider, state="Enabled")
    run("updatePhysicalNetwork", id=physical, state="Enabled", vlan="100-200")
    run("createVlanIpRange", zoneid=zone, gateway="192.168.2.1", netmask="255.255.255.0", startip="192.168.2.2",
        endip="192.168.2.200", vlan="untagged", forvirtualnetwork=True)


def machines(run: Builder, zone: str) -> None:
    pod = run("createPod", zoneid=zone, name="POD0", gateway="172.16.15.1", netmask="255.255.255.0",
              startip="172.16.15.2", endip="172.16.15.200")["id"]
    for number in range(2):
        cluster = run("addCluster", zoneid=zone, podid=pod, clustername=f"C{number}", hypervisor="Simulator",
                      clustertype="CloudManaged")["id"]
        for host in range(2):
            run("addHost", zoneid=zone, podid=pod, clusterid=cluster, hypervisor="Simulator",
                url=f"http://sim/c{number}/h{host}", username="root", password="password")
        for pool in range(2):
            run("createStoragePool", zoneid=zone, podid=pod, clusterid=cluster, name=f"PS{number}{pool}",
                url=f"nfs://10.147.28.6:/export/home/sandbox/primary{number}{pool}")
    run("addImageStore", zoneid=zone, provider="NFS", name="secondary",
        url="nfs://10.147.28.6:/export/home/sandbox/secondary")
