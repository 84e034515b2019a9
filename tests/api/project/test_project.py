"""Projects: made, joined, owned by turns, suspended, deleted."""

from __future__ import annotations

import pytest

from cloudapi.models.identity import Account, Project
from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def domain(tenants):
    return tenants.new_domain()


@pytest.fixture
def owner(tenants, domain):
    return tenants.new_account(domain=domain)


@pytest.fixture
def guest(tenants, domain):
    return tenants.new_account(domain=domain)


@pytest.fixture
def project(owner, request):
    return owner.job("createProject", name=request.node.name, displaytext="for a test")


def members(client, project):
    return {member["account"]: member["role"] for member in client.list("listProjectAccounts", projectid=project["id"])}


def test_create(tenants, owner, project):
    assert (project["state"], project["displaytext"]) == ("Active", "for a test")
    assert project["owner"] == [{"account": owner.account}]
    assert project["vmlimit"] == "20"
    assert owner.one("listAccounts")["projecttotal"] == 1
    with pytest.raises(ApiFailure, match="already exists"):
        owner("createProject", name=project["name"])
    account = Account.get_by_id(Project.get(Project.uuid == project["id"]).project_account_id)
    assert account.account_type == 5
    assert account.account_name not in {row["name"] for row in tenants.admin.list("listAccounts", listall="true")}


def test_limits_and_the_setting_hold(tenants, owner, domain):
    tenants.admin("updateResourceLimit", account=owner.account, domainid=domain, resourcetype=5, max=0)
    with pytest.raises(ApiFailure) as failure:
        owner("createProject", name="one too many")
    assert failure.value.code == 535
    assert not tenants.admin.list("listProjects", name="one too many", listall="true")
    tenants.admin("updateResourceLimit", account=owner.account, domainid=domain, resourcetype=5, max=-1)
    tenants.admin("updateConfiguration", name="allow.user.create.projects", value="false")
    try:
        with pytest.raises(ApiFailure) as failure:
            owner("createProject", name="not allowed")
        assert failure.value.code == 531
    finally:
        tenants.admin("updateConfiguration", name="allow.user.create.projects", value="true")


def test_members_see_it_and_admins_change_it(owner, guest, project):
    with pytest.raises(ApiFailure) as failure:
        guest("listProjectAccounts", projectid=project["id"])
    assert failure.value.code == 531
    assert not guest.list("listProjects", listall="true")
    owner.job("addAccountToProject", projectid=project["id"], account=guest.account)
    assert members(guest, project) == {owner.account: "Admin", guest.account: "Regular"}
    assert [row["id"] for row in guest.list("listProjects")] == [project["id"]]
    for command, parameters in (("updateProject", {"id": project["id"], "displaytext": "mine"}),
                                ("deleteProject", {"id": project["id"]}),
                                ("deleteAccountFromProject", {"projectid": project["id"], "account": owner.account})):
        with pytest.raises(ApiFailure) as failure:
            guest.job(command, **parameters)
        assert failure.value.code == 531
    owner.job("deleteAccountFromProject", projectid=project["id"], account=guest.account)
    assert not guest.list("listProjects")


def test_single_users_are_members_too(tenants, owner, guest, project):
    user = tenants.admin.one("listUsers", id=guest.user_id)
    owner.job("addUserToProject", projectid=project["id"], username=user["username"])
    (member,) = owner.list("listProjectAccounts", projectid=project["id"], userid=guest.user_id)
    assert (member["username"], member["role"]) == (user["username"], "Regular")
    assert guest.list("listProjects")
    owner.job("updateProject", id=project["id"], userid=guest.user_id, roletype="Admin")
    assert guest.job("updateProject", id=project["id"], displaytext="ours")["displaytext"] == "ours"
    owner.job("deleteUserFromProject", projectid=project["id"], userid=guest.user_id)
    assert not guest.list("listProjects")


def test_the_owner_is_swapped_and_the_counts_follow(owner, guest, project):
    owner.job("addAccountToProject", projectid=project["id"], account=guest.account)
    changed = owner.job("updateProject", id=project["id"], account=guest.account)
    assert changed["owner"] == [{"account": guest.account}]
    assert members(guest, project) == {owner.account: "Regular", guest.account: "Admin"}
    assert (owner.one("listAccounts")["projecttotal"], guest.one("listAccounts")["projecttotal"]) == (0, 1)
    with pytest.raises(ApiFailure, match="only admin"):
        guest.job("updateProject", id=project["id"], account=guest.account, roletype="Regular", swapowner="false")


def test_invitations_where_they_are_required(tenants, owner, guest, project):
    tenants.admin("updateConfiguration", name="project.invite.required", value="true")
    try:
        owner.job("addAccountToProject", projectid=project["id"], account=guest.account)
        assert members(owner, project) == {owner.account: "Admin"}
        invitation = guest.one("listProjectInvitations")
        assert (invitation["state"], invitation["projectid"]) == ("Pending", project["id"])
        with pytest.raises(ApiFailure, match="pending invitation"):
            owner.job("addAccountToProject", projectid=project["id"], account=guest.account)
        guest.job("updateProjectInvitation", projectid=project["id"], accept="false")
        assert guest.one("listProjectInvitations")["state"] == "Declined"
        owner.job("addAccountToProject", projectid=project["id"], account=guest.account)
        guest.job("updateProjectInvitation", projectid=project["id"])
        assert members(guest, project)[guest.account] == "Regular"
    finally:
        tenants.admin("updateConfiguration", name="project.invite.required", value="false")


def test_suspended_ones_take_nothing_more(owner, project):
    owner.job("suspendProject", id=project["id"])
    with pytest.raises(ApiFailure, match="Suspended") as failure:
        owner("createSSHKeyPair", name="key", projectid=project["id"])
    assert failure.value.code == 531
    assert owner.job("activateProject", id=project["id"])["state"] == "Active"
    owner("createSSHKeyPair", name="key", projectid=project["id"])


def test_delete(tenants, owner, project):
    with pytest.raises(ApiFailure, match="it manages the projects"):
        tenants.admin.job("deleteAccount", id=owner.account_id)
    owner("createSSHKeyPair", name="goes along", projectid=project["id"])
    owner.job("deleteProject", id=project["id"], cleanup="true")
    assert not owner.list("listProjects", id=project["id"])
    assert owner.one("listAccounts")["projecttotal"] == 0
    assert not tenants.admin.list("listSSHKeyPairs", name="goes along", projectid="-1", listall="true")
    tenants.admin.job("deleteAccount", id=owner.account_id)
