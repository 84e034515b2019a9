"""States of hosts: maintenance, silence and its end, degraded hosts, reconnecting."""

import pytest

from cloudapi.services.host import agent
from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_site


def record(host):
    from cloudapi.models.infrastructure import Host

    return Host.get(Host.uuid == host["id"])


def call(cloud, host, verb, **arguments):
    return agent.call(cloud.installation.context(), record(host), verb, arguments)


def shown(cloud, host):
    return cloud.admin.one("listHosts", id=host["id"])


@pytest.fixture
def silent(bare_cloud):
    """A host that has lost its power, and that the monitor has noticed."""
    from cloudapi.models.infrastructure import Host
    from cloudapi.services.host.monitor import Sighting

    (host,) = add_site(bare_cloud.admin, hosts=1)
    call(bare_cloud, host, "simulator.crash")
    Host.update(last_pinged=1).where(Host.uuid == host["id"]).execute()
    bare_cloud.installation.monitor.take_in([Sighting(record(host).id, 1, None)])
    return host


def test_a_host_in_maintenance_takes_nothing_until_it_is_cancelled(bare_cloud):
    host, other = add_site(bare_cloud.admin)
    assert bare_cloud.admin.job("prepareHostForMaintenance", id=host["id"])["resourcestate"] == "Maintenance"
    assert call(bare_cloud, host, "host.describe")["maintenance"] is True
    (cpu,) = bare_cloud.admin.list("listCapacity", zoneid=host["zoneid"], type=1)
    assert cpu["capacitytotal"] == 32000
    with pytest.raises(ApiFailure, match="Maintenance"):
        bare_cloud.admin.job("prepareHostForMaintenance", id=host["id"])
    assert bare_cloud.admin.job("cancelHostMaintenance", id=host["id"])["resourcestate"] == "Enabled"
    assert call(bare_cloud, host, "host.describe")["maintenance"] is False
    with pytest.raises(ApiFailure, match="cancelMaintenance"):
        bare_cloud.admin.job("cancelHostMaintenance", id=host["id"])
    assert shown(bare_cloud, other)["resourcestate"] == "Enabled"


def test_maintenance_leaves_its_events(bare_cloud):
    (host,) = add_site(bare_cloud.admin, hosts=1)
    bare_cloud.admin.job("prepareHostForMaintenance", id=host["id"])
    from cloudapi.models.common import Event

    states = [event.state for event in Event.select().where(
        Event.resource_uuid == host["id"], Event.event_type == "MAINT.PREPARE").order_by(Event.id)]
    assert states == ["Scheduled", "Started", "Completed"]


def test_one_host_of_a_cluster_at_a_time(bare_cloud):
    from cloudapi.models.infrastructure import Host

    host, other = add_site(bare_cloud.admin)
    Host.update(resource_state="PrepareForMaintenance").where(Host.uuid == other["id"]).execute()
    with pytest.raises(ApiFailure, match="other servers attempting migrations"):
        bare_cloud.admin.job("prepareHostForMaintenance", id=host["id"])
    assert shown(bare_cloud, host)["resourcestate"] == "Enabled"


def test_a_host_that_does_not_close_ends_as_it_was(bare_cloud):
    (host,) = add_site(bare_cloud.admin, hosts=1)
    bare_cloud.admin("configureSimulator", name="host.set_maintenance", value="result:fail", hostid=host["id"], count=1)
    with pytest.raises(ApiFailure):
        bare_cloud.admin.job("prepareHostForMaintenance", id=host["id"])
    assert shown(bare_cloud, host)["resourcestate"] == "ErrorInMaintenance"
    assert bare_cloud.admin.job("prepareHostForMaintenance", id=host["id"])["resourcestate"] == "Maintenance"


def test_a_silent_host_is_called_out_and_comes_back_by_its_next_answer(bare_cloud, silent):
    from cloudapi.services.host.monitor import Sighting

    assert shown(bare_cloud, silent)["state"] == "Alert"
    assert "disconnected" in shown(bare_cloud, silent)
    with pytest.raises(ApiFailure) as failure:
        bare_cloud.admin.job("reconnectHost", id=silent["id"])
    assert failure.value.code == 534
    assert shown(bare_cloud, silent)["state"] == "Alert"
    call(bare_cloud, silent, "simulator.recover")
    bare_cloud.installation.monitor.take_in([Sighting(record(silent).id, 1, {})])
    assert shown(bare_cloud, silent)["state"] == "Up"
    assert "disconnected" not in shown(bare_cloud, silent)


def test_a_host_that_was_heard_lately_is_not_called_out(bare_cloud):
    from cloudapi.services.host.monitor import Sighting

    (host,) = add_site(bare_cloud.admin, hosts=1)
    bare_cloud.installation.monitor.take_in([Sighting(record(host).id, 1, None)])
    assert shown(bare_cloud, host)["state"] == "Up"


def test_reconnecting_takes_over_what_the_host_is(bare_cloud):
    from cloudapi.models.infrastructure import Host

    (host,) = add_site(bare_cloud.admin, hosts=1)
    Host.update(cpus=1, memory=1).where(Host.uuid == host["id"]).execute()
    again = bare_cloud.admin.job("reconnectHost", id=host["id"])
    assert (again["state"], again["cpunumber"], again["memorytotal"]) == ("Up", 4, host["memorytotal"])


def test_only_a_host_that_is_out_of_reach_is_degraded(bare_cloud, silent):
    (host,) = add_site(bare_cloud.admin, hosts=1)
    with pytest.raises(ApiFailure) as failure:
        bare_cloud.admin.job("declareHostAsDegraded", id=host["id"])
    assert failure.value.code == 431
    assert bare_cloud.admin.job("declareHostAsDegraded", id=silent["id"])["resourcestate"] == "Degraded"
    with pytest.raises(ApiFailure, match="already"):
        bare_cloud.admin.job("declareHostAsDegraded", id=silent["id"])
    assert bare_cloud.admin.job("cancelHostAsDegraded", id=silent["id"])["resourcestate"] == "Enabled"
    with pytest.raises(ApiFailure, match="cancelHostAsDegraded"):
        bare_cloud.admin.job("cancelHostAsDegraded", id=silent["id"])


def test_reservations_of_stopped_instances_are_let_go(bare_cloud):
    from cloudapi.models.database import transact
    from cloudapi.services.capacity import capacity

    (host,) = add_site(bare_cloud.admin, hosts=1)
    row = record(host)
    assert transact(lambda: capacity.take_host(row, 1000, 1 << 30, 1))
    transact(lambda: capacity.give_back_host(row, 1000, 1 << 30, 1, keep_for=4711))
    assert shown(bare_cloud, host)["memoryallocatedbytes"] == 1 << 30
    assert bare_cloud.admin.job("releaseHostReservation", id=host["id"]) == {"success": True}
    assert shown(bare_cloud, host)["memoryallocatedbytes"] == 0
    assert bare_cloud.admin.job("releaseHostReservation", id=host["id"]) == {"success": False}
