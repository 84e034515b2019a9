"""Follows the pings of all hosts: who is up, since when somebody is silent, and which Instances run where.

One process of the installation pings, by a lease. What comes back is taken in batches, so that ten thousand hosts
cost one statement a second, not one each.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.monitor import Monitor, PingResult
from cloudapi.models.base import now
from cloudapi.models.common import PeriodicTask
from cloudapi.models.database import database, rows, transact
from cloudapi.models.infrastructure import Host
from cloudapi.services.host import connection
from cloudapi.services.host import host as hosts
from cloudapi.states.base import TransitionRefused, transition
from cloudapi.states.host import STATUS

log = logging.getLogger(__name__)

LEASE_NAME = "host monitor"
# Rounds for which a process that pings keeps the right to, unless it says otherwise.
LEASE_ROUNDS = 3
MINIMUM_LEASE = 30_000
BATCH = 500
GATHER_SECONDS = 0.5
# An addHost that has not ended after this time (ms) died with its process.
ABANDONED = 600_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """`instances` are those that the host reported, None where it did not answer; `asked` is when it was asked (ms)."""

    host_id: int
    asked: int
    instances: Mapping[str, str] | None


class HostMonitor:
    """:param installation: its settings, hosts and contexts are used."""

    def __init__(self, installation: Any) -> None:
        self._installation = installation
        self._owner: str = installation.jobs.worker
        self._stop = threading.Event()
        self._seen: queue.SimpleQueue[Sighting | None] = queue.SimpleQueue()
        self._holds_lease = False
        self._monitor = Monitor(installation.hosts, self.addresses, self._note, self.interval)
        self._threads = [threading.Thread(target=self._ping, name="host-monitor", daemon=True),
                         threading.Thread(target=self._follow, name="host-states", daemon=True)]

    def interval(self) -> float:
        return max(1.0, float(self._installation.settings.get("ping.interval")))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._stop.set()
        self._seen.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout)

    def _ping(self) -> None:
        try:
            self._monitor.run(self._stop)
            if self._holds_lease:
                transact(lambda: PeriodicTask.update(lease_until=0).where(
                    PeriodicTask.name == LEASE_NAME, PeriodicTask.owner == self._owner).execute())
        finally:
            database.close()

    def addresses(self) -> list[HostAddress]:
        """Return the hosts of the next round: none where another process pings."""
        try:
            mine = transact(self._claim)
        except peewee.IntegrityError:
            mine = False
        if mine and not self._holds_lease:
            transact(recover)
        self._holds_lease = mine
        if not mine:
            return []
        return [HostAddress(uuid=uuid, hypervisor=kind or "", url=url, id=number, zone_id=zone, pod_id=pod,
                            cluster_id=cluster)
                for number, uuid, kind, url, zone, pod, cluster in rows(
                    "SELECT h.id, h.uuid, h.hypervisor_type, h.url, h.zone_id, h.pod_id, h.cluster_id FROM host h "
                    "JOIN cluster c ON c.id = h.cluster_id WHERE h.removed IS NULL AND h.kind = 'Routing' "
                    "AND h.status NOT IN ('Creating', 'Error') AND h.resource_state <> 'Degraded' "
                    "AND c.managed_state = 'Managed' ORDER BY h.id")]

    def _claim(self) -> bool:
        moment = now()
        until = moment + max(MINIMUM_LEASE, int(LEASE_ROUNDS * self.interval() * 1000))
        row = PeriodicTask.get_or_none(PeriodicTask.name == LEASE_NAME)
        if row is None:
            PeriodicTask.create(name=LEASE_NAME, owner=self._owner, lease_until=until)
            return True
        if row.owner != self._owner and row.lease_until > moment:
            return False
        return bool(PeriodicTask.update(owner=self._owner, lease_until=until).where(
            PeriodicTask.name == LEASE_NAME, PeriodicTask.lease_until == row.lease_until).execute())

    def _note(self, result: PingResult) -> None:
        assert result.address.id is not None
        self._seen.put(Sighting(result.address.id, now() - int(result.seconds * 1000) - 1,
                                None if result.report is None else result.report.instances))

    def _follow(self) -> None:
        """Take in what was seen, a batch at a time."""
        try:
            while (first := self._seen.get()) is not None:
                self._stop.wait(GATHER_SECONDS)
                batch = [first]
                while len(batch) < BATCH and not self._seen.empty():
                    sighting = self._seen.get()
                    if sighting is None:
                        return
                    batch.append(sighting)
                try:
                    self.take_in(batch)
                except Exception:
                    log.exception("what %d hosts answered could not be taken in", len(batch))
        finally:
            database.close()

    def take_in(self, batch: Sequence[Sighting]) -> None:
        """Follow what hosts answered: their states, and the power of their Instances."""
        found = {host.id: host for host in Host.select(Host.id, Host.status).where(
            Host.removed.is_null(), Host.id.in_([sighting.host_id for sighting in batch]))}
        answered = [sighting for sighting in batch if sighting.instances is not None and sighting.host_id in found]
        up = [sighting for sighting in answered if found[sighting.host_id].status == "Up"]
        if up:
            moment = now()
            transact(lambda: Host.update(last_pinged=moment).where(
                Host.id.in_([sighting.host_id for sighting in up]), Host.status == "Up").execute())
        for sighting in answered:
            if found[sighting.host_id].status in ("Alert", "Down", "Disconnected"):
                connection.try_connect(self._installation.context(), Host.get_by_id(sighting.host_id))
        for sighting in batch:
            if sighting.instances is None and sighting.host_id in found:
                self._silent(Host.get_by_id(sighting.host_id))
        self._power(up)

    def _silent(self, host: Host) -> None:
        """Call a host out that does not answer.

        One that was up has the time of the settings ping.interval and ping.timeout, one that was disconnected when
        its server went has that of alert.wait.
        """
        settings, moment = self._installation.settings, now()
        if host.status == "Disconnected":
            patience, event = float(settings.get("alert.wait")) * 1000, "WaitedTooLong"
            since, columns = host.disconnected or host.created, {}
        else:
            patience, event = self.interval() * float(settings.get("ping.timeout")) * 1000, "PingTimeout"
            since, columns = host.last_pinged or host.created, {"disconnected": moment}
        if host.status not in ("Up", "Disconnected") or moment - since < patience:
            return
        try:
            transact(lambda: transition(host, event, machine=STATUS, **columns))
        except TransitionRefused:
            return
        log.error("host %s (%s) has not answered for %d s; its state is Alert now", host.name, host.uuid,
                  patience // 1000)

    def _power(self, up: Sequence[Sighting]) -> None:
        """Hand the reports on that differ from what is known; of an idle cloud that is none."""
        from cloudapi.services.virtual_machine import power

        if not up:
            return
        ids = [sighting.host_id for sighting in up]
        known: dict[int, dict[str, str]] = {}
        for host_id, uuid, state in rows(
                "SELECT host_id, uuid, power_state FROM machine WHERE removed IS NULL "
                f"AND host_id IN ({','.join('?' * len(ids))})", ids):
            known.setdefault(host_id, {})[uuid] = state
        for sighting in up:
            assert sighting.instances is not None
            if known.get(sighting.host_id, {}) != dict(sighting.instances):
                power.report(self._installation.context(), Host.get_by_id(sighting.host_id), sighting.instances,
                             asked=sighting.asked)


def recover() -> None:
    """Put right what a process left that died while it connected hosts. Within a transaction."""
    for host in Host.alive(Host.status == "Connecting", Host.last_pinged.is_null(False)):
        transition(host, "ManagementServerDown", machine=STATUS, disconnected=now())
    for host in Host.alive(Host.status.in_(("Creating", "Connecting", "Alert")), Host.last_pinged.is_null(),
                           Host.created < now() - ABANDONED):
        hosts.forget(host)
