"""Tags: put on resources, all or none; lists by tags; foreign resources."""

from __future__ import annotations

import itertools

import pytest

from cloudapi.services.tag.tag import KINDS
from tests.support.cloud import ApiFailure

numbers = itertools.count()


@pytest.fixture
def admin(bare_cloud):
    return bare_cloud.admin


@pytest.fixture
def user(bare_cloud):
    return bare_cloud.new_account()


@pytest.fixture
def zones(admin):
    """Two zones; zones are listed by their tags."""
    return [admin("createZone", name=f"tagged{next(numbers)}", networktype="Advanced", dns1="8.8.8.8",
                  internaldns1="8.8.4.4")["zone"]["id"] for _ in range(2)]


def refused(client, command, **parameters):
    with pytest.raises(ApiFailure) as caught:
        client.job(command, **parameters)
    return caught.value


def keys(client, **filters):
    return sorted(item["key"] for item in client.list("listTags", **filters))


def test_all_tags_on_all_resources(admin, zones):
    admin.job("createTags", resourcetype="zone", resourceids=zones, tags={"env": "test", "team": "a b"}, customer="me")
    for zone in zones:
        tags = {item["key"]: item for item in admin.list("listTags", resourceid=zone, listall=True)}
        assert (tags["env"]["value"], tags["team"]["value"]) == ("test", "a b")
        assert {(item["resourcetype"], item["resourceid"], item["customer"]) for item in tags.values()} == \
            {("Zone", zone, "me")}
    shown = admin.one("listZones", id=zones[0])["tags"]
    assert {item["key"] for item in shown} == {"env", "team"}


def test_lists_by_tags(admin, zones):
    first, second = zones
    name = f"color{next(numbers)}"
    admin.job("createTags", resourcetype="Zone", resourceids=first, tags={name: "red", "size": "1"})
    admin.job("createTags", resourcetype="Zone", resourceids=second, tags={name: "blue", "size": "1"})

    def found(**tags):
        return [item["id"] for item in admin.list("listZones", tags=tags)]

    assert found(**{name: "red"}) == [first]
    assert sorted(found(**{name: ""})) == sorted(zones), "a key without a value means any value"
    assert found(**{name: "red", "size": "1"}) == [first]
    assert found(**{name: "red", "size": "2"}) == []


def test_a_key_that_is_there_already_leaves_everything_as_it_was(admin, zones):
    admin.job("createTags", resourcetype="Zone", resourceids=zones[1], tags={"env": "old"})
    failure = refused(admin, "createTags", resourcetype="Zone", resourceids=zones, tags={"a": "1", "env": "new"})
    assert failure.code == 431
    assert "env" in failure.text
    assert admin("listTags", resourceid=zones[0], listall=True) == {}
    assert keys(admin, resourceid=zones[1], listall=True) == ["env"]


class TestDeleting:
    @pytest.fixture
    def zone(self, admin, zones):
        admin.job("createTags", resourcetype="Zone", resourceids=zones[0], tags={"a": "1", "b": "2", "c": "3"})
        return zones[0]

    @pytest.mark.parametrize(("tags", "left"), [
        ({"a": "1"}, ["b", "c"]), ({"a": ""}, ["b", "c"]), ({"a": "other", "b": "2"}, ["a", "c"]), (None, []),
    ])
    def test_by_key_by_value_or_all(self, admin, zone, tags, left):
        admin.job("deleteTags", resourcetype="Zone", resourceids=zone, tags=tags)
        assert keys(admin, resourceid=zone, listall=True) == left

    def test_what_is_not_there(self, admin, zone):
        assert refused(admin, "deleteTags", resourcetype="Zone", resourceids=zone, tags={"a": "9"}).code == 431
        assert keys(admin, resourceid=zone, listall=True) == ["a", "b", "c"]


@pytest.mark.parametrize("parameters", [
    {"resourcetype": "Cat", "resourceids": "x", "tags": {"a": "1"}},
    {"resourcetype": "Zone", "resourceids": "no-such", "tags": {"a": "1"}},
    {"resourcetype": "Zone", "resourceids": "no-such", "tags": {"k" * 300: "1"}},
])
def test_what_cannot_be_tagged(admin, parameters):
    assert refused(admin, "createTags", **parameters).code == 431


@pytest.mark.parametrize("tags", [{"k" * 256: "1"}, {"a": "v" * 256}, {" ": "1"}])
def test_keys_and_values_have_a_length(admin, zones, tags):
    failure = refused(admin, "createTags", resourcetype="Zone", resourceids=zones[0], tags=tags)
    assert failure.code == 431
    assert "tags" in failure.text
    assert admin("listTags", resourceid=zones[0], listall=True) == {}


class TestForeign:
    def test_users_do_not_tag_what_is_not_theirs(self, bare_cloud, user, zones):
        other = bare_cloud.new_account()
        assert refused(user, "createTags", resourcetype="User", resourceids=other.user_id, tags={"a": "1"}).code == 531
        assert refused(user, "createTags", resourcetype="Zone", resourceids=zones[0], tags={"a": "1"}).code == 531
        assert refused(user, "createTags", resourcetype="User", resourceids=[user.user_id, other.user_id],
                       tags={"a": "1"}).code == 531
        assert user("listTags") == other("listTags") == {}

    def test_nor_take_tags_off(self, bare_cloud, user):
        other = bare_cloud.new_account()
        other.job("createTags", resourcetype="User", resourceids=other.user_id, tags={"a": "1"})
        assert refused(user, "deleteTags", resourcetype="User", resourceids=other.user_id).code == 531
        assert keys(other) == ["a"]
        assert user("listTags", listall=True) == {}

    def test_an_admin_of_the_domain_does_for_those_below(self, bare_cloud):
        domain = bare_cloud.new_domain()
        boss, member = bare_cloud.new_account(domain=domain, role="DomainAdmin"), bare_cloud.new_account(domain=domain)
        boss.job("createTags", resourcetype="User", resourceids=member.user_id, tags={"a": "1"})
        assert keys(member) == ["a"], "they belong to the owner of what is tagged"
        assert keys(boss) == []
        assert keys(boss, listall=True) == ["a"]
        assert keys(boss, account=member.about["account"], domainid=domain) == ["a"]


def test_filters(user):
    user.job("createTags", resourcetype="User", resourceids=user.user_id, tags={"env": "test", "team": "x"})
    assert keys(user, key="env") == ["env"]
    assert keys(user, value="x") == ["team"]
    assert keys(user, resourcetype="user") == ["env", "team"]
    assert keys(user, resourcetype="Zone") == []
    assert keys(user, keyword="TEA") == ["team"]
    assert user("listTags", page=1, pagesize=1)["count"] == 2


def test_every_kind_has_a_table_with_uuids():
    assert all(hasattr(record, "uuid") for record in KINDS.values())
