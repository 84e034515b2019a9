"""Guest operating systems, their categories, and what hypervisors call them."""

import itertools

import pytest

from tests.support.cloud import ApiFailure

numbers = itertools.count(1)


@pytest.fixture
def category(bare_cloud):
    return bare_cloud.admin("addOsCategory", name=f"Category {next(numbers)}", isfeatured=True)["oscategory"]


@pytest.fixture
def system(bare_cloud, category):
    return bare_cloud.admin.job("addGuestOs", oscategoryid=category["id"], osdisplayname=f"System {next(numbers)}")


def test_the_seeded_systems_are_listed_by_name(bare_cloud):
    every = bare_cloud.admin("listOsTypes", pagesize=5, page=1)
    names = [item["description"] for item in every["ostype"]]
    assert every["count"] > 200
    assert names == sorted(names)
    found = bare_cloud.admin.one("listOsTypes", description="centos 5.6 (64-bit)")
    assert (found["name"], found["oscategoryname"], found["isuserdefined"]) == ("CentOS 5.6 (64-bit)", "CentOS", False)


def test_a_category_is_added_changed_and_deleted(bare_cloud, category):
    assert category["isfeatured"] is True
    changed = bare_cloud.admin("updateOsCategory", id=category["id"], name="Renamed", isfeatured=False,
                               sortkey=-5)["oscategory"]
    assert (changed["name"], changed["isfeatured"]) == ("Renamed", False)
    assert bare_cloud.admin.list("listOsCategories")[0]["id"] == category["id"]
    with pytest.raises(ApiFailure, match="name"):
        bare_cloud.admin("addOsCategory", name="Renamed")
    assert bare_cloud.admin("deleteOsCategory", id=category["id"])["success"] is True
    assert bare_cloud.admin.list("listOsCategories", name="Renamed") == []


def test_a_category_with_systems_stays(bare_cloud, category, system):
    with pytest.raises(ApiFailure, match="1 guest OS exist for it"):
        bare_cloud.admin("deleteOsCategory", id=category["id"])


def test_a_system_is_added_changed_and_removed(bare_cloud, category, system):
    assert (system["isuserdefined"], system["fordisplay"], system["oscategoryid"]) == (True, True, category["id"])
    changed = bare_cloud.admin.job("updateGuestOs", id=system["id"], osdisplayname="Newer", forDisplay=False)
    assert (changed["name"], changed["fordisplay"]) == ("Newer", False)
    assert bare_cloud.admin.list("listOsTypes", id=system["id"]) == []
    assert bare_cloud.admin.one("listOsTypes", id=system["id"], fordisplay=False)["name"] == "Newer"
    assert bare_cloud.admin.job("removeGuestOs", id=system["id"]) == {"success": True}
    assert bare_cloud.admin.list("listOsTypes", description="Newer", fordisplay=False) == []


def test_names_of_systems_are_once_and_those_of_the_program_stay(bare_cloud, category, system):
    with pytest.raises(ApiFailure, match="already exists"):
        bare_cloud.admin("addGuestOs", oscategoryid=category["id"], osdisplayname=system["name"])
    (seeded,) = bare_cloud.admin.list("listOsTypes", description="CentOS 5.6 (64-bit)")
    with pytest.raises(ApiFailure, match="system defined"):
        bare_cloud.admin.job("updateGuestOs", id=seeded["id"], osdisplayname="Mine")
    with pytest.raises(ApiFailure, match="system defined"):
        bare_cloud.admin.job("removeGuestOs", id=seeded["id"])


def test_a_mapping_is_added_replaced_changed_and_removed(bare_cloud, system):
    admin = bare_cloud.admin
    values = {"ostypeid": system["id"], "hypervisor": "kvm", "hypervisorversion": "default"}
    mapping = admin.job("addGuestOsMapping", osnameforhypervisor="first", **values)
    assert (mapping["hypervisor"], mapping["isuserdefined"]) == ("KVM", "true")
    assert mapping["osdisplayname"] == system["name"]
    with pytest.raises(ApiFailure, match="already exists"):
        admin("addGuestOsMapping", osnameforhypervisor="second", **values)
    again = admin.job("addGuestOsMapping", osnameforhypervisor="second", forced=True, **values)
    assert (again["id"], again["osnameforhypervisor"]) == (mapping["id"], "second")
    changed = admin.job("updateGuestOsMapping", id=mapping["id"], osnameforhypervisor="third")
    assert admin.one("listGuestOsMapping", id=mapping["id"]) == changed
    assert [item["id"] for item in admin.list("listGuestOsMapping", osdisplayname=system["name"].lower())] == [
        mapping["id"]]
    assert admin.job("removeGuestOsMapping", id=mapping["id"]) == {"success": True}
    assert admin.list("listGuestOsMapping", ostypeid=system["id"]) == []


@pytest.mark.parametrize(("parameters", "text"), [
    ({"hypervisor": "Simulator"}, "hypervisor"),
    ({"hypervisorversion": "0.0"}, "hypervisorversion"),
    ({"osdisplayname": "No such system"}, "osdisplayname"),
    ({"osdisplayname": None}, "osdisplayname, ostypeid"),
    ({"osmappingcheckenabled": True}, "VMware, XenServer"),
])
def test_a_fault_in_a_mapping_is_named(bare_cloud, parameters, text):
    values = {"osdisplayname": "CentOS 5.6 (64-bit)", "hypervisor": "KVM", "hypervisorversion": "default",
              "osnameforhypervisor": "x", **parameters}
    with pytest.raises(ApiFailure, match=text) as failure:
        bare_cloud.admin("addGuestOsMapping", **values)
    assert failure.value.code == 431


def test_a_version_goes_with_its_hypervisor(bare_cloud):
    with pytest.raises(ApiFailure, match="hypervisorversion"):
        bare_cloud.admin("listGuestOsMapping", hypervisorversion="6.5")
    shown = bare_cloud.admin("listGuestOsMapping", hypervisor="KVM", hypervisorversion="defa", pagesize=1, page=1)
    assert shown["guestosmapping"][0]["hypervisorversion"] == "default"


def test_names_are_asked_for_only_where_a_host_can_answer(bare_cloud):
    with pytest.raises(ApiFailure) as failure:
        bare_cloud.admin.job("getHypervisorGuestOsNames", hypervisor="Simulator", hypervisorversion="4.23.0")
    assert failure.value.code == 431
    with pytest.raises(ApiFailure, match="No VMware hypervisor"):
        bare_cloud.admin.job("getHypervisorGuestOsNames", hypervisor="VMware", hypervisorversion="7.0")


def test_users_list_systems_and_change_none(bare_cloud, system):
    user = bare_cloud.new_account()
    assert user.one("listOsTypes", id=system["id"])["name"] == system["name"]
    with pytest.raises(ApiFailure) as failure:
        user("removeGuestOs", id=system["id"])
    assert failure.value.code == 432
