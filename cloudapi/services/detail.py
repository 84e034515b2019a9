"""Details: names with values on any resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.models.common import Detail


def get(record: Any) -> dict[str, str]:
    """Return the details of a resource."""
    return {row.name: row.value for row in Detail.select().where(
        Detail.resource_type == type(record).__name__, Detail.resource_id == record.id).order_by(Detail.id)}


def put(record: Any, values: Mapping[str, Any], *, display: bool = True) -> None:
    """Set details; others stay."""
    kind = type(record).__name__
    for name, value in values.items():
        stored = None if value is None else str(value)
        changed = (Detail.update(value=stored, display=display)
                   .where(Detail.resource_type == kind, Detail.resource_id == record.id, Detail.name == name).execute())
        if not changed:
            Detail.create(resource_type=kind, resource_id=record.id, name=name, value=stored, display=display)


def remove(record: Any, *names: str) -> None:
    """Remove these details, or all where none is named."""
    query = Detail.delete().where(Detail.resource_type == type(record).__name__, Detail.resource_id == record.id)
    (query.where(Detail.name.in_(names)) if names else query).execute()
