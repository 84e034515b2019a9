"""What every network driver does."""

import pytest

from tests.contracts.conftest import new_id


@pytest.fixture
def router(cloud):
    spec = cloud.spec(kind="DomainRouter", name="r-4-VM")
    cloud.first("instance.start", instance=spec)
    return spec


def config(cloud, router, **more):
    interface = {
        "nic": router["nics"][0]["id"],
        "network": cloud.network,
        "traffic": "Guest",
        "mac": "02:00:00:00:00:00",
    }
    return {"hostname": "r-4-VM", "interfaces": [{**interface, "ip": "10.1.1.1", "netmask": "255.255.255.0"}], **more}


HOST = {"ip": "10.1.1.5", "mac": "02:00:00:00:00:05", "hostname": "web"}
SECRET = {"ip": "10.1.1.5", "instance": "i", "password": "s3cret", "user_data": "czNjcmV0"}


def test_a_network_is_made_once_and_removed_when_empty(cloud):
    report = cloud.first(
        "network.ensure", network={"id": cloud.network, "isolation": "VLAN", "tag": 100, "label": "cloudbr1"}
    )
    assert (report["tag"], report["nics"]) == (100, 0)
    spec = cloud.started()
    assert cloud.first("network.list")["networks"][0]["nics"] == 1
    cloud.first.refuses("in_use", "network.remove", network=cloud.network)
    other_tag = {"id": cloud.network, "isolation": "VLAN", "tag": 101, "label": "cloudbr1"}
    cloud.first.refuses("wrong_state", "network.ensure", network=other_tag)
    cloud.first("instance.stop", instance=spec["id"])
    for _ in range(2):
        cloud.first("network.remove", network=cloud.network)
    assert cloud.first("network.list")["networks"] == []
    assert len(cloud.second("network.list")["networks"]) == 1


@pytest.mark.parametrize(
    ("isolation", "tag"),
    [("VLAN", 0), ("VLAN", 4095), ("VLAN", None), ("VXLAN", 2**24), ("GRE", 2**32), ("NONE", 5), ("STT", 5)],
)
def test_a_tag_must_fit_the_isolation(cloud, isolation, tag):
    text = cloud.first.refuses(
        "bad_argument", "network.ensure", network={"id": new_id(), "isolation": isolation, "tag": tag}
    )
    assert "network." in text


def test_bridges_differ_by_tag(cloud):
    bridges = {
        cloud.first("network.ensure", network={"id": new_id(), "isolation": isolation, "tag": tag})["bridge"]
        for isolation, tag in (("VLAN", 7), ("VXLAN", 7), ("GRE", 7), ("NONE", None))
    }
    assert len(bridges) == 4


def test_a_router_becomes_what_is_applied_and_nothing_changes_twice(cloud, router):
    wanted = config(cloud, router, dhcp=[{**HOST, "network": cloud.network}])
    assert cloud.first("router.describe", router=router["id"])["generation"] == 0
    applied = cloud.first("router.apply", router=router["id"], generation=1, config=wanted)
    assert {"interfaces", "dhcp"} <= set(applied["changed"])
    assert cloud.first("router.apply", router=router["id"], generation=1, config=wanted)["changed"] == []
    assert cloud.first("router.apply", router=router["id"], generation=2, config=wanted)["changed"] == []
    report = cloud.first("router.describe", router=router["id"])
    assert (report["generation"], report["config"]["dhcp"][0]["ip"]) == (2, "10.1.1.5")
    assert cloud.first("router.apply", router=router["id"], generation=3, config=config(cloud, router))["changed"] == [
        "dhcp"
    ]
    assert cloud.first("router.describe", router=router["id"])["config"]["dhcp"] == []


def test_an_older_or_forked_configuration_is_refused(cloud, router):
    cloud.first("router.apply", router=router["id"], generation=5, config=config(cloud, router))
    older = {"router": router["id"], "generation": 4, "config": config(cloud, router)}
    cloud.first.refuses("outdated_generation", "router.apply", **older)
    forked = {**older, "generation": 5, "config": config(cloud, router, domain="other.example")}
    assert "domain" in cloud.first.refuses("already_exists", "router.apply", **forked)
    assert cloud.first("router.describe", router=router["id"])["config"]["domain"] == ""


def test_only_a_running_router_with_the_interfaces_takes_a_configuration(cloud, router):
    guest = cloud.started()
    wanted = {"generation": 1, "config": config(cloud, router)}
    cloud.first.refuses("not_found", "router.apply", router=guest["id"], **wanted)
    cloud.second.refuses("not_found", "router.apply", router=router["id"], **wanted)
    stray = config(cloud, router)
    stray["interfaces"][0]["nic"] = "missing"
    cloud.first.refuses("not_found", "router.apply", router=router["id"], generation=1, config=stray)


def test_a_restarted_router_has_forgotten_a_migrated_one_has_not(cloud, router):
    cloud.first("router.apply", router=router["id"], generation=7, config=config(cloud, router))
    cloud.second("instance.prepare_migration", instance=router)
    cloud.first(
        "instance.migrate", instance=router["id"], destination=cloud.second.id, destination_url="http://sim/c0/h1"
    )
    assert cloud.second("router.describe", router=router["id"])["generation"] == 7
    cloud.second("instance.reboot", instance=router["id"])
    assert cloud.second("router.describe", router=router["id"])["generation"] == 0
    # After that its configuration may begin anew.
    cloud.second("router.apply", router=router["id"], generation=1, config=config(cloud, router))
    cloud.second("router.remove", router=router["id"])
    assert cloud.second("router.describe", router=router["id"])["config"] is None


def test_what_a_router_tells_its_guests_is_not_reported(cloud, router):
    cloud.first("router.apply", router=router["id"], generation=1, config=config(cloud, router, metadata=[SECRET]))
    told = str(cloud.first("router.describe", router=router["id"]))
    assert "10.1.1.5" in told
    assert "s3cret" not in told and "czNjcmV0" not in told


def test_of_two_redundant_routers_one_leads(cloud, router):
    other = cloud.spec(kind="DomainRouter", name="r-5-VM")
    cloud.second("instance.start", instance=other)
    for host, spec, priority in ((cloud.first, router, 100), (cloud.second, other, 99)):
        redundancy = {"group": 1, "priority": priority, "guest_ip": "10.1.1.1"}
        host("router.apply", router=spec["id"], generation=1, config=config(cloud, spec, redundancy=redundancy))
    assert cloud.first("router.describe", router=router["id"])["redundancy_state"] == "PRIMARY"
    assert cloud.second("router.describe", router=other["id"])["redundancy_state"] == "BACKUP"
    cloud.first("instance.stop", instance=router["id"])
    assert cloud.second("router.describe", router=other["id"])["redundancy_state"] == "PRIMARY"


def test_health_checks_see_what_is_wrong(cloud, router):
    def failing():
        checks = cloud.first("router.health", router=router["id"], fresh=True)["checks"]
        return {each["name"] for each in checks if not each["success"]}

    assert failing() == {"connectivity.test"}
    cloud.first("router.apply", router=router["id"], generation=1, config=config(cloud, router))
    assert failing() == set()
    stray = config(cloud, router, dhcp=[{**HOST, "network": "elsewhere"}])
    cloud.first("router.apply", router=router["id"], generation=2, config=stray)
    assert failing() == {"dhcp_check"}


def test_traffic_is_counted_per_public_address(cloud, router):
    public = config(cloud, router)
    public["interfaces"][0].update(traffic="Public", ip="192.168.2.3", addresses=["192.168.2.4"], gateway="192.168.2.1")
    cloud.first("router.apply", router=router["id"], generation=1, config=public)
    cloud.clock.pass_(60)
    counted = cloud.first("router.statistics", router=router["id"])["public_ips"]
    assert set(counted) == {"192.168.2.3", "192.168.2.4"}
    assert all(each["received_bytes"] > 0 and each["sent_bytes"] > 0 for each in counted.values())
