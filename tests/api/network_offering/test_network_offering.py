"""Network offerings: services from providers that have them, capabilities that they know, and where they are."""

import pytest

from tests.support.cloud import ApiFailure

ROUTED = ("Dhcp", "Dns", "UserData", "SourceNat", "StaticNat", "PortForwarding", "Lb")


def by(provider, *services):
    return [{"service": service, "provider": provider} for service in services]


def make(client, name="offering", **values):
    asked = {"name": name, "displaytext": name, "traffictype": "Guest", "guestiptype": "Isolated", **values}
    return client("createNetworkOffering", **asked)["networkoffering"]


def refusal(client, command, **values):
    with pytest.raises(ApiFailure) as caught:
        client(command, **values)
    return caught.value


def test_an_offering_is_shown_as_it_was_asked_for(cloud):
    made = make(
        cloud.admin, supportedservices=list(ROUTED), serviceproviderlist=by("VirtualRouter", *ROUTED), networkrate=50,
        servicecapabilitylist=[
            {"service": "SourceNat", "capabilitytype": "RedundantRouter", "capabilityvalue": "true"}],
        conservemode=False, egressdefaultpolicy=False, ispersistent=True, maxconnections=100, specifyvlan=True,
        availability="optional", enable=True)
    assert cloud.admin.one("listNetworkOfferings", id=made["id"]) == made
    assert made.items() >= {
        "guestiptype": "Isolated", "traffictype": "Guest", "networkrate": 50, "conservemode": False, "state": "Enabled",
        "egressdefaultpolicy": False, "ispersistent": True, "maxconnections": 100, "specifyvlan": True,
        "availability": "Optional", "forvpc": False, "isdefault": False, "internetprotocol": "IPv4"}.items()
    services = {service["name"]: service for service in made["service"]}
    # A firewall comes with the router's rules, the gateway is not shown.
    assert set(services) == {*ROUTED, "Firewall"}
    assert services["Firewall"]["provider"] == [{"name": "VirtualRouter"}]
    assert {item["name"]: item["value"] for item in services["SourceNat"]["capability"]} == {
        "SupportedSourceNatTypes": "peraccount", "RedundantRouter": "true"}
    router = cloud.admin.one("listServiceOfferings", issystem=True, name="System Offering For Software Router")
    assert made["serviceofferingid"] == router["id"]


@pytest.mark.parametrize(("values", "named"), [
    ({"traffictype": "Public"}, "traffictype"),
    ({"guestiptype": "Open"}, "guestiptype"),
    ({"supportedservices": "Coffee"}, "supportedservices"),
    ({"supportedservices": "Gateway"}, "supportedservices"),
    ({"supportedservices": "SecurityGroup"}, "Security group"),
    ({"supportedservices": "Dns", "serviceproviderlist": by("Nsx", "Dns")}, "serviceproviderlist"),
    ({"supportedservices": "Dns", "serviceproviderlist": by("VirtualRouter", "Dhcp")}, "Dhcp"),
    ({"supportedservices": "UserData", "serviceproviderlist": by("VirtualRouter", "UserData")}, "DHCP"),
    ({"guestiptype": "Shared"}, "specifyipranges"),
    ({"guestiptype": "Shared", "specifyipranges": True, "ispersistent": True}, "ispersistent"),
    ({"specifyipranges": True, "supportedservices": "SourceNat"}, "specifyipranges"),
    ({"availability": "Required"}, "availability"),
    ({"networkmode": "ROUTED", "supportedservices": "Lb"}, "ROUTED"),
    ({"internetprotocol": "IPv6"}, "internetprotocol"),
    ({"provider": "NSX"}, "provider"),
    ({"details": {"colour": "blue"}}, "details"),
    ({"supportedservices": "SourceNat", "servicecapabilitylist": [
        {"service": "Lb", "capabilitytype": "ElasticLb", "capabilityvalue": "true"}]}, "Lb"),
    ({"supportedservices": "SourceNat", "servicecapabilitylist": [
        {"service": "SourceNat", "capabilitytype": "RedundantRouter", "capabilityvalue": "maybe"}]}, "RedundantRouter"),
])
def test_bad_values_are_refused_by_name(cloud, values, named):
    failure = refusal(cloud.admin, "createNetworkOffering", **{
        "name": "refused", "displaytext": "x", "traffictype": "Guest", "guestiptype": "Isolated", **values})
    assert failure.code == 431 and named in failure.text
    assert cloud.admin.list("listNetworkOfferings", name="refused") == []


def test_a_provider_cannot_do_what_it_does_not_know(cloud):
    failure = refusal(cloud.admin, "createNetworkOffering", name="x", traffictype="Guest", guestiptype="Isolated",
                      supportedservices="SourceNat", serviceproviderlist=by("ConfigDrive", "SourceNat"))
    assert failure.code == 432
    services = ["SourceNat"]
    failure = refusal(
        cloud.admin, "createNetworkOffering", name="x", traffictype="Guest", guestiptype="Isolated",
        supportedservices=services, serviceproviderlist=by("VirtualRouter", *services), servicecapabilitylist=[
            {"service": "SourceNat", "capabilitytype": "SupportedSourceNatTypes", "capabilityvalue": "perzone"}])
    assert failure.code == 432 and "perzone" in failure.text


def test_tiers_of_vpcs_have_the_vpcs_router(cloud):
    services = ("SourceNat", "NetworkACL", "Dhcp")
    made = make(cloud.admin, supportedservices=list(services), serviceproviderlist=by("VpcVirtualRouter", *services))
    assert made["forvpc"] is True
    mixed = by("VpcVirtualRouter", "NetworkACL", "SourceNat") + by("VirtualRouter", "Dhcp")
    failure = refusal(cloud.admin, "createNetworkOffering", name="x", traffictype="Guest", guestiptype="Isolated",
                      supportedservices=list(services), serviceproviderlist=mixed)
    assert "VPC" in failure.text


def test_changes_states_and_the_end(cloud):
    made = make(cloud.admin)
    assert made["state"] == "Disabled"
    changed = cloud.admin("updateNetworkOffering", id=made["id"], state="enabled", name="new", displaytext="text",
                          tags="fast", sortkey=5)["networkoffering"]
    assert changed.items() >= {"state": "Enabled", "name": "new", "displaytext": "text", "tags": "fast"}.items()
    assert refusal(cloud.admin, "updateNetworkOffering", id=made["id"], state="Asleep").code == 431
    assert refusal(cloud.admin, "updateNetworkOffering", id=made["id"], availability="Required").code == 431
    assert refusal(cloud.admin, "updateNetworkOffering", name="x").code == 431
    assert [item["id"] for item in cloud.admin.list("listNetworkOfferings", istagged=True, tags="fast")] == [made["id"]]
    cloud.admin("deleteNetworkOffering", id=made["id"])
    assert cloud.admin.list("listNetworkOfferings", name="new") == []
    default = cloud.admin.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")
    assert refusal(cloud.admin, "deleteNetworkOffering", id=default["id"]).code == 431


def test_a_clone_adds_and_drops_services(cloud):
    source = make(cloud.admin, supportedservices=list(ROUTED), serviceproviderlist=by("VirtualRouter", *ROUTED),
                  networkrate=7, domainid=cloud.new_domain())
    clone = cloud.admin("cloneNetworkOffering", sourceofferingid=source["id"], name="clone", dropservices=["Lb"],
                        addservices=["Vpn"], serviceproviderlist=by("VirtualRouter", "Vpn"))["networkoffering"]
    names = {service["name"]: service["provider"] for service in clone["service"]}
    assert set(names) == {*ROUTED, "Firewall", "Vpn"} - {"Lb"}
    assert names["Vpn"] == names["Dhcp"] == [{"name": "VirtualRouter"}]
    assert (clone["networkrate"], clone["domainid"]) == (7, source["domainid"])
    assert refusal(cloud.admin, "cloneNetworkOffering", sourceofferingid=source["id"], name="x", dropservices="Lb",
                   supportedservices="Dns").code == 431


def test_offerings_of_a_zone_have_their_providers_enabled(cloud):
    zone = cloud.admin.list("listZones")[0]["id"]
    physical = cloud.admin.one("listPhysicalNetworks", zoneid=zone)["id"]
    names = {item["name"] for item in cloud.admin.list("listNetworkOfferings", zoneid=zone)}
    assert "DefaultIsolatedNetworkOfferingWithSourceNatService" in names
    # Its provider, SecurityGroupProvider, is there but not enabled.
    assert "DefaultSharedNetworkOfferingWithSGService" not in names
    provider = cloud.admin.one("listNetworkServiceProviders", physicalnetworkid=physical, name="VirtualRouter")["id"]
    cloud.admin.job("updateNetworkServiceProvider", id=provider, state="Disabled")
    left = {item["name"] for item in cloud.admin.list("listNetworkOfferings", zoneid=zone)}
    cloud.admin.job("updateNetworkServiceProvider", id=provider, state="Enabled")
    assert "DefaultIsolatedNetworkOfferingWithSourceNatService" not in left
    assert "DefaultL2NetworkOffering" in left


def test_lists_by_services_and_type(cloud):
    listed = cloud.admin.list("listNetworkOfferings", supportedservices="SourceNat,PortForwarding", forvpc=False)
    assert "DefaultIsolatedNetworkOfferingWithSourceNatService" in {item["name"] for item in listed}
    without = {item["name"] for item in cloud.admin.list("listNetworkOfferings", sourcenatsupported=False)}
    assert "DefaultSharedNetworkOffering" in without
    assert "DefaultIsolatedNetworkOfferingWithSourceNatService" not in without
    assert {item["guestiptype"] for item in cloud.admin.list("listNetworkOfferings", guestiptype="l2")} == {"L2"}
    assert cloud.admin.list("listNetworkOfferings", name="System-Public-Network") == []


def test_domains_see_their_own_offerings_and_those_above(cloud):
    parent = cloud.new_domain()
    child = cloud.new_domain(parent=parent)
    public, of_parent, of_child = (
        make(cloud.admin, name="scoped", domainid=domain)["id"] for domain in (None, parent, child))

    def seen(client, **filters):
        return {item["id"] for item in client.list("listNetworkOfferings", name="scoped", **filters)}

    user = cloud.new_account(domain=parent)
    assert seen(cloud.admin) == {public, of_parent, of_child}
    assert seen(user) == {public, of_parent}
    assert seen(cloud.admin, domainid=child) == {public, of_parent, of_child}
    assert seen(cloud.admin, domainid=parent) == {public, of_parent}
    assert refusal(user, "listNetworkOfferings", domainid=cloud.new_domain()).code == 431


def test_an_offering_in_use_stays(cloud):
    made = make(cloud.admin, supportedservices=list(ROUTED), serviceproviderlist=by("VirtualRouter", *ROUTED),
                enable=True)
    zone = cloud.admin.list("listZones")[0]["id"]
    network = cloud.admin("createNetwork", name="n", displaytext="n", zoneid=zone, networkofferingid=made["id"])
    assert "networks" in refusal(cloud.admin, "deleteNetworkOffering", id=made["id"]).text
    other = cloud.admin.list("listNetworkOfferings", networkid=network["network"]["id"])
    assert made["id"] not in {item["id"] for item in other}
    assert {item["guestiptype"] for item in other} == {"Isolated"}
    assert refusal(cloud.admin, "updateNetworkOffering", id=made["id"], tags="elsewhere").code == 431
