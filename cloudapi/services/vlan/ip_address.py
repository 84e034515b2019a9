"""The addresses of a range: a row for each IPv4 address, so that taking one is an UPDATE that only one wins."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

from cloudapi.models.base import new_uuid, now
from cloudapi.models.network import IpAddress, IpRange
from cloudapi.services.vlan import subnet

BATCH = 500


def numbers(ip_range: IpRange) -> tuple[int, int] | None:
    """Return the first and the last IPv4 address of a range as numbers; None where it has none."""
    if not ip_range.start_ip:
        return None
    return subnet.number(ip_range.start_ip), subnet.number(ip_range.end_ip or ip_range.start_ip)


def add(ip_range: IpRange, wanted: Iterable[int]) -> None:
    """Make the rows of addresses, given as numbers. Within a transaction."""
    moment, batch = now(), []
    for number in wanted:
        batch.append({
            "uuid": new_uuid(), "created": moment, "ip": str(IPv4Address(number)), "number": number,
            "ip_range": ip_range.id, "zone": ip_range.zone_id, "source_network_id": ip_range.network_id})
        if len(batch) == BATCH:
            IpAddress.insert_many(batch).execute()
            batch = []
    if batch:
        IpAddress.insert_many(batch).execute()


def in_use(ip_range: Any) -> Any:
    """Return a query of the range's addresses that somebody has."""
    return IpAddress.select().where(IpAddress.ip_range == ip_range.id, IpAddress.state != "Free")


def drop(ip_range: IpRange, keep: tuple[int, int] | None = None) -> None:
    """Delete the rows of free addresses, all or those outside of `keep`. Within a transaction."""
    query = IpAddress.delete().where(IpAddress.ip_range == ip_range.id, IpAddress.state == "Free")
    if keep is not None:
        query = query.where((IpAddress.number < keep[0]) | (IpAddress.number > keep[1]))
    query.execute()


def resize(ip_range: IpRange, before: tuple[int, int], after: tuple[int, int]) -> None:
    """Make and delete rows so that the range has the addresses of `after`. Within a transaction.

    Addresses in use must be within `after`.
    """
    drop(ip_range, keep=after)
    if not subnet.overlap(before, after):
        add(ip_range, range(after[0], after[1] + 1))
        return
    add(ip_range, range(after[0], before[0]))
    add(ip_range, range(before[1] + 1, after[1] + 1))
