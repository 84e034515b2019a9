"""What the API shows of events."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Given, Page, View, fetch
from cloudapi.models.common import Event
from cloudapi.models.identity import Account, Domain, User
from cloudapi.views.common import ProjectOwnedView, pretty_path


def load_parents(page: Page) -> dict[int, Any]:
    """The UUID of the event that began what each event belongs to."""
    starts = {key: value for key, value in page.values("start_id").items() if value}
    if not starts:
        return {}
    wanted = set(starts.values())
    uuids = dict(fetch("event", ["uuid"], wanted))
    return {key: uuids.get(value) for key, value in starts.items()}


class EventView(ProjectOwnedView, View):
    record, name = Event, "event"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain), "user_": ("user_id", User)}

    id = Column("uuid", "ID of the event")
    username = Column("user_.username", "who did it")
    type = Column("event_type", "type of the event")
    level = Column("level", "INFO, WARN or ERROR")
    description = Column("description", "what happened")
    account = Column("account_.account_name", "account that it happened to")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    resourceid = Column("resource_uuid", "ID of the resource", since="4.17.0")
    resourcetype = Column("resource_type", "kind of the resource", since="4.17.0")
    resourcename = Column("resource_name", "name of the resource", since="4.17.0")
    created = Column("created", "when it happened")
    state = Column("state", "Created, Scheduled, Started or Completed")
    parentid = Batch(load_parents, "ID of the event that began it", needs=("start_id",))
    archived = Column("archived", "whether it was archived")


class EventTypeView(View):
    name = "eventtype"

    name_ = Given("type of event", type="string")
