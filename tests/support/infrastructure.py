"""Builds zones, pods, clusters and hosts through the API, each with a name and addresses of its own."""

from __future__ import annotations

import itertools
from typing import Any

from tests.support.cloud import Client

_numbers = itertools.count(1)


def add_zone(admin: Client, **parameters: Any) -> dict[str, Any]:
    values = {"name": f"zone{next(_numbers)}", "networktype": "Advanced", "dns1": "8.8.8.8",
              "internaldns1": "10.147.28.6", "guestcidraddress": "10.1.1.0/24", **parameters}
    return admin("createZone", **values)["zone"]


def add_pod(admin: Client, zone: str, **parameters: Any) -> dict[str, Any]:
    number = next(_numbers)
    network = f"172.{16 + number // 250}.{number % 250}"
    values = {"name": f"pod{number}", "gateway": f"{network}.1", "netmask": "255.255.255.0",
              "startip": f"{network}.2", "endip": f"{network}.20", **parameters}
    return admin("createPod", zoneid=zone, **values)["pod"]


def add_cluster(admin: Client, pod: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    values = {"clustername": f"cluster{next(_numbers)}", "hypervisor": "Simulator", "clustertype": "CloudManaged",
              **parameters}
    return admin.one("addCluster", zoneid=pod["zoneid"], podid=pod["id"], **values)


def add_host(admin: Client, cluster: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    values = {"url": "http://sim/c0/h0", "hypervisor": "Simulator", "username": "root", "password": "secret-of-host",
              **parameters}
    return admin.one("addHost", zoneid=cluster["zoneid"], podid=cluster["podid"], clusterid=cluster["id"], **values)


def add_site(admin: Client, hosts: int = 2) -> list[dict[str, Any]]:
    """Return the hosts of a new zone with one pod and one cluster."""
    cluster = add_cluster(admin, add_pod(admin, add_zone(admin)["id"]))
    return [add_host(admin, cluster, url=f"http://sim/c0/h{number}") for number in range(hosts)]
