"""Fields that zones, pods, clusters and hosts have in common: comments, storage access groups, capacities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudapi.api.view import Batch, Page
from cloudapi.models.database import rows
from cloudapi.services.capacity import summary
from cloudapi.services.storage import access
from cloudapi.views.capacity.capacity import CapacityView
from cloudapi.views.common import by_resource


def HasAnnotations() -> Batch:
    def load(page: Page) -> dict[int, bool]:
        if not page.any("annotation"):
            return {}
        uuids = {uuid: number for number, uuid in page.values("uuid").items()}
        marks = ",".join("?" * len(uuids))
        hidden = "" if page.context.caller.is_root_admin else " AND admins_only = ?"
        found = rows(f"SELECT entity_uuid FROM annotation WHERE removed IS NULL AND entity_uuid IN ({marks}){hidden}",
                     [*uuids, *([False] if hidden else [])])
        return dict.fromkeys((uuids[row[0]] for row in found), True)

    return Batch(load, "whether somebody has commented on it", default=False, type="boolean")


def AccessGroups(kind: str, column: str = "id", **options: Any) -> Batch:
    """The storage access groups of the record itself, or of the place that `column` names."""

    def load(page: Page) -> dict[int, str]:
        places = {number: number for number in page.ids} if column == "id" else page.values(column)
        groups = {place: value for place, name, value in by_resource(
            page, "detail", kind, [place for place in set(places.values()) if place is not None], "name, value")
            if name == access.NAME}
        return {number: groups[place] for number, place in places.items() if place in groups}

    return Batch(load, f"storage access groups of the {kind.lower()}", type="string", since="4.21.0", **options)


def Capacities(level: str) -> Batch:
    def load(page: Page) -> dict[int, list[dict[str, Any]]]:
        if not getattr(page.arguments, "showcapacities", False):
            return {}
        return summary.as_objects(summary.figures(level, page.ids))

    return Batch(load, "capacities, where they are asked for", type="list", nested=CapacityView)


def setting_loader(fields: dict[str, str], scope: str) -> Callable[[Page], dict[int, dict[str, Any]]]:
    """Return a loader of settings as they are in force at each record: `{field: setting}`, `scope` zone or cluster."""

    def load(page: Page) -> dict[int, dict[str, Any]]:
        get = page.context.settings.get
        return {number: {shown: get(name, **{scope: number}) for shown, name in fields.items()} for number in page.ids}

    return load
