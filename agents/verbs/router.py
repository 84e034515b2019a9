"""Virtual routers: started like any Instance (kind DomainRouter), then given their whole configuration."""

from agents.machine import Call
from agents.network.base import HealthCheck, RouterApplied, RouterConfig, RouterReport, RouterStatistics
from agents.verbs.registry import verb


@verb("repeatable")
def apply(call: Call, router: str, generation: int, config: RouterConfig) -> RouterApplied:
    """Makes the router what `config` says. An older generation is refused; the same one again changes nothing."""
    call.require("routers")
    return call.network.apply_router(router, generation, config)


@verb("repeatable")
def remove(call: Call, router: str) -> None:
    """Forgets its configuration. Stopping the router does so too."""
    call.network.remove_router(router)


@verb("read")
def describe(call: Call, router: str) -> RouterReport:
    """What the router has now, without user data and passwords."""
    return call.network.describe_router(router)


@verb("read", key="checks")
def health(call: Call, router: str, fresh: bool = False) -> list[HealthCheck]:
    """Results of the health checks; `fresh` runs them now."""
    return call.network.router_health(router, fresh)


@verb("read")
def statistics(call: Call, router: str) -> RouterStatistics:
    """Bytes per public IP since the router started."""
    return call.network.router_statistics(router)
