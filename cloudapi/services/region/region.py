"""Regions: installations that belong together, each with the address of its API."""

from __future__ import annotations

from urllib.parse import urlsplit

from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Region

# The region of this installation itself, which the seed makes.
LOCAL = 1


def _check(region_id: int, name: str | None, end_point: str | None) -> None:
    if name is not None:
        if not name.strip():
            raise InvalidParameter("Invalid value for parameter name: a region needs a name")
        same = Region.get_or_none(Region.name == name)
        if same is not None and same.id != region_id:
            raise InvalidParameter(f"Region with name: {name} already exists")
    if end_point is not None:
        try:
            parts = urlsplit(end_point.strip())
            valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            valid = False
        if not valid:
            raise InvalidParameter(f"Invalid value {end_point[:80]} for parameter endpoint: it is the URL of a "
                                   "region's API")


def add(region_id: int, name: str, end_point: str) -> Region:
    """Make a region known. Within a transaction.

    :raises InvalidParameter: the id or the name is taken, or the end point is no URL.
    """
    if region_id < 1:
        raise InvalidParameter(f"Invalid value {region_id} for parameter id: it is at least 1")
    if Region.get_or_none(Region.id == region_id) is not None:
        raise InvalidParameter(f"Region with id: {region_id} already exists")
    _check(region_id, name, end_point)
    made: Region = Region.create(id=region_id, name=name, end_point=end_point, created=now())
    return made


def update(region_id: int, name: str | None, end_point: str | None) -> Region:
    """Change a region's name or address. Within a transaction.

    :raises InvalidParameter: there is none of this id, the name is taken, or the end point is no URL.
    """
    region: Region | None = Region.get_or_none(Region.id == region_id)
    if region is None:
        raise InvalidParameter(f"Region with id: {region_id} does not exist")
    _check(region_id, name, end_point)
    changes = {column: value for column, value in (("name", name), ("end_point", end_point)) if value is not None}
    if changes:
        Region.update(changes).where(Region.id == region_id).execute()
    return region


def remove(region_id: int) -> None:
    """Forget a region. Within a transaction.

    :raises InvalidParameter: there is none of this id, or it is this installation's own.
    """
    if region_id == LOCAL:
        raise InvalidParameter(f"Failed to delete Region: {region_id} (parameter id) is the region of this "
                               "installation")
    if not Region.delete().where(Region.id == region_id).execute():
        raise InvalidParameter(f"Failed to delete Region: {region_id}, Region not found")
