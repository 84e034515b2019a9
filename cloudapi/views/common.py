"""Fields that many views have: tags and details."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudapi.api.view import Batch, Column, Page, View
from cloudapi.models.common import ResourceTag
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain


def pretty_path(path: str) -> str:
    """Return a domain's path as CloudStack shows it: `ROOT` for `/`, `ROOT/a/b` for `/a/b/`."""
    return "ROOT" if path == "/" else "ROOT" + path.rstrip("/")


def load_projects(page: Page) -> dict[int, dict[str, Any]]:
    """The project that each record's account stands for, if it stands for one."""
    owners = page.values("account_id")
    wanted = sorted({owner for owner in owners.values() if owner is not None})
    if not wanted or not page.any("project"):
        return {}
    projects = {account: {"projectid": uuid, "project": name} for account, uuid, name in rows(
        "SELECT project_account_id, uuid, name FROM project WHERE removed IS NULL AND project_account_id IN "
        f"({','.join('?' * len(wanted))})", wanted)}
    return {key: projects[owner] for key, owner in owners.items() if owner in projects}


class ProjectOwnedView:
    """The project of what an account owns; for views of records with `account_id`."""

    projectid = Batch(load_projects, "ID of the project that owns it", key="projectid", needs=("account_id",))
    project = Batch(load_projects, "name of the project that owns it", key="project", needs=("account_id",))


class ResourceTagView(ProjectOwnedView, View):
    record, name = ResourceTag, "tag"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain)}

    key = Column("name", "name of the tag")
    value = Column("value", "value of the tag")
    resourcetype = Column("resource_type", "kind of the resource")
    resourceid = Column("resource_uuid", "ID of the resource")
    customer = Column("customer", "who the tag is for")
    account = Column("account_.account_name", "account of the tag")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")


def by_resource(page: Page, table: str, kind: str, ids: list[int], columns: str) -> list[tuple[Any, ...]]:
    """Return `(resource id, …columns)` of the rows of tags or details of these resources.

    :param kind: the kind of resource as the table names it; from us, never from a client.
    """
    if not ids or not page.any(f"{table} WHERE resource_type = '{kind}'"):
        return []
    marks = ",".join("?" * len(ids))
    return rows(f"SELECT resource_id, {columns} FROM {table} WHERE resource_type = ? AND resource_id IN ({marks}) "
                "ORDER BY id", [kind, *ids])


def Tags(kind: str, **options: Any) -> Batch:
    """The tags of a resource; an empty list where it has none, as CloudStack shows."""

    def load(page: Page) -> dict[int, list[dict[str, Any]]]:
        owner = by_resource(page, "resource_tag", kind, page.ids, "id")
        tags = {tag_id: resource_id for resource_id, tag_id in owner}
        found: dict[int, list[dict[str, Any]]] = {}
        if tags:
            ordered = list(tags)
            for tag_id, shown in zip(ordered, ResourceTagView.render(page.context, ordered), strict=True):
                found.setdefault(tags[tag_id], []).append(shown)
        return found

    return Batch(load, "tags of the resource", default=[], type="set", nested=ResourceTagView, **options)


def DetailMap(kind: str, help: str, *, hidden: Callable[[str], bool] = lambda name: False,
              **options: Any) -> Batch:
    """The details of a resource as a map; those not for display, or `hidden`, are shown to root admins only."""

    def load(page: Page) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        root = page.context.caller.is_root_admin
        for resource_id, name, value, display in by_resource(page, "detail", kind, page.ids, "name, value, display"):
            if (display or root) and not hidden(name):
                found.setdefault(resource_id, {})[name] = value
        return found

    return Batch(load, help, type="map", **options)


