"""All that the server's side of the wire knows of a host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host, or an end point of secondary storage. The numbers are the ids by which simulator faults name their range.

    `url` is what `addHost` was given, such as `http://sim/c0/h0`; for secondary storage that of the store.
    `capabilities` are those of `host.describe`, as far as the server knows them.
    """

    uuid: str
    hypervisor: str
    url: str
    id: int | None = None
    zone_id: int | None = None
    pod_id: int | None = None
    cluster_id: int | None = None
    zone_uuid: str | None = None
    pod_uuid: str | None = None
    cluster_uuid: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)
