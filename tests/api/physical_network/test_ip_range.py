"""Ranges of addresses of storage networks and of pods' management networks."""

import pytest

from tests.support.cloud import ApiFailure

SUBNET = {"gateway": "172.16.0.1", "netmask": "255.255.255.0"}


@pytest.fixture
def admin(cloud):
    return cloud.admin


@pytest.fixture
def pod(cloud, request):
    """A pod with the management addresses 172.16.0.2 to 172.16.0.20."""
    zone = cloud.admin("createZone", name=request.node.name[:200], networktype="Advanced", dns1="8.8.8.8",
                            internaldns1="8.8.4.4")["zone"]["id"]
    return cloud.admin("createPod", zoneid=zone, name="pod", startip="172.16.0.2", endip="172.16.0.20",
                            **SUBNET)["pod"]


def refusal(call, *arguments, **values):
    with pytest.raises(ApiFailure) as caught:
        call(*arguments, **values)
    return caught.value


def test_a_storage_range_is_made_changed_and_deleted(admin, pod):
    made = admin.job("createStorageNetworkIpRange", podid=pod["id"], startip="172.16.0.100", endip="172.16.0.110",
                     vlan=30, **SUBNET)
    assert made.items() >= {"podid": pod["id"], "zoneid": pod["zoneid"], "startip": "172.16.0.100",
                            "endip": "172.16.0.110", "vlan": 30, **SUBNET}.items()
    storage = admin.one("listNetworks", zoneid=pod["zoneid"], traffictype="Storage", issystem=True)
    assert made["networkid"] == storage["id"]
    changed = admin.job("updateStorageNetworkIpRange", id=made["id"], endip="172.16.0.120", vlan=31)
    assert (changed["startip"], changed["endip"], changed["vlan"]) == ("172.16.0.100", "172.16.0.120", 31)
    assert admin.list("listStorageNetworkIpRange", podid=pod["id"]) == [changed]
    admin.job("deleteStorageNetworkIpRange", id=made["id"])
    assert admin.list("listStorageNetworkIpRange", zoneid=pod["zoneid"]) == []


@pytest.mark.parametrize(("values", "named"), [
    ({"startip": "172.16.0.20"}, "startip"),
    ({"startip": "172.16.1.1"}, "startip"),
    ({"startip": "172.16.0.110", "endip": "172.16.0.100"}, "endip"),
    ({"startip": "172.16.0.100", "netmask": "255.0.255.0"}, "netmask"),
    ({"startip": "172.16.0.100", "vlan": 5000}, "vlan"),
    ({"startip": "not an address"}, "startip"),
])
def test_bad_storage_ranges_are_refused_by_name(admin, pod, values, named):
    failure = refusal(admin.job, "createStorageNetworkIpRange", podid=pod["id"], **{**SUBNET, **values})
    assert failure.code == 431 and named in failure.text
    assert admin.list("listStorageNetworkIpRange", podid=pod["id"]) == []


def test_storage_ranges_do_not_overlap(admin, pod):
    admin.job("createStorageNetworkIpRange", podid=pod["id"], startip="172.16.0.100", endip="172.16.0.110", **SUBNET)
    failure = refusal(admin.job, "createStorageNetworkIpRange", podid=pod["id"], startip="172.16.0.110", **SUBNET)
    assert failure.code == 431


def test_a_management_range_is_added_changed_and_taken_away(admin, pod):
    changed = admin.job("createManagementNetworkIpRange", podid=pod["id"], startip="172.16.0.50", endip="172.16.0.60",
                        vlan="20", forsystemvms=True, **SUBNET)
    assert changed["startip"] == ["172.16.0.2", "172.16.0.50"]
    assert changed["forsystemvms"] == ["0", "1"]
    assert changed["vlanid"][1] == "vlan://20"
    ends = {"currentstartip": "172.16.0.50", "currentendip": "172.16.0.60"}
    admin.job("updatePodManagementNetworkIpRange", podid=pod["id"], newendip="172.16.0.55", **ends)
    assert admin.one("listPods", id=pod["id"])["endip"] == ["172.16.0.20", "172.16.0.55"]
    assert refusal(admin.job, "updatePodManagementNetworkIpRange", podid=pod["id"], newendip="172.16.0.70",
                   **ends).code == 431
    admin.job("deleteManagementNetworkIpRange", podid=pod["id"], startip="172.16.0.50", endip="172.16.0.55",
              vlan="vlan://20")
    assert admin.one("listPods", id=pod["id"])["startip"] == ["172.16.0.2"]


@pytest.mark.parametrize(("values", "named"), [
    ({"startip": "172.16.0.20", "endip": "172.16.0.30"}, "startip"),
    ({"startip": "172.16.0.50", "gateway": "172.16.0.9"}, "Gateway"),
    ({"startip": "172.16.0.50", "netmask": "255.255.0.0"}, "Netmask"),
    ({"startip": "172.16.9.50"}, "startip"),
    ({"startip": "172.16.0.50", "vlan": "high"}, "vlan"),
])
def test_bad_management_ranges_are_refused_by_name(admin, pod, values, named):
    failure = refusal(admin.job, "createManagementNetworkIpRange", podid=pod["id"], **{**SUBNET, **values})
    assert failure.code == 431 and named in failure.text
    assert admin.one("listPods", id=pod["id"])["startip"] == ["172.16.0.2"]


def test_addresses_in_use_stay(cloud):
    pod = cloud.admin.list("listPods")[0]
    cloud.until(lambda: cloud.admin.list("listSystemVms", state="Running"), "a system VM runs")
    used = cloud.admin.list("listSystemVms", state="Running")[0]["privateip"]
    start, end = pod["startip"][0], pod["endip"][0]
    assert refusal(cloud.admin.job, "deleteManagementNetworkIpRange", podid=pod["id"], startip=start, endip=end,
                   vlan="untagged").code == 530
    last = str(int(used.rpartition(".")[2]) + 1)
    failure = refusal(cloud.admin.job, "updatePodManagementNetworkIpRange", podid=pod["id"], currentstartip=start,
                      currentendip=end, newstartip=used.rpartition(".")[0] + "." + last)
    assert failure.code == 431 and used in failure.text
