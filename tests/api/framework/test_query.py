"""List queries: pages that make up the whole list, exact counts, values that stay values."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cloudapi.api.query import Query
from cloudapi.models import tally
from cloudapi.models.common import Event
from cloudapi.models.database import connect, database, transact
from tests.support.source import ROOT

WRITE = """
import sys
from cloudapi.models.common import Event
from cloudapi.models import tally
from cloudapi.models.database import connect
connect(sys.argv[1])
Event.create(uuid="other process", event_type="A", state="", level="", description="", user_id=1, account_id=1,
             domain_id=1, created=1)
"""


def write(number, **columns):
    values = {"uuid": f"u{number}", "event_type": "A", "state": "Completed", "level": "INFO", "user_id": 1,
              "description": f"text {number}", "account_id": number % 3, "domain_id": 1, "created": number // 4}
    return Event.create(**{**values, **columns}).id


@pytest.fixture
def events(database_url):
    connect(database_url)
    database.create_tables([Event])
    tally.ensure(["event"])
    yield [write(number) for number in range(23)]
    database.close()


@pytest.mark.parametrize("order", ["t.id", "t.id DESC", "t.created", "t.created DESC", "t.level"])
@pytest.mark.parametrize("size", [1, 4, 23, 50])
def test_the_union_of_the_pages_is_the_whole_list(events, order, size):
    seen = []
    for page in range(25):
        ids, count = Query(Event, order).page(page * size, size)
        assert count == 23
        seen += ids
    assert sorted(seen) == events
    assert seen == Query(Event, order).page()[0], "in one order, whatever the size of the page"


def test_conditions_hold_for_the_page_and_for_the_count(events):
    query = Query(Event)
    query.equals("account_id", 1)
    query.where("t.created > ?", 2)
    ids, count = query.page(0, 2)
    expected = [key for number, key in enumerate(events) if number % 3 == 1 and number // 4 > 2]
    assert (ids, count) == (expected[:2], len(expected))
    query.nothing()
    assert query.page(0, 2) == ([], 0)


def test_membership(events):
    query = Query(Event)
    query.among("account_id", [0, 2])
    assert query.count() == len([number for number in range(23) if number % 3 != 1])
    query.among("account_id", [])
    assert query.count() == 0


def test_null_is_found_as_null(events):
    key = write(100, start_id=5)
    with_start, without = Query(Event), Query(Event)
    with_start.equals("start_id", 5)
    without.equals("start_id", None)
    assert with_start.page() == ([key], 1)
    assert without.count() == 23


@pytest.mark.parametrize("text", ["100%", "a_b", "x!y", "it's", 'say "so"', "back\\slash", "?", "%s"])
def test_a_search_takes_every_character_for_itself(events, text):
    key = write(100, description=f"before {text} after")
    write(101, description="before 100x aXb x!!y after")
    query = Query(Event)
    query.search(("event_type", "description"), text)
    assert query.page() == ([key], 1)


@pytest.mark.parametrize("text", ["ÄRZTE", "ärzte", "Ärzte"])
def test_the_case_of_letters_beyond_ascii(events, text):
    key = write(100, description="die Ärzte")
    query = Query(Event)
    query.search(("event_type", "description"), text)
    assert query.page() == ([key], 1)


def test_a_search_is_in_any_case_and_in_any_of_the_columns(events):
    query = Query(Event)
    query.search(("event_type", "description"), "TEXT 2")
    assert query.count() == 4, "2, 20, 21, 22"


def test_the_count_follows_every_write(events, database_url):
    query = Query(Event)
    assert query.page(0, 1)[1] == query.page(0, 1)[1] == 23
    write(23)
    assert query.page(0, 1)[1] == 24, "of this connection"
    Event.delete().where(Event.uuid == "u0").execute()
    assert query.page(0, 1)[1] == 23
    subprocess.run([sys.executable, "-c", WRITE, database_url], cwd=ROOT, check=True)
    assert query.page(0, 1)[1] == 24, "of another process"


def test_a_count_within_a_transaction_that_fails_is_forgotten(events):
    query = Query(Event)

    def work():
        write(23)
        assert query.count() == 24
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transact(work)
    assert query.count() == 23


def test_a_page_that_is_not_full_needs_no_count(events, monkeypatch):
    query = Query(Event)
    monkeypatch.setattr(query, "count", lambda: pytest.fail("counted"))
    assert query.page(20, 10) == (events[20:], 23)
    assert query.page(0, 50)[1] == 23
