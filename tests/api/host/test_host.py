"""Hosts: added by URL, described by their agents, shown in groups of fields, changed, deleted."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_cluster, add_host, add_pod, add_site, add_zone


@pytest.fixture(scope="module")
def cluster(bare_cloud):
    return add_cluster(bare_cloud.admin, add_pod(bare_cloud.admin, add_zone(bare_cloud.admin)["id"]))


def test_an_added_host_is_up_with_what_its_url_says(bare_cloud, cluster):
    host = add_host(bare_cloud.admin, cluster, url="http://sim/c0/h1/cpucore=8&cpuspeed=2000&memory=17179869184",
                    hosttags="ssd,gpu", storageaccessgroups="gold")
    assert (host["state"], host["resourcestate"], host["type"], host["hypervisor"]) == (
        "Up", "Enabled", "Routing", "Simulator")
    assert (host["cpunumber"], host["cpuspeed"], host["memorytotal"]) == (8, 2000, 17179869184)
    assert (host["hosttags"], host["explicithosttags"], host["storageaccessgroups"]) == ("ssd,gpu", "ssd,gpu", "gold")
    assert (host["cpuallocated"], host["memoryallocated"], host["cpuwithoverprovisioning"]) == ("0%", 0, "16000")
    assert host["cpuused"].endswith("%")
    assert "live_migration" in host["capabilities"]
    assert bare_cloud.admin.one("listHosts", id=host["id"])["name"] == host["name"]


def test_the_same_url_is_another_host_each_time(bare_cloud, cluster):
    first, second = (add_host(bare_cloud.admin, cluster, url="http://sim/c9/h9") for _ in range(2))
    assert first["id"] != second["id"]
    assert first["name"] != second["name"]


@pytest.mark.parametrize(("parameters", "text"), [
    ({"url": "sim/c0/h0"}, "url"),
    ({"url": "http:///path"}, "url"),
    ({"url": "http://sim/c0/cpuspeed=fast"}, "cpuspeed"),
    ({"username": None}, "username"),
    ({"password": None}, "password"),
    ({"hypervisor": "KVM"}, "hypervisor"),
    ({"hypervisor": "Abacus"}, "hypervisor"),
    ({"clustername": "both"}, "clustername"),
    ({"allocationstate": "Perhaps"}, "allocationstate"),
    ({"hosttags": "x" * 300}, "hosttags"),
    ({"url": "http://sim/c0/h0/arch=aarch64"}, "aarch64"),
])
def test_a_fault_in_a_host_is_named_and_nothing_of_it_stays(bare_cloud, cluster, parameters, text):
    from cloudapi.models.infrastructure import Capacity, Host

    before = Host.alive().count(), Capacity.select().count()
    with pytest.raises(ApiFailure) as failure:
        add_host(bare_cloud.admin, cluster, **parameters)
    assert failure.value.code in (431, 530)
    assert text in failure.value.text
    assert (Host.alive().count(), Capacity.select().count()) == before


def test_no_answer_carries_the_password_and_the_database_has_it_sealed(bare_cloud, cluster):
    from cloudapi.models.common import Detail

    host = add_host(bare_cloud.admin, cluster, password="Hush-hush-17")
    assert "Hush-hush-17" not in str(host)
    bare_cloud.admin("updateHostPassword", hostid=host["id"], username="other", password="Hush-hush-18")
    stored = [row.value for row in Detail.select().where(Detail.name == "password")]
    assert stored
    assert not [value for value in stored if "Hush" in value]
    assert any(bare_cloud.installation.secrets.open(value) == "Hush-hush-18" for value in stored)
    with pytest.raises(ApiFailure, match="hostid and clusterid"):
        bare_cloud.admin("updateHostPassword", username="a", password="b")
    with pytest.raises(ApiFailure) as failure:
        bare_cloud.admin("updateHostPassword", hostid=host["id"], username="a", password="b",
                         update_passwd_on_host=True)
    assert failure.value.code == 432


def test_a_cluster_is_made_by_name_once(bare_cloud, cluster):
    pod = {"zoneid": cluster["zoneid"], "podid": cluster["podid"], "id": None}
    first = add_host(bare_cloud.admin, pod, clustername="by-name")
    second = add_host(bare_cloud.admin, pod, clustername="by-name")
    assert first["clusterid"] == second["clusterid"]
    assert first["clustername"] == "by-name"


@pytest.mark.parametrize(("details", "present", "absent"), [
    ("min", ["state", "cpunumber"], ["zonename", "cpuallocated", "cpuused", "events", "hosttags"]),
    ("capacity", ["zonename", "cpuallocated", "memorytotal", "hosttags"], ["cpuused", "events", "details"]),
    ("stats", ["zonename", "cpuused", "memoryused", "networkkbsread"], ["cpuallocated", "events", "hosttags"]),
    ("events", ["zonename", "events"], ["cpuused", "cpuallocated"]),
    ("min,stats", ["cpuused"], ["cpuallocated"]),
    ("all", ["events", "cpuused", "cpuallocated", "details"], []),
    (None, ["events", "cpuused", "cpuallocated", "details"], []),
])
def test_details_choose_groups_of_fields(bare_cloud, cluster, details, present, absent):
    host = add_host(bare_cloud.admin, cluster, hosttags="t")
    shown = bare_cloud.admin.one("listHosts", id=host["id"], details=details)
    assert [name for name in present if name not in shown] == []
    assert [name for name in absent if name in shown] == []


def test_filters_of_the_list(bare_cloud, cluster):
    admin = bare_cloud.admin
    host = add_host(admin, cluster)
    every = len(admin.list("listHosts"))
    assert admin.one("listHosts", name=host["name"])["id"] == host["id"]
    assert [found["name"] for found in admin.list("listHosts", keyword=host["name"][-12:])] == [host["name"]]
    assert len(admin.list("listHosts", hypervisor="simulator")) == every
    assert len(admin.list("listHosts", hypervisor="invalid")) == every
    assert len(admin.list("listHosts", hahost="invalidvalue")) == every
    for name in ("state", "type", "resourcestate", "version"):
        assert admin.list("listHosts", **{name: "invalid"}) == []
    assert admin.list("listHosts", hypervisor="KVM") == []
    with pytest.raises(ApiFailure, match="details"):
        admin.list("listHosts", details="everything")


def test_hosts_kept_for_high_availability_are_found_by_their_tag(bare_cloud, cluster):
    bare_cloud.admin("updateConfiguration", name="ha.tag", value="spare")
    host = add_host(bare_cloud.admin, cluster, hosttags="spare")
    assert host["hahost"] is True
    assert [found["id"] for found in bare_cloud.admin.list("listHosts", hahost=True)] == [host["id"]]
    assert host["id"] not in [found["id"] for found in bare_cloud.admin.list("listHosts", hahost=False)]


def test_updates_are_there_in_the_next_list(bare_cloud, cluster):
    admin = bare_cloud.admin
    host = add_host(admin, cluster)
    category = admin.list("listOsCategories")[0]
    admin("updateHost", id=host["id"], name="renamed", hosttags="h1,t1", annotation="watch the fan",
          oscategoryid=category["id"])
    shown = admin.one("listHosts", id=host["id"])
    assert (shown["name"], shown["hosttags"], shown["oscategoryname"]) == ("renamed", "h1,t1", category["name"])
    assert (shown["annotation"], shown["username"], shown["hasannotations"]) == ("watch the fan", "admin", True)
    assert {"h1", "t1"} <= {tag["name"] for tag in admin.list("listHostTags")}
    admin("updateHost", id=host["id"], hosttags="")
    assert "hosttags" not in admin.one("listHosts", id=host["id"])


def test_a_disabled_host_counts_no_capacity(bare_cloud):
    (host,) = add_site(bare_cloud.admin, hosts=1)

    def cpu():
        return bare_cloud.admin.list("listCapacity", zoneid=host["zoneid"], type=1)

    assert [item["capacitytotal"] for item in cpu()] == [32000]
    disabled = bare_cloud.admin("updateHost", id=host["id"], allocationstate="Disable")["host"]
    assert disabled["resourcestate"] == "Disabled"
    assert cpu() == []
    bare_cloud.admin("updateHost", id=host["id"], allocationstate="Enable")
    assert [item["capacitytotal"] for item in cpu()] == [32000]
    with pytest.raises(ApiFailure, match="allocationstate"):
        bare_cloud.admin("updateHost", id=host["id"], allocationstate="Sideways")


def test_a_host_is_deleted_from_maintenance_or_by_force(bare_cloud, cluster):
    from cloudapi.models.infrastructure import Capacity, Host

    first, second = (add_host(bare_cloud.admin, cluster, hosttags="gone") for _ in range(2))
    with pytest.raises(ApiFailure, match="not in maintenance mode"):
        bare_cloud.admin("deleteHost", id=first["id"])
    bare_cloud.admin("deleteHost", id=first["id"], forced=True)
    bare_cloud.admin.job("prepareHostForMaintenance", id=second["id"])
    bare_cloud.admin("deleteHost", id=second["id"])
    for host in (first, second):
        assert bare_cloud.admin.list("listHosts", name=host["name"]) == []
        row = Host.get(Host.uuid == host["id"])
        assert row.removed is not None
        assert Capacity.select().where(Capacity.host_id == row.id).count() == 0
    assert [tag for tag in bare_cloud.admin.list("listHostTags") if tag["name"] == "gone"] == []


def test_the_page_of_hosts_costs_the_same_whatever_its_size(bare_cloud, cluster, count_statements):
    for number in range(6):
        add_host(bare_cloud.admin, cluster, hosttags=f"n{number}")

    def statements(size):
        return count_statements(lambda: bare_cloud.admin("listHosts", page=1, pagesize=size))

    statements(2)
    assert statements(2) == statements(6)
