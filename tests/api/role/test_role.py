"""Roles: default ones are fixed, others are made, copied, ordered and taken away."""

from __future__ import annotations

import pytest

from tests.support.cloud import ApiFailure, Client

RULES = [("listApis", "allow"), ("listAccounts", "allow"), ("listClusters", "deny"), ("*VM*", "allow"),
         ("*Host*", "deny"), ("queryAsync*", "allow")]


@pytest.fixture
def role(tenants, request):
    """A role of users with the rules above."""
    made = tenants.admin("createRole", name=request.node.name, type="User", description="for a test")["role"]
    for rule, permission in RULES:
        tenants.admin("createRolePermission", roleid=made["id"], rule=rule, permission=permission)
    return made


def rules(tenants, role):
    return [(rule["rule"], rule["permission"]) for rule in tenants.admin.list("listRolePermissions", roleid=role["id"])]


def client_of(tenants, role, name):
    made = tenants.admin("createAccount", username=name, password="A-long-password-1", firstname="A", lastname="B",
                         email="a@example.org", roleid=role["id"])["account"]
    pair = tenants.admin.job("registerUserKeys", id=made["user"][0]["id"])
    return Client(tenants, pair["apikey"], pair["secretkey"], account_id=made["id"])


@pytest.mark.parametrize(("number", "kind"), [(1, "Admin"), (2, "ResourceAdmin"), (3, "DomainAdmin"), (4, "User")])
def test_default_roles(tenants, number, kind):
    found = tenants.admin.one("listRoles", id=number)
    assert (found["type"], found["isdefault"], found["state"]) == (kind, True, "enabled")
    listed = tenants.admin.list("listRolePermissions", roleid=number)
    assert listed
    assert len({rule["id"] for rule in listed}) == len(listed)
    for command, extra in (("deleteRole", {"id": number}), ("updateRole", {"id": number, "name": "x"}),
                           ("createRolePermission", {"roleid": number, "rule": "x", "permission": "allow"})):
        with pytest.raises(ApiFailure) as failure:
            tenants.admin(command, **extra)
        assert failure.value.code == 531


def test_default_permissions_follow_the_declarations(tenants):
    listed = [(rule["rule"], rule["permission"]) for rule in tenants.admin.list("listRolePermissions", roleid=4)]
    assert listed[-1] == ("*", "deny")
    user = tenants.new_account()
    names = {api["name"] for api in user.list("listApis")}
    assert names == {rule for rule, permission in listed if permission == "allow"}


def test_rules_decide_in_their_order(tenants, role):
    client = client_of(tenants, role, "ruled")
    assert client("listAccounts")["account"][0]["id"] == client.account_id
    for command in ("listHosts", "listZones", "listClusters", "listUsers"):
        with pytest.raises(ApiFailure) as failure:
            client(command)
        assert failure.value.code == 432
    names = {api["name"] for api in client.list("listApis")}
    assert {"listApis", "listAccounts", "queryAsyncJobResult"} <= names
    assert "listClusters" not in names
    assert not [name for name in names if "host" in name.lower() and "vm" not in name.lower()]


def test_order_is_changed_as_a_whole(tenants, role):
    listed = tenants.admin.list("listRolePermissions", roleid=role["id"])
    turned = [rule["id"] for rule in reversed(listed)]
    tenants.admin("updateRolePermission", roleid=role["id"], ruleorder=turned)
    assert rules(tenants, role) == RULES[::-1]
    for order in (turned[1:], [*turned[1:], turned[1]]):
        with pytest.raises(ApiFailure, match="changed while"):
            tenants.admin("updateRolePermission", roleid=role["id"], ruleorder=order)
    assert rules(tenants, role) == RULES[::-1]


def test_a_new_order_takes_effect_at_once(tenants, role):
    client = client_of(tenants, role, "reordered")
    tenants.admin("createRolePermission", roleid=role["id"], rule="listZones", permission="allow")
    assert client.send("listZones").status_code == 200
    added = tenants.admin.list("listRolePermissions", roleid=role["id"])[-1]
    tenants.admin("updateRolePermission", roleid=role["id"], ruleid=added["id"], permission="deny")
    assert client.send("listZones").status_code == 432
    tenants.admin("deleteRolePermission", id=added["id"])
    tenants.admin("disableRole", id=role["id"])
    assert client.send("listAccounts").status_code == 432
    tenants.admin("enableRole", id=role["id"])
    assert client.send("listAccounts").status_code == 200


def test_refusals(tenants, role):
    cases = [
        ("createRole", {"name": role["name"], "type": "User"}, 431, "name"),
        ("createRole", {"name": "x", "type": "Emperor"}, 431, "type"),
        ("createRole", {"name": "x"}, 431, "roleid"),
        ("createRolePermission", {"roleid": role["id"], "rule": "listApis", "permission": "allow"}, 531, "exists"),
        ("createRolePermission", {"roleid": role["id"], "rule": "a b", "permission": "allow"}, 431, "invalid rule"),
        ("createRolePermission", {"roleid": role["id"], "rule": "x", "permission": "maybe"}, 431, "allow or deny"),
        ("updateRolePermission", {"roleid": role["id"]}, 431, "ruleid"),
        ("enableRole", {"id": role["id"]}, 531, "already enabled"),
        ("disableRole", {"id": 1}, 531, "root admin"),
        ("importRole", {"name": "x", "type": "User", "rules": [{"rule": "a b", "permission": "allow"}]}, 431, "rule"),
    ]
    for command, parameters, code, text in cases:
        with pytest.raises(ApiFailure) as failure:
            tenants.admin(command, **parameters)
        assert (failure.value.code, text in failure.value.text) == (code, True), (command, failure.value)
    assert not tenants.admin.list("listRoles", name="x")


def test_copies_bear_type_and_rules(tenants, role):
    copy = tenants.admin("createRole", name="copy", roleid=role["id"])["role"]
    assert copy["type"] == "User"
    assert rules(tenants, copy) == RULES
    of_default = tenants.admin("createRole", name="copy of the user role", roleid=4)["role"]
    assert rules(tenants, of_default) == rules(tenants, {"id": 4})


def test_import_and_forced_import(tenants):
    rows = [{"rule": "list*", "permission": "allow", "description": "read"}, {"rule": "*", "permission": "deny"}]
    made = tenants.admin("importRole", name="imported", type="User", rules=rows)["role"]
    assert rules(tenants, made) == [("list*", "allow"), ("*", "deny")]
    with pytest.raises(ApiFailure, match="already exists"):
        tenants.admin("importRole", name="imported", type="User", rules=rows[1:])
    again = tenants.admin("importRole", name="imported", type="User", rules=rows[1:], forced="true")["role"]
    assert again["id"] == made["id"]
    assert rules(tenants, made) == [("*", "deny")]
    with pytest.raises(ApiFailure, match="default role") as refused:
        tenants.admin("importRole", name="User", type="User", rules=rows, forced="true")
    assert refused.value.code == 530


def test_a_role_in_use_keeps_its_type_until_the_account_is_gone(tenants, role):
    client = client_of(tenants, role, "holder")
    for command, extra in (("updateRole", {"type": "DomainAdmin"}), ("deleteRole", {})):
        with pytest.raises(ApiFailure, match="in use") as failure:
            tenants.admin(command, id=role["id"], **extra)
        assert failure.value.code == 531
    tenants.admin("updateRole", id=role["id"], name="renamed")
    tenants.admin.job("deleteAccount", id=client.account_id)
    assert tenants.admin("updateRole", id=role["id"], type="DomainAdmin")["role"]["type"] == "DomainAdmin"
    tenants.admin("deleteRole", id=role["id"])
    assert not tenants.admin.list("listRoles", name="renamed")


def test_private_roles_are_for_root_admins(tenants, role):
    tenants.admin("updateRole", id=role["id"], ispublic="false")
    admin = tenants.new_account(role="DomainAdmin", domain=tenants.new_domain())
    listed = {found["name"] for found in admin.list("listRoles")}
    assert role["name"] not in listed
    assert "Root Admin" not in listed
    assert {"Domain Admin", "User"} <= listed
    with pytest.raises(ApiFailure, match="roleid"):
        admin("createAccount", username="private", password="A-long-password-1", firstname="A", lastname="B",
              email="a@example.org", roleid=role["id"], domainid=admin.domain_id)


def test_nobody_gives_more_than_they_have(tenants):
    domain = tenants.new_domain()
    admin = tenants.new_account(role="DomainAdmin", domain=domain)
    wide = tenants.admin("importRole", name="wide", type="User", rules=[{"rule": "*", "permission": "allow"}])["role"]
    about = {"password": "A-long-password-1", "firstname": "A", "lastname": "B", "email": "a@example.org",
             "domainid": domain}
    with pytest.raises(ApiFailure, match="more privileges") as failure:
        admin("createAccount", username="wide", roleid=wide["id"], **about)
    assert failure.value.code == 531
    assert admin("createAccount", username="narrow", accounttype=0, **about)["account"]["roletype"] == "User"
