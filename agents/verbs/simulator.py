"""Simulated hosts only: faults, and things that happen behind the server's back."""

from typing import Optional

from agents.machine import Call
from agents.simulation import Availability, Fault
from agents.verbs.registry import verb


@verb("once")
def configure(
    call: Call,
    name: str,
    value: str,
    zone: Optional[int] = None,
    pod: Optional[int] = None,
    cluster: Optional[int] = None,
    host: Optional[int] = None,
    count: Optional[int] = None,
    json_response: Optional[str] = None,
) -> Fault:
    """Delays or fails the next `count` requests called `name` in a range of hosts. The same name and range replaces."""
    return call.simulation.configure(name, value, zone, pod, cluster, host, count, json_response)


@verb("read")
def query(call: Call, fault: int) -> Fault:
    """One fault; `count` is what is left of it."""
    return call.simulation.query(fault)


@verb("read", key="faults")
def list_(call: Call) -> list[Fault]:
    """All faults, of all ranges."""
    return call.simulation.list_faults()


@verb("once")
def cleanup(call: Call, fault: int) -> None:
    """Ends a fault. Refused (not_found) where there is none."""
    call.simulation.cleanup(fault)


@verb("once")
def stop_instance(call: Call, instance: str) -> None:
    """The guest shuts itself down: PowerOff in the next power report."""
    call.simulation.stop_instance(instance)


@verb("once")
def crash(call: Call) -> None:
    """The host loses power: its Instances end, and it is unreachable until `simulator.recover`."""
    call.simulation.crash()


@verb("repeatable")
def recover(call: Call) -> None:
    """The host is powered on again, empty."""
    call.simulation.recover()


@verb("repeatable")
def set_availability(call: Call, health: bool, activity: bool, recover: bool, fence: bool) -> None:
    """How the host answers to the investigations of high availability."""
    call.simulation.set_availability(Availability(health, activity, recover, fence))


@verb("read")
def availability(call: Call) -> Availability:
    """What `simulator.set_availability` has set; all true at first."""
    return call.simulation.availability()
