"""Users: made, changed, moved, shut out, deleted."""

from __future__ import annotations

import pytest

from cloudapi.models.identity import User
from tests.support.cloud import ApiFailure

PASSWORD = "A-long-password-1"


@pytest.fixture(scope="module")
def domain(tenants):
    return tenants.new_domain()


@pytest.fixture
def account(tenants, domain):
    return tenants.new_account(domain=domain)


def add(tenants, account, username, **extra):
    return tenants.admin("createUser", account=account.account, domainid=account.domain_id, username=username,
                         password=PASSWORD, firstname="F", lastname="L", email="e@example.org", **extra)["user"]


def test_names_are_unique_in_a_domain_alone(tenants, account):
    add(tenants, account, "unique")
    with pytest.raises(ApiFailure, match="already exists in domain") as failure:
        add(tenants, account, "unique")
    assert failure.value.code == 530, "CloudStack's code of createUser; createAccount and updateUser answer 431"
    for command, parameters in (
            ("updateUser", {"id": add(tenants, account, "another")["id"], "username": "unique"}),
            ("createAccount", {"username": "unique", "password": PASSWORD, "firstname": "F", "lastname": "L",
                               "email": "e@example.org", "accounttype": 0, "domainid": account.domain_id})):
        with pytest.raises(ApiFailure, match="already exists in domain") as failure:
            tenants.admin(command, **parameters)
        assert failure.value.code == 431
    elsewhere = tenants.new_account(domain=tenants.new_domain())
    assert add(tenants, elsewhere, "unique")["username"] == "unique"


def test_passwords_are_argon2_hashes(tenants, account):
    made = add(tenants, account, "hashed")
    row = User.get(User.uuid == made["id"])
    assert row.password.startswith("$argon2id$")
    assert PASSWORD not in row.password


def test_a_given_id_is_kept(tenants, account):
    wanted = "3f2b6c1e-6f4e-4b7e-9c64-0a8f1f6f2c11"
    assert add(tenants, account, "chosen", userid=wanted)["id"] == wanted
    for other, value in (("again", wanted), ("bad", "no uuid")):
        with pytest.raises(ApiFailure, match="userid"):
            add(tenants, account, other, userid=value)
    assert not tenants.admin.list("listUsers", username="again", listall="true")


def test_users_change_their_password_by_the_present_one(account):
    for extra, text in (({}, "current password must be provided"), ({"currentpassword": "wrong"}, "incorrect")):
        with pytest.raises(ApiFailure, match=text):
            account("updateUser", id=account.user_id, password="New-password-2", **extra)
    account("updateUser", id=account.user_id, password="New-password-2", currentpassword=PASSWORD)
    account("updateUser", id=account.user_id, password="New-password-3", currentpassword="New-password-2")


def test_password_policy_of_the_domain(tenants, account):
    tenants.admin("updateConfiguration", name="password.policy.minimum.digits", value="3", domainid=account.domain_id)
    with pytest.raises(ApiFailure, match="at least 3 digits") as failure:
        add(tenants, account, "digits")
    assert PASSWORD not in failure.value.text
    tenants.admin("updateConfiguration", name="password.policy.minimum.digits", value="0", domainid=account.domain_id)
    add(tenants, account, "digits")


def test_update(tenants, account):
    changed = tenants.admin("updateUser", id=account.user_id, firstname="New", lastname="Name", email="n@example.org",
                            timezone="Europe/Berlin", username=account.account + "x")["user"]
    assert (changed["firstname"], changed["lastname"], changed["timezone"]) == ("New", "Name", "Europe/Berlin")
    for parameter, value in (("timezone", "Mars/Base"), ("username", " "), ("firstname", " "),
                             ("apikeyaccess", "perhaps")):
        with pytest.raises(ApiFailure, match=parameter) as failure:
            tenants.admin("updateUser", id=account.user_id, **{parameter: value})
        assert failure.value.code == 431
    assert tenants.admin.one("listUsers", id=account.user_id)["firstname"] == "New"


def test_move_within_a_domain(tenants, account, domain):
    user = add(tenants, account, "mover")
    target = tenants.new_account(domain=domain)
    tenants.admin("moveUser", id=user["id"], account=target.account)
    assert tenants.admin.one("listUsers", id=user["id"])["accountid"] == target.account_id
    tenants.admin("moveUser", id=user["id"], accountid=account.account_id)
    elsewhere = tenants.new_account()
    for extra in ({"accountid": elsewhere.account_id}, {"account": "nobody"}, {"accountid": "no-such-id"}):
        with pytest.raises(ApiFailure) as failure:
            tenants.admin("moveUser", id=user["id"], **extra)
        assert failure.value.code == 431
    assert tenants.admin.one("listUsers", id=user["id"])["accountid"] == account.account_id


def test_locking_the_last_user_locks_the_account_and_enabling_opens_it(tenants, account):
    assert tenants.admin("lockUser", id=account.user_id)["user"]["state"] == "locked"
    assert tenants.admin.one("listAccounts", id=account.account_id)["state"] == "locked"
    assert account.send("listUsers").status_code == 401
    tenants.admin("enableUser", id=account.user_id)
    assert tenants.admin.one("listAccounts", id=account.account_id)["state"] == "enabled"
    assert account.send("listUsers").status_code == 200


def test_delete_keeps_the_account(tenants, account):
    user = add(tenants, account, "gone")
    tenants.admin("deleteUser", id=user["id"])
    assert tenants.admin.one("listAccounts", id=account.account_id)["user"][0]["id"] == account.user_id
    assert not tenants.admin.list("listUsers", id=user["id"])
    own = tenants.admin.one("listUsers", username="admin")
    with pytest.raises(ApiFailure, match="cannot delete itself"):
        tenants.admin("deleteUser", id=own["id"])


def test_a_user_sees_itself_alone(tenants, account):
    other = add(tenants, account, "colleague")
    assert [user["id"] for user in account.list("listUsers", listall="true")] == [account.user_id]
    with pytest.raises(ApiFailure) as failure:
        account("listUsers", id=other["id"])
    assert failure.value.code == 531
