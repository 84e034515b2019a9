"""Accounts: made, changed, listed, shut, deleted with what they own."""

from __future__ import annotations

import pytest

from cloudapi.models.database import rows, transact
from cloudapi.models.identity import Account, Domain
from cloudapi.services.account import account as accounts
from cloudapi.services.account import cleanup, limit
from tests.support.cloud import ApiFailure

ABOUT = {"password": "A-long-password-1", "firstname": "A", "lastname": "B", "email": "a@example.org"}


@pytest.fixture(scope="module", autouse=True)
def no_recount(tenants):
    """These tests count what does not exist; the recount that runs by the clock would find that out."""
    tenants.installation.scheduler.stop()


@pytest.fixture(scope="module")
def domain(tenants):
    return tenants.new_domain()


@pytest.mark.parametrize(("kind", "role"), [(0, "User"), (1, "Admin"), (2, "DomainAdmin")])
def test_create_by_type(tenants, kind, role):
    made = tenants.admin("createAccount", username=f"kind{kind}", accounttype=kind, accountdetails={"cost": "42"},
                         networkdomain="cs.example.org", **ABOUT)["account"]
    assert (made["name"], made["roletype"], made["accounttype"]) == (f"kind{kind}", role, kind)
    assert (made["domain"], made["domainpath"], made["state"]) == ("ROOT", "ROOT", "enabled")
    assert (made["accountdetails"], made["networkdomain"]) == ({"cost": "42"}, "cs.example.org")
    assert [user["username"] for user in made["user"]] == [f"kind{kind}"]
    assert made["user"][0]["usersource"] == "native"
    assert made["vmlimit"] == ("Unlimited" if kind == 1 else "20")


@pytest.mark.parametrize(("parameters", "text"), [
    ({}, "accounttype"), ({"accounttype": 7}, "accounttype"), ({"accounttype": 3}, "private Zone"),
    ({"accounttype": 0, "networkdomain": "-x-"}, "networkdomain"), ({"accounttype": 0, "timezone": "x"}, "timezone"),
    ({"accounttype": 0, "accountid": "x"}, "accountid"), ({"accounttype": 0, "roleid": "nope"}, "roleid"),
    ({"accounttype": 0, "password": " "}, "password"), ({"accounttype": 0, "domainid": "nope"}, "domainid")])
def test_refused_and_nothing_made(tenants, parameters, text):
    before = (Account.select().count(), rows("SELECT COUNT(*) FROM cloud_user"))
    with pytest.raises(ApiFailure) as failure:
        tenants.admin("createAccount", **{"username": "refused", **ABOUT, **parameters})
    assert failure.value.code == 431
    assert text in failure.value.text
    assert ABOUT["password"] not in failure.value.text
    assert (Account.select().count(), rows("SELECT COUNT(*) FROM cloud_user")) == before


def test_admins_live_in_root_and_names_are_unique(tenants, domain):
    with pytest.raises(ApiFailure, match="ROOT domain"):
        tenants.admin("createAccount", username="far", accounttype=1, domainid=domain, **ABOUT)
    tenants.admin("createAccount", username="one", account="twice", accounttype=0, domainid=domain, **ABOUT)
    with pytest.raises(ApiFailure, match="already exists"):
        tenants.admin("createAccount", username="two", account="twice", accounttype=0, domainid=domain, **ABOUT)
    with pytest.raises(ApiFailure, match="already exists"):
        tenants.admin("createAccount", username="one", account="another", accounttype=0, domainid=domain, **ABOUT)
    assert not tenants.admin.list("listAccounts", name="another", listall="true")


def test_update(tenants, domain):
    client = tenants.new_account(domain=domain)
    changed = tenants.admin("updateAccount", account=client.account, domainid=domain, newname="renamed",
                            networkdomain="a.example.org", accountdetails={"k": "v"})["account"]
    assert (changed["name"], changed["networkdomain"], changed["accountdetails"]) == (
        "renamed", "a.example.org", {"k": "v"})
    assert "networkdomain" not in tenants.admin("updateAccount", id=client.account_id, networkdomain="")["account"]
    for parameters, text in (({"newname": ""}, "newname"), ({"networkdomain": "x_y"}, "networkdomain"),
                             ({"apikeyaccess": "x"}, "apikeyaccess")):
        with pytest.raises(ApiFailure, match=text) as failure:
            tenants.admin("updateAccount", id=client.account_id, **parameters)
        assert failure.value.code == 431
    role = tenants.admin.one("listRoles", name="Domain Admin")
    assert tenants.admin("updateAccount", id=client.account_id, roleid=role["id"])["account"]["accounttype"] == 2


def test_disable_lock_enable(tenants, domain):
    client = tenants.new_account(domain=domain)
    assert tenants.admin.job("disableAccount", id=client.account_id, lock="true")["state"] == "locked"
    assert client.send("listUsers").status_code == 401
    assert tenants.admin("enableAccount", id=client.account_id)["account"]["state"] == "enabled"
    assert client.send("listUsers").status_code == 200
    disabled = tenants.admin.job("disableAccount", account=client.account, domainid=domain, lock="false")
    assert disabled["state"] == "disabled"
    with pytest.raises(ApiFailure, match="disabled"):
        tenants.admin("lockAccount", account=client.account, domainid=domain)


def test_delete_runs_the_cleanups_and_frees_the_name(tenants, domain, monkeypatch):
    removed = []
    monkeypatch.setitem(cleanup._removals, "probe", (5, lambda context, account: removed.append(account.uuid)))
    client = tenants.new_account("to-go", domain=domain)
    tenants.admin.job("deleteAccount", id=client.account_id)
    assert removed == [client.account_id]
    assert client.send("listUsers").status_code == 401
    with pytest.raises(ApiFailure) as failure:
        tenants.admin("listAccounts", id=client.account_id)
    assert failure.value.code == 431
    tenants.new_account("to-go", domain=domain)


def test_what_cannot_be_removed_is_tried_again(tenants, domain, monkeypatch):
    stuck = [True]

    def removal(context, account):
        if stuck[0]:
            raise RuntimeError("the storage is away")

    monkeypatch.setitem(cleanup._removals, "probe", (5, removal))
    client = tenants.new_account(domain=domain)
    tenants.admin.job("deleteAccount", id=client.account_id)
    account = Account.get(Account.uuid == client.account_id)
    assert account.removed is not None
    assert account.cleanup_needed
    stuck[0] = False
    accounts.clean_up(tenants.installation.context())
    assert not Account.get_by_id(account.id).cleanup_needed


def test_own_default_and_foreign_accounts_stay(tenants, domain):
    own = tenants.admin.one("listAccounts")
    with pytest.raises(ApiFailure, match="own account"):
        tenants.admin.job("deleteAccount", id=own["id"])
    admin, other = tenants.new_account(role="DomainAdmin", domain=domain), tenants.new_account()
    with pytest.raises(ApiFailure) as failure:
        admin("deleteAccount", id=other.account_id)
    assert failure.value.code == 531
    assert "does not have permission to operate with resource" in failure.value.text


@pytest.fixture(scope="module")
def tree(tenants):
    above = tenants.new_domain()
    below = tenants.new_domain(parent=above)
    return {"above": above, "below": below, "admin": tenants.new_account(role="DomainAdmin", domain=above),
            "user": tenants.new_account(domain=above), "child": tenants.new_account(domain=below)}


class TestLists:
    @staticmethod
    def names(client, **parameters):
        return {account["name"] for account in client.list("listAccounts", **parameters)}

    def test_root(self, tenants, tree):
        everybody = {row.account_name for row in Account.alive(Account.account_type != 5, Account.id != 1)}
        assert self.names(tenants.admin) == {"admin"}
        assert self.names(tenants.admin, listall="true") == everybody
        assert self.names(tenants.admin, domainid=tree["below"]) == {tree["child"].account}
        assert self.names(tenants.admin, domainid=tree["above"], isrecursive="true") == {
            tree["admin"].account, tree["user"].account, tree["child"].account}
        assert self.names(tenants.admin, domainid=tree["above"], accounttype=2) == {tree["admin"].account}
        assert self.names(tenants.admin, domainid=tree["above"], keyword=tree["user"].account) == {tree["user"].account}
        assert self.names(tenants.admin, domainid=tree["above"], state="disabled") == set()

    def test_domain_admin_and_user(self, tree):
        admin, user, child = tree["admin"], tree["user"], tree["child"]
        assert self.names(admin) == {admin.account}
        assert self.names(admin, listall="true") == {admin.account, user.account, child.account}
        assert self.names(user, listall="true") == {user.account}
        for client, parameters in ((user, {"id": admin.account_id}), (user, {"domainid": tree["below"]}),
                                   (child, {"domainid": tree["above"]})):
            with pytest.raises(ApiFailure) as failure:
                client("listAccounts", **parameters)
            assert failure.value.code == 531

    def test_system_account_is_hidden(self, tenants):
        system = Account.get_by_id(1)
        with pytest.raises(ApiFailure):
            tenants.admin("listAccounts", id=system.uuid)

    def test_details_min_leaves_the_limits_out(self, tenants):
        shown = tenants.admin.one("listAccounts", details="min")
        assert "vmlimit" not in shown
        assert "user" in shown
        assert "vmlimit" in tenants.admin.one("listAccounts", details="resource")

    def test_a_page_takes_the_same_statements_whatever_its_size(self, tenants, tree, count_statements):
        few = count_statements(lambda: tenants.admin("listAccounts", domainid=tree["below"]))
        for _ in range(5):
            tenants.new_account(domain=tree["below"])
        many = count_statements(lambda: tenants.admin("listAccounts", domainid=tree["below"]))
        assert len(tenants.admin.list("listAccounts", domainid=tree["below"])) == 6
        assert many <= few


def test_domain_admin_makes_accounts_in_the_subtree_alone(tenants, domain):
    admin = tenants.new_account(role="DomainAdmin", domain=domain)
    below = tenants.new_domain(parent=domain)
    made = admin("createAccount", username="below", accounttype=0, domainid=below, **ABOUT)["account"]
    assert made["domainid"] == below
    for parameters in ({"domainid": tenants.new_domain()}, {}, {"accounttype": 1, "domainid": domain}):
        with pytest.raises(ApiFailure) as failure:
            admin("createAccount", **{"username": "beyond", "accounttype": 0, **ABOUT, **parameters})
        assert failure.value.code in (431, 531)
    assert not tenants.admin.list("listAccounts", name="beyond", listall="true")


def test_counts_of_a_deleted_account_leave_its_domains(tenants):
    client = tenants.new_account(domain=tenants.new_domain())
    account = Account.get(Account.uuid == client.account_id)
    context = tenants.installation.context()
    transact(lambda: limit.take(context, account, "snapshot", 3))
    above = Domain.get_by_id(account.domain_id)
    assert tenants.admin.one("listDomains", id=above.uuid)["snapshottotal"] == 3
    tenants.admin.job("deleteAccount", id=client.account_id)
    assert tenants.admin.one("listDomains", id=above.uuid)["snapshottotal"] == 0
