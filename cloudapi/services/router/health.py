"""The health of routers: asked for, kept, and looked after by the clock."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, ResourceUnavailable
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
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
    excluded = {name.strip() for name in str(context.settings.get("router.health.checks.to.exclude") or "").split(",")}
    checks = [check for check in answer["checks"] if check["name"] not in excluded]
    transact(lambda: _keep(machine.id, checks))
    return of_router(machine.id)


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
    """Fetch the results of all running routers; one that cannot be reached keeps its last ones. Periodic."""
    if not context.settings.get("router.health.checks.enabled"):
        return
    for machine in list(Machine.alive(Machine.kind == "DomainRouter", Machine.state == "Running")):
        try:
            results(context, machine, False)
        except ApiError as error:
            log.warning("router %s: no health results: %s", machine.uuid, error.text)
