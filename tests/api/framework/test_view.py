"""Views: paths, conversions, batches and groups; as many statements for 500 rows as for one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cloudapi.api.view import Batch, Column, Computed, Given, View
from cloudapi.models import tally
from cloudapi.models.common import AsyncJob, Event, PeriodicTask
from cloudapi.models.database import connect, database
from cloudapi.models.identity import Account, Domain, User

ADMIN = SimpleNamespace(caller=SimpleNamespace(is_root_admin=True))
USER = SimpleNamespace(caller=SimpleNamespace(is_root_admin=False))


def load_lengths(page):
    """Sees the whole page at once."""
    return {key: {"length": len(text), "page": len(page.ids)} for key, text in page.values("description").items()}


class EventLine(View):
    record, name = Event, "line"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain),
             "domain_.parent": ("parent_id", Domain), "user_": ("user_id", User)}

    id = Column("uuid")
    name_ = Column("description")
    account = Column("account_.account_name")
    home = Column("account_.domain.name")
    parent = Column("domain_.parent.name")
    user = Column("user_.username", admin=True)
    created = Column("created")
    archived = Column("archived")
    short = Column("description", convert=lambda text: text.removeprefix("text") or None)
    upper = Computed(lambda text, archived: None if archived else text.upper(), "description", "archived")
    length = Batch(load_lengths, key="length", needs=("description",), detail="size")
    inpage = Batch(load_lengths, key="page", needs=("description",), detail=("size", "all sizes"))
    remark = Batch(lambda page: {}, default="none")
    given = Given()


@pytest.fixture
def events(database_url):
    connect(database_url)
    database.create_tables([Event, Account, Domain, User, AsyncJob, PeriodicTask])
    tally.ensure(["event"])
    root = Domain.create(name="ROOT", path="/", level=0)
    domain = Domain.create(name="below", path="/below/", level=1, parent_id=root.id)
    account = Account.create(account_name="alice", domain=domain.id)
    user = User.create(username="al", account=account.id, domain_id=domain.id)

    def write(number, **columns):
        values = {"event_type": "A", "state": "Completed", "level": "INFO", "description": f"text {number}",
                  "user_id": user.id, "account_id": account.id, "domain_id": domain.id, "uuid": f"u{number}",
                  "created": 1_000_000_000_000, **columns}
        return Event.create(**values).id

    yield write
    database.close()


@pytest.fixture
def statements(monkeypatch):
    """The SQL of a test, as it is sent."""
    sent = []
    real = database.obj.execute_sql

    def recording(sql, *arguments, **options):
        sent.append(sql)
        return real(sql, *arguments, **options)

    monkeypatch.setattr(database.obj, "execute_sql", recording)
    return sent


def test_paths_lead_through_links(events):
    line = EventLine.one(ADMIN, events(1))
    assert line == {"id": "u1", "name": "text 1", "account": "alice", "home": "below", "parent": "ROOT", "user": "al",
                    "created": "2001-09-09T01:46:40+0000", "archived": False, "short": " 1", "upper": "TEXT 1",
                    "length": 6, "inpage": 1, "remark": "none"}
    assert list(line) == [name for name in EventLine.attributes if name != "given"], "in the order of declaration"


def test_links_that_lead_nowhere_leave_their_fields_out(events):
    line = EventLine.one(ADMIN, events(1, account_id=99, domain_id=99))
    assert not {"account", "home", "parent"} & set(line)
    assert line["user"] == "al"


def test_what_is_for_admins_is_not_shown_to_others(events):
    key = events(1)
    assert "user" in EventLine.one(ADMIN, key)
    assert "user" not in EventLine.one(USER, key)
    assert "user" in EventLine.one(ADMIN, key)


def test_groups_of_details(events, statements):
    key = events(1)
    line = EventLine.one(ADMIN, key, details=["other"])
    assert not {"length", "inpage"} & set(line)
    assert line["name"] == "text 1", "what is in no group is always there"
    assert {"length", "inpage"} <= set(EventLine.one(ADMIN, key, details=["size"]))
    assert set(EventLine.one(ADMIN, key, details=["all sizes"])) & {"length", "inpage"} == {"inpage"}


def test_none_of_a_computation_leaves_the_field_out(events):
    line = EventLine.one(ADMIN, events(1, archived=True, description="text"))
    assert not {"upper", "short"} & set(line)


def test_the_order_is_that_of_the_ids_and_the_unknown_are_left_out(events):
    keys = [events(number) for number in range(4)]
    shown = EventLine.render(ADMIN, [keys[2], 9999, keys[0], keys[3]])
    assert [line["id"] for line in shown] == ["u2", "u0", "u3"]
    assert EventLine.render(ADMIN, []) == []


def test_as_many_statements_for_500_rows_as_for_one(events, statements):
    keys = [events(number) for number in range(500)]
    sent = {}
    for count in (1, 7, 500):
        PeriodicTask.create(name=f"forget what is kept {count}")
        statements.clear()
        shown = EventLine.render(ADMIN, keys[:count])
        sent[count] = len(statements)
        assert [line["id"] for line in shown] == [f"u{number}" for number in range(count)]
        assert {line["inpage"] for line in shown} == {count}
    assert sent[1] == sent[7] == sent[500] == 6, "the rows and five tables behind links"


@pytest.mark.only_on("sqlite", reason="other databases do not tell that nothing has changed")
def test_rows_behind_links_are_kept_until_something_changes(events, statements):
    keys = [events(number) for number in range(3)]
    EventLine.render(ADMIN, keys)
    statements.clear()
    before = EventLine.render(ADMIN, keys)
    assert len(statements) == 1, "the rows alone"
    Account.update(account_name="renamed").execute()
    statements.clear()
    after = EventLine.render(ADMIN, keys)
    assert len(statements) == 6
    assert before != after


def test_statements_keep_their_text_for_pages_of_like_size(events, statements):
    keys = [events(number) for number in range(20)]
    texts = set()
    for count in (9, 14, 20):
        statements.clear()
        EventLine.render(ADMIN, keys[:count])
        texts.add(statements[0])
    assert len(texts) == 1


def test_a_path_that_leads_nowhere_is_told_when_the_view_is_compiled(events):
    class Wrong(View):
        record = Event
        id = Column("no_such_column")

    with pytest.raises(AttributeError, match="no_such_column"):
        Wrong.one(ADMIN, events(1))


def test_json_columns_are_read(database_url):
    class Job(View):
        record = AsyncJob
        parameters = Column("parameters")
        first = Computed(lambda locks: locks[0] if locks else None, "locks")

    connect(database_url)
    database.create_tables([AsyncJob])
    rows = [AsyncJob.create(user_id=1, account_id=1, domain_id=1, command="c", parameters={"a": [1]}, locks=locks)
            for locks in (["x"], [], None)]
    assert Job.render(ADMIN, [row.id for row in rows]) == [
        {"parameters": {"a": [1]}, "first": "x"}, {"parameters": {"a": [1]}}, {"parameters": {"a": [1]}}]
    database.close()
