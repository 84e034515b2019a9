"""Settings: listed, changed, taken back, at every scope; a change is in force at once."""

from __future__ import annotations

import pytest

from cloudapi.settings import REGISTRY, ValueType
from tests.support.cloud import ApiFailure


@pytest.fixture
def admin(bare_cloud):
    return bare_cloud.admin


@pytest.fixture
def restored(admin):
    """Settings that a test names are taken back after it."""
    names = []
    yield names.append
    for name in names:
        admin("resetConfiguration", name=name)


@pytest.fixture(scope="module")
def zone(bare_cloud):
    return bare_cloud.admin("createZone", name="settings", networktype="Advanced", dns1="8.8.8.8",
                            internaldns1="8.8.4.4")["zone"]


def value(client, name, **place):
    """Return the value of the setting of exactly this name; the list finds parts of names too."""
    (found,) = [item for item in client.list("listConfigurations", name=name, **place) if item["name"] == name]
    return found.get("value")


def refused(client, command, **parameters):
    with pytest.raises(ApiFailure) as caught:
        client(command, **parameters)
    return caught.value


class TestList:
    def test_a_setting_is_shown_with_what_is_known_of_it(self, admin):
        shown = admin.one("listConfigurations", name="expunge.delay")
        assert shown == {**shown, "name": "expunge.delay", "value": "86400", "defaultvalue": "86400",
                         "type": "Number", "category": "Advanced", "displaytext": "Expunge delay"}
        assert "scope" not in shown

    def test_names_are_found_by_a_part_in_any_case(self, admin):
        names = {item["name"] for item in admin.list("listConfigurations", name="EXPUNGE")}
        assert {"expunge.delay", "expunge.interval", "expunge.workers"} <= names
        assert all("expunge" in name for name in names)

    def test_a_keyword_finds_descriptions_too(self, admin):
        found = admin.list("listConfigurations", keyword="seconds", pagesize=20, page=1)
        assert any("seconds" not in item["name"] for item in found)

    def test_pages_are_the_whole_list(self, admin):
        total = admin("listConfigurations", page=1, pagesize=1)["count"]
        names, page = [], 1
        while items := admin.list("listConfigurations", page=page, pagesize=200):
            names += [item["name"] for item in items]
            page += 1
        assert len(names) == len(set(names)) == total

    def test_a_group_is_listed_whole(self, admin):
        groups = {item["name"]: item for item in admin.list("listConfigurationGroups")}
        assert groups["Compute"]["subgroup"]
        found = admin("listConfigurations", group="compute", page=1, pagesize=2)
        assert found["count"] == len(found["configuration"]) > 2
        assert {item["group"] for item in found["configuration"]} == {"Compute"}

    @pytest.mark.parametrize("parameters", [
        {"group": "nope"}, {"subgroup": "Memory"}, {"group": "Compute", "subgroup": "nope"},
    ])
    def test_unknown_groups_are_refused(self, admin, parameters):
        failure = refused(admin, "listConfigurations", **parameters)
        assert failure.code == 431
        assert "group" in failure.text

    def test_at_a_scope_only_what_can_be_set_there(self, admin, zone):
        everything = admin("listConfigurations", pagesize=1, page=1)["count"]
        there = admin.list("listConfigurations", zoneid=zone["id"])
        assert 0 < len(there) < everything
        assert {(item["scope"]) for item in there} == {"zone"}

    def test_users_may_not_look(self, bare_cloud):
        assert refused(bare_cloud.new_account(), "listConfigurations").code == 432


class TestUpdate:
    def test_is_in_force_at_once(self, admin, restored):
        restored("default.page.size")
        for number in range(3):
            admin("createDomain", name=f"page{number}")
        assert len(admin.list("listEvents")) > 2
        admin("updateConfiguration", name="default.page.size", value="2")
        assert len(admin.list("listEvents")) == 2
        assert admin("listEvents")["count"] > 2, "the count is that of all pages"
        assert refused(admin, "listEvents", page=1, pagesize=3).text.endswith("2")
        admin("resetConfiguration", name="default.page.size")
        assert len(admin.list("listEvents")) > 2

    def test_the_name_counts_in_any_case(self, admin, restored):
        restored("expunge.delay")
        shown = admin("updateConfiguration", name="Expunge.DELAY", value=" 77 ")["configuration"]
        assert (shown["name"], shown["value"]) == ("expunge.delay", "77")
        assert value(admin, "expunge.delay") == "77"

    @pytest.mark.parametrize(("name", "wrong", "fault"), [
        ("expunge.delay", "abc", "whole number"), ("expunge.delay", "1.5", "whole number"),
        ("expunge.delay", "99999999999999999999", "32 bits"), ("expunge.delay", "", "empty value"),
        ("enable.dynamic.scale.vm", "yes", "neither true nor false"),
        ("cpu.overprovisioning.factor", "0", "greater than 0"),
        ("cluster.cpu.allocated.capacity.disablethreshold", "1.5", "between 0 and 1"),
        ("vm.allocation.algorithm", "best", "firstfit"),
    ])
    def test_what_a_setting_cannot_be_is_refused_by_name(self, admin, name, wrong, fault):
        before = value(admin, name)
        failure = refused(admin, "updateConfiguration", name=name, value=wrong)
        assert failure.code == 431
        assert name in failure.text
        assert fault in failure.text
        assert value(admin, name) == before

    @pytest.mark.parametrize("name", ["no.such.setting", "dynamic.apichecker.enabled"])
    def test_what_cannot_be_changed(self, admin, name):
        assert refused(admin, "updateConfiguration", name=name, value="false").code == 431

    def test_a_missing_name(self, admin):
        assert "missing parameter name" in refused(admin, "updateConfiguration", value="1").text

    def test_leaves_an_event_with_the_new_value(self, admin, restored):
        restored("expunge.delay")
        admin("updateConfiguration", name="expunge.delay", value="12345")
        event = admin.list("listEvents", type="CONFIGURATION.VALUE.EDIT")[0]
        assert "expunge.delay" in event["description"]
        assert "12345" in event["description"]

    def test_a_secret_is_neither_shown_nor_told(self, bare_cloud, admin, restored, monkeypatch):
        """No setting of ours is a secret so far: one is made one."""
        name = "expunge.interval"
        monkeypatch.setitem(REGISTRY[name].__dict__, "secret", True)
        monkeypatch.setitem(REGISTRY[name].__dict__, "type", ValueType.STRING)
        restored(name)
        answer = admin("updateConfiguration", name=name, value="swordfish")
        assert "value" not in answer["configuration"]
        assert "value" not in admin.one("listConfigurations", name=name)
        events = admin.list("listEvents", type="CONFIGURATION.VALUE.EDIT")
        assert name in events[0]["description"]
        assert all("swordfish" not in str(event) for event in events)
        assert admin("listConfigurations", keyword="swordfish") == {}
        assert bare_cloud.installation.settings.get(name) == "swordfish"


class TestScopes:
    NAME = "cpu.overprovisioning.factor"

    def test_a_zones_value_is_its_own_until_it_is_taken_back(self, admin, zone, restored):
        zoned = "network.throttling.rate"
        shown = admin("updateConfiguration", name=zoned, value="77", zoneid=zone["id"])["configuration"]
        assert (shown["value"], shown["scope"]) == ("77", "zone")
        assert value(admin, zoned, zoneid=zone["id"]) == "77"
        assert value(admin, zoned) == "200"
        restored(zoned)
        admin("updateConfiguration", name=zoned, value="300")
        assert value(admin, zoned, zoneid=zone["id"]) == "77"
        back = admin("resetConfiguration", name=zoned, zoneid=zone["id"])["configuration"]
        assert back["value"] == "300", "the wider scope's"
        assert value(admin, zoned, zoneid=zone["id"]) == "300"

    def test_an_accounts_value_goes_before_its_domains(self, bare_cloud, admin, restored):
        restored("enable.account.settings.for.domain")
        name = "allow.user.view.destroyed.vm"
        user = bare_cloud.new_account(domain=bare_cloud.new_domain())
        assert user("listCapabilities")["capability"]["allowuserviewdestroyedvm"] is False
        failure = refused(admin, "updateConfiguration", name=name, value="true", domainid=user.domain_id)
        assert "per domain" in failure.text
        admin("updateConfiguration", name="enable.account.settings.for.domain", value="true")
        admin("updateConfiguration", name=name, value="true", domainid=user.domain_id)
        assert user("listCapabilities")["capability"]["allowuserviewdestroyedvm"] is True
        admin("updateConfiguration", name=name, value="false", accountid=user.account_id)
        assert user("listCapabilities")["capability"]["allowuserviewdestroyedvm"] is False
        admin("resetConfiguration", name=name, accountid=user.account_id)
        assert user("listCapabilities")["capability"]["allowuserviewdestroyedvm"] is True

    def test_a_domains_value_counts_below_it_where_a_setting_says_so(self, bare_cloud, admin, restored):
        for name in ("enable.account.settings.for.domain", "enable.domain.settings.for.child.domain"):
            restored(name)
        admin("updateConfiguration", name="enable.account.settings.for.domain", value="true")
        parent = bare_cloud.new_domain()
        user = bare_cloud.new_account(domain=bare_cloud.new_domain(parent=parent))
        admin("updateConfiguration", name="allow.user.view.destroyed.vm", value="true", domainid=parent)
        assert user("listCapabilities")["capability"]["allowuserviewdestroyedvm"] is False
        admin("updateConfiguration", name="enable.domain.settings.for.child.domain", value="true")
        assert user("listCapabilities")["capability"]["allowuserviewdestroyedvm"] is True

    def test_a_setting_without_values_at_a_scope(self, admin, zone):
        failure = refused(admin, "updateConfiguration", name="expunge.delay", value="1", zoneid=zone["id"])
        assert failure.code == 431
        assert "expunge.delay" in failure.text

    def test_two_places_at_once(self, bare_cloud, admin, zone):
        domain = bare_cloud.new_domain()
        for command in ("updateConfiguration", "resetConfiguration", "listConfigurations"):
            failure = refused(admin, command, name=self.NAME, value="2", zoneid=zone["id"], domainid=domain)
            assert "multiple IDs" in failure.text

    def test_another_process_sees_it_soon(self, bare_cloud, admin, restored, monkeypatch):
        """Its memory of the values is no older than FRESHNESS."""
        from cloudapi.services.configuration import setting as module

        restored("expunge.delay")
        other = module.Settings()
        assert other.get("expunge.delay") == 86400
        admin("updateConfiguration", name="expunge.delay", value="5")
        assert other.get("expunge.delay") == 86400
        monkeypatch.setattr(module, "FRESHNESS", -1.0)
        assert other.get("expunge.delay") == 5


def test_a_change_that_was_rolled_back_is_not_in_force(bare_cloud, admin, monkeypatch):
    from cloudapi import events

    def broken(*arguments, **options):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(events, "completed", broken)
        assert refused(admin, "updateConfiguration", name="expunge.delay", value="5").code == 530
    assert value(admin, "expunge.delay") == "86400"
    assert bare_cloud.installation.settings.get("expunge.delay") == 86400


class TestCapabilities:
    def test_say_what_the_caller_may(self, bare_cloud, admin):
        user = bare_cloud.new_account()
        mine, theirs = admin("listCapabilities")["capability"], user("listCapabilities")["capability"]
        assert mine["cloudstackversion"] == theirs["cloudstackversion"] == "4.23.0.0"
        assert (mine["allowuserviewdestroyedvm"], theirs["allowuserviewdestroyedvm"]) == (True, False)
        assert mine["dynamicrolesenabled"] is True

    def test_follow_the_settings(self, admin, restored):
        restored("allow.user.create.projects")
        assert admin("listCapabilities")["capability"]["allowusercreateprojects"] is True
        admin("updateConfiguration", name="allow.user.create.projects", value="false")
        assert admin("listCapabilities")["capability"]["allowusercreateprojects"] is False

    def test_the_planners_are_those_that_deployments_take(self, admin):
        names = [item["name"] for item in admin.list("listDeploymentPlanners")]
        assert {"FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner"} <= set(names)
        assert admin("listDeploymentPlanners", page=1, pagesize=1)["count"] == len(names)

    def test_of_hypervisors_are_changed_by_id_or_name(self, admin):
        found = admin.list("listHypervisorCapabilities", hypervisor="simulator")
        assert [item["hypervisor"] for item in found] == ["Simulator"]
        changed = admin("updateHypervisorCapabilities", id=found[0]["id"],
                        maxguestslimit=7)["hypervisorCapabilities"]
        assert changed["maxguestslimit"] == 7
        again = admin("updateHypervisorCapabilities", hypervisor="Simulator", maxhostspercluster=3,
                      hypervisorversion=found[0]["hypervisorversion"])["hypervisorCapabilities"]
        assert (again["maxguestslimit"], again["maxhostspercluster"]) == (7, 3)
        assert refused(admin, "updateHypervisorCapabilities", maxguestslimit=7).code == 431
        assert refused(admin, "updateHypervisorCapabilities", hypervisor="Simulator", hypervisorversion="no",
                       maxguestslimit=7).code == 431
