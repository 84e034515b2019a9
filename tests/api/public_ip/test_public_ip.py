"""Public addresses: acquired, released, reserved, kept in quarantine; and the management addresses of pods."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine, make_network, router_of, zone_of


def test_an_address_is_for_the_only_network_of_the_account(cloud):
    alice = cloud.new_account()
    with pytest.raises(ApiFailure, match="no Isolated network"):
        alice.job("associateIpAddress", zoneid=zone_of(cloud)["id"])
    network = make_network(alice, name="one")
    address = alice.job("associateIpAddress", zoneid=zone_of(cloud)["id"])
    assert (address["associatednetworkid"], address["issourcenat"]) == (network["id"], True)
    second = alice.job("associateIpAddress", networkid=network["id"])
    assert second["issourcenat"] is False
    make_network(alice, name="two")
    with pytest.raises(ApiFailure, match="more than one"):
        alice.job("associateIpAddress", zoneid=zone_of(cloud)["id"])
    alice.job("disassociateIpAddress", id=second["id"])
    assert [item["id"] for item in alice.list("listPublicIpAddresses")] == [address["id"]]


def test_source_nat_of_a_running_network_stays(cloud):
    alice = cloud.new_account()
    deploy(alice)
    address = alice.one("listPublicIpAddresses")
    with pytest.raises(ApiFailure, match="source nat"):
        alice.job("disassociateIpAddress", id=address["id"])


def test_a_released_address_takes_its_rules_along(cloud):
    alice = cloud.new_account()
    vm = deploy(alice)
    network = vm["nic"][0]["networkid"]
    address = alice.job("associateIpAddress", networkid=network)
    alice.job("createPortForwardingRule", ipaddressid=address["id"], protocol="tcp", publicport=80, privateport=80,
              virtualmachineid=vm["id"])
    alice.job("disassociateIpAddress", ipaddress=address["ipaddress"])
    assert alice.list("listPortForwardingRules") == [] and alice.list("listFirewallRules") == []
    config = machine(cloud, router_of(cloud, {"id": network})["id"]).config()
    assert config["port_forwarding"] == [] and config["firewall"] == []
    assert address["ipaddress"] not in [ip for each in config["interfaces"] for ip in each["addresses"]]


def test_the_limit_of_addresses_holds(cloud):
    alice = cloud.new_account()
    network = make_network(alice, name="few")
    cloud.admin("updateResourceLimit", account=alice.account, domainid=alice.domain_id, resourcetype=1, max=1)
    first = alice.job("associateIpAddress", networkid=network["id"])
    with pytest.raises(ApiFailure) as refused:
        alice.job("associateIpAddress", networkid=network["id"])
    assert refused.value.code in (532, 535)
    alice.job("disassociateIpAddress", id=first["id"])
    alice.job("associateIpAddress", networkid=network["id"])


def test_a_reserved_address_waits_for_its_account(cloud):
    alice, bob = cloud.new_account(), cloud.new_account()
    mine, other = make_network(alice, name="mine"), make_network(bob, name="other")
    free = cloud.admin.list("listPublicIpAddresses", state="Free", allocatedonly=False)[0]
    reserved = alice("reserveIpAddress", id=free["id"])["ipaddress"]
    assert (reserved["state"], reserved["account"]) == ("Reserved", alice.account)
    with pytest.raises(ApiFailure) as refused:
        bob.job("associateIpAddress", networkid=other["id"], ipaddress=free["ipaddress"])
    assert refused.value.code == 533
    with pytest.raises(ApiFailure):
        bob("releaseIpAddress", id=free["id"])
    taken = alice.job("associateIpAddress", networkid=mine["id"], ipaddress=free["ipaddress"])
    assert (taken["id"], taken["state"]) == (free["id"], "Allocated")
    alice.job("disassociateIpAddress", id=free["id"])
    alice("reserveIpAddress", id=free["id"])
    alice("releaseIpAddress", id=free["id"])
    assert cloud.admin.one("listPublicIpAddresses", id=free["id"], allocatedonly=False)["state"] == "Free"


def test_a_released_address_is_kept_for_its_last_owner(cloud):
    alice, bob = cloud.new_account(), cloud.new_account()
    mine, other = make_network(alice, name="mine"), make_network(bob, name="other")
    cloud.admin("updateConfiguration", name="public.ip.address.quarantine.duration", value=60)
    try:
        address = alice.job("associateIpAddress", networkid=mine["id"])
        alice.job("disassociateIpAddress", id=address["id"])
        kept = cloud.admin.one("listQuarantinedIps", keyword=address["ipaddress"])
        assert (kept["ipaddress"], kept["previousownername"]) == (address["ipaddress"], alice.account)
        with pytest.raises(ApiFailure):
            bob.job("associateIpAddress", networkid=other["id"], ipaddress=address["ipaddress"])
        changed = cloud.admin("updateQuarantinedIp", id=kept["id"], enddate="2099-01-01")["quarantinedip"]
        assert changed["enddate"].startswith("2099-01-01")
        ended = cloud.admin("removeQuarantinedIp", ipaddress=address["ipaddress"],
                            removalreason="needed")["quarantinedip"]
        assert (ended["removalreason"], "removed" in ended) == ("needed", True)
        assert bob.job("associateIpAddress", networkid=other["id"],
                       ipaddress=address["ipaddress"])["account"] == bob.account
        with pytest.raises(ApiFailure):
            cloud.admin("removeQuarantinedIp", id=kept["id"], removalreason="again")
    finally:
        cloud.admin("updateConfiguration", name="public.ip.address.quarantine.duration", value=0)


def test_dedicated_ranges_come_first_and_may_lie_in_another_vlan(cloud):
    alice = cloud.new_account()
    vm = deploy(alice)
    network = vm["nic"][0]["networkid"]
    made = cloud.admin("createVlanIpRange", zoneid=zone_of(cloud)["id"], forvirtualnetwork=True, gateway="172.30.0.1",
                       netmask="255.255.255.0", startip="172.30.0.10", endip="172.30.0.12", vlan="1990",
                       account=alice.account, domainid=alice.domain_id)["vlan"]
    address = alice.job("associateIpAddress", networkid=network)
    assert address["ipaddress"].startswith("172.30.0.")
    router = machine(cloud, router_of(cloud, {"id": network})["id"])
    public = [each for each in router.config()["interfaces"] if each["traffic"] == "Public"]
    assert len(public) == 2 and address["ipaddress"] in {each["ip"] for each in public}
    alice.job("disassociateIpAddress", id=address["id"])
    assert len([each for each in router.config()["interfaces"] if each["traffic"] == "Public"]) == 1
    cloud.admin("deleteVlanIpRange", id=made["id"])


def test_addresses_of_others_are_not_shown(cloud):
    alice, bob = cloud.new_account(), cloud.new_account()
    address = alice.job("associateIpAddress", networkid=make_network(alice, name="mine")["id"])
    assert bob.list("listPublicIpAddresses", listall=True) == []
    with pytest.raises(ApiFailure) as refused:
        bob.job("disassociateIpAddress", id=address["id"])
    assert refused.value.code == 531
    with pytest.raises(ApiFailure):
        bob.job("disassociateIpAddress", ipaddress=address["ipaddress"])


def test_management_addresses_of_pods(cloud):
    zone = zone_of(cloud)
    taken = cloud.admin("acquirePodIpAddress", zoneid=zone["id"])["acquirepodip"]
    again = cloud.admin("acquirePodIpAddress", zoneid=zone["id"])["acquirepodip"]
    assert taken["ipaddress"] != again["ipaddress"] and taken["gateway"] and taken["id"] != again["id"]
    for item in (taken, again):
        cloud.admin("releasePodIpAddress", id=item["id"])
    with pytest.raises(ApiFailure):
        cloud.admin("releasePodIpAddress", id=taken["id"])


def test_addresses_that_come_and_go_leave_events(cloud):
    client = cloud.new_account()
    zone, network = zone_of(cloud)["id"], make_network(client, name="n")["id"]
    client.job("associateIpAddress", networkid=network)  # the source NAT address
    address = client.job("associateIpAddress", networkid=network)
    client.job("disassociateIpAddress", ipaddress=address["ipaddress"])
    free = cloud.admin.list("listPublicIpAddresses", state="Free", allocatedonly=False, zoneid=zone)[0]
    client("reserveIpAddress", id=free["id"])
    client("releaseIpAddress", id=free["id"])
    events = client.list("listEvents")[::-1]

    def states(kind, resource):
        return [event["state"] for event in events if event["type"] == kind and event.get("resourceid") == resource]

    assert states("NET.IPASSIGN", address["id"]) == ["Scheduled", "Started", "Completed"]
    first = next(event for event in events if event["type"] == "NET.IPRELEASE")
    released = [event for event in events if event["type"] == "NET.IPRELEASE" and event.get("parentid") == first["id"]]
    assert first["state"] == "Scheduled" and [event["state"] for event in released] == ["Started", "Completed"]
    assert released[-1]["resourceid"] == address["id"]
    assert states("NET.IPRESERVE", free["id"]) == ["Completed"]
    assert states("NET.IPRELEASE", free["id"])[-1] == "Completed"
    assert all(event["account"] == client.account for event in events if event["type"].startswith("NET.IP"))
