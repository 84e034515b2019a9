"""Tallies agree with what a count finds, whatever is written and however."""

from __future__ import annotations

import random

import peewee
import pytest

from cloudapi.models import tally
from cloudapi.models.base import now
from cloudapi.models.common import Event
from cloudapi.models.database import connect, database, execute, rows, transaction
from cloudapi.models.storage import Volume

pytestmark = pytest.mark.only_on("sqlite", reason="the others count")
PREDICATES = [
    ["t.removed IS NULL"],
    ["t.removed IS NULL", "t.account_id = 1"],
    ["t.removed IS NULL", "t.state NOT IN ('Destroy', 'Expunged')", "t.display = 1"],
    ["t.account_id IN (SELECT v.account_id FROM volume v WHERE v.size > 5)", "t.removed IS NULL"],
    ["t.removed IS NULL", "1 = 0"],
]


@pytest.fixture
def volumes(database_url):
    connect(database_url)
    database.create_tables([Volume, Event])
    tally.ensure(["volume", "event"])
    yield random.Random(7)
    database.close()


def write(chance):
    return Volume.create(account_id=chance.choice([1, 2, 3]), domain_id=chance.choice([1, 2]), name="v", zone=1,
                         disk_offering=1, state=chance.choice(["Ready", "Destroy"]), display=chance.random() < 0.8,
                         size=chance.randrange(10))


def agrees():
    for conditions in PREDICATES:
        told = tally.counting("volume", conditions)
        assert told is not None
        plain = f"SELECT COUNT(*) FROM volume t WHERE {' AND '.join(conditions)}"
        assert rows(told) == rows(plain), conditions


def test_it_follows_every_kind_of_write(volumes):
    made = [write(volumes) for _ in range(40)]
    agrees()
    Volume.insert_many([{"uuid": f"u{number}", "account_id": 1, "domain_id": 1, "name": "v", "zone": 1,
                         "disk_offering": 1, "created": now()} for number in range(30)]).execute()
    agrees()
    for _ in range(60):
        volume = volumes.choice(made)
        change = volumes.choice([{"state": "Expunged"}, {"state": "Ready"}, {"removed": now()}, {"removed": None},
                                 {"account_id": 2, "domain_id": 2}, {"size": 3}, {"display": False}])
        Volume.update(**change).where(Volume.id == volume.id).execute()
        agrees()
    Volume.delete().where(Volume.account_id == 1).execute()
    agrees()
    execute("UPDATE volume SET removed = 1, state = 'Expunged'")
    agrees()


def test_a_change_that_is_rolled_back_leaves_it(volumes):
    write(volumes)
    with pytest.raises(peewee.IntegrityError), transaction():
        first = write(volumes)
        Volume.create(uuid=first.uuid, account_id=1, domain_id=1, name="v", zone=1, disk_offering=1)
    agrees()
    assert rows(tally.counting("volume", ["t.removed IS NULL"])) == [(1,)]


def test_it_is_made_from_rows_that_were_there_and_anew_for_other_columns(volumes, monkeypatch):
    for _ in range(20):
        write(volumes)
    execute("DROP TABLE tally_volume")
    tally.ensure(["volume"])
    agrees()
    monkeypatch.setitem(tally.TALLIES, "volume", ("account_id", "state", "display"))
    tally.ensure(["volume"])
    agrees()
    write(volumes)
    agrees()


def test_opening_it_again_changes_nothing_but_takes_out_what_is_gone(volumes):
    write(volumes)
    Volume.update(state="Expunging").execute()
    before = rows("SELECT * FROM tally_volume WHERE n > 0")
    tally.ensure(["volume"])
    assert rows("SELECT * FROM tally_volume") == before


@pytest.mark.parametrize(("table", "conditions"), [
    ("volume", ["t.account_id = 1"]),  # removed ones are asked for as well
    ("volume", ["t.removed IS NULL", "t.name = 'x'"]),
    ("volume", ["t.removed IS NULL", "t.id IN (SELECT 1)"]),
    ("event", ["t.created > 5"]),
    ("nic", ["t.removed IS NULL"]),
])
def test_it_says_where_it_does_not_know(volumes, table, conditions):
    assert tally.counting(table, conditions) is None


def test_tables_without_marks_are_told_whole(volumes):
    assert tally.counting("event", []) is not None
    assert rows(tally.counting("event", ["t.archived = 0"])) == [(0,)]
