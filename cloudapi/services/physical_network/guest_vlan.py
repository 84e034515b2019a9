"""Ranges of guest VLANs that are dedicated to one account."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.network import GuestVlan, GuestVlanRange, PhysicalNetwork
from cloudapi.services.account import cleanup
from cloudapi.services.physical_network import vlan


def dedicate(context: Context, physical_network: PhysicalNetwork, account: Account, text: str) -> GuestVlanRange:
    """Keep a range of a physical network's VLANs for an account; it joins a range beside it that the account has.

    Within a transaction.

    :raises InvalidParameter: the range is none, not the network's, dedicated already, or in use by others.
    """
    methods = {method.upper() for method in physical_network.isolation_methods}
    if methods and not methods & {"VLAN", "VXLAN"}:
        raise InvalidParameter("Cannot dedicate guest VLAN range. Physical isolation type of Network "
                               f"{physical_network.name} (physicalnetworkid) is not VLAN nor VXLAN")
    found = vlan.parse_ranges(text, vlan.bounds(physical_network), "vlanrange")
    if "-" not in text or len(found) != 1:
        raise InvalidParameter(f"Invalid format for parameter value vlanrange {text[:64]}. VLAN should be specified "
                               "as 'startvlan-endvlan'")
    start, end = found[0]
    if not any(have[0] <= start and end <= have[1] for have in physical_network.vlan_ranges):
        raise InvalidParameter(f"Unable to find guest vlan by range {text} (vlanrange) on the physical network")
    foreign = GuestVlan.select().where(
        GuestVlan.physical_network == physical_network.id, GuestVlan.vlan.between(start, end),
        GuestVlan.account_id.is_null() | (GuestVlan.account_id != account.id)).first()
    if foreign is not None:
        raise InvalidParameter(f"Guest vlan from this range {text} (vlanrange) is allocated to a different account: "
                               f"{foreign.vlan}. Can only dedicate a range which has no allocated vlans or has vlans "
                               "allocated to the same account")
    others = list(GuestVlanRange.alive(GuestVlanRange.physical_network == physical_network.id))
    for other in others:
        if start <= other.end_vlan and other.start_vlan <= end:
            raise InvalidParameter(f"Vlan range is already dedicated. Cannot dedicate guest vlan range {text} "
                                   "(vlanrange)")
    beside = [other for other in others if other.account_id == account.id
              and (other.end_vlan == start - 1 or other.start_vlan == end + 1)]
    if not beside:
        return GuestVlanRange.create(
            physical_network=physical_network, account_id=account.id, domain_id=account.domain_id,
            start_vlan=start, end_vlan=end)
    kept = min(beside, key=lambda other: other.start_vlan)
    first, last = min(start, kept.start_vlan), max(end, *(other.end_vlan for other in beside))
    for other in beside:
        if other.id != kept.id:
            release(context, other)
    GuestVlanRange.update(start_vlan=first, end_vlan=last).where(GuestVlanRange.id == kept.id).execute()
    return GuestVlanRange.get_by_id(kept.id)


def release(context: Context, dedicated: GuestVlanRange) -> None:
    """End a dedication; networks keep the VLANs that they have. Within a transaction."""
    GuestVlanRange.update(removed=now()).where(GuestVlanRange.id == dedicated.id).execute()


@cleanup.register(80, "dedicated guest VLANs")
def release_all(context: Context, account: Account) -> None:
    """End all dedications to an account that is being deleted."""
    transact(lambda: GuestVlanRange.update(removed=now()).where(
        GuestVlanRange.account_id == account.id, GuestVlanRange.removed.is_null()).execute())
