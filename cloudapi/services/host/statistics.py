"""What hosts report of their load: sampled by the clock, kept one row per host."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host, HostStatistics
from cloudapi.services.host import agent

log = logging.getLogger(__name__)

# Hosts whose samples are written in one transaction.
BATCH = 100
# What it takes to call a host: of ten thousand, no more than that is read.
ADDRESS = (Host.id, Host.uuid, Host.name, Host.hypervisor_type, Host.url, Host.zone, Host.pod, Host.cluster)


def collect(context: Context, hosts: Iterable[Host]) -> None:
    """Sample these hosts; one that does not answer keeps its old sample. Outside of transactions."""
    sampled: list[dict[str, Any]] = []
    for host in hosts:
        try:
            report = agent.call(context, host, "host.statistics", timeout=agent.statistics_timeout(context, host))
        except ApiError:
            continue
        sampled.append({
            "host_id": host.id, "cpu_percent": report["cpu_percent"], "load_average": report["load_average"],
            "memory_used": report["memory_used_bytes"], "network_read_kib": report["network_read_bytes"] >> 10,
            "network_write_kib": report["network_write_bytes"] >> 10, "sampled": now()})

    if sampled:
        transact(lambda: HostStatistics.put(sampled))


def collect_all(context: Context) -> None:
    """Sample all hosts that are up."""
    last = 0
    while True:
        page = list(Host.select(*ADDRESS).where(
            Host.removed.is_null(), Host.kind == "Routing", Host.status == "Up", Host.id > last)
            .order_by(Host.id).limit(BATCH))
        if not page:
            return
        collect(context, page)
        last = page[-1].id
