"""Guest VLANs: the ids that the isolated networks of a physical network take.

A taken id is a row of `guest_vlan`; its unique index is what makes two networks with one id impossible, also
between processes. Free ids have no row, so that a VXLAN range of millions costs nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.database import rows
from cloudapi.models.network import GuestVlan, GuestVlanRange, PhysicalNetwork

Range = tuple[int, int]

VLAN_BOUNDS: Range = (0, 4095)
VXLAN_BOUNDS: Range = (1, (1 << 24) - 1)
# Keys have 32 bits; CloudStack reads the ranges as numbers of 31.
GRE_BOUNDS: Range = (1, (1 << 31) - 1)
# The first and the last VLAN id mean something else to switches (802.1Q), so that no network gets them.
RESERVED: tuple[Range, ...] = ((0, 0), (4095, 4095))

ATTEMPTS = 20


def bounds(physical_network: Any) -> Range:
    """Return the lowest and the highest id that the network's isolation method knows."""
    methods = {method.upper() for method in physical_network.isolation_methods or ()}
    if "GRE" in methods:
        return GRE_BOUNDS
    return VXLAN_BOUNDS if "VXLAN" in methods else VLAN_BOUNDS


def parse_ranges(text: str, limits: Range, parameter: str = "vlan") -> list[Range]:
    """Return the ranges of `100-200,300-310` (or single ids), in order, those that touch joined.

    :raises InvalidParameter: the text cannot be read, a range runs backwards or leaves the limits.
    """
    found: list[Range] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        last = last or first
        if not (first.strip().isdecimal() and last.strip().isdecimal()):
            raise InvalidParameter(f"Invalid value {part} for parameter {parameter}: please provide valid guest vlan "
                                   "ranges, as 100-200,300-310")
        start, end = int(first), int(last)
        if end < start:
            raise InvalidParameter(f"Invalid value {part} for parameter {parameter}: the range ends before it begins")
        if start < limits[0] or end > limits[1]:
            raise InvalidParameter(f"Invalid value {part} for parameter {parameter}: ids are between {limits[0]} and "
                                   f"{limits[1]} on this physical network")
        found.append((start, end))
    return joined(found)


def joined(ranges: Iterable[Sequence[int]]) -> list[Range]:
    """Return the ranges in order, those that overlap or touch as one."""
    result: list[Range] = []
    for start, end in sorted((int(item[0]), int(item[1])) for item in ranges):
        if result and start <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def without(ranges: Iterable[Sequence[int]], holes: Iterable[Sequence[int]]) -> list[Range]:
    """Return what is left of the ranges where the holes are cut out."""
    left = joined(ranges)
    for first, last in holes:
        cut: list[Range] = []
        for start, end in left:
            cut += [part for part in ((start, min(end, first - 1)), (max(start, last + 1), end)) if part[0] <= part[1]]
        left = cut
    return left


def text_of(ranges: Iterable[Sequence[int]]) -> str:
    """Return ranges as clients write them: `100-200,300-310`."""
    return ",".join(f"{item[0]}-{item[1]}" for item in ranges)


def contains(ranges: Iterable[Sequence[int]], vlan: int) -> bool:
    return any(item[0] <= vlan <= item[1] for item in ranges)


def is_dynamic(physical_network: Any, vlan: int) -> bool:
    """Whether the id is one of those that networks take by themselves."""
    return contains(physical_network.vlan_ranges, vlan)


def taken(physical_network: Any) -> set[int]:
    """Return the ids in use."""
    return {row[0] for row in rows("SELECT v.vlan FROM guest_vlan v WHERE v.physical_network_id = ?",
                                   [physical_network.id])}


def take_vlan(context: Context, physical_network: Any, account: Any, wanted: int | None = None, *,
              network: Any = None) -> int:
    """Take an id for a network of an account, within the caller's transaction; the same id is never given twice.

    Ids dedicated to the account come first. Where it has such and they are used up, the setting
    `use.system.guest.vlans` says whether it may take others; those dedicated to others it never gets.

    :param wanted: exactly this id.
    :raises InvalidParameter: the wanted id is in use.
    :raises InsufficientCapacity: none is free.
    """
    if wanted is not None:
        if not _claim(physical_network, wanted, account, network):
            raise InvalidParameter(f"The VLAN {wanted} is already in use on the physical network "
                                   f"{physical_network.name}")
        return wanted
    dedicated = list(GuestVlanRange.alive(GuestVlanRange.physical_network == physical_network.id))
    own = [(item.start_vlan, item.end_vlan) for item in dedicated if item.account_id == account.id]
    reserved = RESERVED if bounds(physical_network) == VLAN_BOUNDS else ()
    pools = [without(own, reserved)] if own else []
    if not own or context.settings.get("use.system.guest.vlans", account=account.id):
        pools.append(without(physical_network.vlan_ranges, [
            *reserved, *((item.start_vlan, item.end_vlan) for item in dedicated)]))
    for pool in pools:
        for _ in range(ATTEMPTS):
            vlan = _free(pool, taken(physical_network))
            if vlan is None:
                break
            if _claim(physical_network, vlan, account, network):
                return vlan
    raise InsufficientCapacity(f"Unable to allocate a VLAN: the physical network {physical_network.name} has no free "
                               "one")


def _free(ranges: Sequence[Range], used: set[int]) -> int | None:
    """Return a free id: the next one from a random place on, so that those who choose at once rarely meet."""
    total = sum(end - start + 1 for start, end in ranges)
    if not total:
        return None
    place = random.randrange(total)
    index = 0
    while place > ranges[index][1] - ranges[index][0]:
        place -= ranges[index][1] - ranges[index][0] + 1
        index += 1
    middle = ranges[index][0] + place
    ordered = [(middle, ranges[index][1]), *ranges[index + 1:], *ranges[:index], (ranges[index][0], middle - 1)]
    for start, end in ordered:
        for vlan in range(start, end + 1):
            if vlan not in used:
                return vlan
    return None


def _claim(physical_network: Any, vlan: int, account: Any, network: Any) -> bool:
    """Write the row of an id; False where somebody else has it."""
    row = {"physical_network": physical_network.id, "vlan": vlan, "taken": now(),
           "account_id": account.id if account is not None else None,
           "network_id": network.id if network is not None else None}
    return bool(GuestVlan.insert(**row).on_conflict_ignore().as_rowcount().execute())


def give_back_vlan(physical_network: PhysicalNetwork | int, vlan: int) -> None:
    """Free an id; one that is free already stays so. Within the caller's transaction.

    :param physical_network: the record or its id.
    """
    key = physical_network if isinstance(physical_network, int) else physical_network.id
    GuestVlan.delete().where(GuestVlan.physical_network == key, GuestVlan.vlan == vlan).execute()
