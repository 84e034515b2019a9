"""Archiving and deleting events."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.common import Event
from cloudapi.models.database import transact
from cloudapi.models.identity import Domain

DAY = 86_400_000
PURGE_BATCH = 1000


def _chosen(context: Context, ids: Sequence[Event] | None, kind: str | None, start: int | None,
            end: int | None) -> list[int]:
    """Return the ids of the caller's events that a call means: an admin's reach down the domain tree.

    :raises InvalidParameter: the call names nothing, or a start after the end.
    """
    if not ids and kind is None and end is None:
        raise InvalidParameter("either ids, type or enddate must be specified")
    if start is not None and end is not None and start > end:
        raise InvalidParameter("startdate must be before enddate")
    caller = context.caller
    query = Event.select(Event.id).where(Event.archived == False)  # noqa: E712 - SQL
    if not caller.is_admin:
        query = query.where(Event.account_id == caller.account_id)
    elif not caller.is_root_admin:
        query = query.where(Event.domain_id.in_(
            Domain.select(Domain.id).where(Domain.path.startswith(caller.domain_path))))
    if ids:
        query = query.where(Event.id.in_([event.id for event in ids]))
    if kind is not None:
        query = query.where(Event.event_type == kind)
    if start is not None:
        query = query.where(Event.created >= start)
    if end is not None:
        query = query.where(Event.created <= end)
    found = [row.id for row in query]
    if ids and len(found) < len({event.id for event in ids}):
        raise InvalidParameter("unable to find one of the events of parameter ids: it is archived or another account's")
    return found


def archive(context: Context, ids: Sequence[Event] | None, kind: str | None, start: int | None,
            end: int | None) -> bool:
    """Archive events: lists leave them out. Returns whether there were any."""
    found = _chosen(context, ids, kind, start, end)
    for begin in range(0, len(found), PURGE_BATCH):
        Event.update(archived=True).where(Event.id.in_(found[begin:begin + PURGE_BATCH])).execute()
    return bool(found)


def delete(context: Context, ids: Sequence[Event] | None, kind: str | None, start: int | None,
           end: int | None) -> bool:
    """Delete events. Returns whether there were any."""
    found = _chosen(context, ids, kind, start, end)
    for begin in range(0, len(found), PURGE_BATCH):
        Event.delete().where(Event.id.in_(found[begin:begin + PURGE_BATCH])).execute()
    return bool(found)


def purge(context: Context) -> None:
    """Delete events that are older than the setting `event.purge.delay` says, in days; 0 keeps all."""
    days = context.settings.get("event.purge.delay")
    if days and days > 0:
        transact(lambda: Event.delete().where(Event.created < now() - days * DAY).execute())
