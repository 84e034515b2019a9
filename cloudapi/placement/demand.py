"""What a machine needs of a place, where the caller wants it, and the place that was found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VolumeDemand:
    """A volume that the machine needs.

    :param size: bytes; for a root disk with the template's own size where it has to be copied.
    :param tags: storage tags of its offering; the pool must have them all.
    :param local: it lies on the host itself.
    :param pool_id: the pool that it is on already; None while it has to be made.
    :param iops: operations a second that it is promised at least.
    """

    volume_id: int
    name: str
    size: int
    tags: tuple[str, ...] = ()
    local: bool = False
    pool_id: int | None = None
    encrypt: bool = False
    iops: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a machine needs: `speed` MHz for each of `cpu` cores, `memory` in MiB.

    :param host_tags: tags that the host must have, all of them.
    :param strict_tags: those among the tags that count even for a host that the caller named.
    :param on_disabled: disabled zones, pods, clusters and hosts will do (a right of root admins and routers).
    """

    machine_id: int
    name: str
    zone_id: int
    account_id: int
    hypervisor: str | None
    arch: str
    cpu: int
    speed: int
    memory: int
    kind: str = "User"
    host_tags: tuple[str, ...] = ()
    strict_tags: tuple[str, ...] = ()
    uefi: bool = False
    on_disabled: bool = False
    volumes: tuple[VolumeDemand, ...] = ()
    running_on: int | None = None

    @property
    def mhz(self) -> int:
        return self.cpu * self.speed

    @property
    def memory_bytes(self) -> int:
        return self.memory << 20


@dataclass(slots=True)
class Plan:
    """Where the caller wants it; all ids may be None. A host wins over a cluster, a cluster over a pod.

    :param planner: name of the planner; None takes the offering's or the setting's.
    :param avoid_hosts: hosts that failed already, with the reason of each.
    :param last_host_id: the host to prefer.
    """

    pod_id: int | None = None
    cluster_id: int | None = None
    host_id: int | None = None
    planner: str | None = None
    last_host_id: int | None = None
    pool_id: int | None = None
    avoid_hosts: dict[int, str] = field(default_factory=dict)
    avoid_pools: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Destination:
    """The place; `pools` says on which pool each volume that has none shall be made."""

    host_id: int
    cluster_id: int
    pod_id: int
    pools: dict[int, int]
