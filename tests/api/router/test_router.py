"""Virtual routers and the elements that provide them."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine, router_of


@pytest.fixture(scope="module")
def place(cloud):
    client = cloud.new_account()
    client.vm = deploy(client)
    client.network = client.vm["nic"][0]["networkid"]
    return client


def test_a_router_stops_and_starts_with_its_configuration(cloud, place):
    router = router_of(cloud, {"id": place.network})
    before = machine(cloud, router["id"]).config()
    stopped = cloud.admin.job("stopRouter", id=router["id"])
    assert stopped["state"] == "Stopped" and "hostid" not in stopped and "linklocalip" not in stopped
    started = cloud.admin.job("startRouter", id=router["id"])
    assert (started["state"], started["publicip"]) == ("Running", router["publicip"])
    after = machine(cloud, router["id"]).config()
    assert (after["dhcp"], after["source_nat"]) == (before["dhcp"], before["source_nat"])


def test_a_router_reboots_with_its_configuration(cloud, place):
    router = router_of(cloud, {"id": place.network})
    for forced in (False, True):
        again = cloud.admin.job("rebootRouter", id=router["id"], forced=forced)
        assert (again["id"], again["state"], again["publicip"]) == (router["id"], "Running", router["publicip"])
        assert machine(cloud, router["id"]).config()["dhcp"]


def test_a_router_that_boots_learns_the_search_order_of_its_zone(cloud, place):
    router, zone = router_of(cloud, {"id": place.network}), place.vm["zoneid"]
    assert machine(cloud, router["id"]).config()["search_domains"] == []
    for names in (["b.example", "a.example"], []):
        changed = cloud.admin("updateZone", id=zone, dnssearchorder=",".join(names))["zone"]
        assert changed["resourcedetails"]["network.guestnetwork.dns.search.order"] == ",".join(names)
        cloud.admin.job("rebootRouter", id=router["id"])
        assert machine(cloud, router["id"]).config()["search_domains"] == names


def test_a_router_that_is_patched_by_force_is_told_everything_again(cloud, place):
    from cloudapi.models.machine import Machine, Router

    router = router_of(cloud, {"id": place.network})
    record = Machine.get(Machine.uuid == router["id"]).id
    known = Router.get_by_id(record).generation
    assert "No change" in cloud.admin.job("patchSystemVm", id=router["id"])["displaytext"]
    assert Router.get_by_id(record).generation == known
    patched = cloud.admin.job("patchSystemVm", id=router["id"], forced=True)
    assert patched["displaytext"] == f"Successfully patched systemVM {router['name']}"
    assert Router.get_by_id(record).generation > known


def test_an_instance_starts_the_stopped_router_of_its_network(cloud, place):
    router = router_of(cloud, {"id": place.network})
    cloud.admin.job("stopRouter", id=router["id"])
    other = deploy(place)
    assert router_of(cloud, {"id": place.network})["state"] == "Running"
    assert other["nic"][0]["ipaddress"] in {host["ip"] for host in machine(cloud, router["id"]).config()["dhcp"]}


def test_a_destroyed_router_is_made_anew(cloud, place):
    router = router_of(cloud, {"id": place.network})
    cloud.admin.job("destroyRouter", id=router["id"])
    assert cloud.admin.list("listRouters", networkid=place.network, listall=True) == []
    place.job("restartNetwork", id=place.network)
    made = router_of(cloud, {"id": place.network})
    assert made["id"] != router["id"] and made["publicip"] == router["publicip"]


def test_health_checks_are_asked_of_the_router(cloud, place):
    router = router_of(cloud, {"id": place.network})
    body = cloud.admin("getRouterHealthCheckResults", routerid=router["id"],
                       performfreshchecks=True)["routerhealthchecks"]
    assert body["routerid"] == router["id"]
    assert {check["checkname"]: check["success"] for check in body["healthchecks"]}["dhcp_check"] is True
    shown = cloud.admin.one("listRouters", id=router["id"], fetchhealthcheckresults=True)
    assert len(shown["healthcheckresults"]) == len(body["healthchecks"]) and shown["healthchecksfailed"] is False
    assert "healthcheckresults" not in cloud.admin.one("listRouters", id=router["id"])
    assert router["id"] in [item["id"] for item in cloud.admin.list("listRouters", listall=True,
                                                                    healthchecksfailed=False)]
    cloud.admin.job("stopRouter", id=router["id"])
    with pytest.raises(ApiFailure) as refused:
        cloud.admin("getRouterHealthCheckResults", routerid=router["id"])
    assert refused.value.code == 534
    cloud.admin.job("startRouter", id=router["id"])


def test_a_router_that_fails_a_named_check_is_made_anew(cloud, place):
    from cloudapi.services.router import health

    router = router_of(cloud, {"id": place.network})
    context = cloud.installation.context()
    health.fetch_all(context)
    assert router_of(cloud, {"id": place.network})["id"] == router["id"]
    machine(cloud, router["id"]).ask("router.remove", router=router["id"])
    cloud.admin("updateConfiguration", name="router.health.checks.failures.to.recreate.vr", value="connectivity.test")
    try:
        health.fetch_all(context)
    finally:
        cloud.admin("updateConfiguration", name="router.health.checks.failures.to.recreate.vr", value="")
    made = router_of(cloud, {"id": place.network})
    assert made["id"] != router["id"] and (made["state"], made["publicip"]) == ("Running", router["publicip"])


def test_lists_find_routers(cloud, place):
    router = router_of(cloud, {"id": place.network})
    for filters in ({"name": router["name"]}, {"hostid": router["hostid"]}, {"account": place.account,
                    "domainid": place.domain_id}, {"version": router["version"]}, {"state": "Running"},
                    {"zoneid": router["zoneid"], "podid": router["podid"]}, {"forvpc": False}):
        assert router["id"] in [item["id"] for item in cloud.admin.list("listRouters", listall=True,
                                                                        **filters)], filters
    for filters in ({"name": "r-0-VM"}, {"state": "Stopped"}, {"forvpc": True}, {"version": "1.0"}):
        assert router["id"] not in [item["id"] for item in cloud.admin.list("listRouters", listall=True, **filters)]


def test_an_instance_is_no_router(cloud, place):
    with pytest.raises(ApiFailure) as refused:
        cloud.admin("stopRouter", id=place.vm["id"])
    assert refused.value.code == 431


def test_only_a_stopped_router_gets_another_offering(cloud, place):
    router = router_of(cloud, {"id": place.network})
    small = next(item for item in cloud.admin.list("listServiceOfferings") if item["name"] == "Small Instance")
    with pytest.raises(ApiFailure, match="non system"):
        cloud.admin("changeServiceForRouter", id=router["id"], serviceofferingid=small["id"])
    big = cloud.admin("createServiceOffering", name="big router", displaytext="big router", cpunumber=2, cpuspeed=1000,
                      memory=1024, issystem=True, systemvmtype="domainrouter")["serviceoffering"]
    with pytest.raises(ApiFailure, match="stopped"):
        cloud.admin("changeServiceForRouter", id=router["id"], serviceofferingid=big["id"])
    cloud.admin.job("stopRouter", id=router["id"])
    changed = cloud.admin("changeServiceForRouter", id=router["id"], serviceofferingid=big["id"])["router"]
    assert changed["serviceofferingid"] == big["id"]
    cloud.admin.job("startRouter", id=router["id"])
    assert machine(cloud, router["id"]).describe()["cpus"] == 2


def test_all_routers_of_a_zone_restart_by_one_command(cloud, place):
    router = router_of(cloud, {"id": place.network})
    body = cloud.admin("upgradeRouterTemplate", zoneid=router["zoneid"])
    assert body["asyncjobs"]
    for job in body["asyncjobs"]:
        cloud.admin.wait(job)
    assert router_of(cloud, {"id": place.network})["state"] == "Running"
    with pytest.raises(ApiFailure):
        cloud.admin("upgradeRouterTemplate", zoneid=router["zoneid"], podid=router["podid"])


def test_elements_belong_to_providers(cloud):
    for element in cloud.admin.list("listVirtualRouterElements"):
        providers = {item["id"]: item["name"] for item in cloud.admin.list("listNetworkServiceProviders")}
        assert providers[element["nspid"]] in ("VirtualRouter", "VpcVirtualRouter")
    element = cloud.admin.list("listVirtualRouterElements", enabled=True)[0]
    assert cloud.admin.job("configureVirtualRouterElement", id=element["id"], enabled=False)["enabled"] is False
    assert element["id"] not in [item["id"] for item in cloud.admin.list("listVirtualRouterElements", enabled=True)]
    alice = cloud.new_account()
    with pytest.raises(ApiFailure):
        deploy(alice)
    assert alice.list("listNetworks", type="Isolated")[0]["state"] == "Allocated"
    cloud.admin.job("configureVirtualRouterElement", id=element["id"], enabled=True)
    with pytest.raises(ApiFailure, match="already"):
        cloud.admin.job("createVirtualRouterElement", nspid=element["nspid"])
