"""API keys: made, shown to whom they concern, narrowed by rules and time, removed."""

from __future__ import annotations

import datetime

import pytest

from cloudapi.models.common import AsyncJob
from cloudapi.models.identity import ApiKeyPair
from tests.support.cloud import ApiFailure, Client


@pytest.fixture(scope="module")
def tree(tenants):
    """Two sibling domains and a child of the first, each with an admin and two user accounts."""
    first, second = tenants.new_domain("first"), tenants.new_domain("second")
    child = tenants.new_domain("child", first)
    places = {"first": first, "second": second, "child": child}
    return {name: {"admin": tenants.new_account(role="DomainAdmin", domain=domain),
                   "user": tenants.new_account(domain=domain), "other": tenants.new_account(domain=domain)}
            for name, domain in places.items()}


@pytest.mark.parametrize(("caller", "allowed"), [
    (("first", "user"), {("first", "user")}),
    (("first", "admin"), {("first", who) for who in ("admin", "user", "other")}
     | {("child", who) for who in ("admin", "user", "other")}),
    (("child", "admin"), {("child", who) for who in ("admin", "user", "other")}),
    (("second", "admin"), {("second", who) for who in ("admin", "user", "other")}),
])
def test_who_reads_whose_keys(tree, caller, allowed):
    client = tree[caller[0]][caller[1]]
    seen = set()
    for place, accounts in tree.items():
        for who, account in accounts.items():
            try:
                keys = client("getUserKeys", id=account.user_id)["userkeys"]
            except ApiFailure as failure:
                assert failure.code == 531
            else:
                assert keys["apikey"] == account.apikey
                assert keys["secretkey"] == account.secretkey
                seen.add((place, who))
    assert seen == allowed


def test_nobody_reads_root_admins_keys(tenants, tree):
    root = tenants.admin.one("listUsers", username="admin")
    for client in (tree["first"]["admin"], tree["first"]["user"]):
        with pytest.raises(ApiFailure) as failure:
            client("getUserKeys", id=root["id"])
        assert failure.value.code == 531


def test_a_user_without_keys_has_none_to_show(tenants, tree):
    account = tree["second"]["user"]
    made = tenants.admin("createUser", account=account.account, domainid=account.domain_id, username="keyless",
                         password="A-long-password-1", firstname="K", lastname="L", email="k@example.org")["user"]
    assert "apikey" not in tenants.admin("getUserKeys", id=made["id"])["userkeys"]
    assert "apikey" not in tenants.admin.one("listUsers", id=made["id"])


def test_secret_key_is_sealed_in_the_job_and_in_the_table(tenants, tree):
    pair = tree["second"]["user"].job("registerUserKeys", id=tree["second"]["user"].user_id, name="laptop")
    assert len(pair["secretkey"]) > 80
    row = ApiKeyPair.get(ApiKeyPair.uuid == pair["id"])
    job = AsyncJob.select().where(AsyncJob.command == "registerUserKeys").order_by(AsyncJob.id.desc()).first()
    assert pair["secretkey"] not in row.secret_key
    assert pair["secretkey"] not in job.result
    assert Client(tenants, pair["apikey"], pair["secretkey"])("listUsers")["user"][0]["id"] == pair["userid"]


def test_rules_narrow_what_a_key_allows(tenants, tree):
    account = tree["second"]["other"]
    pair = account.job("registerUserKeys", id=account.user_id, rules=[
        {"rule": "listUsers", "permission": "deny"}, {"rule": "listApi*", "permission": "allow", "description": "read"},
        {"rule": "*", "permission": "deny"}])
    client = Client(tenants, pair["apikey"], pair["secretkey"])
    assert client.list("listApis")
    for command in ("listUsers", "listAccounts"):
        with pytest.raises(ApiFailure) as failure:
            client(command, id=account.user_id)
        assert failure.value.code == 432
    names = {api["name"] for api in client.list("listApis")}
    assert names == {"listApis"}
    rules = tenants.admin.list("listUserKeyRules", keypairid=pair["id"])
    assert [(rule["rule"], rule["permission"]) for rule in rules] == [
        ("listUsers", "deny"), ("listApi*", "allow"), ("*", "deny")]
    shown = account.one("listUserKeys", keypairid=pair["id"], showpermissions="true")
    assert shown["permissions"] == rules


def test_a_key_has_no_more_than_its_role(tree):
    account = tree["second"]["user"]
    with pytest.raises(ApiFailure) as failure:
        account.job("registerUserKeys", id=account.user_id, rules=[{"rule": "*", "permission": "allow"}])
    assert failure.value.code == 431
    assert "rules" in failure.value.text


def date(**ahead):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**ahead)).strftime("%Y-%m-%d %H:%M:%S")


def test_a_key_works_within_its_time(tenants, tree):
    account = tree["second"]["user"]
    with pytest.raises(ApiFailure, match="enddate"):
        account.job("registerUserKeys", id=account.user_id, enddate=date(days=-1))
    with pytest.raises(ApiFailure, match="enddate"):
        account.job("registerUserKeys", id=account.user_id, startdate=date(days=3), enddate=date(days=2))
    later = account.job("registerUserKeys", id=account.user_id, startdate=date(days=1), enddate=date(days=2))
    assert later["state"] == "pending"
    assert Client(tenants, later["apikey"], later["secretkey"]).send("listUsers").status_code == 401


def test_deleted_and_forbidden_keys_are_refused(tenants, tree):
    account = tree["child"]["user"]
    pair = account.job("registerUserKeys", id=account.user_id)
    client = Client(tenants, pair["apikey"], pair["secretkey"])
    tenants.admin("updateUser", id=account.user_id, apikeyaccess="Disabled")
    assert client.send("listUsers").status_code == 401
    tenants.admin("updateUser", id=account.user_id, apikeyaccess="Inherit")
    tenants.admin("updateAccount", id=account.account_id, apikeyaccess="disabled")
    assert client.send("listUsers").status_code == 401
    tenants.admin("updateAccount", id=account.account_id, apikeyaccess="inherit")
    assert client.send("listUsers").status_code == 200
    tenants.admin.job("deleteUserKeys", keypairid=pair["id"])
    assert client.send("listUsers").status_code == 401
    assert account.send("listUsers").status_code == 200  # the older pair goes on
    assert tenants.admin("getUser", userapikey=account.apikey)["user"]["id"] == account.user_id
