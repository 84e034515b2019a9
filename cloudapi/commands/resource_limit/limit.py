"""Resource limits and counts."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE, check
from cloudapi.api.command import ADMINS, EVERYONE, ROOT, AsyncCommand, Command
from cloudapi.api.listing import Listing, OwnedListCommand, page_limits
from cloudapi.api.parameters import Entity, Integer, Long, Text
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, Domain, Project, ResourceLimit
from cloudapi.services.account import limit as limits
from cloudapi.services.capacity import capacity
from cloudapi.services.resource_limit import limit as resource_limits
from cloudapi.views.resource_limit import limit as views
from cloudapi.views.resource_limit.limit import ResourceCountView, ResourceLimitView


class UpdateResourceLimit(Command):
    """Sets how much of a resource an account, a domain or a project may have."""

    roles, response = ADMINS, ResourceLimitView

    account = Text(help="the account; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="the domain of the account; alone, the domain that is limited")
    projectid = Entity(Project, access=OPERATE, help="the project")
    resourcetype = Integer(required=True, help="the resource's number: 0 Instances, 1 public IP addresses, 2 volumes, "
                           "3 snapshots, 4 templates, 5 projects, 6 networks, 7 VPCs, 8 CPU cores, 9 memory (MiB), "
                           "10 primary storage (GiB), 11 secondary storage (GiB), 12 backups, 13 backup storage (GiB), "
                           "14 buckets, 15 object storage (GiB), 16 GPUs")
    max = Long(help="the limit; -1 for none")
    tag = Text(length=64, since="4.20.0", help="limit what bears this host or storage tag")

    def run(self, context: Context) -> dict[str, Any]:
        kind = resource_limits.kind_numbered(self.resourcetype)
        owner = resource_limits.owner_of(context, self.account, self.domainid, self.projectid, may_be_domain=True)
        if isinstance(owner, Account):
            check(context, owner, OPERATE)
        row = resource_limits.update(context, owner, kind, self.max, self.tag)
        return views.shown(context, owner, kind, row.tag, row.maximum)


class ListResourceLimits(OwnedListCommand):
    """Lists the limits in force for an account (the caller's), a domain or a project."""

    roles, response = EVERYONE, ResourceLimitView

    id = Long(help="the limit with this number, where one was set")
    resourcetype = Integer(help="the limit of the resource of this number")
    resourcetypename = Text(help="the limit of the resource of this name, as user_vm")
    tag = Text(since="4.20.0", help="the limits of this host or storage tag")

    def run(self, context: Context) -> Listing:
        if self.id is not None:
            found = self._by_number(context, self.id)
        else:
            kinds = [kind for kind in self._kinds() if not self.keyword or self.keyword.lower() in kind]
            found = [views.shown(context, owner, kind, tag, most) for owner in self._owners(context)
                     for kind, tag, most in resource_limits.effective(context, owner, kinds, self.tag)]
        offset, size = page_limits(context, self.page, self.pagesize)
        return Listing(found[offset:] if size is None else found[offset:offset + size], len(found))

    def _kinds(self) -> list[str]:
        if self.resourcetype is not None:
            return [resource_limits.kind_numbered(self.resourcetype)]
        if self.resourcetypename:
            return [resource_limits.kind_named(self.resourcetypename)]
        return list(limits.KINDS)

    def _owners(self, context: Context) -> list[Account | Domain]:
        admin = context.caller.is_admin
        owner = resource_limits.owner_of(
            context, self.account, self.domainid if admin else None, self.projectid if self.projectid != -1 else None,
            may_be_domain=admin, listing=True)
        check(context, owner, OPERATE)
        if isinstance(owner, Domain) and self.isrecursive:
            return list(Domain.alive(Domain.path.startswith(owner.path)).order_by(Domain.id))
        return [owner]

    @staticmethod
    def _by_number(context: Context, number: int) -> list[dict[str, Any]]:
        row = ResourceLimit.get_or_none(ResourceLimit.id == number)
        if row is None:
            raise InvalidParameter(f"There is no resource limit with the number {number} (parameter id)")
        record = Account if row.owner_type == limits.ACCOUNT else Domain
        owner = record.get_by_id(row.owner_id)
        check(context, owner, OPERATE)
        return [views.shown(context, owner, row.resource_type, row.tag, row.maximum)]


class UpdateResourceCount(Command):
    """Counts anew what an account, a project, or a domain with all below it has."""

    roles, response = ADMINS, ResourceCountView

    account = Text(help="the account; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, required=True, help="the domain of the account; alone, the domain itself")
    projectid = Entity(Project, access=OPERATE, help="the project")
    resourcetype = Integer(help="count the resource of this number alone")
    tag = Text(length=64, since="4.20.0", help="count what bears this host or storage tag alone")

    def run(self, context: Context) -> list[dict[str, Any]]:
        kind = None if self.resourcetype is None else resource_limits.kind_numbered(self.resourcetype)
        owner = resource_limits.owner_of(context, self.account, self.domainid, self.projectid, may_be_domain=True)
        check(context, owner, OPERATE)
        return [{**views.owner(owner), **views.kind(row.resource_type, row.tag), "resourcecount": row.count}
                for row in resource_limits.recount(context, owner, kind, self.tag)]


class CleanVMReservations(AsyncCommand):
    """Gives back what is still reserved for Instances that were never started."""

    action = "cleaning up reservations of Instances"
    roles, event = ROOT, "VM.RESERVATION.CLEANUP"

    def run(self, context: Context) -> None:
        context.steps.run("release", capacity.release_reservations)
