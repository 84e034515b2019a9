"""Zones: made with the networks of every zone, changed, seen by those who may, deleted when they are empty."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_pod, add_zone


def test_a_new_zone_has_what_was_asked_for_and_its_system_networks(bare_cloud):
    zone = add_zone(bare_cloud.admin, name="full", dns2="8.8.4.4", ip6dns1="2001:db8::1", domain="cs.example.org",
                    localstorageenabled=True, storageaccessgroups="fast,slow")
    assert zone["allocationstate"] == "Disabled"
    assert (zone["dns2"], zone["ip6dns1"], zone["domain"]) == ("8.8.4.4", "2001:db8::1", "cs.example.org")
    assert zone["localstorageenabled"] is True
    assert zone["storageaccessgroups"] == "fast,slow"
    assert zone["type"] == "Core"
    assert len(zone["zonetoken"]) == 36
    from cloudapi.models.infrastructure import Zone
    from cloudapi.models.network import Network

    networks = Network.select().where(Network.zone == Zone.get(Zone.uuid == zone["id"]).id)
    assert {network.traffic_type for network in networks} == {"Public", "Management", "Control", "Storage"}


@pytest.mark.parametrize(("parameters", "text"), [
    ({"dns1": "8.8.8"}, "dns1"),
    ({"internaldns2": "nowhere"}, "internaldns2"),
    ({"ip6dns1": "8.8.8.8"}, "ip6dns1"),
    ({"guestcidraddress": "10.1.1.0"}, "guestcidraddress"),
    ({"guestcidraddress": "8.8.8.0/24"}, "guestcidraddress"),
    ({"networktype": "Mesh"}, "networktype"),
    ({"networktype": "Basic"}, "guestcidraddress"),
    ({"networktype": "Basic", "guestcidraddress": None, "isedge": True}, "isedge"),
    ({"domain": "-bad-.example"}, "domain"),
    ({"allocationstate": "Open"}, "allocationstate"),
    ({"name": "  "}, "name"),
])
def test_a_fault_in_a_zone_is_named_and_leaves_nothing(bare_cloud, parameters, text):
    before = len(bare_cloud.admin.list("listZones"))
    with pytest.raises(ApiFailure) as failure:
        add_zone(bare_cloud.admin, **parameters)
    assert failure.value.code == 431
    assert text in failure.value.text
    assert len(bare_cloud.admin.list("listZones")) == before


def test_two_zones_cannot_have_one_name(bare_cloud):
    zone = add_zone(bare_cloud.admin)
    with pytest.raises(ApiFailure, match="already exists"):
        add_zone(bare_cloud.admin, name=zone["name"])
    other = add_zone(bare_cloud.admin)
    with pytest.raises(ApiFailure, match="already exists"):
        bare_cloud.admin("updateZone", id=other["id"], name=zone["name"])


def test_updates_are_there_in_the_next_list(bare_cloud):
    zone = add_zone(bare_cloud.admin, domain="old.example")
    changed = bare_cloud.admin("updateZone", id=zone["id"], name="renamed", dns1="9.9.9.9", domain="", sortkey=7,
                               localstorageenabled=True, details={"key": "value"}, dnssearchorder="a.example")["zone"]
    assert changed == bare_cloud.admin.one("listZones", id=zone["id"])
    assert (changed["name"], changed["dns1"], changed["localstorageenabled"]) == ("renamed", "9.9.9.9", True)
    assert "domain" not in changed
    assert changed["resourcedetails"] == {"key": "value", "network.guestnetwork.dns.search.order": "a.example"}


def test_a_zone_cannot_be_enabled_without_management_traffic(bare_cloud):
    zone = add_zone(bare_cloud.admin)
    with pytest.raises(ApiFailure, match="Cannot enable this Zone since") as failure:
        bare_cloud.admin("updateZone", id=zone["id"], allocationstate="Enabled")
    assert failure.value.code == 431
    assert bare_cloud.admin.one("listZones", id=zone["id"])["allocationstate"] == "Disabled"


def test_a_zone_with_a_pod_is_not_deleted_an_empty_one_is(bare_cloud):
    zone = add_zone(bare_cloud.admin)
    pod = add_pod(bare_cloud.admin, zone["id"])
    with pytest.raises(ApiFailure, match="there are pods in this zone") as failure:
        bare_cloud.admin("deleteZone", id=zone["id"])
    assert failure.value.code == 530
    bare_cloud.admin("deletePod", id=pod["id"])
    assert bare_cloud.admin("deleteZone", id=zone["id"])["success"] is True
    assert bare_cloud.admin.list("listZones", name=zone["name"]) == []


def test_capacities_are_shown_where_asked_for(bare_cloud):
    zone = add_zone(bare_cloud.admin)
    add_pod(bare_cloud.admin, zone["id"])
    shown = bare_cloud.admin.one("listZones", id=zone["id"], showcapacities=True)
    assert {item["name"]: item["capacitytotal"] for item in shown["capacity"]} == {"PRIVATE_IP": 19}
    assert "capacity" not in bare_cloud.admin.one("listZones", id=zone["id"])


def test_order_of_zones_follows_the_sort_key_and_its_setting(bare_cloud):
    first, second = (add_zone(bare_cloud.admin)["id"] for _ in range(2))
    bare_cloud.admin("updateZone", id=first, sortkey=5)
    bare_cloud.admin("updateZone", id=second, sortkey=3)
    order = [zone["id"] for zone in bare_cloud.admin.list("listZones") if zone["id"] in (first, second)]
    assert order == [second, first]


def test_users_see_no_dns_servers(bare_cloud):
    add_zone(bare_cloud.admin, name="seen")
    zone = bare_cloud.new_account().one("listZones", name="seen")
    assert not {"dns1", "internaldns1", "guestcidraddress"} & set(zone)


def test_a_zone_of_a_domain_is_seen_in_it_alone_until_it_is_public(bare_cloud):
    mine, other = bare_cloud.new_domain(), bare_cloud.new_domain()
    zone = add_zone(bare_cloud.admin, domainid=mine)
    inside, outside = bare_cloud.new_account(domain=mine), bare_cloud.new_account(domain=other)
    assert inside.one("listZones", id=zone["id"])["domainid"] == mine
    assert outside.list("listZones", name=zone["name"]) == []
    bare_cloud.admin("updateZone", id=zone["id"], ispublic=True)
    assert outside.one("listZones", name=zone["name"])["id"] == zone["id"]


def test_the_default_zone_of_an_account(bare_cloud):
    zone = add_zone(bare_cloud.admin)
    user = bare_cloud.new_account()
    account = bare_cloud.admin.job("markDefaultZoneForAccount", account=user.account, domainid=user.domain_id,
                                   zoneid=zone["id"])
    assert account["defaultzoneid"] == zone["id"]
