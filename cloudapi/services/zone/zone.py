"""The rules of zones."""

from __future__ import annotations

from typing import Any

from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.base import new_uuid
from cloudapi.models.infrastructure import Zone


def restrict(context: Context, query: Query, available: bool, storage_access_group: str | None) -> None:
    return None


def create(context: Context, name: str, network_type: str, dns: Any, internal_dns: Any, **rest: Any) -> Zone:
    return Zone.create(name=name, network_type=network_type, dns1=dns[0], internal_dns1=internal_dns[0], zone_token=new_uuid())


def update(context: Context, zone: Zone, values: dict[str, Any]) -> Zone:
    return zone


def delete(context: Context, zone: Zone) -> None:
    return None
