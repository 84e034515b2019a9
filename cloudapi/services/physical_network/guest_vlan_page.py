"""Pages of all guest VLANs, free ones included, which have no rows: computed from the ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cloudapi.models.database import rows
from cloudapi.models.network import GuestVlan, GuestVlanRange, PhysicalNetwork
from cloudapi.services.physical_network.vlan import Range, contains

# A VLAN's number in the cloud: that of its physical network, shifted, and its own id.
SHIFT = 24


def number(physical_network_id: int, vlan: int) -> int:
    return physical_network_id << SHIFT | vlan


def page(networks: Sequence[PhysicalNetwork], *, vlan: int | None, wanted: int | None, allocated_only: bool,
         offset: int, limit: int | None) -> tuple[list[tuple[PhysicalNetwork, int]], int]:
    """Return `(physical network, VLAN)` of a page, and how many there are in all.

    :param vlan: only those with this id.
    :param wanted: only the one with this number in the cloud.
    :param allocated_only: only those that a network has.
    """
    spans: list[tuple[PhysicalNetwork, Range]] = []
    for network in networks:
        ranges = _taken(network) if allocated_only else [(item[0], item[1]) for item in network.vlan_ranges]
        for start, end in ranges:
            first, last = start, end
            if vlan is not None:
                first, last = max(first, vlan), min(last, vlan)
            if wanted is not None:
                only = wanted & (1 << SHIFT) - 1 if wanted >> SHIFT == network.id else -1
                first, last = max(first, only), min(last, only)
            if first <= last:
                spans.append((network, (first, last)))
    count = sum(end - start + 1 for _, (start, end) in spans)
    return list(_slice(spans, offset, count if limit is None else limit)), count


def _taken(network: PhysicalNetwork) -> list[Range]:
    found = rows("SELECT v.vlan FROM guest_vlan v WHERE v.physical_network_id = ? ORDER BY v.vlan", [network.id])
    return [(row[0], row[0]) for row in found]


def _slice(spans: Sequence[tuple[PhysicalNetwork, Range]], offset: int,
           limit: int) -> Iterator[tuple[PhysicalNetwork, int]]:
    for network, (start, end) in spans:
        size = end - start + 1
        if offset >= size:
            offset -= size
            continue
        for vlan in range(start + offset, min(end, start + offset + limit - 1) + 1):
            yield network, vlan
            limit -= 1
        offset = 0
        if limit <= 0:
            return


def facts(items: Sequence[tuple[PhysicalNetwork, int]]) -> list[dict[str, Any]]:
    """Return for each VLAN of a page who has it: `taken`, `network_id`, `account_id`, `dedicated`."""
    networks = {network.id for network, _ in items}
    vlans = sorted({vlan for _, vlan in items})
    if not vlans:
        return []
    taken = {(row.physical_network_id, row.vlan): row for row in GuestVlan.select().where(
        GuestVlan.physical_network.in_(list(networks)), GuestVlan.vlan.between(vlans[0], vlans[-1]))}
    dedicated = list(GuestVlanRange.alive(GuestVlanRange.physical_network.in_(list(networks))))
    found = []
    for network, vlan in items:
        row = taken.get((network.id, vlan))
        owner = next((item for item in dedicated if item.physical_network_id == network.id
                      and contains([(item.start_vlan, item.end_vlan)], vlan)), None)
        found.append({
            "taken": row.taken if row is not None else None, "network_id": row.network_id if row is not None else None,
            "account_id": owner.account_id if owner is not None else row.account_id if row is not None else None,
            "dedicated": owner is not None})
    return found
