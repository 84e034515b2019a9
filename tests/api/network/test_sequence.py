"""Networks with a pair of routers that are updated one after the other."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine, make_network

SERVICES = ("Dhcp", "Dns", "UserData", "SourceNat", "StaticNat", "PortForwarding", "Firewall")


def make_offering(cloud, name, redundant="true", providers=None, **values):
    return cloud.admin(
        "createNetworkOffering", name=name, displaytext=name, traffictype="Guest", guestiptype="Isolated",
        supportedservices=list(SERVICES), enable=True, serviceproviderlist=[
            {"service": service, "provider": (providers or {}).get(service, "VirtualRouter")} for service in SERVICES],
        servicecapabilitylist=[
            {"service": "SourceNat", "capabilitytype": "RedundantRouter", "capabilityvalue": redundant}],
        **values)["networkoffering"]


@pytest.fixture(scope="module")
def place(cloud):
    """An account with a running pair of routers."""
    client = cloud.new_account()
    client.offering = make_offering(cloud, "pair")
    client.network = make_network(client, "pair", name="n")["id"]
    deploy(client, networkids=client.network)
    return client


def pair(place):
    return {router["redundantstate"]: router for router in
            place.cloud.admin.list("listRouters", networkid=place.network, listall=True)}


def refusal(client, **parameters):
    with pytest.raises(ApiFailure) as caught:
        client.job("updateNetwork", updateinsequence=True, **parameters)
    return caught.value


@pytest.fixture
def all_at_once(cloud):
    cloud.admin("updateConfiguration", name="network.rolling.restart", value="false")
    yield
    cloud.admin("updateConfiguration", name="network.rolling.restart", value="true")


def test_one_router_serves_while_the_other_is_replaced(cloud, place, all_at_once):
    from cloudapi.models.machine import Machine

    before = pair(place)
    place.job("updateNetwork", id=place.network, networkofferingid=make_offering(cloud, "other pair")["id"],
              updateinsequence=True)
    after = pair(place)
    assert set(after) == set(before) == {"PRIMARY", "BACKUP"}
    removed = {state: Machine.get(Machine.uuid == router["id"]).removed for state, router in before.items()}
    made = min(Machine.get(Machine.uuid == router["id"]).created for router in after.values())
    assert removed["BACKUP"] <= made < removed["PRIMARY"]


def test_the_leading_router_is_told_only_after_the_other(cloud, place):
    routers = pair(place)
    backup, primary = routers["BACKUP"], machine(cloud, routers["PRIMARY"]["id"])
    if backup["hostid"] == routers["PRIMARY"]["hostid"]:
        elsewhere = next(host["id"] for host in cloud.admin.list("listHosts", type="Routing", state="Up")
                         if host["id"] != backup["hostid"])
        backup = cloud.admin.job("migrateSystemVm", virtualmachineid=backup["id"], hostid=elsewhere)
    fault = cloud.admin("configureSimulator", name="router.apply", value="result:fail", hostid=backup["hostid"])
    with pytest.raises(ApiFailure):
        place.job("updateNetwork", id=place.network, networkdomain="first.example", updateinsequence=True)
    assert primary.config()["domain"] != "first.example"
    cloud.admin("cleanupSimulatorMock", id=fault["simulatormock"]["id"])
    place.job("updateNetwork", id=place.network, networkdomain="second.example", updateinsequence=True)
    assert primary.config()["domain"] == machine(cloud, backup["id"]).config()["domain"] == "second.example"


def test_a_network_without_a_pair_is_not_updated_in_sequence(cloud, place):
    single = make_network(place, name="single")
    failure = refusal(place, id=single["id"], networkdomain="a.example")
    assert failure.code == 431 and "updateinsequence" in failure.text
    failure = refusal(place, id=place.network, networkofferingid=make_offering(cloud, "single", "false")["id"])
    assert failure.code == 431 and "updateinsequence" in failure.text


def test_a_router_in_unknown_state_stands_in_the_way_unless_forced(cloud, place):
    backup = pair(place)["BACKUP"]
    cloud.admin.job("stopRouter", id=backup["id"])
    failure = refusal(place, id=place.network, networkofferingid=place.offering["id"])
    assert failure.code == 530 and f"Domain router: {backup['name']} is in unknown state" in failure.text
    place.job("updateNetwork", id=place.network, name="renamed", updateinsequence=True)
    cloud.admin.job("updateNetwork", id=place.network, networkofferingid=place.offering["id"], updateinsequence=True,
                    forced=True)
    assert set(pair(place)) == {"PRIMARY", "BACKUP"} and pair(place)["BACKUP"]["id"] != backup["id"]
