"""Regions: known by number and name, each once."""

import pytest

from tests.support.cloud import ApiFailure


def test_the_installations_own_region_is_there_and_stays(bare_cloud):
    region = bare_cloud.admin.one("listRegions", id=1)
    assert (region["id"], region["name"], region["endpoint"]) == (1, "Local", bare_cloud.configuration.endpoint)
    with pytest.raises(ApiFailure, match="region of this installation"):
        bare_cloud.admin("removeRegion", id=1)


def test_a_region_is_added_changed_and_removed(bare_cloud):
    added = bare_cloud.admin("addRegion", id=7, name="west", endpoint="http://west:8080/client")["region"]
    assert added["id"] == 7
    changed = bare_cloud.admin("updateRegion", id=7, name="far west", endpoint="https://west/client/api")["region"]
    assert changed == bare_cloud.admin.one("listRegions", name="far west")
    assert (changed["name"], changed["endpoint"]) == ("far west", "https://west/client/api")
    assert bare_cloud.admin("removeRegion", id=7)["success"] is True
    assert bare_cloud.admin.list("listRegions", id=7) == []


@pytest.mark.parametrize(("parameters", "text"), [
    ({"id": 1}, "id: 1 already exists"),
    ({"name": "Local"}, "already exists"),
    ({"id": 0}, "parameter id"),
    ({"id": "x"}, "parameter id"),
    ({"name": " "}, "name"),
    ({"endpoint": "west"}, "endpoint"),
])
def test_a_fault_in_a_region_is_named(bare_cloud, parameters, text):
    with pytest.raises(ApiFailure, match=text) as failure:
        bare_cloud.admin("addRegion", **{"id": 8, "name": "east", "endpoint": "http://east:8080/client", **parameters})
    assert failure.value.code == 431
    assert bare_cloud.admin.list("listRegions", id=8) == []


def test_an_unknown_region_is_neither_changed_nor_removed(bare_cloud):
    for command in ("updateRegion", "removeRegion"):
        with pytest.raises(ApiFailure, match="99"):
            bare_cloud.admin(command, id=99)


def test_users_list_regions_and_add_none(bare_cloud):
    user = bare_cloud.new_account()
    assert user.one("listRegions")["name"] == "Local"
    with pytest.raises(ApiFailure) as failure:
        user("addRegion", id=9, name="mine", endpoint="http://mine:8080/client")
    assert failure.value.code == 432
