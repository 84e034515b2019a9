"""Guest VLANs: all of them in a list, some kept for one account, none given twice."""

import threading

import pytest

from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.network import PhysicalNetwork
from cloudapi.services.physical_network import vlan
from tests.support.cloud import ApiFailure


@pytest.fixture
def network(cloud, request):
    """A physical network with the VLANs 100 to 109."""
    admin = cloud.admin
    zone = admin("createZone", name=request.node.name[:200], networktype="Advanced", dns1="8.8.8.8",
                 internaldns1="8.8.4.4")["zone"]["id"]
    return admin.job("createPhysicalNetwork", zoneid=zone, name="p", isolationmethods="VLAN", vlan="100-109")


def dedicate(cloud, network, text, owner):
    return cloud.admin("dedicateGuestVlanRange", vlanrange=text, physicalnetworkid=network["id"],
                       account=owner.account, domainid=owner.domain_id)["dedicatedguestvlanrange"]


def taker(cloud, network, account=None):
    """Return `take(wanted=None)` for an account, and the record of the physical network."""
    record = PhysicalNetwork.get(PhysicalNetwork.uuid == network["id"])
    owner = Account.get(Account.account_name == (account.account if account else "admin"))
    context = cloud.installation.context()
    return lambda **wanted: transact(lambda: vlan.take_vlan(context, record, owner, **wanted)), record


def test_ranges_are_dedicated_joined_listed_and_released(cloud, network):
    owner = cloud.new_account()
    first = dedicate(cloud, network, "100-101", owner)
    assert first.items() >= {"guestvlanrange": "100-101", "account": owner.account,
                             "domainid": owner.domain_id}.items()
    assert isinstance(first["physicalnetworkid"], int) and isinstance(first["zoneid"], int)
    third = dedicate(cloud, network, "104-105", owner)
    joined = dedicate(cloud, network, "102-103", owner)
    assert (joined["guestvlanrange"], joined["id"]) == ("100-105", first["id"])
    listed = cloud.admin.list("listDedicatedGuestVlanRanges", physicalnetworkid=network["id"])
    assert [item["id"] for item in listed] == [first["id"]]
    assert cloud.admin.list("listDedicatedGuestVlanRanges", guestvlanrange="100-105", account=owner.account,
                                 domainid=owner.domain_id, zoneid=network["zoneid"]) == listed
    with pytest.raises(ApiFailure):
        cloud.admin("releaseDedicatedGuestVlanRange", id=third["id"])
    cloud.admin.job("releaseDedicatedGuestVlanRange", id=first["id"])
    assert cloud.admin.list("listDedicatedGuestVlanRanges", physicalnetworkid=network["id"]) == []


@pytest.mark.parametrize("text", ["100", "105-100", "90-100", "108-110", "a-b", "100-101,103-104"])
def test_what_is_no_range_of_the_network_is_refused(cloud, network, text):
    with pytest.raises(ApiFailure, match="vlanrange") as caught:
        dedicate(cloud, network, text, cloud.new_account())
    assert caught.value.code == 431


def test_a_range_is_dedicated_once_and_not_from_under_others(cloud, network):
    owner, other = cloud.new_account(), cloud.new_account()
    dedicate(cloud, network, "100-102", owner)
    with pytest.raises(ApiFailure, match="already dedicated"):
        dedicate(cloud, network, "102-103", other)
    take, _ = taker(cloud, network, other)
    take(wanted=105)
    with pytest.raises(ApiFailure, match="105"):
        dedicate(cloud, network, "104-106", owner)
    assert dedicate(cloud, network, "105-106", other)["guestvlanrange"] == "105-106"


def test_an_account_takes_its_own_first_and_never_anothers(cloud, network):
    owner, other = cloud.new_account(), cloud.new_account()
    dedicate(cloud, network, "100-101", owner)
    dedicate(cloud, network, "102-107", other)
    take, _ = taker(cloud, network, owner)
    assert {take(), take()} == {100, 101}
    cloud.admin("updateConfiguration", name="use.system.guest.vlans", value="false", accountid=owner.account_id)
    with pytest.raises(InsufficientCapacity):
        take()
    cloud.admin("updateConfiguration", name="use.system.guest.vlans", value="true", accountid=owner.account_id)
    assert {take(), take()} == {108, 109}
    with pytest.raises(InsufficientCapacity):
        take()


def test_a_vlan_is_given_once_and_again_after_it_came_back(cloud, network):
    take, record = taker(cloud, network)
    assert take(wanted=104) == 104
    with pytest.raises(InvalidParameter):
        take(wanted=104)
    assert {take() for _ in range(9)} == set(range(100, 110)) - {104}
    transact(lambda: vlan.give_back_vlan(record, 104))
    transact(lambda: vlan.give_back_vlan(record, 104))
    assert take() == 104


def test_those_who_take_at_once_get_different_ones(cloud, network):
    take, _ = taker(cloud, network)
    found = []
    threads = [threading.Thread(target=lambda: found.append(take())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(100, 110))


def test_the_list_shows_free_and_taken_ones_in_pages(cloud, network):
    owner = cloud.new_account()
    dedicate(cloud, network, "108-109", owner)
    take, _ = taker(cloud, network)
    take(wanted=103)
    admin = cloud.admin
    whole = admin("listGuestVlans", physicalnetworkid=network["id"])
    assert whole["count"] == 10
    pages = [item for page in (1, 2, 3) for item in admin.list(
        "listGuestVlans", physicalnetworkid=network["id"], page=page, pagesize=4)]
    assert pages == whole["guestvlan"]
    shown = {item["vlan"]: item for item in pages}
    assert [vlan for vlan, item in shown.items() if item["allocationstate"] == "Allocated"] == ["103"]
    assert shown["108"].items() >= {"isdedicated": True, "account": owner.account, "allocationstate": "Free"}.items()
    assert shown["100"]["isdedicated"] is False and "account" not in shown["100"]
    assert admin.list("listGuestVlans", id=shown["105"]["id"]) == [shown["105"]]
    assert admin.list("listGuestVlans", zoneid=network["zoneid"], vnet="103") == [shown["103"]]
    assert admin.list("listGuestVlans", physicalnetworkid=network["id"], allocatedonly=True) == [shown["103"]]


def test_a_network_shows_up_at_its_vlan(cloud):
    cloud.admin.job("deployVirtualMachine", **cloud.deployment())
    network = cloud.admin.one("listNetworks", type="Isolated")
    (taken,) = cloud.admin.list("listGuestVlans", allocatedonly=True, zoneid=network["zoneid"])
    assert [item["id"] for item in taken["network"]] == [network["id"]]
    assert network["vlan"] == taken["vlan"]
    assert "taken" in taken and taken["account"] == "admin"


def test_a_dedication_ends_with_its_account(cloud, network):
    owner = cloud.new_account()
    dedicate(cloud, network, "100-101", owner)
    cloud.admin.job("deleteAccount", id=owner.account_id)
    assert cloud.admin.list("listDedicatedGuestVlanRanges", physicalnetworkid=network["id"]) == []
