"""Regions."""

from __future__ import annotations

from typing import Any

from cloudapi.api.command import EVERYONE, ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Integer, NewName, Text
from cloudapi.context import Context
from cloudapi.services.region import region as regions
from cloudapi.views.region.region import RegionView


class ListRegions(ListCommand):
    """Lists regions."""

    roles, response = EVERYONE, RegionView

    id = Integer(column="id", help="the region with this number")
    name = Text(column="name", help="the region of this name")


class AddRegion(Command):
    """Makes a region known."""

    roles, response = ROOT, RegionView

    id = Integer(required=True, help="its number")
    name = Text(required=True, help="its name")
    endpoint = Text(required=True, help="URL of its API")

    def run(self, context: Context) -> Any:
        return regions.add(self.id, self.name, self.endpoint)


class UpdateRegion(Command):
    """Changes a region."""

    roles, response = ROOT, RegionView

    id = Integer(required=True, help="its number")
    name = NewName(help="a new name")
    endpoint = Text(help="another URL of its API")

    def run(self, context: Context) -> Any:
        return regions.update(self.id, self.name, self.endpoint)


class RemoveRegion(Command):
    """Forgets a region."""

    roles = ROOT

    id = Integer(required=True, help="its number")

    def run(self, context: Context) -> None:
        regions.remove(self.id)
