"""Affinity groups: on which hosts the other members of a machine's groups run, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudapi.models.database import rows

ANTI, TOGETHER = "host anti-affinity", "host affinity"
SOFT_ANTI, SOFT_TOGETHER = "non-strict host anti-affinity", "non-strict host affinity"


@dataclass(slots=True)
class Affinity:
    """Hosts by what the groups say of them.

    :ivar refused: hosts that a strict anti-affinity group excludes, with the reason.
    :ivar only: the hosts that a strict affinity group allows; None for any.
    :ivar preferred, deterred: hosts to be tried first, and last.
    """

    refused: dict[int, str] = field(default_factory=dict)
    only: set[int] | None = None
    preferred: set[int] = field(default_factory=set)
    deterred: set[int] = field(default_factory=set)

    def refusal(self, host_id: int) -> str | None:
        if host_id in self.refused:
            return self.refused[host_id]
        if self.only is not None and host_id not in self.only:
            return "an affinity group keeps the Instance on another host"
        return None

    def rank(self, host_id: int) -> int:
        """Return a number by which hosts sort: preferred ones first, deterred ones last."""
        return (host_id in self.deterred) - (host_id in self.preferred)


def of(machine_id: int) -> Affinity:
    """Return what the groups of a machine ask for. Members count where they run or are being started."""
    found = Affinity()
    for kind, name, host_id in rows(
            "SELECT g.kind, g.name, m.host_id FROM affinity_group_member mine "
            "JOIN affinity_group g ON g.id = mine.group_id AND g.removed IS NULL "
            "JOIN affinity_group_member other ON other.group_id = g.id AND other.machine_id <> mine.machine_id "
            "JOIN machine m ON m.id = other.machine_id AND m.removed IS NULL AND m.host_id IS NOT NULL "
            "WHERE mine.machine_id = ?", [machine_id]):
        if kind == ANTI:
            found.refused[host_id] = f"another member of the anti-affinity group {name} runs there"
        elif kind == TOGETHER:
            found.only = (found.only or set()) | {host_id}
        elif kind == SOFT_ANTI:
            found.deterred.add(host_id)
        elif kind == SOFT_TOGETHER:
            found.preferred.add(host_id)
    return found
