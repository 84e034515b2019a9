"""The simulator's own verbs: faults to order, and how simulated hosts answer to investigations."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.services.host import agent

SIMULATOR = "Simulator"


def _any_host() -> Host:
    """Return a simulated host that answers: faults are kept for all of them together.

    :raises InternalError: there is none.
    """
    host = Host.alive(Host.hypervisor_type == SIMULATOR, Host.status == "Up").order_by(Host.id).first()
    if host is None:
        raise InternalError("There is no simulated host that is up: add one first")
    found: Host = host
    return found


def _shown(fault: dict[str, Any]) -> dict[str, Any]:
    """Return a fault by the names of the API, numbers that it has not left out."""
    names = {"id": "id", "zone": "zoneid", "pod": "podid", "cluster": "clusterid", "host": "hostid", "name": "name",
             "count": "count"}
    return {shown: fault[name] for name, shown in names.items() if fault.get(name) is not None}


def configure(context: Context, name: str, value: str, *, zone: Zone | None, pod: Pod | None, cluster: Cluster | None,
              host: Host | None, count: int | None, json_response: str | None) -> dict[str, Any]:
    """Delay, fail or answer the next requests of a name, in a range of simulated hosts.

    :param name: a verb (`instance.start`) or CloudStack's agent command (`StartCommand`).
    :param value: what happens: `result:fail`, `wait:1000|result:fault`, …
    :returns: the fault, with the `id` by which it is asked for and ended.
    :raises InvalidParameter: the simulator does not know the name or the value.
    """
    if count is not None and count < 1:
        raise InvalidParameter(f"Invalid value {count} for parameter count: it is at least 1")
    if json_response is not None and host is not None:
        json_response = json_response.replace('"hostId":0', f'"hostId":{host.id}')
    try:
        fault = agent.call(context, _any_host(), "simulator.configure", {
            "name": name, "value": value, "zone": zone and zone.id, "pod": pod and pod.id,
            "cluster": cluster and cluster.id, "host": host and host.id, "count": count,
            "json_response": json_response})
    except agent.HostRefused as error:
        if error.reason == "bad_argument":
            raise InvalidParameter(f"Unable to configure the simulator (parameters name, value): "
                                   f"{error.text}") from error
        raise
    return _shown(fault)


def query(context: Context, fault_id: int | None) -> dict[str, Any]:
    """Return a fault; `count` is what is left of it.

    :raises InternalError: there is none of this number.
    """
    return _shown(_ask(context, "simulator.query", fault_id))


def cleanup(context: Context, fault_id: int | None) -> None:
    """End a fault.

    :raises InternalError: there is none of this number.
    """
    _ask(context, "simulator.cleanup", fault_id)


def _ask(context: Context, verb: str, fault_id: int | None) -> dict[str, Any]:
    if fault_id is None:
        raise InvalidParameter("parameter id is missing: the ID of the configured mock")
    try:
        return agent.call(context, _any_host(), verb, {"fault": fault_id})
    except agent.HostRefused as error:
        if error.reason == "not_found":
            raise InternalError(f"There is no mock with ID {fault_id} (parameter id)") from error
        raise


def set_availability(context: Context, host: Host, *, health: bool, activity: bool, recover: bool, fence: bool) -> None:
    """Say how a simulated host answers to the investigations of high availability.

    :raises InvalidParameter: it is not a simulated host.
    """
    check_simulated(host)
    agent.call(context, host, "simulator.set_availability",
               {"health": health, "activity": activity, "recover": recover, "fence": fence})


def check_simulated(host: Host) -> None:
    if host.hypervisor_type != SIMULATOR:
        raise InvalidParameter(f"hostid: host {host.uuid} is not a simulated one")
