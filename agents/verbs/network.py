"""The networks of a host."""

from agents.machine import Call
from agents.network.base import NetworkReport, NetworkSpec
from agents.protocol import ErrorCode, Refusal
from agents.verbs.registry import verb


@verb("repeatable")
def ensure(call: Call, network: NetworkSpec) -> NetworkReport:
    """The bridge for a network, made if it is missing."""
    if network.isolation not in call.hypervisor.capabilities.isolation:
        raise Refusal(
            ErrorCode.CAPABILITY_MISSING, f"this hypervisor has no networks with isolation {network.isolation}"
        )
    return call.network.ensure(network)


@verb("repeatable")
def remove(call: Call, network: str) -> None:
    """Refused (in_use) while NICs are on it. Not there: removed already."""
    call.network.remove(network)


@verb("read", key="networks")
def list_(call: Call) -> list[NetworkReport]:
    """All networks on this host."""
    return call.network.list_networks()
