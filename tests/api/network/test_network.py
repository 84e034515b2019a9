"""Networks of accounts: made, implemented on first use, changed, restarted, shared, deleted."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, deploy_later, machine, make_network, offering, router_of, zone_of


def test_the_first_instance_brings_a_network_with_router_and_source_nat(cloud):
    alice = cloud.new_account()
    vm = deploy(alice)
    network = alice.one("listNetworks", type="Isolated")
    assert (network["name"], network["state"], network["type"]) == (f"{alice.account}-network", "Implemented",
                                                                    "Isolated")
    assert vm["nic"][0]["networkid"] == network["id"]
    source = alice.one("listPublicIpAddresses", associatednetworkid=network["id"], issourcenat=True)
    router = router_of(cloud, network)
    assert (router["state"], router["publicip"]) == ("Running", source["ipaddress"])
    assert router["guestipaddress"] == network["gateway"] == "10.1.1.1"
    assert router["linklocalip"].startswith("169.254.")
    assert (router["dns1"], router["account"]) == (zone_of(cloud)["dns1"], alice.account)


def test_a_second_instance_uses_the_same_network(cloud):
    alice = cloud.new_account()
    first, second = deploy(alice), deploy(alice)
    assert first["nic"][0]["networkid"] == second["nic"][0]["networkid"]
    assert first["nic"][0]["ipaddress"] != second["nic"][0]["ipaddress"]
    assert len(cloud.admin.list("listRouters", networkid=first["nic"][0]["networkid"], listall=True)) == 1


def test_a_network_is_allocated_until_an_instance_needs_it(cloud):
    alice = cloud.new_account()
    network = make_network(alice, name="quiet", gateway="10.7.0.1", netmask="255.255.255.0")
    assert (network["state"], network["cidr"], network["account"]) == ("Allocated", "10.7.0.0/24", alice.account)
    vm = deploy(alice, networkids=network["id"], startvm=False)
    assert vm["nic"][0]["ipaddress"].startswith("10.7.0.")
    assert alice.one("listNetworks", id=network["id"])["state"] == "Allocated"
    alice.job("startVirtualMachine", id=vm["id"])
    assert alice.one("listNetworks", id=network["id"])["state"] == "Implemented"


def test_users_do_not_see_the_vlan(cloud):
    alice = cloud.new_account()
    network = alice.one("listNetworks", id=deploy(alice)["nic"][0]["networkid"])
    assert "vlan" not in network and "broadcasturi" not in network
    assert cloud.admin.one("listNetworks", id=network["id"])["broadcasturi"].startswith("vlan://")


@pytest.mark.parametrize(("parameters", "word"), [
    ({"gateway": "10.7.0.1"}, "netmask"),
    ({"gateway": "10.7.0.300", "netmask": "255.255.255.0"}, "gateway"),
    ({"gateway": "10.7.0.0", "netmask": "255.255.255.0"}, "gateway"),
    ({"gateway": "8.8.8.1", "netmask": "255.255.255.0"}, "1918"),
    ({"networkdomain": "-bad-.example"}, "domain"),
    ({"acltype": "Domain"}, "AclType"),
    ({"routerip": "10.1.1.9"}, "Router IP"),
    ({"vlan": "777"}, "specifyVlan"),
    ({"publicmtu": 9000}, "publicmtu"),
    ({"dns1": "nobody"}, "dns1"),
    ({"subdomainaccess": True}, "subDomainAccess"),
])
def test_a_network_that_cannot_be_is_refused_and_leaves_nothing(cloud, parameters, word):
    before = cloud.admin.list("listNetworks", listall=True)
    with pytest.raises(ApiFailure) as refused:
        make_network(cloud.admin, name="bad", **parameters)
    assert refused.value.code == 431 and word.lower() in refused.value.text.lower()
    assert len(cloud.admin.list("listNetworks", listall=True)) == len(before)


def test_users_cannot_choose_a_vlan(cloud):
    alice = cloud.new_account()
    with pytest.raises(ApiFailure):
        alice("createNetwork", name="l2", zoneid=zone_of(cloud)["id"],
              networkofferingid=offering(cloud.admin, "DefaultL2NetworkOfferingVlan")["id"])


def test_an_l2_network_gives_no_addresses(cloud):
    network = make_network(cloud.admin, "DefaultL2NetworkOfferingVlan", name="wire", vlan="1801")
    assert (network["type"], network["vlan"]) == ("L2", "1801")
    vm = deploy(cloud.admin, networkids=network["id"])
    assert "ipaddress" not in vm["nic"][0]
    with pytest.raises(ApiFailure, match="already exists"):
        make_network(cloud.admin, "DefaultL2NetworkOfferingVlan", name="other", vlan="1801")


def test_a_shared_network_gives_addresses_of_its_range(cloud):
    network = make_network(cloud.admin, "DefaultSharedNetworkOffering", name="office", vlan="1802", gateway="10.9.0.1",
                           netmask="255.255.255.0", startip="10.9.0.10", endip="10.9.0.13")
    assert (network["state"], network["acltype"]) == ("Setup", "Domain")
    bob = cloud.new_account()
    assert network["id"] in [item["id"] for item in bob.list("listNetworks", listall=True)]
    vm = deploy(bob, networkids=network["id"], ipaddress="10.9.0.12")
    assert vm["nic"][0]["ipaddress"] == "10.9.0.12"
    router = router_of(cloud, network)
    assert router["state"] == "Running" and "publicip" not in router
    with pytest.raises(ApiFailure):
        deploy(bob, networkids=network["id"], ipaddress="10.9.0.12")
    with pytest.raises(ApiFailure):
        deploy(bob, networkids=network["id"], ipaddress="10.9.0.77")


def test_restart_with_cleanup_makes_a_new_router_with_the_same_address(cloud):
    alice = cloud.new_account()
    network = alice.one("listNetworks", id=deploy(alice)["nic"][0]["networkid"])
    before = router_of(cloud, network)
    alice.job("restartNetwork", id=network["id"], cleanup=True)
    after = router_of(cloud, network)
    assert after["id"] != before["id"] and after["state"] == "Running"
    assert (after["publicip"], after["publicmacaddress"]) == (before["publicip"], before["publicmacaddress"])
    alice.job("restartNetwork", id=network["id"], cleanup=False)
    assert router_of(cloud, network)["id"] == after["id"]


def test_a_network_becomes_redundant(cloud):
    alice = cloud.new_account()
    network = alice.one("listNetworks", id=deploy(alice)["nic"][0]["networkid"])
    alice.job("restartNetwork", id=network["id"], cleanup=True, makeredundant=True)
    routers = cloud.admin.list("listRouters", networkid=network["id"], listall=True)
    assert sorted(router["redundantstate"] for router in routers) == ["BACKUP", "PRIMARY"]
    assert all(router["isredundantrouter"] and router["guestipaddress"] != network["gateway"] for router in routers)
    assert alice.one("listNetworks", id=network["id"])["redundantrouter"] is True


def test_reserved_addresses_are_not_given_to_instances(cloud):
    alice = cloud.new_account()
    network = make_network(alice, name="part")
    changed = alice.job("updateNetwork", id=network["id"], guestvmcidr="10.1.1.0/29", displaytext="smaller")
    assert (changed["cidr"], changed["networkcidr"], changed["displaytext"]) == ("10.1.1.0/29", "10.1.1.0/24",
                                                                                 "smaller")
    assert changed["reservediprange"] == "10.1.1.8-10.1.1.254"
    addresses = {deploy(alice, networkids=network["id"], startvm=False)["nic"][0]["ipaddress"] for _ in range(5)}
    assert addresses <= {f"10.1.1.{number}" for number in range(2, 8)} and len(addresses) == 5
    with pytest.raises(ApiFailure, match="exist outside"):
        alice.job("updateNetwork", id=network["id"], guestvmcidr="10.1.1.64/29")


def test_a_new_domain_reaches_the_router(cloud):
    alice = cloud.new_account()
    vm = deploy(alice)
    network = vm["nic"][0]["networkid"]
    alice.job("updateNetwork", id=network, networkdomain="example.org", dns1="9.9.9.9")
    router = router_of(cloud, {"id": network})
    config = machine(cloud, router["id"]).config()
    assert config["domain"] == "example.org" and config["dns_servers"] == ["9.9.9.9"]
    assert {entry["name"] for entry in config["dns"]} == {f"{vm['name']}.example.org"}


def test_the_router_knows_its_guests(cloud):
    alice = cloud.new_account()
    vm = deploy(alice, userdata="aGVsbG8=")
    nic = vm["nic"][0]
    config = machine(cloud, router_of(cloud, {"id": nic["networkid"]})["id"]).config(secret=True)
    assert [(host["mac"], host["ip"], host["hostname"]) for host in config["dhcp"]] == [
        (nic["macaddress"], nic["ipaddress"], vm["name"])]
    metadata = config["metadata"][0]
    assert (metadata["instance"], metadata["user_data"]) == (vm["id"], "aGVsbG8=")
    assert config["egress_default"] == {nic["networkid"]: "deny"}
    alice.job("destroyVirtualMachine", id=vm["id"])
    cloud.admin.job("expungeVirtualMachine", id=vm["id"])
    router = machine(cloud, router_of(cloud, {"id": nic["networkid"]})["id"])
    cloud.until(lambda: router.config()["dhcp"] == [] == router.config()["metadata"], "the router forgets the Instance")


def test_a_network_with_instances_cannot_be_deleted(cloud):
    alice = cloud.new_account()
    vm = deploy(alice)
    network = vm["nic"][0]["networkid"]
    with pytest.raises(ApiFailure, match="not all user vms are expunged"):
        alice.job("deleteNetwork", id=network)
    cloud.admin.job("destroyVirtualMachine", id=vm["id"], expunge=True)
    address = alice.one("listPublicIpAddresses", associatednetworkid=network)
    alice.job("deleteNetwork", id=network)
    assert alice.list("listNetworks", type="Isolated") == [] and alice.list("listPublicIpAddresses") == []
    assert cloud.admin.list("listRouters", account=alice.account, domainid=alice.domain_id) == []
    free = cloud.admin.one("listPublicIpAddresses", id=address["id"], allocatedonly=False)
    assert free["state"] == "Free" and "account" not in free


def test_an_account_takes_its_networks_along(cloud):
    alice = cloud.new_account()
    vm = deploy(alice)
    extra = alice.job("associateIpAddress", networkid=vm["nic"][0]["networkid"])
    alice.job("createPortForwardingRule", ipaddressid=extra["id"], protocol="tcp", publicport=80, privateport=80,
              virtualmachineid=vm["id"])
    source = alice.one("listPublicIpAddresses", issourcenat=True)
    cloud.admin.job("deleteAccount", id=alice.account_id)
    for address in (extra, source):
        assert cloud.admin.one("listPublicIpAddresses", id=address["id"], allocatedonly=False)["state"] == "Free"
    assert vm["nic"][0]["networkid"] not in [item["id"] for item in cloud.admin.list("listNetworks", listall=True)]
    assert extra["id"] not in [item["ipaddressid"] for item in cloud.admin.list("listPortForwardingRules",
                                                                                listall=True)]
    assert alice.account not in [item["account"] for item in cloud.admin.list("listRouters", listall=True)]


def test_many_instances_at_once_share_a_network(cloud):
    alice = cloud.new_account()
    network = make_network(alice, name="busy")
    jobs = [deploy_later(alice, networkids=network["id"]) for _ in range(12)]
    nics = [alice.wait(job)["virtualmachine"]["nic"][0] for job in jobs]
    assert len({nic["ipaddress"] for nic in nics}) == len({nic["macaddress"] for nic in nics}) == 12
    router = router_of(cloud, network)
    known = {host["ip"]: host["mac"] for host in machine(cloud, router["id"]).config()["dhcp"]}
    assert known == {nic["ipaddress"]: nic["macaddress"] for nic in nics}


def test_others_may_not_touch_a_network_unless_they_are_let_in(cloud):
    alice, bob = cloud.new_account(), cloud.new_account()
    network = make_network(alice, name="mine")
    with pytest.raises(ApiFailure) as refused:
        bob.job("deleteNetwork", id=network["id"])
    assert refused.value.code == 531
    with pytest.raises(ApiFailure):
        deploy(bob, networkids=network["id"])
    alice("createNetworkPermissions", networkid=network["id"], accounts=bob.account)
    assert alice.one("listNetworkPermissions", networkid=network["id"])["account"] == bob.account
    assert deploy(bob, networkids=network["id"])["state"] == "Running"
    with pytest.raises(ApiFailure):
        bob.job("deleteNetwork", id=network["id"])
    # Who is in it stays when the permission ends; nobody comes in any more.
    alice("resetNetworkPermissions", networkid=network["id"])
    assert bob.one("listVirtualMachines")["state"] == "Running"
    with pytest.raises(ApiFailure):
        deploy(bob, networkids=network["id"])


def test_the_limit_of_networks_holds(cloud):
    alice = cloud.new_account()
    cloud.admin("updateResourceLimit", account=alice.account, domainid=alice.domain_id, resourcetype=6, max=1)
    make_network(alice, name="one")
    with pytest.raises(ApiFailure) as refused:
        make_network(alice, name="two")
    assert refused.value.code in (532, 535)


def test_a_network_that_nobody_uses_is_shut_down(cloud):
    from cloudapi.services.network import garbage

    alice = cloud.new_account()
    vm = deploy(alice)
    network = vm["nic"][0]["networkid"]
    context = cloud.installation.context()
    cloud.admin("updateConfiguration", name="network.gc.wait", value=1)
    try:
        garbage.collect(context)
        assert cloud.admin.one("listNetworks", id=network)["state"] == "Implemented"
        alice.job("stopVirtualMachine", id=vm["id"])
        cloud.until(lambda: garbage.collect(context) or alice.one("listNetworks", id=network)["state"] == "Allocated",
                    "the network is shut down")
    finally:
        cloud.admin("updateConfiguration", name="network.gc.wait", value=600)
    assert cloud.admin.list("listRouters", networkid=network, listall=True) == []
    assert "vlan" not in cloud.admin.one("listNetworks", id=network)
    alice.job("startVirtualMachine", id=vm["id"])
    assert router_of(cloud, {"id": network})["state"] == "Running"


def test_protocols_are_those_of_iana(cloud):
    protocols = {item["index"]: item["name"] for item in cloud.admin.list("listNetworkProtocols",
                                                                          option="ProtocolNumber")}
    assert (protocols[1], protocols[6], protocols[17]) == ("ICMP", "TCP", "UDP")
    types = {item["index"]: item["details"] for item in cloud.admin.list("listNetworkProtocols", option="IcmpType")}
    assert types[3]["1"] == "Host unreachable"
