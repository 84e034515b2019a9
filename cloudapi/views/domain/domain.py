"""What the API shows of a domain."""

from __future__ import annotations

from cloudapi.api.view import Column, Given, View
from cloudapi.models.identity import Domain
from cloudapi.views.common import DetailMap, Tags, pretty_path
from cloudapi.views.resource_limit.balance import DomainLimits
from cloudapi.views.zone.place import HasAnnotations


class DomainView(DomainLimits, View):
    record, name = Domain, "domain"
    links = {"parent": ("parent_id", Domain)}

    id = Column("uuid", "ID of the domain")
    name_ = Column("name", "name of the domain")
    level = Column("level", "how far below the root it is")
    parentdomainid = Column("parent.uuid", "ID of the domain above it")
    parentdomainname = Column("parent.name", "name of the domain above it")
    haschild = Column("child_count", "whether there are domains below it", convert=bool, type="boolean")
    networkdomain = Column("network_domain", "DNS domain of its networks")
    path = Column("path", "path of the domain", convert=pretty_path)
    state = Column("state", "Active, or Inactive while it is being deleted")
    created = Column("created", "when it was made", type="date")
    domaindetails = DetailMap("Domain", "details of the domain")
    tags = Tags("Domain")
    hasannotations = HasAnnotations()
    icon = Given("icon of the domain", type="resourceiconresponse", since="4.16.0.0")
