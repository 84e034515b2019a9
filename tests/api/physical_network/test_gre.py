"""A physical network whose guests are kept apart by GRE."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine

SERVICES = ("Dhcp", "Dns", "UserData", "SourceNat", "Firewall")


@pytest.fixture(scope="module")
def physical(cloud):
    """A second physical network for guests in the sandbox, with the tag gre."""
    admin = cloud.admin
    zone = admin.one("listZones")["id"]
    admin("updateZone", id=zone, allocationstate="Disabled")
    made = admin.job("createPhysicalNetwork", zoneid=zone, name="tunnels", isolationmethods="GRE", tags="gre",
                     vlan="5000000-5000009")
    admin.job("addTrafficType", physicalnetworkid=made["id"], traffictype="Guest")
    enable(admin, made["id"], "VirtualRouter", "VirtualRouter")
    admin.job("updatePhysicalNetwork", id=made["id"], state="Enabled")
    admin("updateZone", id=zone, allocationstate="Enabled")
    return made


def enable(admin, physical, name, element):
    provider = admin.one("listNetworkServiceProviders", physicalnetworkid=physical, name=name)["id"]
    found = admin.one(f"list{element}Elements", nspid=provider)["id"]
    admin.job(f"configure{element}Element", id=found, enabled=True)
    return admin.job("updateNetworkServiceProvider", id=provider, state="Enabled")


def make_network(client, name, providers, **values):
    admin = client.cloud.admin
    offering = admin("createNetworkOffering", name=name, displaytext=name, traffictype="Guest", guestiptype="Isolated",
                     supportedservices=list(providers), enable=True, tags="gre", serviceproviderlist=[
                         {"service": service, "provider": provider} for service, provider in providers.items()],
                     **values)["networkoffering"]
    return client("createNetwork", name=name, networkofferingid=offering["id"],
                  zoneid=admin.one("listZones")["id"])["network"]


def test_its_guests_have_a_key_of_their_own_on_the_hosts(cloud, physical):
    client = cloud.new_account()
    network = make_network(client, "tunnelled", dict.fromkeys(SERVICES, "VirtualRouter"))
    vm = deploy(client, networkids=network["id"])
    shown = cloud.admin.one("listNetworks", id=network["id"])
    assert shown["broadcastdomaintype"] == "Vswitch" and shown["broadcasturi"] == f"vs://{shown['vlan']}"
    assert 5000000 <= int(shown["vlan"]) <= 5000009
    bridge = next(each for each in machine(cloud, vm["id"]).ask("network.list")["networks"]
                  if each["id"] == network["id"])
    assert (bridge["isolation"], bridge["tag"]) == ("GRE", int(shown["vlan"]))


def test_its_keys_are_not_bounded_like_vlans(cloud, physical):
    cloud.admin.job("updatePhysicalNetwork", id=physical["id"], vlan="5000000-5000009,2147483000-2147483647")
    with pytest.raises(ApiFailure, match="2147483647"):
        cloud.admin.job("updatePhysicalNetwork", id=physical["id"], vlan="5000000-2147483648")


def test_open_vswitch_connects_its_guests_once_it_is_enabled(cloud, physical):
    admin, client = cloud.admin, cloud.new_account()
    providers = {**dict.fromkeys(SERVICES, "VirtualRouter"), **dict.fromkeys(("Connectivity", "PortForwarding"), "Ovs")}
    with pytest.raises(ApiFailure, match="Provider Ovs is either not enabled") as refused:
        make_network(client, "switched", providers)
    assert refused.value.code == 530 and client.list("listNetworks") == []
    assert enable(admin, physical["id"], "Ovs", "Ovs")["state"] == "Enabled"
    network = make_network(client, "switched too", providers)
    vm = deploy(client, networkids=network["id"])
    assert cloud.admin.one("listNetworks", id=network["id"])["broadcasturi"].startswith("vs://")
    address = client.job("associateIpAddress", networkid=network["id"])
    rule = client.job("createPortForwardingRule", ipaddressid=address["id"], protocol="tcp", publicport=80,
                      privateport=80, virtualmachineid=vm["id"])
    router = machine(cloud, admin.one("listRouters", networkid=network["id"], listall=True)["id"])
    assert [each["id"] for each in router.config()["port_forwarding"]] == [rule["id"]]
    with pytest.raises(ApiFailure, match="services combination") as refused:
        make_network(client, "unconnected", {"PortForwarding": "Ovs"})
    assert refused.value.code == 432


def test_open_vswitch_is_added_elsewhere_with_its_element(cloud):
    admin = cloud.admin
    plain = next(each["id"] for each in admin.list("listPhysicalNetworks") if each["isolationmethods"] == "VLAN")
    assert admin.list("listNetworkServiceProviders", physicalnetworkid=plain, name="Ovs") == []
    provider = admin.job("addNetworkServiceProvider", physicalnetworkid=plain, name="ovs")
    assert (provider["name"], provider["state"]) == ("Ovs", "Disabled")
    assert set(provider["servicelist"]) == {"Connectivity", "StaticNat", "PortForwarding", "Lb"}
    element = admin.one("listOvsElements", nspid=provider["id"])
    assert element["enabled"] is False
    assert element["id"] not in [each["id"] for each in admin.list("listVirtualRouterElements")]
    assert admin.job("configureOvsElement", id=element["id"], enabled=True)["enabled"] is True
    assert [each["id"] for each in admin.list("listOvsElements", enabled=True, nspid=provider["id"])] == [element["id"]]
    assert admin.job("updateNetworkServiceProvider", id=provider["id"], state="Enabled")["state"] == "Enabled"
    admin.job("deleteNetworkServiceProvider", id=provider["id"])
    assert admin.list("listOvsElements", nspid=provider["id"]) == []
