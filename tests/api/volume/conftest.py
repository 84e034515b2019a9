"""A place with storage and hosts, without networks: volumes need no more."""

from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def place(bare_cloud):
    """Two clusters of two hosts with two pools each, secondary storage, and the offerings by name."""
    admin = bare_cloud.admin
    zone = admin("createZone", name="volumes", networktype="Advanced", dns1="8.8.8.8", internaldns1="8.8.4.4",
                 guestcidraddress="10.1.1.0/24")["zone"]["id"]
    pod = admin("createPod", zoneid=zone, name="pod", gateway="172.16.15.1", netmask="255.255.255.0",
                startip="172.16.15.2", endip="172.16.15.100")["pod"]["id"]
    pools = []
    for number in range(2):
        cluster = admin("addCluster", zoneid=zone, podid=pod, clustername=f"C{number}", hypervisor="Simulator",
                        clustertype="CloudManaged")["cluster"][0]["id"]
        for host in range(2):
            admin("addHost", zoneid=zone, podid=pod, clusterid=cluster, hypervisor="Simulator",
                  url=f"http://sim/volumes-c{number}/h{host}", username="root", password="password")
        for pool in range(2):
            pools.append(admin("createStoragePool", zoneid=zone, podid=pod, clusterid=cluster, name=f"P{number}{pool}",
                               url=f"nfs://10.0.0.9:/volumes/{number}{pool}")["storagepool"]["id"])
    admin("addImageStore", zoneid=zone, provider="NFS", name="store", url="nfs://10.0.0.9:/volumes/secondary")
    offerings = {offering["name"]: offering["id"] for offering in admin.list("listDiskOfferings")}
    return SimpleNamespace(cloud=bare_cloud, admin=admin, zone=zone, pod=pod, pools=pools, offerings=offerings)
