"""Networks whose offering is not in conserve mode: one public address, one end."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, zone_of

SERVICES = ("Dhcp", "Dns", "UserData", "SourceNat", "StaticNat", "PortForwarding", "Firewall")


def make_offering(cloud, name, providers=None, **values):
    return cloud.admin(
        "createNetworkOffering", name=name, displaytext=name, traffictype="Guest", guestiptype="Isolated",
        supportedservices=list(SERVICES), enable=True, serviceproviderlist=[
            {"service": service, "provider": (providers or {}).get(service, "VirtualRouter")} for service in SERVICES],
        **values)["networkoffering"]


@pytest.fixture(scope="module")
def strict(cloud):
    return make_offering(cloud, "strict", conservemode=False)


def place_of(cloud, offering):
    """An account with an Instance in a network of an offering, and the network's two public addresses."""
    client = cloud.new_account()
    network = client("createNetwork", name="n", networkofferingid=offering["id"],
                     zoneid=zone_of(cloud)["id"])["network"]
    client.vm = deploy(client, networkids=network["id"])
    client.network = network["id"]
    client.source_nat = client.one("listPublicIpAddresses", issourcenat=True)
    client.address = client.job("associateIpAddress", networkid=network["id"])
    return client


@pytest.fixture(scope="module")
def place(cloud, strict):
    return place_of(cloud, strict)


def forward(place, address, port=80):
    return place.job("createPortForwardingRule", ipaddressid=address["id"], protocol="tcp", publicport=port,
                     privateport=port, virtualmachineid=place.vm["id"])


def refused(work, *words, code=431):
    with pytest.raises(ApiFailure) as caught:
        work()
    assert caught.value.code == code and all(word in caught.value.text for word in words), caught.value.text


def test_the_source_nat_address_forwards_no_ports_but_has_a_firewall(place):
    refused(lambda: forward(place, place.source_nat), place.source_nat["ipaddress"],
            "already used as SourceNat rather than PortForwarding")
    assert place.list("listPortForwardingRules") == []
    rule = place.job("createFirewallRule", ipaddressid=place.source_nat["id"], protocol="tcp", startport=22)
    assert rule["state"] == "Active"


def test_an_address_with_firewall_rules_serves_one_end(place):
    place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="tcp", startport=443)
    rules = [forward(place, place.address, port) for port in (80, 81)]
    refused(lambda: place.job("updateNetwork", id=place.network, sourcenatipaddress=place.address["ipaddress"]),
            "already used as PortForwarding rather than SourceNat")
    for rule in rules:
        place.job("deletePortForwardingRule", id=rule["id"])
    place("enableStaticNat", ipaddressid=place.address["id"], virtualmachineid=place.vm["id"])
    place.job("createIpForwardingRule", ipaddressid=place.address["id"], protocol="tcp", startport=80)
    place.job("disableStaticNat", ipaddressid=place.address["id"])


def test_a_network_in_conserve_mode_becomes_strict_once_no_address_is_shared(cloud, strict):
    shared = place_of(cloud, make_offering(cloud, "shared"))
    rule = forward(shared, shared.source_nat)
    refused(lambda: shared.job("updateNetwork", id=shared.network, networkofferingid=strict["id"]),
            "There are multiple services used IP", shared.source_nat["ipaddress"])
    assert shared.one("listNetworks")["networkofferingconservemode"] is True
    shared.job("deletePortForwardingRule", id=rule["id"])
    forward(shared, shared.address)
    shared.job("updateNetwork", id=shared.network, networkofferingid=strict["id"])
    assert shared.one("listNetworks")["networkofferingconservemode"] is False
    refused(lambda: forward(shared, shared.source_nat), "SourceNat")
