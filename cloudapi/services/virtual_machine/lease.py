"""Leases: an Instance that carries one is stopped or destroyed when it expires."""

from __future__ import annotations

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.machine import Machine
from cloudapi.models.offering import ServiceOffering
from cloudapi.services.virtual_machine import background

STOP, DESTROY = "STOP", "DESTROY"
ACTIONS = (STOP, DESTROY)
LONGEST = 36500
DAY = 86_400_000


def enabled(context: Context) -> bool:
    return bool(context.settings.get("instance.lease.enabled"))


def check(duration: int | None, action: str | None) -> None:
    """Refuse a lease that makes no sense; a duration of -1 means none.

    :raises InvalidParameter: a duration out of range, or one of the two without the other.
    """
    if (duration is None and action is None) or duration == -1:
        return
    if duration is None or not 1 <= duration <= LONGEST:
        raise InvalidParameter("Invalid leaseduration: must be a natural number (>=1) or -1, max supported value is "
                               f"{LONGEST}")
    if action is None:
        raise InvalidParameter("Provide values for both: leaseduration and leaseexpiryaction")


def of_new(context: Context, offering: ServiceOffering, duration: int | None,
           action: str | None) -> tuple[int | None, str | None]:
    """Return `(expiry, action)` of a new Instance: the caller's, else the offering's; none while leases are off."""
    if not enabled(context):
        return None, None
    check(duration, action)
    days = duration if duration is not None else offering.lease_duration
    what = action or offering.lease_expiry_action
    if days is None or days < 1 or what is None:
        return None, None
    return now() + days * DAY, what


def update(context: Context, machine: Machine, duration: int | None, action: str | None) -> None:
    """Extend, change or (with -1) take away the lease of an Instance. Within a transaction.

    :raises InvalidParameter: it was deployed without one, or the lease is over.
    """
    if not enabled(context) or (duration is None and action is None):
        return
    check(duration, action)
    if machine.lease_expiry is None:
        raise InvalidParameter(f"Lease can't be applied on instance with id: {machine.uuid}, it doesn't have lease "
                               "associated during deployment")
    if machine.lease_expiry < now():
        raise InvalidParameter(f"Lease is not allowed to be redefined: that of instance {machine.uuid} has expired")
    expiry = None if duration in (None, -1) else now() + duration * DAY
    Machine.update(lease_expiry=expiry, lease_action=action if expiry is not None else None).where(
        Machine.id == machine.id).execute()


def expire(context: Context) -> None:
    """Begin to carry out the leases that are over."""
    if not enabled(context):
        return
    due = Machine.alive(Machine.kind == "User", Machine.lease_expiry <= now(), Machine.lease_action.is_null(False),
                        Machine.state.in_(("Running", "Stopped")))
    for machine in list(due):
        if machine.lease_action == DESTROY and machine.delete_protection:
            continue
        command = "stopVirtualMachine" if machine.lease_action == STOP else "destroyVirtualMachine"
        if background.submit(context, command, machine):
            transact(lambda machine=machine: _done(context, machine))  # type: ignore[misc]


def _done(context: Context, machine: Machine) -> None:
    Machine.update(lease_action=None).where(Machine.id == machine.id).execute()
    events.noted(context, "VM.LEASE.EXPIRED",
                 f"The lease of Instance {machine.uuid} has expired; what follows: {machine.lease_action}", machine)


def announce(context: Context) -> None:
    """Leave an event for leases that will expire within `instance.lease.expiryevent.daysbefore` days."""
    if not enabled(context):
        return
    until = now() + int(context.settings.get("instance.lease.expiryevent.daysbefore")) * DAY
    for machine in list(Machine.alive(Machine.kind == "User", Machine.lease_action.is_null(False),
                                      Machine.lease_expiry > now(), Machine.lease_expiry <= until)):
        transact(lambda machine=machine: events.noted(  # type: ignore[misc]
            context, "VM.LEASE.EXPIRING", f"The lease of Instance {machine.uuid} will expire soon", machine))
