"""Events."""

from __future__ import annotations

from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.listing import Listing, OwnedListCommand
from cloudapi.api.parameters import Date, Entity, EntityList, Flag, Integer, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.common import Event
from cloudapi.services.event import event as events
from cloudapi.views.event.event import EventTypeView, EventView

LEVELS = ("INFO", "WARN", "ERROR")
SECOND = 1000


class ListEvents(OwnedListCommand):
    """Lists events, the newest first."""

    roles, response = EVERYONE, EventView
    order, keywords = "t.id DESC", ("event_type", "description", "level")

    id = Entity(Event, column="id", minus_one=True, help="the event with this ID")
    type = Text(column="event_type", help="events of this type")
    level = Text(column="level", choices=LEVELS, help="events of this level")
    startdate = Date(help="events since then")
    enddate = Date(end_of_day=True, help="events until then")
    duration = Integer(minimum=0, help="jobs that took this many seconds or longer; goes with entrytime")
    entrytime = Integer(minimum=0, help="jobs that began this many seconds ago or earlier and have not ended since")
    startid = Entity(Event, minus_one=True, help="the events that this one began, itself among them")
    resourceid = Text(column="resource_uuid", since="4.17.0", help="events of this resource; goes with resourcetype")
    resourcetype = Text(since="4.17.0", help="kind of the resource")
    archived = Flag(since="4.19.0", help="true: archived events as well")
    state = Text(column="state", since="4.21.0", choices=("Created", "Scheduled", "Started", "Completed"),
                 help="events in this state")

    def filter(self, context: Context, query: Query) -> None:
        if not self.archived:
            query.where("t.archived = ?", False)
        if not context.caller.is_root_admin:
            query.where("t.display = ?", True)
        if self.startdate is not None:
            query.where("t.created >= ?", self.startdate)
        if self.enddate is not None:
            query.where("t.created <= ?", self.enddate)
        if self.startid == -1:
            query.nothing()
        elif self.startid is not None:
            query.where("(t.id = ? OR t.start_id = ?)", self.startid.id, self.startid.id)
        if self.resourcetype is not None:
            query.where("LOWER(t.resource_type) = ?", self.resourcetype.lower())
        if self.resourceid is not None and self.resourcetype is None:
            raise InvalidParameter("parameter resourcetype must be given with resourceid")
        self._unfinished(context, query)

    def _unfinished(self, context: Context, query: Query) -> None:
        if self.entrytime is None or self.duration is None:
            return
        newest = context.now() - self.entrytime * SECOND
        query.where("t.state = 'Scheduled' AND t.created <= ? AND NOT EXISTS (SELECT 1 FROM event e WHERE "
                    "e.start_id = t.id AND e.state = 'Completed' AND e.created < t.created + ?)",
                    newest, self.duration * SECOND)


class ListEventTypes(Command):
    """Lists the types of events that there are."""

    roles, response = EVERYONE, EventTypeView
    read_only, atomic = True, False

    def run(self, context: Context) -> Listing:
        return Listing([{"name": name} for name in sorted(context.installation.registry.event_types)])


class _Chosen:
    """Which events are meant."""

    ids = EntityList(Event, access="operate", help="these events")
    type = Text(help="events of this type")
    startdate = Date(help="events since then; goes with enddate or type")
    enddate = Date(end_of_day=True, help="events until then")


class ArchiveEvents(_Chosen, Command):
    """Archives events: lists leave them out from then on."""

    roles = EVERYONE

    def run(self, context: Context) -> bool:
        return events.archive(context, self.ids, self.type, self.startdate, self.enddate)


class DeleteEvents(_Chosen, Command):
    """Deletes events."""

    roles = EVERYONE

    def run(self, context: Context) -> bool:
        return events.delete(context, self.ids, self.type, self.startdate, self.enddate)
