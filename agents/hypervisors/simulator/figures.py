"""Figures that move: each a function of time and of whose it is, so that nothing has to be kept and counters never
fall."""

import math
import zlib
from collections.abc import Iterable

from agents.hypervisors.base import DiskCounters, InstanceSpec, InstanceStatistics, NicCounters
from agents.network.base import TrafficCounters

WAVE_SECONDS = 120.0


def level(key: str, now: float, low: float, high: float) -> float:
    """Swings between `low` and `high`."""
    phase = _seed(key) * 2 * math.pi
    return low + (high - low) * (1 + math.sin(2 * math.pi * now / WAVE_SECONDS + phase)) / 2


def counter(key: str, seconds: float, mean_rate: float) -> int:
    """Rises from 0 by about `mean_rate` per second, now slower, now faster, never back."""
    rate = mean_rate * (0.5 + _seed(key))
    turn = 2 * math.pi / WAVE_SECONDS
    return int(rate * (seconds - 0.9 * math.sin(turn * seconds) / turn))


def of_instance(spec: InstanceSpec, now: float, started_at: float) -> InstanceStatistics:
    seconds = max(0.0, now - started_at)
    return InstanceStatistics(
        cpu_percent=round(level(spec.id, now, 2.0, 60.0), 2),
        cpus=spec.cpus,
        memory_bytes=spec.memory_bytes,
        memory_used_bytes=int(spec.memory_bytes * level(spec.id + "m", now, 0.25, 0.7)),
        uptime_seconds=seconds,
        disks={disk.volume: _disk(disk.volume, seconds) for disk in spec.disks},
        nics=_nics((nic.id for nic in spec.nics if nic.enabled), seconds),
    )


def of_traffic(key: str, seconds: float) -> TrafficCounters:
    return TrafficCounters(counter(key + "r", seconds, 40_000), counter(key + "w", seconds, 15_000))


def _disk(volume: str, seconds: float) -> DiskCounters:
    reads, writes = counter(volume + "r", seconds, 12), counter(volume + "w", seconds, 6)
    return DiskCounters(reads * 16_384, writes * 8_192, reads, writes)


def _nics(ids: Iterable[str], seconds: float) -> dict[str, NicCounters]:
    return {nic: NicCounters(counter(nic + "r", seconds, 20_000), counter(nic + "w", seconds, 8_000)) for nic in ids}


def _seed(key: str) -> float:
    return (zlib.crc32(key.encode()) % 1000) / 1000
