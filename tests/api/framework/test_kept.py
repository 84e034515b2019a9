"""Lists that are asked for again are answered as they were written, until anything changes."""

from __future__ import annotations

import sqlite3

import pytest

from cloudapi.models.database import database
from cloudapi.views.zone.zone import ZoneView
from tests.support.cloud import Client


@pytest.fixture
def rendered(monkeypatch):
    """How often zones have been rendered."""
    calls, render = [], ZoneView.render.__func__
    monkeypatch.setattr(ZoneView, "render", classmethod(lambda cls, *a: (calls.append(1), render(cls, *a))[1]))
    return calls


@pytest.fixture(scope="module")
def quiet(bare_cloud):
    """A cloud with a user and a reader of zones, in which from here on nothing but calls changes anything."""
    bare_cloud.user = bare_cloud.new_account()
    role = bare_cloud.admin("createRole", name="reader", type="User")["role"]["id"]
    bare_cloud.rule = bare_cloud.admin("createRolePermission", roleid=role, rule="listZones",
                                       permission="allow")["rolepermission"]["id"]
    user = bare_cloud.admin("createAccount", username="reader", password="A-long-password-1", firstname="a",
                            lastname="b", email="a@example.org", roleid=role)["account"]["user"][0]["id"]
    bare_cloud.admin.job("registerUserKeys", id=user)
    keys = bare_cloud.admin("getUserKeys", id=user)["userkeys"]
    bare_cloud.reader = Client(bare_cloud, keys["apikey"], keys["secretkey"])
    bare_cloud.role = role
    bare_cloud.installation.stop()
    return bare_cloud


@pytest.mark.only_on("sqlite", reason="other databases do not tell for nothing that nothing has changed")
class TestKept:
    def test_the_same_call_is_answered_without_looking(self, quiet, rendered):
        quiet.admin("createZone", name="kept", networktype="Advanced", dns1="8.8.8.8", internaldns1="8.8.8.8")
        rendered.clear()
        first, second = (quiet.admin.send("listZones", name="kept") for _ in range(2))
        assert first.data == second.data and first.headers["Content-Type"] == second.headers["Content-Type"]
        assert len(rendered) == 1

    def test_other_parameters_forms_and_callers_are_other_calls(self, quiet, rendered):
        answers = {quiet.admin.send("listZones").data, quiet.admin.send("listZones", page=1, pagesize=1).data,
                   quiet.admin.send("listZones", response="xml").data, quiet.user.send("listZones").data}
        assert len(rendered) == 4 and len(answers) >= 3

    def test_a_change_by_anybody_is_seen(self, quiet):
        zone = quiet.admin("createZone", name="old name", networktype="Advanced", dns1="8.8.8.8",
                           internaldns1="8.8.8.8")["zone"]["id"]
        assert quiet.admin.one("listZones", id=zone)["name"] == "old name"
        quiet.admin("updateZone", id=zone, name="new name")
        assert quiet.admin.one("listZones", id=zone)["name"] == "new name"
        other = sqlite3.connect(database.database)
        with other:
            other.execute("UPDATE zone SET name = 'newest' WHERE uuid = ?", (zone,))
        other.close()
        assert quiet.admin.one("listZones", id=zone)["name"] == "newest"

    def test_the_permission_is_asked_for_each_time(self, quiet):
        assert [quiet.reader.send("listZones").status_code for _ in range(2)] == [200, 200]
        quiet.admin("updateRolePermission", roleid=quiet.role, ruleid=quiet.rule, permission="deny")
        assert quiet.reader.send("listZones").status_code == 432
