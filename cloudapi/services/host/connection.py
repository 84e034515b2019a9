"""Connecting to hosts: what a host says of itself is taken over, then it is up."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.services import detail
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent, statistics
from cloudapi.services.storage import pool
from cloudapi.states.base import TransitionRefused, may, transition
from cloudapi.states.host import STATUS

log = logging.getLogger(__name__)

MAINTENANCE = ("Maintenance",)


def take_description(host: Host, described: dict[str, Any]) -> None:
    """Write what `host.describe` answered. Within a transaction."""
    capabilities = described["capabilities"]
    columns = {
        "name": described["name"] if host.name == host.url else host.name,
        "hypervisor_version": described["hypervisor_version"], "version": described["agent_version"],
        "arch": described["arch"], "cpus": described["cpus"], "cpu_sockets": described["cpu_sockets"],
        "speed": described["cpu_mhz"], "memory": described["memory_bytes"],
        "dom0_memory": described["reserved_memory_bytes"], "private_ip": described["private_ip"],
        "private_mac": described["private_mac"], "storage_ip": described["storage_ip"], "capabilities": capabilities}
    Host.update(columns).where(Host.id == host.id).execute()
    for name, value in columns.items():
        setattr(host, name, value)
    detail.put(host, {"host.uefi.enable": str(bool(capabilities.get("uefi"))).lower()})
    capacity.register_host(host)


def connect(context: Context, host: Host) -> dict[str, Any]:
    """Ask a host what it is, attach its storage and call it up. Outside of transactions.

    :returns: its `HostDescription`.
    :raises ApiError: it did not answer, and is in the state Alert now; or its state does not allow to connect.
    """
    transact(lambda: transition(host, "AgentConnected", machine=STATUS))
    try:
        described = agent.call(context, host, "host.describe")
        wanted = host.resource_state in MAINTENANCE
        if described["maintenance"] != wanted:
            agent.call(context, host, "host.set_maintenance", {"enabled": wanted})
    except ApiError:
        transact(lambda: transition(host, "AgentDisconnected", machine=STATUS, disconnected=now()))
        raise

    def up() -> None:
        take_description(host, described)
        transition(host, "Ready", machine=STATUS, last_pinged=now(), disconnected=None,
                   management_server=context.installation.jobs.worker)

    transact(up)
    pool.connect_host(context, host, described)
    statistics.collect(context, [host])
    return described


def try_connect(context: Context, host: Host) -> bool:
    """Connect where the host answers; else its state says that it does not."""
    try:
        connect(context, host)
    except ApiError as error:
        log.warning("host %s cannot be connected: %s", host.name, error.text)
        return False
    return True


def disconnect(host: Host) -> bool:
    """Give a host up for now; its Instances run on. Returns whether its state allows it."""
    if host.status == "Disconnected":
        return True
    if not may(host, "ShutdownRequested", machine=STATUS):
        return False
    try:
        transact(lambda: transition(host, "ShutdownRequested", machine=STATUS, disconnected=now()))
    except TransitionRefused:
        return False
    return True
