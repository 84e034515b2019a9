"""Networks whose offering asks for subnets of the zone: IPv6, or IPv4 that is routed."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import make_network, zone_of

SERVICES = ("Dhcp", "Dns", "UserData", "Firewall")


def make_offering(cloud, name, *services, **values):
    services = (*SERVICES, *services)
    return cloud.admin(
        "createNetworkOffering", name=name, displaytext=name, traffictype="Guest", guestiptype="Isolated",
        supportedservices=list(services), enable=True, serviceproviderlist=[
            {"service": service, "provider": "VirtualRouter"} for service in services], **values)["networkoffering"]


@pytest.fixture(scope="module")
def dual_stack(cloud):
    cloud.admin("updateConfiguration", name="ipv6.offering.enabled", value="true")
    return make_offering(cloud, "dual", "SourceNat", internetprotocol="DualStack")


def refusal(work):
    with pytest.raises(ApiFailure) as caught:
        work()
    return caught.value


def test_no_network_claims_to_have_ipv6_that_its_zone_cannot_give(cloud, dual_stack):
    client = cloud.new_account()
    failure = refusal(lambda: make_network(client, "dual", name="n"))
    assert failure.code == 535 and "Unable to allocate IPv6 network" in failure.text
    assert zone_of(cloud)["name"] in failure.text and client.list("listNetworks") == []
    network = make_network(client, name="n")
    failure = refusal(lambda: client.job("updateNetwork", id=network["id"], networkofferingid=dual_stack["id"]))
    assert failure.code == 530 and "Failed to upgrade network offering to 'dual'" in failure.text
    assert client.one("listNetworks")["internetprotocol"] == "IPv4"


def test_no_network_is_routed_without_a_subnet_of_its_zone(cloud):
    offering = make_offering(cloud, "routed", networkmode="ROUTED")
    client = cloud.new_account()
    for parameters in ({"cidrsize": 26}, {}, {"gateway": "10.9.0.1", "netmask": "255.255.255.0"}):
        failure = refusal(lambda parameters=parameters: make_network(client, "routed", name="n", **parameters))
        assert failure.code == 432 and "ROUTED" in failure.text
    assert client.list("listNetworks") == []
    network = make_network(client, name="n")
    failure = refusal(lambda: client.job("updateNetwork", id=network["id"], networkofferingid=offering["id"]))
    assert failure.code == 431 and "networkmode" in failure.text


@pytest.mark.parametrize(("kind", "parameters", "text"), [
    ("DefaultIsolatedNetworkOfferingWithSourceNatService", {}, "ROUTED mode"),
    ("DefaultIsolatedNetworkOfferingWithSourceNatService", {"gateway": "10.9.0.1", "netmask": "255.255.255.0"},
     "mutually exclusive"),
    ("DefaultL2NetworkOffering", {}, "Isolated networks"),
])
def test_a_cidr_size_is_for_routed_networks(cloud, kind, parameters, text):
    failure = refusal(lambda: make_network(cloud.new_account(), kind, name="n", cidrsize=26, **parameters))
    assert failure.code == 431 and text in failure.text and "cidrsize" in failure.text
