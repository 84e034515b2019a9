"""Resource limits: in force for accounts and all domains above, exact under many at once, counted anew on request."""

from __future__ import annotations

import concurrent.futures

import pytest

from cloudapi.errors import ResourceLimitExceeded
from cloudapi.models.database import database, transact
from cloudapi.models.identity import Account, ResourceCount
from cloudapi.services.account import limit
from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module", autouse=True)
def no_recount(tenants):
    """These tests count what does not exist; the recount that runs by the clock would find that out."""
    tenants.installation.scheduler.stop()


@pytest.fixture
def tree(tenants):
    above = tenants.new_domain()
    below = tenants.new_domain(parent=above)
    client = tenants.new_account(domain=below)
    return above, below, client, Account.get(Account.uuid == client.account_id)


def take(tenants, account, kind, amount=1, **options):
    transact(lambda: limit.take(tenants.installation.context(), account, kind, amount, **options))


def maximum(client, **parameters):
    return client.one("listResourceLimits", **parameters)["max"]


def test_defaults_are_the_settings(tenants, tree):
    _above, below, client, _ = tree
    own = {row["resourcetypename"]: row["max"] for row in client.list("listResourceLimits")}
    assert len(own) == 17
    assert (own["user_vm"], own["memory"], own["primary_storage"]) == (20, 40960, 200)
    assert maximum(tenants.admin, domainid=below, resourcetypename="user_vm") == 40
    assert {row["max"] for row in tenants.admin.list("listResourceLimits")} == {-1}
    shown = client.one("listAccounts")
    assert (shown["vmlimit"], shown["vmtotal"], shown["vmavailable"]) == ("20", 0, "20")
    assert shown["primarystoragelimit"] == "200"


def test_the_account_and_each_domain_above_are_held(tenants, tree):
    above, below, client, account = tree
    tenants.admin("updateResourceLimit", account=client.account, domainid=below, resourcetype=0, max=3)
    tenants.admin("updateResourceLimit", domainid=above, resourcetype=0, max=2)
    take(tenants, account, "user_vm", 2)
    with pytest.raises(ResourceLimitExceeded) as failure:
        take(tenants, account, "user_vm")
    assert failure.value.code == 535
    assert below in failure.value.text  # which has the limit of the domain above
    assert "'user_vm'" in failure.value.text
    assert client.one("listAccounts")["vmtotal"] == 2
    tenants.admin("updateResourceLimit", domainid=above, resourcetype=0, max=-1)
    take(tenants, account, "user_vm")
    with pytest.raises(ResourceLimitExceeded, match=client.account):
        take(tenants, account, "user_vm")
    transact(lambda: limit.give_back(account, "user_vm", 2))
    assert client.one("listAccounts")["vmavailable"] == "2"
    assert tenants.admin.one("listDomains", id=above)["vmtotal"] == 1


def test_many_at_once_never_pass_a_limit(tenants, tree):
    above, _below, _, account = tree
    tenants.admin("updateResourceLimit", domainid=above, resourcetype=1, max=7)

    def attempt(_):
        try:
            take(tenants, account, "public_ip")
        except ResourceLimitExceeded:
            return 0
        finally:
            database.close()
        return 1

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(30))) == 7
    assert tenants.admin.one("listDomains", id=above)["iptotal"] == 7


def test_storage_is_set_in_gib_and_kept_in_bytes(tenants, tree):
    _above, below, client, account = tree
    set_to = tenants.admin("updateResourceLimit", account=client.account, domainid=below, resourcetype=10,
                           max=5)["resourcelimit"]
    assert (set_to["max"], set_to["account"], set_to["resourcetypename"]) == (5, client.account, "primary_storage")
    take(tenants, account, "primary_storage", 5 << 30)
    with pytest.raises(ResourceLimitExceeded):
        take(tenants, account, "primary_storage", 1)
    assert client.one("listAccounts")["primarystoragetotal"] == 5


def test_a_count_never_falls_below_nothing(tenants, tree):
    account = tree[3]
    take(tenants, account, "volume")
    transact(lambda: limit.give_back(account, "volume", 5))
    row = ResourceCount.get(ResourceCount.owner_type == "Account", ResourceCount.owner_id == account.id,
                            ResourceCount.resource_type == "volume")
    assert row.count == 0


def test_recount_finds_the_truth(tenants, tree):
    above, below, client, account = tree
    take(tenants, account, "user_vm", 4)
    counted = tenants.admin("updateResourceCount", domainid=below, account=client.account, resourcetype=0)
    assert counted["resourcecount"][0]["resourcecount"] == 0
    assert client.one("listAccounts")["vmtotal"] == 0
    assert tenants.admin.one("listDomains", id=above)["vmtotal"] == 0
    take(tenants, account, "network", 2)
    assert len(tenants.admin("updateResourceCount", domainid=above)["resourcecount"]) == 17
    assert tenants.admin.one("listDomains", id=above)["networktotal"] == 0


def test_tagged_limits(tenants, tree):
    _above, below, client, account = tree
    tenants.admin("updateConfiguration", name="resource.limit.host.tags", value="gold,silver")
    try:
        tenants.admin("updateResourceLimit", account=client.account, domainid=below, resourcetype=0, max=1, tag="gold")
        take(tenants, account, "user_vm", tags=limit.host_tags(tenants.installation.context(), "gold,other"))
        with pytest.raises(ResourceLimitExceeded, match="tag: gold"):
            take(tenants, account, "user_vm", tags=["gold"])
        take(tenants, account, "user_vm")
        shown = {(row["tag"], row["resourcetypename"]): row for row in
                 client.one("listAccounts", tag="gold")["taggedresources"]}
        assert {tag for tag, _ in shown} == {"gold"}
        assert (shown["gold", "user_vm"]["limit"], shown["gold", "user_vm"]["total"]) == (1, 1)
        assert maximum(client, resourcetype=0, tag="gold") == 1
        with pytest.raises(ApiFailure, match="tag"):
            tenants.admin("updateResourceLimit", domainid=below, resourcetype=3, max=1, tag="gold")
    finally:
        tenants.admin("updateConfiguration", name="resource.limit.host.tags", value="")


def test_who_may_set_what(tenants, tree):
    above, below, client, _ = tree
    admin = tenants.new_account(role="DomainAdmin", domain=above)
    admin("updateResourceLimit", domainid=below, resourcetype=0, max=5)
    assert maximum(tenants.admin, domainid=below, resourcetype=0) == 5
    root = tenants.admin.one("listDomains", level=0)["id"]
    cases = [
        (admin, {"domainid": above, "max": 1}, 531),
        (admin, {"account": admin.account, "domainid": above, "max": 1}, 531),
        (admin, {"domainid": tenants.new_domain(), "max": 1}, 531), (client, {"domainid": below, "max": 1}, 432),
        (tenants.admin, {"domainid": root, "max": 1}, 531), (tenants.admin, {"domainid": below, "max": -2}, 431),
        (tenants.admin, {"domainid": below, "max": 1, "resourcetype": 99}, 431), (tenants.admin, {"max": 1}, 431),
        (tenants.admin, {"account": "admin", "domainid": root, "max": 1}, 431)]
    for caller, parameters, code in cases:
        with pytest.raises(ApiFailure) as failure:
            caller("updateResourceLimit", **{"resourcetype": 0, **parameters})
        assert failure.value.code == code, parameters
    tenants.admin("updateResourceLimit", domainid=above, resourcetype=4, max=6)
    with pytest.raises(ApiFailure, match="less than or equal to 6"):
        tenants.admin("updateResourceLimit", domainid=below, resourcetype=4, max=7)
