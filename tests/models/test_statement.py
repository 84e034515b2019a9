"""The kept SQL of a query is the SQL that peewee writes, with the parameters that peewee finds."""

from __future__ import annotations

import peewee
import pytest

from cloudapi.models.common import Event, ResourceLock, SettingValue
from cloudapi.models.database import database
from cloudapi.models.infrastructure import Capacity
from cloudapi.models.machine import InstanceGroup
from cloudapi.models.statement import Formless, form_of

pytestmark = pytest.mark.usefixtures("tables")

# Queries of one form each, made for two sets of values.
FORMS = {
    "whole records": lambda n: Event.select().where(Event.id == n, Event.state == f"s{n}"),
    "comparisons": lambda n: Event.select().where((Event.id > n) | (Event.id <= -n), ~(Event.id != n)),
    "null": lambda n: Event.select().where(Event.resource_uuid.is_null(), Event.id == n),
    "not null": lambda n: Event.select().where(Event.resource_uuid.is_null(False), Event.id == n),
    "a list": lambda n: Event.select().where(Event.id.in_([n, n + 1]), Event.state.not_in({f"s{n}"})),
    "an empty list": lambda n: Event.select().where(Event.id.in_([]), Event.id == n),
    "between": lambda n: Event.select().where(Event.id.between(n, n + 5)),
    "like": lambda n: Event.select().where(Event.description ** f"%{n}%"),
    "some columns": lambda n: Event.select(Event.id, Event.uuid).where(Event.display == bool(n)).tuples(),
    "order and page": lambda n: Event.select().order_by(Event.id.desc(), Event.uuid).limit(n).offset(n),
    "a count": lambda n: Event.select(peewee.fn.COUNT(Event.id).alias("number")).where(Event.id == n).tuples(),
    "a group": lambda n: Event.select(Event.state, peewee.fn.MAX(Event.id)).where(Event.id < n).group_by(
        Event.state).tuples(),
    "distinct": lambda n: Event.select(Event.state).where(Event.id == n).distinct().tuples(),
    "a join": lambda n: Event.select(Event.id).join(
        Capacity, on=(Capacity.host_id == Event.account_id)).where(Capacity.kind == n).tuples(),
    "a subquery": lambda n: Event.select().where(Event.account_id.in_(
        Capacity.select(Capacity.host_id).where(Capacity.kind == n)), Event.id == n),
    "update": lambda n: Event.update(state=f"s{n}", description="d").where(Event.id == n),
    "update by itself": lambda n: Capacity.update(used=Capacity.used + n).where(
        Capacity.used + Capacity.reserved + n <= Capacity.total * peewee.Value(n / 2, converter=False)),
    "update by cases": lambda n: Capacity.update(
        used=peewee.Case(None, [(Capacity.used > n, Capacity.used - n)], 0)).where(Capacity.host_id == n),
    "delete": lambda n: Event.delete().where(Event.id == n),
    "insert": lambda n: ResourceLock.insert(name=f"n{n}", holder="h", lease_until=n),
    "insert or leave": lambda n: ResourceLock.insert(name="n", holder=f"h{n}", lease_until=n).on_conflict_ignore(),
}


@pytest.mark.parametrize("name", FORMS)
def test_one_form_has_one_sql_and_the_parameters_of_each_query(name):
    query, other = FORMS[name](1), FORMS[name](2)
    for each in (query, other):
        assert form_of(each)[1] == each.sql()[1]
    assert form_of(query)[0] == form_of(other)[0]
    assert query.sql()[0] == other.sql()[0]


def test_forms_with_different_sql_are_different():
    by_form = {}
    for name, make in FORMS.items():
        by_form.setdefault(form_of(make(1))[0], []).append(name)
    assert all(len(names) == 1 for names in by_form.values()), by_form


@pytest.mark.parametrize(("one", "other"), [
    (Event.id == 1, Event.id == None),  # noqa: E711
    (Event.id.in_([1]), Event.id.in_([1, 2])),
    (Event.id == 1, Event.id != 1),
    (Event.id == 1, Event.account_id == 1),
    (Event.id == 1, Capacity.id == 1),
    ((Event.id == 1) & (Event.id == 2) | (Event.id == 3), (Event.id == 1) & ((Event.id == 2) | (Event.id == 3))),
])
def test_what_changes_the_sql_changes_the_form(one, other):
    queries = [Event.select().where(condition) for condition in (one, other)]
    assert form_of(queries[0])[0] != form_of(queries[1])[0]


def test_answers_are_the_same_from_the_second_time_on():
    made = [SettingValue.create(name=f"n{number}", scope="Global", scope_id=0, value="v", updated=1).id
            for number in range(3)]
    for number, key in enumerate(made):
        assert [row.name for row in SettingValue.select().where(SettingValue.id == key)] == [f"n{number}"]
    for key in made[:2]:
        assert SettingValue.update(value=None).where(SettingValue.id == key).execute() == 1
    assert [row.value for row in SettingValue.select().order_by(SettingValue.id)] == [None, None, "v"]
    assert SettingValue.select().where(SettingValue.value.is_null()).count() == 2
    assert SettingValue.select().where(SettingValue.value == "v").exists()
    assert not SettingValue.select().where(SettingValue.value == "w").exists()


def test_a_default_is_made_for_each_row():
    for _ in range(3):
        InstanceGroup.insert(account_id=1, domain_id=1, name="g").execute()
    assert len({row.uuid for row in InstanceGroup.select()}) == 3


def test_a_query_without_a_form_runs_as_peewee_writes_it():
    other = Event.alias()
    query = Event.select(Event.id).join(other, on=(other.id == Event.start_id)).where(other.state == "s").tuples()
    with pytest.raises(Formless):
        form_of(query)
    assert list(query) == []
    assert list(database.execute(query).fetchall()) == []
