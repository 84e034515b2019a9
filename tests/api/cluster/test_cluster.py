"""Clusters: added to a pod, changed, given up for a while and deleted."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_cluster, add_host, add_pod, add_zone


@pytest.fixture(scope="module")
def pod(bare_cloud):
    return add_pod(bare_cloud.admin, add_zone(bare_cloud.admin)["id"])


def test_the_hypervisor_is_known_in_any_case(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod, hypervisor="sImUlAtOr")
    assert cluster["hypervisortype"] == "Simulator"
    assert (cluster["clustertype"], cluster["managedstate"], cluster["allocationstate"]) == (
        "CloudManaged", "Managed", "Enabled")
    assert (cluster["cpuovercommitratio"], cluster["memoryovercommitratio"]) == ("1.0", "1.0")
    assert bare_cloud.admin.one("listClusters", id=cluster["id"], hypervisor="simulator")["arch"] == "x86_64"


@pytest.mark.parametrize(("parameters", "code", "text"), [
    ({"hypervisor": "Abacus"}, 431, "Abacus"),
    ({"clustertype": "Wild"}, 431, "clustertype"),
    ({"arch": "pdp11"}, 431, "arch"),
    ({"clustername": " "}, 431, "clustername"),
    ({"clustertype": "ExternalManaged", "hypervisor": "VMware"}, 431, "url"),
    ({"clustertype": "ExternalManaged", "hypervisor": "VMware", "url": "vcenter/dc"}, 431, "url"),
    ({"externaldetails": {"a": "b"}}, 431, "externaldetails"),
    ({"extensionid": "6f2d2c1c-0000-0000-0000-000000000000"}, 431, "extensionid"),
])
def test_a_fault_in_a_cluster_is_named_and_leaves_nothing(bare_cloud, pod, parameters, code, text):
    before = len(bare_cloud.admin.list("listClusters"))
    with pytest.raises(ApiFailure) as failure:
        add_cluster(bare_cloud.admin, pod, **parameters)
    assert failure.value.code == code
    assert text in failure.value.text
    assert len(bare_cloud.admin.list("listClusters")) == before


def test_a_name_is_once_in_a_pod_and_the_pod_is_of_the_zone(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod)
    with pytest.raises(ApiFailure) as failure:
        add_cluster(bare_cloud.admin, pod, clustername=cluster["name"])
    assert failure.value.code == 530
    other = add_zone(bare_cloud.admin)
    with pytest.raises(ApiFailure, match="doesn't belong to the zone"):
        add_cluster(bare_cloud.admin, {**pod, "zoneid": other["id"]})


def test_the_password_of_its_manager_is_kept_sealed_and_not_shown(bare_cloud, pod):
    from cloudapi.models.common import Detail
    from cloudapi.models.infrastructure import Cluster

    cluster = add_cluster(bare_cloud.admin, pod, username="root", password="Open-Sesame-9", ovm3vip="10.0.0.9")
    assert cluster["resourcedetails"]["username"] == "root"
    assert cluster["ovm3vip"] == "10.0.0.9"
    assert "password" not in cluster["resourcedetails"]
    (stored,) = [row.value for row in Detail.select().where(
        Detail.resource_type == "Cluster", Detail.resource_id == Cluster.get(Cluster.uuid == cluster["id"]).id,
        Detail.name == "password")]
    assert "Open-Sesame-9" not in stored
    assert bare_cloud.installation.secrets.open(stored) == "Open-Sesame-9"


def test_overcommit_follows_the_setting_of_the_cluster(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod)
    host = add_host(bare_cloud.admin, cluster)
    bare_cloud.admin("updateConfiguration", name="cpu.overprovisioning.factor", value="2.5", clusterid=cluster["id"])
    assert bare_cloud.admin.one("listClusters", id=cluster["id"])["cpuovercommitratio"] == "2.5"
    shown = bare_cloud.admin.one("listHosts", id=host["id"])
    assert shown["cpuwithoverprovisioning"] == str(int(4 * 8000 * 2.5))
    (cpu,) = bare_cloud.admin.list("listCapacity", clusterid=cluster["id"], type=1)
    assert cpu["capacitytotal"] == 80000


def test_updates_are_there_in_the_next_list(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod)
    changed = bare_cloud.admin("updateCluster", id=cluster["id"], clustername="other", allocationstate="Disabled",
                               hypervisor="kvm", arch="aarch64")["cluster"]
    assert (changed["name"], changed["allocationstate"], changed["hypervisortype"], changed["arch"]) == (
        "other", "Disabled", "KVM", "aarch64")
    assert bare_cloud.admin.one("listClusters", name="other") == changed


def test_what_its_hosts_are_cannot_be_changed(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod)
    add_host(bare_cloud.admin, cluster)
    for parameters in ({"arch": "aarch64"}, {"hypervisor": "KVM"}):
        with pytest.raises(ApiFailure) as failure:
            bare_cloud.admin("updateCluster", id=cluster["id"], **parameters)
        assert next(iter(parameters)) in failure.value.text


def test_hosts_of_an_unmanaged_cluster_are_disconnected_until_it_is_managed_again(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod)
    host = add_host(bare_cloud.admin, cluster)
    assert bare_cloud.admin("updateCluster", id=cluster["id"], managedstate="Unmanaged")["cluster"]["managedstate"] \
        == "Unmanaged"
    assert bare_cloud.admin.one("listHosts", id=host["id"])["state"] == "Disconnected"
    with pytest.raises(ApiFailure, match="Unmanaged"):
        bare_cloud.admin.job("reconnectHost", id=host["id"])
    bare_cloud.admin("updateCluster", id=cluster["id"], managedstate="Managed")
    assert bare_cloud.admin.one("listHosts", id=host["id"])["state"] == "Up"


def test_a_cluster_with_hosts_stays(bare_cloud, pod):
    cluster = add_cluster(bare_cloud.admin, pod)
    host = add_host(bare_cloud.admin, cluster)
    with pytest.raises(ApiFailure, match="Cluster still has hosts") as failure:
        bare_cloud.admin("deleteCluster", id=cluster["id"])
    assert failure.value.code == 530
    bare_cloud.admin("deleteHost", id=host["id"], forced=True)
    bare_cloud.admin("deleteCluster", id=cluster["id"])
    assert bare_cloud.admin.list("listClusters", name=cluster["name"]) == []
