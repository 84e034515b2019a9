"""Physical networks: their VLANs, traffic, providers and the elements behind those."""

import pytest

from tests.support.cloud import ApiFailure


def new_zone(cloud, name, kind="Advanced"):
    extra = {"guestcidraddress": "10.1.1.0/24"} if kind == "Advanced" else {}
    return cloud.admin("createZone", name=name, networktype=kind, dns1="8.8.8.8", internaldns1="8.8.4.4",
                       **extra)["zone"]["id"]


@pytest.fixture
def zone(cloud, request):
    return new_zone(cloud, request.node.name[:200])


@pytest.fixture
def admin(cloud):
    return cloud.admin


def make(admin, zone, **values):
    return admin.job("createPhysicalNetwork", **{"zoneid": zone, "name": "p", "isolationmethods": "VLAN", **values})


def refusal(call, *arguments, **values):
    with pytest.raises(ApiFailure) as caught:
        call(*arguments, **values)
    return caught.value


def test_a_network_comes_with_its_providers(admin, zone):
    made = make(admin, zone, vlan="300-310,100-200", tags="fast", networkspeed="10G")
    assert made.items() >= {"name": "p", "zoneid": zone, "state": "Disabled", "vlan": "100-200,300-310", "tags": "fast",
                            "isolationmethods": "VLAN", "networkspeed": "10G", "broadcastdomainrange": "ZONE"}.items()
    states = {item["name"]: item["state"] for item in admin.list(
        "listNetworkServiceProviders", physicalnetworkid=made["id"])}
    assert states == {"VirtualRouter": "Disabled", "VpcVirtualRouter": "Disabled", "InternalLbVm": "Disabled",
                      "SecurityGroupProvider": "Disabled", "ConfigDrive": "Enabled"}
    assert [item["id"] for item in admin.list("listPhysicalNetworks", zoneid=zone)] == [made["id"]]


@pytest.mark.parametrize(("values", "named"), [
    ({"vlan": "200-100"}, "vlan"),
    ({"vlan": "10-5000"}, "vlan"),
    ({"vlan": "many"}, "vlan"),
    ({"isolationmethods": "STT"}, "isolationmethods"),
    ({"isolationmethods": "VLAN,VXLAN"}, "isolationmethods"),
    ({"tags": "a,b"}, "tags"),
    ({"broadcastdomainrange": "Pod"}, "broadcastdomainrange"),
    ({"broadcastdomainrange": "Moon"}, "broadcastdomainrange"),
])
def test_bad_values_are_refused_by_name(admin, zone, values, named):
    failure = refusal(make, admin, zone, **values)
    assert failure.code == 431 and named in failure.text
    assert admin.list("listPhysicalNetworks", zoneid=zone) == []


def test_a_basic_zone_has_one_without_vlans(cloud, admin):
    zone = new_zone(cloud, "basic", "Basic")
    assert "vlan" in refusal(make, admin, zone, vlan="100-200", isolationmethods=None).text
    made = make(admin, zone, isolationmethods=None)
    assert made["broadcastdomainrange"] == "POD" and "vlan" not in made
    assert refusal(make, admin, zone, name="second").code == 530


def test_vlans_are_replaced_but_not_from_under_those_who_have_them(cloud, admin, zone):
    made = make(admin, zone, vlan="100-200")
    changed = admin.job("updatePhysicalNetwork", id=made["id"], vlan="100-200,202-203", state="Enabled")
    assert (changed["vlan"], changed["state"]) == ("100-200,202-203", "Enabled")
    owner = cloud.new_account()
    dedicated = admin("dedicateGuestVlanRange", vlanrange="202-203", physicalnetworkid=made["id"],
                      account=owner.account, domainid=owner.domain_id)["dedicatedguestvlanrange"]
    failure = refusal(admin.job, "updatePhysicalNetwork", id=made["id"], vlan="100-200")
    assert failure.code == 431 and "202-203" in failure.text
    assert admin.one("listPhysicalNetworks", id=made["id"])["vlan"] == "100-200,202-203"
    admin.job("releaseDedicatedGuestVlanRange", id=dedicated["id"])
    assert admin.job("updatePhysicalNetwork", id=made["id"], vlan="100-200")["vlan"] == "100-200"
    assert "vlan" not in admin.job("updatePhysicalNetwork", id=made["id"], vlan="")


def test_vxlan_ids_are_of_one_network_in_a_zone(admin, zone):
    make(admin, zone, isolationmethods="VXLAN", vlan="5000-6000000", tags="a")
    failure = refusal(make, admin, zone, name="q", isolationmethods="VXLAN", vlan="6000000-6000001", tags="b")
    assert failure.code == 431 and "6000000" in failure.text
    assert make(admin, zone, name="q", isolationmethods="VXLAN", vlan="6000001-6000002", tags="b")


def test_an_enabled_zone_takes_no_further_network(cloud):
    zone = cloud.admin.list("listZones")[0]["id"]
    assert refusal(make, cloud.admin, zone).code == 531


def test_traffic_types_and_their_labels(admin, zone):
    made = make(admin, zone)
    guest = admin.job("addTrafficType", physicalnetworkid=made["id"], traffictype="guest", kvmnetworklabel="cloudbr1",
                      xennetworklabel="x")
    assert guest.items() >= {"traffictype": "Guest", "kvmnetworklabel": "cloudbr1", "xennetworklabel": "x"}.items()
    assert refusal(admin.job, "addTrafficType", physicalnetworkid=made["id"], traffictype="Guest").code == 530
    assert refusal(admin.job, "addTrafficType", physicalnetworkid=made["id"], traffictype="Smoke").code == 431
    changed = admin.job("updateTrafficType", id=guest["id"], kvmnetworklabel="cloudbr2", xennetworklabel="")
    assert changed["kvmnetworklabel"] == "cloudbr2" and "xennetworklabel" not in changed
    admin.job("addTrafficType", physicalnetworkid=made["id"], traffictype="Public")
    other = make(admin, zone, name="q", tags="other")
    assert refusal(admin.job, "addTrafficType", physicalnetworkid=other["id"], traffictype="Public").code == 530
    assert admin.job("addTrafficType", physicalnetworkid=other["id"], traffictype="Guest")
    assert {item["traffictype"] for item in admin.list("listTrafficTypes", physicalnetworkid=made["id"])} == {
        "Guest", "Public"}
    admin.job("deleteTrafficType", id=guest["id"])
    assert [item["traffictype"] for item in admin.list("listTrafficTypes", physicalnetworkid=made["id"])] == ["Public"]


def test_two_networks_for_one_traffic_are_told_apart_by_tags(admin, zone):
    admin.job("addTrafficType", physicalnetworkid=make(admin, zone)["id"], traffictype="Guest")
    second = make(admin, zone, name="q")
    assert "tags" in refusal(admin.job, "addTrafficType", physicalnetworkid=second["id"], traffictype="Guest").text


def test_a_provider_is_enabled_after_its_element(admin, zone):
    made = make(admin, zone)
    provider = admin.one("listNetworkServiceProviders", physicalnetworkid=made["id"], name="InternalLbVm",
                         state="Disabled")
    assert refusal(admin.job, "updateNetworkServiceProvider", id=provider["id"], state="Enabled").code == 530
    element = admin.one("listInternalLoadBalancerElements", nspid=provider["id"])
    assert element["enabled"] is False
    assert admin.job("configureInternalLoadBalancerElement", id=element["id"], enabled=True)["enabled"] is True
    enabled = admin.job("updateNetworkServiceProvider", id=provider["id"], state="Enabled")
    assert enabled["state"] == "Enabled"
    assert refusal(admin.job, "updateNetworkServiceProvider", id=provider["id"], state="Shutdown").code == 431
    assert refusal(admin, "createInternalLoadBalancerElement", nspid=provider["id"]).code == 431
    router = admin.one("listNetworkServiceProviders", physicalnetworkid=made["id"], name="VirtualRouter")
    assert admin.list("listInternalLoadBalancerElements", nspid=router["id"]) == []


def test_a_provider_that_is_added_gets_its_element_by_hand(admin, zone):
    made = make(admin, zone)
    provider = admin.one("listNetworkServiceProviders", physicalnetworkid=made["id"], name="InternalLbVm")
    admin.job("deleteNetworkServiceProvider", id=provider["id"])
    provider = admin.job("addNetworkServiceProvider", physicalnetworkid=made["id"], name="InternalLbVm")
    assert refusal(admin.job, "updateNetworkServiceProvider", id=provider["id"], state="Enabled").code == 530
    element = admin.job("createInternalLoadBalancerElement", nspid=provider["id"])
    assert (element["nspid"], element["enabled"]) == (provider["id"], False)
    admin.job("configureInternalLoadBalancerElement", id=element["id"], enabled=True)
    assert admin.job("updateNetworkServiceProvider", id=provider["id"], state="Enabled")["state"] == "Enabled"


def test_providers_come_and_go(admin, zone):
    made = make(admin, zone)
    provider = admin.one("listNetworkServiceProviders", physicalnetworkid=made["id"], name="VirtualRouter")
    assert refusal(admin, "addNetworkServiceProvider", physicalnetworkid=made["id"], name="VirtualRouter").code == 530
    admin.job("deleteNetworkServiceProvider", id=provider["id"])
    assert admin.list("listNetworkServiceProviders", physicalnetworkid=made["id"], name="VirtualRouter") == []
    again = admin.job("addNetworkServiceProvider", physicalnetworkid=made["id"], name="virtualrouter",
                      servicelist=["Dhcp", "SourceNat"])
    assert (again["state"], again["servicelist"]) == ("Disabled", ["Dhcp", "SourceNat", "Gateway"])
    changed = admin.job("updateNetworkServiceProvider", id=again["id"], servicelist=["Dns"])
    assert changed["servicelist"] == ["Dns"]
    for name, services in (("Nsx", None), ("ConfigDrive", "Vpn")):
        failure = refusal(admin, "addNetworkServiceProvider", physicalnetworkid=made["id"], name=name,
                          servicelist=services)
        assert failure.code in (431, 530)


def test_a_provider_that_networks_use_stays(cloud):
    zone = cloud.admin.list("listZones")[0]["id"]
    offering = cloud.admin.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")["id"]
    cloud.admin("createNetwork", name="n", displaytext="n", zoneid=zone, networkofferingid=offering)
    physical = cloud.admin.one("listPhysicalNetworks", zoneid=zone)["id"]
    provider = cloud.admin.one("listNetworkServiceProviders", name="VirtualRouter", physicalnetworkid=physical)["id"]
    assert refusal(cloud.admin.job, "deleteNetworkServiceProvider", id=provider).code == 530
    assert refusal(cloud.admin.job, "deletePhysicalNetwork", id=physical).code == 530


def test_deletion_takes_everything_along(admin, zone):
    made = make(admin, zone, vlan="100-200")
    admin.job("addTrafficType", physicalnetworkid=made["id"], traffictype="Public")
    admin("createVlanIpRange", zoneid=zone, gateway="192.168.9.1", netmask="255.255.255.0", startip="192.168.9.2",
          endip="192.168.9.9", vlan="untagged")
    admin.job("deletePhysicalNetwork", id=made["id"])
    assert admin.list("listPhysicalNetworks", zoneid=zone) == []
    assert admin.list("listNetworkServiceProviders", physicalnetworkid=made["id"], name="VirtualRouter") == []
    assert admin.list("listVlanIpRanges", zoneid=zone) == []


def test_what_the_program_knows_by_itself(admin):
    assert {item["name"] for item in admin.list("listNetworkIsolationMethods")} == {"VLAN", "VXLAN", "GRE", "L3"}
    dhcp = admin.one("listSupportedNetworkServices", service="dhcp")
    assert {item["name"] for item in dhcp["provider"]} == {"VirtualRouter", "VpcVirtualRouter", "ConfigDrive"}
    names = {item["name"] for item in admin.list("listSupportedNetworkServices", provider="ConfigDrive")}
    assert names == {"Dhcp", "Dns", "UserData"}
    assert refusal(admin, "listSupportedNetworkServices", provider="Nobody").code == 431
    assert len(admin.list("listSupportedNetworkServices", page=1, pagesize=3)) == 3
    (public,) = admin.list("listTrafficTypeImplementors", traffictype="Public")
    assert public == {"traffictype": "Public", "traffictypeimplementor": "PublicNetworkGuru"}


def test_there_is_no_driver_for_network_devices(admin):
    assert refusal(admin, "addNetworkDevice", networkdevicetype="ExternalDhcp").code == 431
    assert refusal(admin, "addNetworkDevice").code == 431
    assert refusal(admin, "listNetworkDevice", networkdevicetype="Toaster").code == 431
    assert admin.list("listNetworkDevice") == []


def test_a_host_is_no_network_device(cloud):
    host = cloud.admin.list("listHosts", type="Routing")[0]["id"]
    assert refusal(cloud.admin, "deleteNetworkDevice", id=host).code == 431
    assert cloud.admin.one("listHosts", id=host)["state"] == "Up"
