"""List commands: filters by declaration; ownership, paging, count, keyword and tags by the framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from cloudapi.api.access import OPERATE
from cloudapi.api.command import Command, PageParameters
from cloudapi.api.ownership import restrict
from cloudapi.api.parameters import Entity, EntityList, Flag, Map, Parameter, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.database import snapshot
from cloudapi.models.identity import Domain, Project


class Listing:
    """What a list command returns: the objects of the page and how many there are in all."""

    def __init__(self, objects: list[dict[str, Any]], count: int | None = None) -> None:
        self.objects = objects
        self.count = len(objects) if count is None else count


class ListCommand(PageParameters, Command):
    """A list of records. Parameters with a `column` filter by equality (lists of them by membership).

    :cvar record: the table; `view.record` where it is not given.
    :cvar keywords: the columns that `keyword` searches.
    :cvar order: SQL of the order; `t.id` is added, so that pages never overlap.
    :cvar keep_removed: show records that are marked removed as well.
    """

    read_only = True
    atomic = False
    record: ClassVar[Any] = None
    keywords: ClassVar[Sequence[str]] = ("name",)
    order: ClassVar[str] = "t.id"
    keep_removed: ClassVar[bool] = False

    def __init__(self, values: dict[str, Any]) -> None:
        """:raises InvalidParameter: `id` and `ids`, of which one says what is wanted."""
        super().__init__(values)
        if {"id", "ids"} <= self.given:
            raise InvalidParameter("Specify either id or ids but not both parameters")

    def filter(self, context: Context, query: Query) -> None:
        """Add the conditions that declarations cannot say."""

    def restrict(self, context: Context, query: Query) -> None:
        """Add the conditions of ownership; none here."""

    def groups(self, context: Context) -> Sequence[str] | None:
        """Return the groups of fields to show; None for all."""
        return None

    def query(self, context: Context) -> Query:
        record = self.record or self.response.record
        query = Query(record, self.order)
        if not self.keep_removed and "removed" in record._meta.fields:
            query.where("t.removed IS NULL")
        for name, parameter in self.parameters.items():
            value = getattr(self, name)
            if parameter.column is None or value is None:
                continue
            if value == -1 and isinstance(parameter, Entity):
                query.nothing()
            elif isinstance(parameter, EntityList):
                query.among(parameter.column, [item.id for item in value])
            elif isinstance(value, list):
                query.among(parameter.column, value)
            else:
                query.equals(parameter.column, column_value(parameter, value))
        if self.keyword and self.keywords:
            query.search(self.keywords, self.keyword)
        self.restrict(context, query)
        self.filter(context, query)
        return query

    def limits(self, context: Context) -> tuple[int, int | None]:
        """Return `(offset, size)` of the page; size None for all.

        :raises InvalidParameter: a page without a size, or one over the setting `default.page.size`'s bound.
        """
        return page_limits(context, self.page, self.pagesize)

    def run(self, context: Context) -> Listing:
        with snapshot():
            query = self.query(context)
            offset, limit = self.limits(context)
            ids, count = query.page(offset, limit)
            return Listing(self.response.render(context, ids, self.groups(context), self), count)


def column_value(parameter: Parameter, value: Any) -> Any:
    return value.id if isinstance(parameter, Entity) else value


def page_limits(context: Context, page: int | None, size: int | None) -> tuple[int, int | None]:
    maximum = int(context.settings.get("default.page.size"))
    if size == -1:
        return 0, None if maximum == -1 else maximum
    if size is not None and maximum != -1 and size > maximum:
        raise InvalidParameter(f"Page size can not exceed max allowed page size value: {maximum}")
    if page is None:
        limit = size if size is not None else (None if maximum == -1 else maximum)
        return 0, limit
    if size is None:
        size = maximum if maximum != -1 else 500
    return (page - 1) * size, size


class OwnedListCommand(ListCommand):
    """A list of what accounts own."""

    listall = Flag(default=False, help="everything that the caller may see, instead of the caller's own")
    account = Text(help="what this account owns; goes with domainid")
    domainid = Entity(Domain, help="what is owned in this domain")
    isrecursive = Flag(default=False, help="the domains below as well")
    projectid = Entity(Project, access=OPERATE, minus_one=True,
                       help="what this project owns; -1 for all of the caller's projects")

    owner_columns: ClassVar[tuple[str, str]] = ("account_id", "domain_id")

    def restrict(self, context: Context, query: Query) -> None:
        restrict(context, query, self, self.owner_columns)


class TagParameters:
    """The filter by tags; `tag_type` is the kind of resource as tags name it."""

    tag_type: ClassVar[str] = ""
    tags = Map(help="what bears these tags: tags[0].key=…&tags[0].value=…")

    def filter_tags(self, query: Query) -> None:
        for key, value in (self.tags or {}).items():
            condition = "SELECT g.resource_id FROM resource_tag g WHERE g.resource_type = ? AND g.name = ?"
            if value:
                query.where(f"t.id IN ({condition} AND g.value = ?)", self.tag_type, key, value)
            else:
                query.where(f"t.id IN ({condition})", self.tag_type, key)
