"""The health of routers: asked for, kept, and looked after by the clock."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, ResourceUnavailable
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine, Router
from cloudapi.models.router import RouterHealthCheck
from cloudapi.services.host import agent

log = logging.getLogger(__name__)


def results(context: Context, machine: Machine, fresh: bool) -> list[RouterHealthCheck]:
    """Return the results of a router's health checks, as its agent has them now.

    :param fresh: have the checks run at once.
    :raises InvalidParameter: health checks are switched off.
    :raises ResourceUnavailable: the router does not run, or cannot be reached.
    """
    if not context.settings.get("router.health.checks.enabled"):
        raise InvalidParameter("Router health checks are not enabled (setting router.health.checks.enabled)")
    machine = Machine.get_by_id(machine.id)
    if machine.state != "Running" or machine.host_id is None:
        raise ResourceUnavailable(f"Router {machine.uuid} is in state {machine.state}: its health cannot be checked")
    answer = agent.call(context, Host.get_by_id(machine.host_id), "router.health",
                        {"router": machine.uuid, "fresh": fresh})
    excluded = _names(context, "router.health.checks.to.exclude", machine.zone_id)
    kinds = [kind for kind in ("basic", "advanced") if context.settings.get(f"router.health.checks.{kind}.interval")]
    checks = [check for check in answer["checks"] if check["name"] not in excluded and check["kind"] in kinds]
    transact(lambda: _keep(machine.id, checks))
    return of_router(machine.id)


def _names(context: Context, setting: str, zone_id: int) -> set[str]:
    """Return the checks that a setting lists."""
    listed = str(context.settings.get(setting, zone=zone_id) or "")
    return {name.strip() for name in listed.split(",") if name.strip()}


def _keep(machine_id: int, checks: list[dict[str, Any]]) -> None:
    RouterHealthCheck.delete().where(RouterHealthCheck.machine_id == machine_id).execute()
    for check in checks:
        RouterHealthCheck.create(machine_id=machine_id, name=check["name"], kind=check["kind"],
                                 success=check["success"], details=check["details"],
                                 checked=int(check["checked_at"] * 1000))


def of_router(machine_id: int) -> list[RouterHealthCheck]:
    """Return the kept results."""
    query = RouterHealthCheck.select().where(RouterHealthCheck.machine_id == machine_id)
    return list(query.order_by(RouterHealthCheck.id))


def fetch_all(context: Context) -> None:
    """Fetch the results of all running routers; one that cannot be reached keeps its last ones. Periodic.

    A router that fails one of the checks in `router.health.checks.failures.to.recreate.vr` is made anew.
    """
    if not context.settings.get("router.health.checks.enabled"):
        return
    for machine in list(Machine.alive(Machine.kind == "DomainRouter", Machine.state == "Running")):
        try:
            found = results(context, machine, False)
            fatal = _names(context, "router.health.checks.failures.to.recreate.vr", machine.zone_id)
            if any(not check.success and check.name in fatal for check in found):
                _recreate(context, machine)
        except ApiError as error:
            log.warning("router %s: no health results: %s", machine.uuid, error.text)


def _recreate(context: Context, machine: Machine) -> None:
    """Give the router's network new routers, in place of those that fail."""
    from cloudapi.services.network import garbage, restart
    from cloudapi.services.router import router

    network = router.network_of(machine)
    if network is None or network.state not in restart.networks.READY:
        return
    log.warning("router %s fails a health check; network %s gets a new one", machine.uuid, network.uuid)
    own = garbage.apart(context, f"health of {machine.uuid}")
    try:
        restart.restart(own, network, cleanup=True)
    except ApiError:
        own.steps.unwind()
        raise


def watch_pairs(context: Context) -> None:
    """Ask the routers of redundant pairs which of them leads. Periodic."""
    from cloudapi.services.router import router

    pairs = Router.select(Router.machine_id).where(Router.is_redundant == True)  # noqa: E712
    for machine in list(Machine.alive(Machine.id.in_(pairs), Machine.state == "Running")):
        try:
            router.look(context, machine)
        except ApiError as error:
            log.warning("router %s: its redundancy state is not known: %s", machine.uuid, error.text)
