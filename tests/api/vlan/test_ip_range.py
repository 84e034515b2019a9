"""Ranges of public and shared addresses: made once, kept for somebody, changed, deleted when nobody needs them."""

import pytest

from tests.support.cloud import ApiFailure

RANGE = {"gateway": "172.1.1.1", "netmask": "255.255.255.0", "startip": "172.1.1.10", "endip": "172.1.1.20",
         "vlan": "10"}


@pytest.fixture
def zone(cloud, request):
    """A zone with a physical network that carries guests' and public traffic."""
    admin = cloud.admin
    zone = admin("createZone", name=request.node.name[:200], networktype="Advanced", dns1="8.8.8.8",
                 internaldns1="8.8.4.4", guestcidraddress="10.1.1.0/24")["zone"]["id"]
    physical = admin.job("createPhysicalNetwork", zoneid=zone, name="p", isolationmethods="VLAN", vlan="100-200")["id"]
    for kind in ("Guest", "Public"):
        admin.job("addTrafficType", physicalnetworkid=physical, traffictype=kind)
    return zone


@pytest.fixture
def admin(cloud):
    return cloud.admin


def make(admin, zone, **values):
    return admin("createVlanIpRange", **{"zoneid": zone, "forvirtualnetwork": True, **RANGE, **values})["vlan"]


def refusal(call, *arguments, **values):
    with pytest.raises(ApiFailure) as caught:
        call(*arguments, **values)
    return caught.value


def addresses(admin, zone, **filters):
    return [item["ipaddress"] for item in admin.list(
        "listPublicIpAddresses", zoneid=zone, allocatedonly=False, listall=True, **filters)]


def isolated_network(client, zone):
    offering = client.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")["id"]
    return client("createNetwork", name="n", displaytext="n", zoneid=zone, networkofferingid=offering)["network"]["id"]


def count(client, account):
    found = client.one("listAccounts", id=account.account_id)
    return found["iptotal"]


def test_a_range_has_all_of_its_addresses(admin, zone):
    made = make(admin, zone)
    public = admin.one("listNetworks", zoneid=zone, traffictype="Public", issystem=True)
    assert made.items() >= {
        **RANGE, "vlan": "vlan://10", "forvirtualnetwork": True, "forsystemvms": False, "zoneid": zone,
        "networkid": public["id"], "cidr": "172.1.1.0/24", "description": "172.1.1.10-172.1.1.20"}.items()
    assert "account" not in made
    assert admin.list("listVlanIpRanges", zoneid=zone, vlan="10") == [made]
    assert sorted(addresses(admin, zone)) == [f"172.1.1.{number}" for number in range(10, 21)]


@pytest.mark.parametrize(("values", "named"), [
    ({"startip": None}, "startip"),
    ({"startip": "172.1.1.300"}, "startip"),
    ({"endip": "172.1.1.9"}, "endip"),
    ({"endip": "172.1.2.9"}, "endip"),
    ({"startip": "172.1.1.1"}, "gateway"),
    ({"netmask": "255.255.255.1"}, "netmask"),
    ({"gateway": None}, "gateway"),
    ({"vlan": "150"}, "dynamic vlan allocation"),
    ({"vlan": "ten"}, "vlan"),
    ({"provider": "NSX"}, "provider"),
    ({"account": "admin"}, "domainid"),
    ({"forsystemvms": True, "account": "admin"}, "account"),
    ({"zoneid": None}, "zoneid"),
])
def test_bad_values_are_refused_by_name(admin, zone, values, named):
    failure = refusal(make, admin, zone, **values)
    assert failure.code == 431 and named in failure.text
    assert admin.list("listVlanIpRanges", zoneid=zone) == []


def test_ranges_of_one_subnet_extend_each_other_but_never_overlap(admin, zone):
    make(admin, zone)
    assert refusal(make, admin, zone, startip="172.1.1.20", endip="172.1.1.30").code == 431
    assert make(admin, zone, startip="172.1.1.21", endip="172.1.1.30")
    assert refusal(make, admin, zone, gateway="172.1.1.2", startip="172.1.1.40", endip="172.1.1.50").code == 431
    assert refusal(make, admin, zone, vlan="11", startip="172.1.1.40", endip="172.1.1.50").code == 431
    assert len(addresses(admin, zone)) == 21


def test_a_range_keeps_clear_of_pods(admin, zone):
    admin("createPod", zoneid=zone, name="pod", gateway="172.1.1.1", netmask="255.255.255.0", startip="172.1.1.15",
          endip="172.1.1.16")
    assert "private IP" in refusal(make, admin, zone).text


def test_a_range_is_kept_for_an_account(cloud, admin, zone):
    owner = cloud.new_account()
    made = make(admin, zone)
    named = {"account": owner.account, "domainid": owner.domain_id}
    kept = admin("dedicatePublicIpRange", id=made["id"], **named)["vlan"]
    assert kept.items() >= named.items()
    assert count(admin, owner) == 11
    assert refusal(admin, "dedicatePublicIpRange", id=made["id"], domainid=owner.domain_id).code == 431
    assert admin.list("listVlanIpRanges", **named) == [kept]
    admin("releasePublicIpRange", id=made["id"])
    assert "account" not in admin.one("listVlanIpRanges", id=made["id"])
    assert count(admin, owner) == 0
    assert refusal(admin, "releasePublicIpRange", id=made["id"]).code == 431


def test_a_range_is_made_for_an_account_within_its_limit(cloud, admin, zone):
    owner = cloud.new_account()
    named = {"account": owner.account, "domainid": owner.domain_id}
    admin("updateResourceLimit", resourcetype=1, max=5, **named)
    assert refusal(make, admin, zone, **named).code == 535
    assert admin.list("listVlanIpRanges", zoneid=zone) == []
    made = make(admin, zone, endip="172.1.1.14", **named)
    assert (made["account"], count(admin, owner)) == (owner.account, 5)
    assert refusal(admin, "updateVlanIpRange", id=made["id"], endip="172.1.1.15").code == 535
    assert admin("updateVlanIpRange", id=made["id"], endip="172.1.1.12")["vlan"]["endip"] == "172.1.1.12"
    assert count(admin, owner) == 3
    admin("deleteVlanIpRange", id=made["id"])
    assert count(admin, owner) == 0


def test_a_dedication_ends_with_its_account(cloud, admin, zone):
    owner = cloud.new_account()
    made = make(admin, zone, account=owner.account, domainid=owner.domain_id)
    admin.job("deleteAccount", id=owner.account_id)
    assert "account" not in admin.one("listVlanIpRanges", id=made["id"])


def test_a_range_is_kept_for_a_domain_or_for_system_vms(cloud, admin, zone):
    domain = cloud.new_domain()
    made = make(admin, zone, domainid=domain)
    assert made["domainid"] == domain and "account" not in made
    assert admin.list("listVlanIpRanges", domainid=domain) == [made]
    system = make(admin, zone, startip="172.1.1.30", endip="172.1.1.40", forsystemvms=True)
    assert system["forsystemvms"] is True
    assert refusal(admin, "dedicatePublicIpRange", id=system["id"], domainid=domain).code == 431
    changed = admin("updateVlanIpRange", id=system["id"], forsystemvms=False)["vlan"]
    assert changed["forsystemvms"] is False
    assert refusal(admin, "updateVlanIpRange", id=made["id"], forsystemvms=True).code == 431


def test_the_ends_of_a_range_move(admin, zone):
    made = make(admin, zone)
    changed = admin("updateVlanIpRange", id=made["id"], startip="172.1.1.15", endip="172.1.1.25")["vlan"]
    assert (changed["startip"], changed["endip"]) == ("172.1.1.15", "172.1.1.25")
    assert sorted(addresses(admin, zone)) == [f"172.1.1.{number}" for number in range(15, 26)]
    for values, named in (({"startip": "172.1.9.1"}, "startip"), ({"startipv6": "fd00::1"}, "startipv6"),
                          ({"gateway": "172.1.1.20"}, "gateway")):
        failure = refusal(admin, "updateVlanIpRange", id=made["id"], **values)
        assert failure.code == 431 and named in failure.text
    assert len(addresses(admin, zone)) == 11


def test_ipv6_ranges_are_checked_too(admin, zone):
    only = {"startip": None, "endip": None, "gateway": None, "netmask": None}
    made = make(admin, zone, **only, ip6gateway="fd17::1", ip6cidr="fd17::/64", startipv6="fd17::10",
                endipv6="fd17::20")
    assert made.items() >= {"ip6gateway": "fd17::1", "ip6cidr": "fd17::/64", "startipv6": "fd17::10",
                            "endipv6": "fd17::20"}.items()
    assert "startip" not in made
    for values, named in (({"ip6gateway": "fd18::1"}, "ip6gateway"), ({"ip6cidr": "fd18::/80"}, "ip6cidr"),
                          ({"startipv6": "fd19::1"}, "startipv6"), ({"ip6gateway": None}, "ip6gateway")):
        failure = refusal(make, admin, zone, **{**only, "ip6gateway": "fd18::1", "ip6cidr": "fd18::/64",
                                                 "vlan": "11", **values, **(
            {"ip6cidr": "fd20::/64"} if named == "ip6gateway" and values["ip6gateway"] else {})})
        assert failure.code == 431 and named in failure.text
    assert refusal(make, admin, zone, **only, ip6gateway="fd17::1", ip6cidr="fd17::/64", startipv6="fd17::15",
                   endipv6="fd17::30").code == 431


def test_addresses_in_use_keep_their_range(cloud):
    admin = cloud.admin
    zone = admin.list("listZones")[0]["id"]
    public = admin.list("listVlanIpRanges", zoneid=zone, forvirtualnetwork=True)[0]
    admin.job("associateIpAddress", networkid=isolated_network(admin, zone))
    assert refusal(admin, "deleteVlanIpRange", id=public["id"]).code == 431
    for values in ({"startip": "192.168.2.200"}, {"gateway": "192.168.2.250"}, {"forsystemvms": True}):
        assert refusal(admin, "updateVlanIpRange", id=public["id"], **values).code == 431
    owner = cloud.new_account()
    failure = refusal(admin, "dedicatePublicIpRange", id=public["id"], account=owner.account, domainid=owner.domain_id)
    assert "another account" in failure.text


def test_a_kept_range_serves_its_owner_first_and_counts_once(cloud):
    admin = cloud.admin
    zone = admin.list("listZones")[0]["id"]
    owner = cloud.new_account()
    made = make(admin, zone, vlan="20", account=owner.account, domainid=owner.domain_id)
    network = isolated_network(owner, zone)
    first, second = (owner.job("associateIpAddress", networkid=network) for _ in range(2))
    assert first["ipaddress"].startswith("172.1.1.") and second["ipaddress"].startswith("172.1.1.")
    assert count(admin, owner) == 11
    assert refusal(admin, "deleteVlanIpRange", id=made["id"]).code == 431
    admin("releasePublicIpRange", id=made["id"])
    # The network keeps its source NAT address, which counts by itself now; the other one was of no use.
    (left,) = owner.list("listPublicIpAddresses")
    assert left["issourcenat"] is True
    assert count(admin, owner) == 1


def test_a_shared_network_takes_further_ranges(cloud):
    admin = cloud.admin
    zone = admin.list("listZones")[0]["id"]
    offering = admin.one("listNetworkOfferings", name="DefaultSharedNetworkOffering")["id"]
    network = admin("createNetwork", name="s", displaytext="s", zoneid=zone, networkofferingid=offering, vlan="999",
                    gateway="10.9.9.1", netmask="255.255.255.0", startip="10.9.9.10", endip="10.9.9.20")
    network = network["network"]["id"]
    shared = {"networkid": network, "forvirtualnetwork": False}
    made = admin("createVlanIpRange", startip="10.9.9.30", endip="10.9.9.40", **shared)["vlan"]
    assert made.items() >= {"gateway": "10.9.9.1", "netmask": "255.255.255.0", "vlan": "vlan://999",
                            "forvirtualnetwork": False, "networkid": network}.items()
    for values in ({"startip": "10.9.9.35"}, {"startip": "10.8.8.8"}, {"startip": "10.9.9.50", "vlan": "998"},
                   {"startip": "10.9.9.50", "gateway": "10.9.9.2", "netmask": "255.255.255.0"},
                   {"startip": "10.9.8.50", "gateway": "10.9.8.1", "netmask": "255.255.0.0"}):
        assert refusal(admin, "createVlanIpRange", **shared, **values).code == 431
    assert admin("createVlanIpRange", startip="10.9.8.50", gateway="10.9.8.1", netmask="255.255.255.0", **shared)
    assert len(admin.list("listVlanIpRanges", networkid=network)) == 3
    own = isolated_network(admin, zone)
    assert refusal(admin, "createVlanIpRange", startip="10.1.1.30", networkid=own, forvirtualnetwork=False).code == 431
