"""The state tables against the reference's facts, and the one way to change a state."""

import json
from pathlib import Path

import pytest

from cloudapi.models.machine import Machine
from cloudapi.models.storage import TemplatePool, TemplateStore
from cloudapi.states import base, host, machine, network, snapshot, template, volume

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "states.json"

TABLES = (machine.MACHINE, volume.VOLUME, network.NETWORK, network.NIC, host.STATUS, host.RESOURCE_STATE,
          snapshot.SNAPSHOT, template.TEMPLATE, template.STORED_COPY)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference's facts are not on this machine")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_the_rows_of_the_reference(table):
    rows = [tuple(row) for row in json.loads(REFERENCE.read_text())[table.name]]
    assert set(table.rows) == set(rows)


def test_an_event_that_the_state_does_not_know_is_refused():
    record = Machine(id=1, uuid="m", state="Destroyed")
    with pytest.raises(base.TransitionRefused, match="in state Destroyed, which does not allow StartRequested"):
        base.transition(record, "StartRequested")


@pytest.fixture
def stored(database_url):
    from cloudapi.models import database as db
    from schema import tables

    db.connect(database_url)
    tables.create()
    made = Machine.create(name="m", instance_name="i-2-1-VM", account_id=2, domain_id=1, zone=1, service_offering=1)
    yield made
    db.database.close()


def test_of_two_who_read_the_same_state_one_wins(stored):
    first, second = Machine.get_by_id(stored.id), Machine.get_by_id(stored.id)
    assert base.transition(first, "StartRequested", host=7) == "Starting"
    with pytest.raises(base.TransitionRefused, match="comes too late"):
        base.transition(second, "DestroyRequested")
    found = Machine.get_by_id(stored.id)
    assert (found.state, found.host_id, found.generation) == ("Starting", 7, 1)
    assert (first.state, first.generation) == ("Starting", 1)


def test_copies_on_stores_and_pools_share_one_table():
    assert base.machine_of(TemplateStore()) is base.machine_of(TemplatePool())
