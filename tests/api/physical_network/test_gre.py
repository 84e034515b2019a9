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
