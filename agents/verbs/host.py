"""The host itself."""

from agents.hypervisors.base import HostDescription, HostStatistics, PowerReport
from agents.machine import Call
from agents.verbs.registry import verb


@verb("read")
def describe(call: Call) -> HostDescription:
    """The hardware, the hypervisor and what it can do."""
    return call.hypervisor.describe()


@verb("read")
def ping(call: Call) -> PowerReport:
    """Alive, and which Instances run here."""
    return call.hypervisor.power_report()


@verb("read")
def statistics(call: Call) -> HostStatistics:
    """Load now; network bytes count from the host's start."""
    return call.hypervisor.statistics()


@verb("repeatable")
def set_maintenance(call: Call, enabled: bool) -> None:
    """In maintenance the host accepts no further Instance; those that run are migrated away by the server."""
    call.hypervisor.set_maintenance(enabled)


@verb("repeatable")
def release(call: Call, force: bool = False) -> None:
    """The server gives the host up. Refused (in_use) while Instances run there, unless forced, which ends them."""
    call.hypervisor.release(force)
