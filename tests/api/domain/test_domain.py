"""The domain tree: made, renamed, moved, listed, deleted."""

from __future__ import annotations

import pytest

from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Domain, ResourceCount
from cloudapi.services.account import cleanup, limit
from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module", autouse=True)
def no_recount(tenants):
    """These tests count what does not exist; the recount that runs by the clock would find that out."""
    tenants.installation.scheduler.stop()


def test_level_path_and_children(tenants):
    top = tenants.admin("createDomain", name="Top", networkdomain="top.example.org")["domain"]
    assert (top["level"], top["path"], top["parentdomainname"], top["haschild"]) == (1, "ROOT/Top", "ROOT", False)
    assert (top["state"], top["networkdomain"]) == ("Active", "top.example.org")
    below = tenants.admin("createDomain", name="Below", parentdomainid=top["id"])["domain"]
    assert (below["level"], below["path"], below["parentdomainid"]) == (2, "ROOT/Top/Below", top["id"])
    assert tenants.admin.one("listDomains", id=top["id"])["haschild"] is True
    renamed = tenants.admin("updateDomain", id=top["id"], name="Tip", networkdomain="")["domain"]
    assert renamed["path"] == "ROOT/Tip"
    assert "networkdomain" not in renamed
    assert tenants.admin.one("listDomains", id=below["id"])["path"] == "ROOT/Tip/Below"


@pytest.mark.parametrize(("parameters", "text"), [
    ({"name": "a/b"}, "name"), ({"name": "known"}, "already exists"), ({"name": "KNOWN"}, "already exists"),
    ({"name": "x", "networkdomain": "a..b"}, "networkdomain"), ({"name": "x", "domainid": "no uuid"}, "domainid"),
    ({"name": "x", "parentdomainid": "nope"}, "parentdomainid"), ({"name": "  "}, "name")])
def test_refused(tenants, parameters, text):
    if not tenants.admin.list("listDomains", name="known"):
        tenants.admin("createDomain", name="known")
    before = Domain.select().count()
    with pytest.raises(ApiFailure, match=text) as failure:
        tenants.admin("createDomain", **parameters)
    assert failure.value.code == 431
    assert Domain.select().count() == before


@pytest.fixture(scope="module")
def tree(tenants):
    above = tenants.new_domain("above")
    below = tenants.new_domain("beneath", above)
    deep = tenants.new_domain("deep", below)
    # `_` and `%` are letters of names, not patterns.
    tricky, alike = tenants.new_domain("a_c"), tenants.new_domain("abc")
    return {"above": above, "below": below, "deep": deep, "tricky": tricky, "alike": alike,
            "admin": tenants.new_account(role="DomainAdmin", domain=above),
            "wild": tenants.new_account(role="DomainAdmin", domain=tricky),
            "user": tenants.new_account(domain=above)}


class TestLists:
    @staticmethod
    def ids(client, command="listDomains", **parameters):
        return {domain["id"] for domain in client.list(command, **parameters)}

    def test_scopes(self, tenants, tree):
        admin = tree["admin"]
        assert self.ids(admin) == {tree["above"]}
        assert self.ids(admin, listall="true") == {tree["above"], tree["below"], tree["deep"]}
        assert self.ids(tree["wild"], listall="true") == {tree["tricky"]}
        assert tenants.admin.list("listDomains")[0]["name"] == "ROOT"
        assert len(self.ids(tenants.admin, level=0)) == 1
        with pytest.raises(ApiFailure) as failure:
            tree["user"]("listDomains")
        assert failure.value.code == 432
        with pytest.raises(ApiFailure) as failure:
            admin("listDomains", id=tree["alike"])
        assert failure.value.code == 531

    def test_names_are_exact_and_ids_exist(self, tenants, tree):
        assert self.ids(tenants.admin, name="beneath") == {tree["below"]}
        assert self.ids(tenants.admin, name="beneat") == set()
        assert self.ids(tenants.admin, keyword="beneat") == {tree["below"]}
        with pytest.raises(ApiFailure) as failure:
            tenants.admin("listDomains", id="-1")
        assert failure.value.code == 431

    def test_children(self, tenants, tree):
        assert self.ids(tenants.admin, "listDomainChildren", id=tree["above"]) == {tree["below"]}
        assert self.ids(tenants.admin, "listDomainChildren", id=tree["above"], isrecursive="true") == {
            tree["below"], tree["deep"]}
        assert self.ids(tree["wild"], "listDomainChildren") == set()
        with pytest.raises(ApiFailure):
            tree["wild"]("listDomainChildren", id=tree["above"])

    def test_other_domains_are_closed(self, tenants, tree):
        for command, parameters in (("createDomain", {"name": "x", "parentdomainid": tree["alike"]}),
                                    ("deleteDomain", {"id": tree["alike"]})):
            with pytest.raises(ApiFailure) as failure:
                tree["wild"](command, **parameters)
            assert failure.value.code == 531


class TestMove:
    def test_with_all_below_and_what_it_counts(self, tenants):
        old, new = tenants.new_domain("old"), tenants.new_domain("new")
        moving = tenants.new_domain("moving", old)
        below = tenants.new_domain("belowmoving", moving)
        client = tenants.new_account(domain=below)
        account = Account.get(Account.uuid == client.account_id)
        transact(lambda: limit.take(tenants.installation.context(), account, "volume", 4))
        moved = tenants.admin("moveDomain", domainid=moving, parentdomainid=new)["domain"]
        assert (moved["path"], moved["parentdomainid"], moved["level"]) == ("ROOT/new/moving", new, 2)
        assert tenants.admin.one("listDomains", id=below)["path"] == "ROOT/new/moving/belowmoving"
        totals = {name: tenants.admin.one("listDomains", id=domain)["volumetotal"]
                  for name, domain in (("old", old), ("new", new), ("moving", moving))}
        assert totals == {"old": 0, "new": 4, "moving": 4}
        assert tenants.admin.one("listDomains", id=old)["haschild"] is False

    def test_refused(self, tenants):
        above, other = tenants.new_domain(), tenants.new_domain()
        below = tenants.new_domain(parent=above)
        root = tenants.admin.one("listDomains", level=0)["id"]
        for domain, parent, text in ((root, above, "ROOT"), (above, above, "same"), (below, above, "equal to the new"),
                                     (above, below, "children")):
            with pytest.raises(ApiFailure, match=text) as failure:
                tenants.admin("moveDomain", domainid=domain, parentdomainid=parent)
            assert failure.value.code == 431
        client = tenants.new_account(domain=below)
        account = Account.get(Account.uuid == client.account_id)
        transact(lambda: limit.take(tenants.installation.context(), account, "volume", 4))
        tenants.admin("updateResourceLimit", domainid=other, resourcetype=2, max=3)
        with pytest.raises(ApiFailure, match="limit"):
            tenants.admin("moveDomain", domainid=below, parentdomainid=other)
        assert tenants.admin.one("listDomains", id=below)["parentdomainid"] == above
        assert tenants.admin.one("listDomains", id=above)["volumetotal"] == 4


class TestDelete:
    def test_an_empty_one(self, tenants):
        domain = tenants.new_domain()
        tenants.admin.job("deleteDomain", id=domain)
        with pytest.raises(ApiFailure) as failure:
            tenants.admin("listAccounts", domainid=domain)
        assert failure.value.code == 431

    def test_what_is_not_empty_stays_as_it_was(self, tenants):
        domain = tenants.new_domain()
        client = tenants.new_account(domain=domain)
        with pytest.raises(ApiFailure, match="1 accounts"):
            tenants.admin.job("deleteDomain", id=domain)
        assert tenants.admin.one("listDomains", id=domain)["state"] == "Active"
        assert client.send("listUsers").status_code == 200

    def test_cleanup_takes_all_below(self, tenants, monkeypatch):
        seen = []
        monkeypatch.setitem(cleanup._removals, "probe", (5, lambda context, account: seen.append(account.uuid)))
        domain = tenants.new_domain()
        below = tenants.new_domain(parent=domain)
        clients = [tenants.new_account(domain=place) for place in (domain, below)]
        tenants.admin.job("deleteDomain", id=domain, cleanup="true")
        assert sorted(seen) == sorted(client.account_id for client in clients)
        assert all(client.send("listUsers").status_code == 401 for client in clients)
        gone = [row.id for row in Domain.select().where(Domain.uuid.in_([domain, below]))]
        assert not Domain.alive(Domain.id.in_(gone)).exists()
        assert not ResourceCount.select().where(ResourceCount.owner_type == "Domain",
                                                ResourceCount.owner_id.in_(gone)).exists()

    def test_what_cannot_be_removed_keeps_the_domain(self, tenants, monkeypatch):
        def refuse(context, domain):
            raise RuntimeError("the switch is away")

        monkeypatch.setitem(cleanup._domain_removals, "probe", (5, refuse))
        monkeypatch.setitem(cleanup._domain_counts, "probe", lambda domain: 0)
        domain = tenants.new_domain()
        with pytest.raises(ApiFailure, match="probe"):
            tenants.admin.job("deleteDomain", id=domain, cleanup="true")
        assert tenants.admin.one("listDomains", id=domain)["state"] == "Active"

    def test_root_and_the_callers_own_stay(self, tenants):
        root = tenants.admin.one("listDomains", level=0)
        with pytest.raises(ApiFailure, match="ROOT"):
            tenants.admin.job("deleteDomain", id=root["id"])
        admin = tenants.new_account(role="DomainAdmin", domain=tenants.new_domain())
        with pytest.raises(ApiFailure, match="own account"):
            admin.job("deleteDomain", id=admin.domain_id, cleanup="true")


def test_nothing_is_made_in_a_domain_that_is_being_deleted(tenants):
    domain = tenants.new_domain()
    account = tenants.new_account(domain=domain)
    user = {"username": "late", "password": "A-long-password-1", "firstname": "F", "lastname": "L",
            "email": "e@example.org"}
    Domain.update(state="Inactive").where(Domain.uuid == domain).execute()
    try:
        for command, parameters in (
                ("createDomain", {"name": "late", "parentdomainid": domain}),
                ("createAccount", {**user, "accounttype": 0, "domainid": domain}),
                ("createUser", {**user, "account": account.account, "domainid": domain})):
            with pytest.raises(ApiFailure, match="is being deleted") as refused:
                tenants.admin(command, **parameters)
            assert refused.value.code == 530
    finally:
        Domain.update(state="Active").where(Domain.uuid == domain).execute()
