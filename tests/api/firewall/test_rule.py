"""Firewall, egress and port forwarding rules, and static NAT: on record, on the router, and gone again."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine, router_of


@pytest.fixture(scope="module")
def place(cloud):
    """An account with an Instance and a second public address."""
    client = cloud.new_account()
    vm = deploy(client)
    address = client.job("associateIpAddress", zoneid=vm["zoneid"])
    client.vm, client.network, client.address = vm, vm["nic"][0]["networkid"], address
    client.router = machine(cloud, router_of(cloud, {"id": client.network})["id"])
    return client


def test_an_address_reaches_the_router(place):
    assert (place.address["state"], place.address["associatednetworkid"]) == ("Allocated", place.network)
    public = [each for each in place.router.config()["interfaces"] if each["traffic"] == "Public"]
    assert place.address["ipaddress"] in public[0]["addresses"]


def test_a_firewall_rule_is_enforced_until_it_is_deleted(place):
    rule = place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="TCP", startport=80, endport=90,
                     cidrlist="192.0.2.0/24,198.51.100.7/32")
    assert (rule["state"], rule["protocol"], rule["cidrlist"]) == ("Active", "tcp", "192.0.2.0/24,198.51.100.7/32")
    assert (rule["startport"], rule["endport"], rule["traffictype"]) == (80, 90, "Ingress")
    sent = next(each for each in place.router.config()["firewall"] if each["id"] == rule["id"])
    assert (sent["public_ip"], sent["start_port"], sent["action"]) == (place.address["ipaddress"], 80, "allow")
    assert [item["id"] for item in place.list("listFirewallRules", ipaddressid=place.address["id"])] == [rule["id"]]
    assert place.one("listPublicIpAddresses", id=place.address["id"])["hasrules"] is True
    place.job("deleteFirewallRule", id=rule["id"])
    assert place.list("listFirewallRules") == []
    assert rule["id"] not in [each["id"] for each in place.router.config()["firewall"]]


def test_overlapping_ports_conflict(place):
    rule = place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="tcp", startport=200, endport=300)
    with pytest.raises(ApiFailure) as refused:
        place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="tcp", startport=300, endport=310)
    assert refused.value.code == 537 and "conflicts" in refused.value.text
    other = place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="udp", startport=300, endport=310)
    for made in (rule, other):
        place.job("deleteFirewallRule", id=made["id"])


@pytest.mark.parametrize(("parameters", "word"), [
    ({"protocol": "gopher", "startport": 1}, "protocol"),
    ({"protocol": "tcp", "startport": 70000}, "publicport"),
    ({"protocol": "tcp", "startport": 10, "endport": 9}, "bigger"),
    ({"protocol": "icmp", "startport": 10}, "icmp"),
    ({"protocol": "tcp", "startport": 10, "icmptype": 3}, "icmp"),
    ({"protocol": "icmp", "icmptype": 3, "icmpcode": 99}, "icmp"),
    ({"protocol": "tcp", "startport": 10, "cidrlist": "10.0.0.1"}, "cidrlist"),
])
def test_a_rule_that_cannot_be_is_refused(place, parameters, word):
    with pytest.raises(ApiFailure) as refused:
        place.job("createFirewallRule", ipaddressid=place.address["id"], **parameters)
    assert refused.value.code == 431 and word in refused.value.text.lower()
    assert place.list("listFirewallRules") == []


def test_egress_rules_name_what_may_leave(place):
    rule = place.job("createEgressFirewallRule", networkid=place.network, protocol="All", cidrlist="0.0.0.0/0")
    assert (rule["protocol"], rule["traffictype"], rule["networkid"]) == ("all", "Egress", place.network)
    sent = next(each for each in place.router.config()["firewall"] if each["id"] == rule["id"])
    assert (sent["direction"], sent["network"], sent["action"]) == ("egress", place.network, "allow")
    with pytest.raises(ApiFailure, match=r"(?i)there is already a firewall rule specified"):
        place.job("createEgressFirewallRule", networkid=place.network, protocol="All", cidrlist="0.0.0.0/0")
    with pytest.raises(ApiFailure, match="guest cidr"):
        place.job("createEgressFirewallRule", networkid=place.network, protocol="tcp", cidrlist="172.16.0.0/24")
    assert len(place.list("listEgressFirewallRules", networkid=place.network)) == 1
    place.job("deleteEgressFirewallRule", id=rule["id"])
    assert place.list("listEgressFirewallRules") == []


def test_port_forwarding_leads_to_the_instance_and_opens_the_firewall(place):
    rule = place.job("createPortForwardingRule", ipaddressid=place.address["id"], protocol="tcp", publicport=2222,
                     privateport=22, virtualmachineid=place.vm["id"])
    assert (rule["publicport"], rule["privateport"], rule["state"]) == ("2222", "22", "Active")
    assert (rule["virtualmachineid"], rule["vmguestip"]) == (place.vm["id"], place.vm["nic"][0]["ipaddress"])
    sent = place.router.config()["port_forwarding"][0]
    assert (sent["id"], sent["private_ip"], sent["private_port"]) == (rule["id"], rule["vmguestip"], 22)
    opened = place.one("listFirewallRules", ipaddressid=place.address["id"])
    assert (opened["startport"], opened["cidrlist"]) == (2222, "0.0.0.0/0")
    assert place.one("listPortForwardingRules", id=rule["id"])["id"] == rule["id"]
    with pytest.raises(ApiFailure, match="conflicts"):
        place.job("createPortForwardingRule", ipaddressid=place.address["id"], protocol="tcp", publicport=2222,
                  privateport=23, virtualmachineid=place.vm["id"])
    changed = place.job("updatePortForwardingRule", id=rule["id"], privateport=2200)
    assert (changed["privateport"], changed["privateendport"]) == ("2200", "2200")
    assert place.router.config()["port_forwarding"][0]["private_port"] == 2200
    place.job("deletePortForwardingRule", id=rule["id"])
    assert place.list("listPortForwardingRules") == [] and place.list("listFirewallRules") == []
    assert place.router.config()["port_forwarding"] == []


def test_a_rule_for_the_same_ports_serves_the_forwarding(place):
    opened = place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="TCP", startport=22, endport=22,
                       cidrlist="0.0.0.0/0")
    rule = place.job("createPortForwardingRule", ipaddressid=place.address["id"], protocol="TCP", publicport=22,
                     privateport=22, virtualmachineid=place.vm["id"])
    place.job("deletePortForwardingRule", id=rule["id"])
    assert place.one("listFirewallRules")["id"] == opened["id"]
    place.job("deleteFirewallRule", id=opened["id"])


def test_static_nat_gives_an_instance_an_address_of_its_own(place):
    place("enableStaticNat", ipaddressid=place.address["id"], virtualmachineid=place.vm["id"])
    shown = place.one("listPublicIpAddresses", id=place.address["id"])
    assert (shown["isstaticnat"], shown["virtualmachineid"], shown["purpose"]) == (True, place.vm["id"], "StaticNat")
    assert place.router.config()["static_nat"] == [
        {"public_ip": place.address["ipaddress"], "private_ip": place.vm["nic"][0]["ipaddress"]}]
    with pytest.raises(ApiFailure, match="static nat"):
        place.job("createPortForwardingRule", ipaddressid=place.address["id"], protocol="tcp", publicport=1,
                  privateport=1, virtualmachineid=place.vm["id"])
    place.job("disableStaticNat", ipaddressid=place.address["id"])
    assert place.router.config()["static_nat"] == []
    assert place.one("listPublicIpAddresses", id=place.address["id"])["isstaticnat"] is False


def test_source_nat_cannot_be_static(place):
    source = place.one("listPublicIpAddresses", issourcenat=True)
    with pytest.raises(ApiFailure, match="sourceNat"):
        place("enableStaticNat", ipaddressid=source["id"], virtualmachineid=place.vm["id"])


@pytest.mark.parametrize(("kind", "ports"), [
    ("FirewallRule", {"startport": 443}),
    ("PortForwardingRule", {"publicport": 443, "privateport": 443})])
def test_rules_are_found_by_their_tags_which_go_with_them(place, kind, ports):
    if kind == "PortForwardingRule":
        ports = {**ports, "virtualmachineid": place.vm["id"]}
    rule = place.job(f"create{kind}", ipaddressid=place.address["id"], protocol="tcp", **ports)
    place.job("createTags", resourcetype=kind, resourceids=rule["id"], tags={"tier": "web"})
    shown = place.one(f"list{kind}s", tags={"tier": "web"})
    assert (shown["id"], shown["tags"][0]["value"]) == (rule["id"], "web")
    assert place.list(f"list{kind}s", tags={"tier": "db"}) == []
    place.job(f"delete{kind}", id=rule["id"])
    assert place.list("listTags", resourcetype=kind) == []


def test_others_do_not_see_or_change_rules(cloud, place):
    rule = place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="tcp", startport=5)
    bob = cloud.new_account()
    assert bob.list("listFirewallRules", listall=True) == []
    with pytest.raises(ApiFailure) as refused:
        bob.job("deleteFirewallRule", id=rule["id"])
    assert refused.value.code == 531
    place.job("deleteFirewallRule", id=rule["id"])


def test_a_rule_that_the_router_refuses_is_taken_back(cloud, place):
    cloud.admin("configureSimulator", name="router.apply", value="fail:1", count=1)
    with pytest.raises(ApiFailure):
        place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="tcp", startport=7)
    assert place.list("listFirewallRules") == []
    rule = place.job("createFirewallRule", ipaddressid=place.address["id"], protocol="tcp", startport=7)
    place.job("deleteFirewallRule", id=rule["id"])
