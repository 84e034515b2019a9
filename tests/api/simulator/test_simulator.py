"""The simulator's commands: faults that hit, count down and end."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_site


@pytest.fixture(scope="module")
def hosts(bare_cloud):
    return add_site(bare_cloud.admin)


def test_a_fault_hits_as_often_as_it_says_and_only_where_it_says(bare_cloud, hosts):
    first, second = hosts
    fault = bare_cloud.admin("configureSimulator", name="host.describe", value="result:fail", hostid=first["id"],
                             count=2)["simulatormock"]
    assert fault["count"] == 2
    assert bare_cloud.admin.job("reconnectHost", id=second["id"])["state"] == "Up"
    with pytest.raises(ApiFailure):
        bare_cloud.admin.job("reconnectHost", id=first["id"])
    assert bare_cloud.admin("querySimulatorMock", id=fault["id"])["simulatormock"]["count"] == 1
    with pytest.raises(ApiFailure):
        bare_cloud.admin.job("reconnectHost", id=first["id"])
    assert bare_cloud.admin.job("reconnectHost", id=first["id"])["state"] == "Up"


def test_a_fault_can_be_ended_once(bare_cloud, hosts):
    host = hosts[0]
    fault = bare_cloud.admin("configureSimulator", name="host.describe", value="result:fault", zoneid=host["zoneid"],
                             podid=host["podid"], clusterid=host["clusterid"])["simulatormock"]
    assert {"zoneid", "podid", "clusterid"} <= set(fault)
    assert bare_cloud.admin("cleanupSimulatorMock", id=fault["id"])["success"] is True
    assert bare_cloud.admin.job("reconnectHost", id=host["id"])["state"] == "Up"
    for command in ("cleanupSimulatorMock", "querySimulatorMock"):
        with pytest.raises(ApiFailure, match="parameter id"):
            bare_cloud.admin(command, id=fault["id"])


@pytest.mark.parametrize("parameters", [
    {"name": "NoSuchCommand"}, {"value": "sometimes"}, {"count": 0}, {"value": "wait:soon"}])
def test_what_the_simulator_does_not_know_is_refused(bare_cloud, hosts, parameters):
    with pytest.raises(ApiFailure) as failure:
        bare_cloud.admin("configureSimulator", **{"name": "StartCommand", "value": "result:fail", **parameters})
    assert failure.value.code == 431
    assert next(iter(parameters)) in failure.value.text


def test_availability_is_kept_by_the_host(bare_cloud, hosts):
    from cloudapi.models.infrastructure import Host
    from cloudapi.services.host import agent

    bare_cloud.admin("configureSimulatorHAProviderState", hostid=hosts[0]["id"], health=False, activity=True,
                     recover=False, fence=True)
    host = Host.get(Host.uuid == hosts[0]["id"])
    answer = agent.call(bare_cloud.installation.context(), host, "simulator.availability")
    assert answer == {"health": False, "activity": True, "recover": False, "fence": True}
