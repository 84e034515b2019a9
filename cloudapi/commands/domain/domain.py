"""Domains."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.api.access import OPERATE, check
from cloudapi.api.command import ADMINS, DOMAIN_ADMINS, ROOT, AsyncCommand, Command
from cloudapi.api.listing import OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, Flag, Integer, Text, TextList
from cloudapi.api.query import Query, escape_like
from cloudapi.commands.account.account import DETAILS, detail_groups
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.services.domain import domain as domains
from cloudapi.views.domain.domain import DomainView


def below(query: Query, domain: Domain) -> None:
    query.where("t.path LIKE ? ESCAPE '!'", escape_like(domain.path) + "%")


class CreateDomain(Command):
    """Creates a domain."""

    roles, event, response = DOMAIN_ADMINS, "DOMAIN.CREATE", DomainView

    name = Text(required=True, help="its name, unique below its parent")
    parentdomainid = Entity(Domain, access=OPERATE, help="the domain above it; ROOT where it is not given")
    networkdomain = Text(help="DNS domain of its networks")
    domainid = Text(help="the ID that it shall have")

    def run(self, context: Context) -> Domain:
        return domains.create(context, self.name, self.parentdomainid, self.networkdomain, self.domainid)


class UpdateDomain(Command):
    """Renames a domain, or changes the DNS domain of its networks."""

    action = "updating a domain"
    roles, event, response = ROOT, "DOMAIN.UPDATE", DomainView

    id = Entity(Domain, access=OPERATE, required=True, help="the domain")
    name = Text(help="a new name")
    networkdomain = Text(help="DNS domain of its networks; empty for none")

    def run(self, context: Context) -> Domain:
        return domains.update(context, self.id, self.name, self.networkdomain)


class MoveDomain(Command):
    """Moves a domain, with all below it, under another one."""

    roles, event, response, since = ROOT, "DOMAIN.MOVE", DomainView, "4.19.0.0"
    subject = "domainid"

    domainid = Entity(Domain, access=OPERATE, required=True, help="the domain")
    parentdomainid = Entity(Domain, access=OPERATE, required=True, help="the domain that it shall be below")

    def run(self, context: Context) -> Domain:
        return domains.move(context, self.domainid, self.parentdomainid)


class DeleteDomain(AsyncCommand):
    """Deletes a domain; with cleanup also the domains below, their accounts and what these own."""

    roles, event = DOMAIN_ADMINS, "DOMAIN.DELETE"

    id = Entity(Domain, access=OPERATE, required=True, lock=True, help="the domain")
    cleanup = Flag(default=False, help="delete what is in it as well")

    def run(self, context: Context) -> None:
        if self.id.removed is None:
            context.steps.run("check", lambda: domains.check_deletable(context, self.id))
            domains.delete(context, self.id, with_content=self.cleanup)


class ListDomains(TagParameters, OwnedListCommand):
    """Lists domains: the caller's own, and with listall those below it; root admins see all."""

    lasting = True
    roles, response = ADMINS, DomainView
    tag_type = "Domain"

    id = Entity(Domain, column="id", help="the domain with this ID")
    name = Text(column="name", help="the domains of this name")
    level = Integer(column="level", help="the domains that are so far below the root")
    details = TextList(choices=DETAILS, help="all, resource (with limits and counts) or min")
    showicon = Flag(default=False, help="add the icons")
    tag = Text(since="4.20.0", help="show the tagged limits of this tag alone")

    def groups(self, context: Context) -> Sequence[str] | None:
        return detail_groups(self.details)

    def restrict(self, context: Context, query: Query) -> None:
        caller = context.caller
        if self.id is not None:
            if self.id.removed is not None:
                raise InvalidParameter(f"Domain id={self.id.uuid} doesn't exist (parameter id)")
            check(context, self.id, OPERATE)
        elif not caller.is_root_admin and not self.listall:
            query.equals("id", caller.domain_id)
        elif not caller.is_root_admin:
            below(query, Domain.get_by_id(caller.domain_id))
        if self.domainid is not None:
            check(context, self.domainid, OPERATE)
            if self.isrecursive:
                below(query, self.domainid)
            else:
                query.equals("id", self.domainid.id)
        if self.account:
            query.where("t.id IN (SELECT a.domain_id FROM account a WHERE a.removed IS NULL AND a.account_name = ?)",
                        self.account)
        if self.projectid == -1:
            query.where("t.id IN (SELECT p.domain_id FROM project p WHERE p.removed IS NULL)")
        elif self.projectid is not None:
            query.equals("id", self.projectid.domain_id)

    def filter(self, context: Context, query: Query) -> None:
        query.equals("state", domains.ACTIVE)
        self.filter_tags(query)


class ListDomainChildren(OwnedListCommand):
    """Lists the domains below a domain: those right below it, with isrecursive all."""

    roles, response = ADMINS, DomainView
    account = domainid = projectid = None

    id = Entity(Domain, access=OPERATE, help="the domain; the caller's where it is not given")
    name = Text(help="domains whose names contain this")
    showicon = Flag(default=False, help="add the icons")

    def restrict(self, context: Context, query: Query) -> None:
        domain = self.id or Domain.get_by_id(context.caller.domain_id)
        if self.isrecursive and not self.listall:
            below(query, domain)
            query.where("t.id <> ?", domain.id)
        else:
            query.equals("parent_id", domain.id)

    def filter(self, context: Context, query: Query) -> None:
        query.equals("state", domains.ACTIVE)
        if self.name:
            query.search(("name",), self.name)
