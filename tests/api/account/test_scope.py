"""Whose things a list shows: by account, domain subtree and project; shown on SSH key pairs, one per owner."""

from __future__ import annotations

import pytest

from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def world(tenants):
    """Domain `a` with `a1` below it and `b` beside it; in each a user, in `a` an admin and a project with a member."""
    places = {"a": tenants.new_domain("a_")}
    places["a1"] = tenants.new_domain("a1", places["a"])
    places["b"] = tenants.new_domain("ax")
    callers = {name: tenants.new_account(domain=domain) for name, domain in places.items()}
    callers["admin"] = tenants.new_account(role="DomainAdmin", domain=places["a"])
    callers["member"] = tenants.new_account(domain=places["a"])
    callers["root"] = tenants.admin
    project = callers["a"].job("createProject", name="shared")["id"]
    callers["a"].job("addAccountToProject", projectid=project, account=callers["member"].account)
    for name, client in callers.items():
        client("createSSHKeyPair", name=name)
    callers["a"]("createSSHKeyPair", name="project", projectid=project)
    return {"callers": callers, "project": project, **places}


OWN_A = {"a", "admin", "member"}
ALL = {"a", "a1", "b", "admin", "member", "root"}


@pytest.mark.parametrize(("caller", "parameters", "seen"), [
    ("root", {}, {"root"}),
    ("root", {"listall": True}, ALL),
    ("root", {"listall": True, "projectid": "-1"}, ALL | {"project"}),
    ("root", {"projectid": "-1"}, {"project"}),
    ("root", {"domainid": "a"}, OWN_A),
    ("root", {"domainid": "a", "isrecursive": True}, OWN_A | {"a1"}),
    ("root", {"domainid": "a", "account": "a"}, {"a"}),
    ("root", {"projectid": "project"}, {"project"}),
    ("admin", {}, {"admin"}),
    ("admin", {"isrecursive": True}, {"admin"}),
    ("admin", {"listall": True}, OWN_A | {"a1"}),
    ("admin", {"domainid": "a1"}, {"a1"}),
    ("admin", {"domainid": "a1", "account": "a1"}, {"a1"}),
    ("admin", {"account": "member"}, {"member"}),
    ("admin", {"projectid": "project"}, {"project"}),
    ("admin", {"projectid": "-1"}, set()),
    ("member", {}, {"member"}),
    ("member", {"listall": True}, {"member"}),
    ("member", {"listall": True, "isrecursive": True}, {"member"}),
    ("member", {"domainid": "a", "isrecursive": True}, {"member"}),
    ("member", {"projectid": "project"}, {"project"}),
    ("member", {"projectid": "-1"}, {"project"}),
    ("member", {"projectid": "-1", "listall": True}, {"project", "member"}),
    ("b", {"listall": True}, {"b"}),
    ("b", {"projectid": "-1"}, set()),
])
def test_seen(world, caller, parameters, seen):
    client = world["callers"][caller]
    assert {key["name"] for key in client.list("listSSHKeyPairs", **sent(world, parameters))} == seen


@pytest.mark.parametrize(("caller", "parameters", "code"), [
    ("admin", {"domainid": "b"}, 531), ("admin", {"domainid": "b", "account": "b"}, 531),
    ("member", {"domainid": "b"}, 531), ("member", {"domainid": "a1"}, 531), ("member", {"account": "a"}, 531),
    ("b", {"projectid": "project"}, 531), ("root", {"projectid": "project", "account": "a"}, 431),
    ("root", {"domainid": "b", "account": "a"}, 431), ("root", {"domainid": "nowhere"}, 431),
    ("root", {"projectid": "nowhere"}, 431)])
def test_refused(world, caller, parameters, code):
    with pytest.raises(ApiFailure) as failure:
        world["callers"][caller]("listSSHKeyPairs", **sent(world, parameters))
    assert failure.value.code == code


def sent(world, parameters):
    """Return the parameters with the names of this file's world in place of IDs and account names."""
    values = dict(parameters)
    if values.get("domainid") in ("a", "a1", "b"):
        values["domainid"] = world[values["domainid"]]
    if values.get("projectid") == "project":
        values["projectid"] = world["project"]
    if "account" in values:
        values["account"] = world["callers"][values["account"]].account
    return values


@pytest.mark.parametrize(("caller", "parameters", "code"), [
    ("root", {"account": "b", "domainid": "b"}, None), ("admin", {"account": "a1", "domainid": "a1"}, None),
    ("member", {"projectid": "project"}, None), ("member", {"account": "member", "domainid": "a"}, None),
    ("admin", {"account": "b", "domainid": "b"}, 531), ("member", {"account": "a", "domainid": "a"}, 531),
    ("b", {"projectid": "project"}, 531), ("root", {"account": "a", "projectid": "project"}, 431),
    ("root", {"domainid": "b"}, 431)])
def test_for_whom_things_are_made(world, caller, parameters, code):
    client = world["callers"][caller]
    values = {"name": "made", **sent(world, parameters)}
    if code is None:
        made = client("createSSHKeyPair", **values)["keypair"]
        assert made.get("account") == values.get("account") or made["projectid"] == world["project"]
        client("deleteSSHKeyPair", **values)
        return
    with pytest.raises(ApiFailure) as failure:
        client("createSSHKeyPair", **values)
    assert failure.value.code == code


def test_a_disabled_account_gets_nothing(tenants, world):
    client = tenants.new_account(domain=world["b"])
    tenants.admin.job("disableAccount", id=client.account_id, lock="true")
    with pytest.raises(ApiFailure, match="no longer active"):
        tenants.admin("createSSHKeyPair", name="x", account=client.account, domainid=world["b"])
