"""What the API shows of a resource limit and of a count."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Given, View
from cloudapi.context import Context
from cloudapi.models.identity import Account, Domain, Project
from cloudapi.services.account import limit
from cloudapi.views.common import pretty_path


class ResourceLimitView(View):
    name = "resourcelimit"

    account = Given("account that the limit is for", type="string")
    domainid = Given("ID of the domain", type="string")
    domain = Given("name of the domain", type="string")
    domainpath = Given("path of the domain", type="string", since="4.19.2.0")
    resourcetype = Given("number of the resource's type", type="string")
    resourcetypename = Given("name of the resource's type", type="string")
    max = Given("the limit, storage in GiB; -1 for none", type="long")
    projectid = Given("ID of the project that the limit is for", type="string")
    project = Given("name of the project", type="string")
    tag = Given("the host or storage tag that is counted", type="string", since="4.20.0")


class ResourceCountView(View):
    name = "resourcecount"

    account = Given("account whose resources are counted", type="string")
    projectid = Given("ID of the project", type="string")
    project = Given("name of the project", type="string")
    domainid = Given("ID of the domain", type="string")
    domain = Given("name of the domain", type="string")
    domainpath = Given("path of the domain", type="string", since="4.19.2.0")
    resourcetype = Given("number of the resource's type", type="string")
    resourcetypename = Given("name of the resource's type", type="string")
    resourcecount = Given("how much there is", type="long")
    tag = Given("the host or storage tag that is counted", type="string", since="4.20.0")


def owner(item: Account | Domain) -> dict[str, Any]:
    """Return the fields that say whose a limit or a count is."""
    domain = item if isinstance(item, Domain) else Domain.get_by_id(item.domain_id)
    fields = {"domainid": domain.uuid, "domain": domain.name, "domainpath": pretty_path(domain.path)}
    if isinstance(item, Account):
        project = Project.get_or_none(Project.project_account_id == item.id)
        fields |= {"projectid": project.uuid, "project": project.name} if project else {"account": item.account_name}
    return fields


def kind(name: str, tag: str) -> dict[str, Any]:
    number = list(limit.KINDS).index(name)
    return {"resourcetype": str(number), "resourcetypename": name, **({"tag": tag} if tag else {})}


def shown(context: Context, item: Account | Domain, name: str, tag: str, maximum: int) -> dict[str, Any]:
    if name in limit.STORAGE_KINDS and maximum > 0:
        maximum //= limit.GIB
    return {**owner(item), **kind(name, tag), "max": maximum}
