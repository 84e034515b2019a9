"""What hosts report of volumes: the bytes that they take up, and what Instances read and write."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import StoragePool, Volume, VolumeSample, VolumeStatistics
from cloudapi.services.host import agent
from cloudapi.services.volume import place

log = logging.getLogger(__name__)

MINUTE = 60_000


def collect(context: Context) -> None:
    """Ask for the figures of all volumes, a call for each pool and each host; not where the interval is 0."""
    if not context.settings.get("volume.stats.interval"):
        return
    for pool in list(StoragePool.alive(StoragePool.state == "Up")):
        volumes = {volume.uuid: volume.id for volume in Volume.alive(Volume.pool == pool.id, Volume.state == "Ready")}
        if not volumes:
            continue
        try:
            report = agent.call(context, place.host_of(context, pool), "volume.statistics",
                                {"pool": pool.uuid, "volumes": list(volumes)})
        except ApiError as error:
            log.warning("pool %s: no figures of its volumes: %s", pool.uuid, error.text)
            continue
        _write((volumes[seen["id"]], {"physical_size": seen["allocated_bytes"], "virtual_size": seen["size_bytes"]})
               for seen in report["volumes"])
    for host in list(Host.alive(Host.kind == "Routing", Host.status == "Up")):
        _counters(context, host)


def _counters(context: Context, host: Host) -> None:
    running = [machine.uuid for machine in Machine.alive(Machine.host == host.id, Machine.state == "Running")]
    if not running:
        return
    try:
        report = agent.call(context, host, "instance.statistics", {"instances": running})
    except ApiError as error:
        log.warning("host %s: no figures of its Instances: %s", host.uuid, error.text)
        return
    seen = {volume: counters for instance in report["instances"].values()
            for volume, counters in instance["disks"].items()}
    ids = {volume.uuid: volume.id for volume in Volume.alive(Volume.uuid.in_(list(seen)))} if seen else {}
    figures = [(ids[uuid], {"read_bytes": counters["read_bytes"], "write_bytes": counters["write_bytes"],
                        "reads": counters["read_operations"], "writes": counters["write_operations"]})
               for uuid, counters in seen.items() if uuid in ids]
    if context.settings.get("vm.disk.stats.retention.enabled"):
        _keep(figures)
    _write(figures)


def _keep(figures: Sequence[tuple[int, dict[str, int]]]) -> None:
    """Write a sample of each volume: what has been counted since it was asked for before."""
    moment = now()
    before = {row.volume_id: row for row in VolumeStatistics.select().where(
        VolumeStatistics.volume_id.in_([volume_id for volume_id, _ in figures] or [0]))}
    samples = []
    for volume_id, values in figures:
        known = {name: getattr(before.get(volume_id), name, 0) for name in values}
        samples.append({"volume_id": volume_id, "sampled": moment, **{
            name: value - known[name] if value >= known[name] else value for name, value in values.items()}})
    if samples:
        transact(lambda: VolumeSample.insert_many(samples).execute())


def remove_old(context: Context) -> None:
    """Remove the samples that are older than `vm.disk.stats.max.retention.time` says, in minutes; 0 keeps all."""
    minutes = int(context.settings.get("vm.disk.stats.max.retention.time"))
    before = now() - minutes * MINUTE
    if minutes > 0 and VolumeSample.select().where(VolumeSample.sampled < before).exists():
        transact(lambda: VolumeSample.delete().where(VolumeSample.sampled < before).execute())


def _write(figures: Iterable[tuple[int, dict[str, Any]]]) -> None:
    moment = now()

    def work() -> None:
        for volume_id, values in figures:
            changed = (VolumeStatistics.update(**values, sampled=moment)
                       .where(VolumeStatistics.volume_id == volume_id).execute())
            if not changed:
                VolumeStatistics.insert(volume_id=volume_id, **values, sampled=moment).execute()

    transact(work)
