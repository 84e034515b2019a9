"""Pods: a management network whose addresses are nobody else's."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_cluster, add_pod, add_zone


@pytest.fixture(scope="module")
def zone(bare_cloud):
    return add_zone(bare_cloud.admin)["id"]


def addresses(pod):
    from cloudapi.models.infrastructure import Pod, PodIpAddress

    return [row.ip for row in PodIpAddress.select().where(PodIpAddress.pod == Pod.get(Pod.uuid == pod["id"]).id)
            .order_by(PodIpAddress.id)]


def test_a_pod_has_each_address_of_its_range(bare_cloud, zone):
    pod = add_pod(bare_cloud.admin, zone, gateway="10.9.0.1", startip="10.9.0.250", endip="10.9.0.253")
    assert addresses(pod) == ["10.9.0.250", "10.9.0.251", "10.9.0.252", "10.9.0.253"]
    assert pod["ipranges"] == [{"startip": "10.9.0.250", "endip": "10.9.0.253", "forsystemvms": "0",
                                "vlanid": "vlan://untagged"}]
    assert (pod["startip"], pod["endip"], pod["allocationstate"]) == (["10.9.0.250"], ["10.9.0.253"], "Enabled")


def test_without_an_end_the_range_goes_to_the_end_of_the_subnet(bare_cloud, zone):
    pod = add_pod(bare_cloud.admin, zone, gateway="10.9.1.1", netmask="255.255.255.248", startip="10.9.1.4", endip=None)
    assert addresses(pod) == ["10.9.1.4", "10.9.1.5", "10.9.1.6"]


@pytest.mark.parametrize(("parameters", "text"), [
    ({"gateway": "10.9.2"}, "gateway"),
    ({"netmask": "255.0.255.0"}, "netmask"),
    ({"startip": None}, "startip"),
    ({"startip": "10.8.0.4"}, "startip"),
    ({"endip": "10.8.0.9"}, "endip"),
    ({"startip": "10.9.2.20", "endip": "10.9.2.10"}, "endip"),
    ({"startip": "10.9.2.1"}, "gateway"),
    ({"allocationstate": "Maybe"}, "allocationstate"),
])
def test_a_fault_in_a_pod_is_named_and_leaves_nothing(bare_cloud, zone, parameters, text):
    values = {"gateway": "10.9.2.1", "startip": "10.9.2.2", "endip": "10.9.2.9", **parameters}
    before = len(bare_cloud.admin.list("listPods"))
    with pytest.raises(ApiFailure) as failure:
        add_pod(bare_cloud.admin, zone, **values)
    assert failure.value.code == 431
    assert text in failure.value.text
    assert len(bare_cloud.admin.list("listPods")) == before


def test_pods_of_a_zone_share_neither_name_nor_subnet(bare_cloud, zone):
    pod = add_pod(bare_cloud.admin, zone)
    with pytest.raises(ApiFailure, match="already exists"):
        add_pod(bare_cloud.admin, zone, name=pod["name"])
    inside = {"gateway": pod["gateway"], "startip": pod["gateway"] + "00", "endip": pod["gateway"] + "01"}
    with pytest.raises(ApiFailure, match=pod["name"]):
        add_pod(bare_cloud.admin, zone, **inside)
    add_pod(bare_cloud.admin, add_zone(bare_cloud.admin)["id"], **inside)


def test_a_range_is_moved_and_its_addresses_with_it(bare_cloud, zone):
    pod = add_pod(bare_cloud.admin, zone, gateway="10.9.3.1", startip="10.9.3.5", endip="10.9.3.7")
    changed = bare_cloud.admin("updatePod", id=pod["id"], name="moved", startip="10.9.3.6", endip="10.9.3.9",
                               allocationstate="Disabled")["pod"]
    assert (changed["name"], changed["allocationstate"]) == ("moved", "Disabled")
    assert sorted(addresses(pod)) == ["10.9.3.6", "10.9.3.7", "10.9.3.8", "10.9.3.9"]
    with pytest.raises(ApiFailure, match="netmask"):
        bare_cloud.admin("updatePod", id=pod["id"], netmask="255.255.255.257")
    with pytest.raises(ApiFailure, match="outside"):
        bare_cloud.admin("updatePod", id=pod["id"], netmask="255.255.255.248")


def test_a_pod_with_a_cluster_or_an_address_in_use_stays(bare_cloud, zone):
    from cloudapi.models.base import now
    from cloudapi.models.infrastructure import PodIpAddress

    pod = add_pod(bare_cloud.admin, zone)
    cluster = add_cluster(bare_cloud.admin, pod)
    with pytest.raises(ApiFailure, match="there are clusters in this pod"):
        bare_cloud.admin("deletePod", id=pod["id"])
    bare_cloud.admin("deleteCluster", id=cluster["id"])
    taken = addresses(pod)[0]
    PodIpAddress.update(taken=now()).where(PodIpAddress.ip == taken).execute()
    with pytest.raises(ApiFailure, match="private IP addresses"):
        bare_cloud.admin("deletePod", id=pod["id"])
    with pytest.raises(ApiFailure, match=taken):
        bare_cloud.admin("updatePod", id=pod["id"], startip=addresses(pod)[1])
    PodIpAddress.update(taken=None).where(PodIpAddress.ip == taken).execute()
    bare_cloud.admin("deletePod", id=pod["id"])
    assert bare_cloud.admin.list("listPods", name=pod["name"]) == []


def test_an_edge_zone_has_pods_without_addresses(bare_cloud):
    edge = add_zone(bare_cloud.admin, isedge=True)["id"]
    with pytest.raises(ApiFailure, match="edge"):
        add_pod(bare_cloud.admin, edge)
    pod = bare_cloud.admin("createPod", zoneid=edge, name="far")["pod"]
    assert (pod["ipranges"], addresses(pod)) == ([], [])


def test_lists_filter_by_zone_name_and_access_group(bare_cloud, zone):
    pod = add_pod(bare_cloud.admin, zone, storageaccessgroups="gold")
    assert [found["id"] for found in bare_cloud.admin.list("listPods", storageaccessgroup="gold")] == [pod["id"]]
    assert bare_cloud.admin.list("listPods", storageaccessgroup="gol") == []
    assert bare_cloud.admin.one("listPods", zoneid=zone, name=pod["name"])["id"] == pod["id"]
    assert bare_cloud.admin.list("listPods", zoneid=zone, allocationstate="Nowhere") == []
