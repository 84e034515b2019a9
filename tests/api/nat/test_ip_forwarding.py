"""IP forwarding rules: ports of an address with static NAT, open while the rule is there."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine, router_of


@pytest.fixture(scope="module")
def place(cloud):
    """An account with an Instance that has a public address of its own."""
    client = cloud.new_account()
    vm = deploy(client)
    client.vm, client.network = vm, vm["nic"][0]["networkid"]
    client.router = machine(cloud, router_of(cloud, {"id": client.network})["id"])
    return client


@pytest.fixture
def address(place):
    """A public address that leads to the Instance."""
    made = place.job("associateIpAddress", zoneid=place.vm["zoneid"])
    place("enableStaticNat", ipaddressid=made["id"], virtualmachineid=place.vm["id"])
    yield made
    place.job("disassociateIpAddress", id=made["id"])
    assert place.list("listIpForwardingRules") == []


def test_a_rule_opens_its_ports_until_it_is_deleted(place, address):
    rule = place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="TCP", startport=80, endport=90)
    assert (rule["state"], rule["protocol"], rule["startport"], rule["endport"]) == ("Active", "tcp", 80, 90)
    assert (rule["virtualmachineid"], rule["ipaddress"]) == (place.vm["id"], address["ipaddress"])
    assert rule["vmguestip"] == place.vm["nic"][0]["ipaddress"]
    assert place.one("listIpForwardingRules", ipaddressid=address["id"]) == rule
    opened = place.one("listFirewallRules", ipaddressid=address["id"])
    assert (opened["startport"], opened["endport"], opened["state"]) == (80, 90, "Active")
    (sent,) = [each for each in place.router.config()["firewall"] if each["public_ip"] == address["ipaddress"]]
    assert (sent["id"], sent["start_port"], sent["end_port"]) == (opened["id"], 80, 90)
    assert place.one("listPublicIpAddresses", id=address["id"])["hasrules"] is True
    place.job("deleteIpForwardingRule", id=rule["id"])
    assert place.list("listIpForwardingRules") == place.list("listFirewallRules") == []
    assert address["ipaddress"] not in [each["public_ip"] for each in place.router.config()["firewall"]]
    assert place.one("listPublicIpAddresses", id=address["id"])["hasrules"] is False


def test_without_openfirewall_the_ports_stay_shut(place, address):
    rule = place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="udp", startport=53,
                     openfirewall=False)
    assert (rule["startport"], rule["endport"]) == (53, 53)
    assert place.list("listFirewallRules") == []
    assert address["ipaddress"] not in [each["public_ip"] for each in place.router.config()["firewall"]]


def test_the_end_of_static_nat_is_the_end_of_its_rules(place, address):
    place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="tcp", startport=22)
    place.job("disableStaticNat", ipaddressid=address["id"])
    assert place.list("listIpForwardingRules") == place.list("listFirewallRules") == []
    assert place.one("listPublicIpAddresses", id=address["id"])["hasrules"] is False


def test_rules_are_found_by_their_instance(place, address):
    rule = place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="tcp", startport=22)
    assert place.one("listIpForwardingRules", virtualmachineid=place.vm["id"])["id"] == rule["id"]
    other = deploy(place)
    assert place.list("listIpForwardingRules", virtualmachineid=other["id"]) == []
    place.job("destroyVirtualMachine", id=other["id"])


def test_ports_are_used_once(place, address):
    rule = place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="tcp", startport=200, endport=300)
    with pytest.raises(ApiFailure) as refused:
        place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="tcp", startport=300, endport=310)
    assert refused.value.code == 537 and rule["id"] in refused.value.text
    place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="udp", startport=300, endport=310)
    assert len(place.list("listIpForwardingRules", ipaddressid=address["id"])) == 2


@pytest.mark.parametrize(("parameters", "word"), [
    ({"protocol": "icmp", "startport": 1}, "protocol"),
    ({"protocol": "tcp", "startport": 70000}, "startport"),
    ({"protocol": "tcp", "startport": 10, "endport": 9}, "bigger"),
    ({"protocol": "tcp", "startport": 10, "cidrlist": "192.0.2.0/24"}, "cidrlist"),
])
def test_a_rule_that_cannot_be_is_refused(place, address, parameters, word):
    with pytest.raises(ApiFailure) as refused:
        place.job("createIpForwardingRule", ipaddressid=address["id"], **parameters)
    assert refused.value.code == 431 and word in refused.value.text.lower()
    assert place.list("listIpForwardingRules") == place.list("listFirewallRules") == []


def test_an_address_without_static_nat_has_no_rules(place):
    made = place.job("associateIpAddress", zoneid=place.vm["zoneid"])
    with pytest.raises(ApiFailure, match="static nat") as refused:
        place.job("createIpForwardingRule", ipaddressid=made["id"], protocol="tcp", startport=22)
    assert refused.value.code == 537
    place.job("disassociateIpAddress", id=made["id"])


def test_others_do_not_see_or_delete_rules(cloud, place, address):
    rule = place.job("createIpForwardingRule", ipaddressid=address["id"], protocol="tcp", startport=22)
    bob = cloud.new_account()
    assert bob.list("listIpForwardingRules", listall=True) == []
    with pytest.raises(ApiFailure) as refused:
        bob.job("deleteIpForwardingRule", id=rule["id"])
    assert refused.value.code == 531
