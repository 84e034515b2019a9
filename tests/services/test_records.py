"""Records: what peewee promises still holds of them, though they are read and written by kept SQL."""

from __future__ import annotations

import pytest

from cloudapi.models.base import now
from cloudapi.models.common import AsyncJob
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Domain, Role, User


@pytest.fixture
def records(empty_cloud):
    return empty_cloud


def test_a_loop_over_records_may_change_them(records):
    for account in Account.select():
        transact(lambda account=account: Account.update(state="locked").where(Account.id == account.id).execute())
    assert {row.state for row in Account.select()} == {"locked"}


def test_a_record_is_read_as_it_was_written(records):
    job = AsyncJob.create(user_id=2, account_id=2, domain_id=1, command="x", parameters={"a": [1, "ü"]}, locks=["L:1"])
    again = AsyncJob.get_by_id(job.id)
    assert again == job
    assert (again.parameters, again.locks, again.failure, again.status) == ({"a": [1, "ü"]}, ["L:1"], None, 0)
    assert AsyncJob.by_uuid(job.uuid).id == job.id
    assert AsyncJob.by_uuid("nobody") is None
    again.command = "y"
    assert [field.name for field in again.dirty_fields] == ["command"]
    again.save(only=again.dirty_fields)
    assert AsyncJob.get(AsyncJob.uuid == job.uuid).command == "y"


def test_booleans_and_links(records):
    user = User.get(User.username == "admin")
    assert user.is_default is True
    assert user.two_factor_enabled is False
    assert isinstance(user.account, Account)
    assert user.account is user.account
    assert user.account.role.name == "Root Admin"
    user.account = 1
    assert user.account.account_name == "system"


def test_what_does_not_exist(records):
    with pytest.raises(Account.DoesNotExist):
        Account.get_by_id(10 ** 9)
    assert Account.get_or_none(Account.account_name == "nobody") is None


def test_joins_columns_and_subqueries(records):
    joined = User.select().join(Account, on=(Account.id == User.account)).where(Account.account_name == "admin")
    assert [user.username for user in joined] == ["admin"]
    assert list(Account.select(Account.id, Account.account_name).order_by(Account.id).tuples()) == [
        (1, "system"), (2, "admin")]
    inside = Account.select(Account.id).where(Account.role.in_(Role.select(Role.id).where(Role.role_type == "Admin")))
    assert sorted(row.id for row in inside) == [1, 2]
    assert Domain.select().where(Domain.created <= now()).count() == 1
    assert User.alive(User.account == 2).exists()
