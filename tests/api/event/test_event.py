"""Events: what commands leave, who sees it, and how it is put away."""

from __future__ import annotations

import pytest

from cloudapi.models.base import now
from cloudapi.models.common import Event
from cloudapi.models.identity import Account
from cloudapi.services.event import event as events
from tests.support.cloud import ApiFailure

DAY = 86_400_000


@pytest.fixture
def admin(bare_cloud):
    return bare_cloud.admin


@pytest.fixture
def user(bare_cloud):
    """A user with three events: of a job's beginning, run and end."""
    made = bare_cloud.new_account()
    made.job("createTags", resourcetype="User", resourceids=made.user_id, tags={"a": "b"})
    return made


class TestOfJobs:
    def test_scheduled_started_completed_with_the_first_as_parent(self, user):
        completed, started, scheduled = user.list("listEvents", type="CREATE_TAGS")
        assert [event["state"] for event in (scheduled, started, completed)] == ["Scheduled", "Started", "Completed"]
        assert "parentid" not in scheduled
        assert started["parentid"] == completed["parentid"] == scheduled["id"]
        assert completed["description"].startswith("Successfully completed ")
        assert {event["level"] for event in (scheduled, started, completed)} == {"INFO"}
        assert {event["username"] for event in (scheduled, started, completed)} == {user.about["account"]}

    def test_of_a_failed_one_the_last_is_an_error_that_says_why(self, user):
        with pytest.raises(ApiFailure):
            user.job("createTags", resourcetype="User", resourceids=user.user_id, tags={"a": "again"})
        last = user.list("listEvents", type="CREATE_TAGS")[0]
        assert (last["level"], last["state"]) == ("ERROR", "Completed")
        assert last["description"].startswith("Error while ")
        assert "already on User" in last["description"]

    def test_found_by_their_first(self, user):
        scheduled = user.list("listEvents", type="CREATE_TAGS")[2]
        assert len(user.list("listEvents", startid=scheduled["id"])) == 3


class TestOfCommands:
    def test_a_synchronous_one_leaves_one_with_its_resource(self, admin):
        domain = admin("createDomain", name="with-event")["domain"]
        (event,) = admin.list("listEvents", resourceid=domain["id"], resourcetype="Domain")
        assert (event["type"], event["state"]) == ("DOMAIN.CREATE", "Completed")
        assert (event["resourcetype"], event["resourcename"]) == ("Domain", "with-event")

    def test_a_failed_one_leaves_none(self, admin):
        before = admin("listEvents", listall=True)["count"]
        with pytest.raises(ApiFailure):
            admin("createDomain", name="with-event", parentdomainid="nope")
        assert admin("listEvents", listall=True)["count"] == before

    def test_every_type_that_a_command_leaves_is_listed(self, bare_cloud, user):
        types = {item["name"] for item in user.list("listEventTypes")}
        assert {command.event for command in bare_cloud.installation.registry if command.event} <= types


class TestFilters:
    def test_by_level_type_state_and_keyword(self, user):
        assert user("listEvents", level="warn") == {}
        assert {event["level"] for event in user.list("listEvents", level="info")} == {"INFO"}
        assert user("listEvents", type="VM.CREATE") == {}
        assert {event["state"] for event in user.list("listEvents", state="started")} == {"Started"}
        assert user("listEvents", keyword="create_tags")["count"] == 3
        with pytest.raises(ApiFailure, match="level"):
            user("listEvents", level="LOUD")

    def test_by_moment(self, user):
        account = Account.get(Account.uuid == user.about["account_id"])
        Event.update(created=1_000_000_000_000).where(Event.account_id == account.id).execute()
        assert user("listEvents", startdate="2001-09-10") == {}
        assert user("listEvents", enddate="2001-09-08") == {}
        found = user("listEvents", startdate="2001-09-09", enddate="2001-09-09")
        assert found["count"] == user("listEvents")["count"]
        assert found["event"][0]["created"] == "2001-09-09T01:46:40+0000"
        assert user("listEvents", startdate="2001-09-09 01:46:41") == {}

    def test_newest_first(self, user):
        states = [event["state"] for event in user.list("listEvents", type="CREATE_TAGS")]
        assert states == ["Completed", "Started", "Scheduled"]

    def test_a_resource_goes_with_its_kind(self, user):
        with pytest.raises(ApiFailure, match="resourcetype"):
            user("listEvents", resourceid=user.user_id)

    def test_jobs_that_have_not_ended(self, user):
        assert user("listEvents", entrytime=0, duration=3600) == {}
        first = user.list("listEvents", state="scheduled")[0]
        Event.delete().where(Event.start_id == Event.get(Event.uuid == first["id"]).id,
                             Event.state == "Completed").execute()
        assert [event["id"] for event in user.list("listEvents", entrytime=0, duration=3600)] == [first["id"]]


class TestOthers:
    def test_users_see_their_own(self, bare_cloud, user):
        other = bare_cloud.new_account()
        foreign = user.list("listEvents", type="CREATE_TAGS")[0]["id"]
        assert {event["account"] for event in other.list("listEvents", listall=True)} == {other.about["account"]}
        assert other("listEvents", id=foreign) == {}

    def test_admins_see_those_below(self, bare_cloud):
        domain = bare_cloud.new_domain()
        boss = bare_cloud.new_account(domain=domain, role="DomainAdmin")
        member = bare_cloud.new_account(domain=domain)
        member.job("createTags", resourcetype="User", resourceids=member.user_id, tags={"a": "b"})
        accounts = {event["account"] for event in boss.list("listEvents", listall=True)}
        assert member.about["account"] in accounts
        assert "admin" not in accounts
        assert {event["account"] for event in boss.list("listEvents", account=member.about["account"],
                                                        domainid=domain)} == {member.about["account"]}


class TestPuttingAway:
    def test_archived_ones_are_left_out(self, user):
        ids = [event["id"] for event in user.list("listEvents", type="CREATE_TAGS")]
        assert user("archiveEvents", ids=ids[:2]) == {"success": True}
        assert [event["id"] for event in user.list("listEvents", type="CREATE_TAGS")] == ids[2:]
        everything = user.list("listEvents", type="CREATE_TAGS", archived=True)
        assert [event["archived"] for event in everything] == [True, True, False]

    def test_deleted_ones_are_gone(self, user):
        ids = [event["id"] for event in user.list("listEvents", type="CREATE_TAGS")]
        user("deleteEvents", ids=ids[0])
        assert [event["id"] for event in user.list("listEvents", type="CREATE_TAGS", archived=True)] == ids[1:]

    @pytest.mark.parametrize("command", ["archiveEvents", "deleteEvents"])
    def test_by_type_only_ones_own(self, bare_cloud, user, command):
        other = bare_cloud.new_account()
        other.job("createTags", resourcetype="User", resourceids=other.user_id, tags={"a": "b"})
        assert user(command, type="CREATE_TAGS") == {"success": True}
        assert user("listEvents", type="CREATE_TAGS") == {}
        assert other("listEvents", type="CREATE_TAGS")["count"] == 3
        assert user(command, type="CREATE_TAGS") == {"success": False}, "there is none left"

    @pytest.mark.parametrize("command", ["archiveEvents", "deleteEvents"])
    def test_of_others_all_or_none(self, bare_cloud, user, command):
        other = bare_cloud.new_account()
        other.job("createTags", resourcetype="User", resourceids=other.user_id, tags={"a": "b"})
        mine = user.list("listEvents", type="CREATE_TAGS")[0]["id"]
        with pytest.raises(ApiFailure) as caught:
            other(command, ids=[other.list("listEvents")[0]["id"], mine])
        assert caught.value.code == 531
        assert other("listEvents", type="CREATE_TAGS")["count"] == 3
        assert user("listEvents", type="CREATE_TAGS")["count"] == 3

    @pytest.mark.parametrize("parameters", [{}, {"startdate": "2026-01-01"}, {"ids": "nope"},
                                            {"startdate": "2026-01-02", "enddate": "2026-01-01"}])
    def test_what_names_nothing_is_refused(self, user, parameters):
        with pytest.raises(ApiFailure) as caught:
            user("deleteEvents", **parameters)
        assert caught.value.code == 431

    def test_old_ones_go_by_the_setting(self, bare_cloud, user, admin):
        ids = [event["id"] for event in user.list("listEvents", type="CREATE_TAGS")]
        Event.update(created=now() - 8 * DAY).where(Event.uuid == ids[2]).execute()
        context = bare_cloud.installation.context()
        events.purge(context)
        assert user("listEvents", type="CREATE_TAGS")["count"] == 3, "by default in 15 days"
        admin("updateConfiguration", name="event.purge.delay", value="7")
        try:
            events.purge(context)
        finally:
            admin("resetConfiguration", name="event.purge.delay")
        assert [event["id"] for event in user.list("listEvents", type="CREATE_TAGS")] == ids[:2]
