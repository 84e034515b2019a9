"""Which templates and ISOs a list shows: the filters `featured`, `self`, `executable` and their kind.

A list has an entry per template and zone; conditions on the template stand in a query of their own.
"""

from __future__ import annotations

from typing import Any, ClassVar

from cloudapi.api.access import USE, check, in_subtree, may_operate
from cloudapi.api.listing import ListCommand, TagParameters
from cloudapi.api.ownership import find_account
from cloudapi.api.parameters import Entity, Flag, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Domain, Project
from cloudapi.models.infrastructure import GuestOsCategory, Zone
from cloudapi.models.storage import ImageStore, StoragePool, Template, TemplateZone
from cloudapi.services.template import permission

FILTERS = ("featured", "self", "selfexecutable", "sharedexecutable", "shared", "executable", "community", "all")
ROOT_ONLY = ("Admin",)
IN_DOMAIN = "t.domain_id IN (SELECT d.id FROM domain d WHERE d.path LIKE ?)"
SHARED = "t.id IN (SELECT l.template_id FROM launch_permission l WHERE l.account_id IN ({marks}))"


class _ImageList(TagParameters, ListCommand):
    """What `listTemplates` and `listIsos` have in common.

    :cvar iso: list ISOs, not templates.
    """

    record = TemplateZone
    iso: ClassVar[bool] = False

    listall = Flag(default=False, help="everything that the caller may see, instead of the caller's own")
    account = Text(help="what this account owns; goes with domainid")
    domainid = Entity(Domain, help="what is owned in this domain")
    isrecursive = Flag(default=False, help="the domains below as well")
    projectid = Entity(Project, access="operate", minus_one=True, help="what this project owns; -1 for all projects")
    id = Entity(Template, removed=True, minus_one=True, help="the one with this ID")
    name = Text(help="those of this name")
    zoneid = Entity(Zone, minus_one=True, help="those of this zone")
    hypervisor = Text(help="those for this hypervisor")
    showremoved = Flag(default=False, help="those that were deleted as well")
    showunique = Flag(default=False, since="4.13.2", help="each once, whatever the number of its zones")
    showicon = Flag(default=False, help="add their icons")
    arch = Text(since="4.20", help="those for this CPU architecture")
    isready = Flag(help="those that can be used now")
    oscategoryid = Entity(GuestOsCategory, since="4.21.0", help="those with a guest OS of this category")
    imagestoreid = Entity(ImageStore, since="4.19", roles=ROOT_ONLY, help="those on this image store")
    storageid = Entity(StoragePool, since="4.19", roles=ROOT_ONLY, help="those on this storage pool")

    def chosen(self) -> str:
        """Return which filter is asked for."""
        raise TypeError(f"{type(self).__name__} has no filter")

    def query(self, context: Context) -> Query:
        ascending = context.settings.get("sortkey.algorithm")
        query = Query(TemplateZone, "(SELECT o.sort_key FROM template o WHERE o.id = t.template_id) "
                      f"{'ASC' if ascending else 'DESC'}, t.template_id")
        inner = Query(Template)
        if -1 in (self.id, self.zoneid):
            query.nothing()
        if not self.showremoved:
            query.where("t.removed IS NULL")
            inner.where("t.removed IS NULL")
        inner.where("t.format = ?" if self.iso else "t.format <> ?", "ISO")
        if self.id is not None and self.id != -1:
            self._by_id(context, inner)
        else:
            self._visible(context, inner)
        self._select(inner)
        self.select(context, inner)
        query.where(f"t.template_id IN (SELECT t.id FROM template t{inner.predicate})", *inner.parameters)
        self._select_place(query)
        if self.showunique:
            query.where("t.id = (SELECT MIN(u.id) FROM template_zone u WHERE u.template_id = t.template_id"
                        f"{'' if self.showremoved else ' AND u.removed IS NULL'})")
        return query

    def select(self, context: Context, query: Query) -> None:
        """Add the conditions that only templates or only ISOs have."""

    def _by_id(self, context: Context, query: Query) -> None:
        if (self.id.format == "ISO") != self.iso:
            raise InvalidParameter("Specified Template Id is not an ISO" if self.iso else
                                   "Incorrect format ISO of the specified template id")
        check(context, self.id, USE)
        query.equals("id", self.id.id)

    def _select(self, query: Query) -> None:
        """Add the conditions on the template."""
        if self.name is not None:
            query.equals("name", self.name)
        if self.keyword:
            query.search(("name", "display_text"), self.keyword)
        if self.hypervisor:
            known = ("kvm", "xenserver", "vmware", "simulator", "lxc", "hyperv", "baremetal", "ovm3", "any")
            if self.hypervisor.lower() in known:
                query.where("LOWER(t.hypervisor_type) = ?", self.hypervisor.lower())
        if self.arch:
            query.equals("arch", self.arch)
        if self.oscategoryid is not None:
            query.where("t.guest_os_id IN (SELECT g.id FROM guest_os g WHERE g.category_id = ?)", self.oscategoryid.id)
        if self.storageid is not None:
            query.where("t.id IN (SELECT c.template_id FROM template_pool c WHERE c.pool_id = ?)", self.storageid.id)
        self.filter_tags(query)

    def _select_place(self, query: Query) -> None:
        """Add the conditions on the template in a zone."""
        if self.zoneid is not None and self.zoneid != -1:
            query.equals("zone_id", self.zoneid.id)
        stored = ("EXISTS (SELECT 1 FROM template_store c JOIN image_store s ON s.id = c.image_store_id "
                  "WHERE c.template_id = t.template_id AND (s.zone_id = t.zone_id OR s.zone_id IS NULL) "
                  "AND {condition})")
        if self.imagestoreid is not None:
            query.where(stored.format(condition="s.id = ?"), self.imagestoreid.id)
        if self.isready:
            query.where(stored.format(condition="c.state IN (?, ?, ?)"), "Ready", "Copying", "Migrating")

    def _visible(self, context: Context, query: Query) -> None:
        chosen, caller = self.chosen(), context.caller
        if chosen == "all" and not caller.is_admin:
            raise InvalidParameter("Filter all can be specified by admin only")
        accounts = self._accounts(context, chosen)
        if self.projectid is None and self.account is None:
            query.where("t.account_id NOT IN (SELECT p.project_account_id FROM project p)")
        marks = ",".join("?" * len(accounts))
        owned = f"t.account_id IN ({marks})"
        if chosen in ("featured", "community"):
            query.where("t.is_public = ? AND t.featured = ?", True, chosen == "featured")
        elif chosen in ("self", "selfexecutable"):
            if accounts:
                query.where(owned, *accounts)
            if caller.is_admin and self.domainid is not None:
                self._in_domain(query)
        elif chosen in ("shared", "sharedexecutable"):
            query.where(SHARED.format(marks=marks) if accounts else "1 = 0", *accounts)
        elif chosen == "executable":
            query.where(f"(t.is_public = ? OR {owned})" if accounts else "t.is_public = ?", True, *accounts)
        elif not caller.is_root_admin:
            query.where(f"(t.is_public = ? OR {IN_DOMAIN})", True, caller.domain_path + "%")
        if chosen in ("featured", "selfexecutable"):
            query.where("t.template_type <> ?", "SYSTEM")
        kept = permission.domains_that_keep(context)
        if kept:
            query.where(f"t.domain_id NOT IN ({','.join('?' * len(kept))})", *kept)

    def _in_domain(self, query: Query) -> None:
        if self.isrecursive:
            query.where(IN_DOMAIN, self.domainid.path + "%")
        else:
            query.equals("domain_id", self.domainid.id)

    def _accounts(self, context: Context, chosen: str) -> list[int]:
        """Return whose templates are meant; none for those of everybody that the caller administers.

        :raises PermissionDenied: an account, domain or project that the caller may not look at.
        """
        caller, domain = context.caller, self.domainid
        if domain is not None and not caller.is_root_admin and not in_subtree(caller.domain_path, domain.id):
            raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to "
                                   f"operate within domain id={domain.uuid}")
        if self.projectid is not None and self.projectid != -1:
            return [self.projectid.project_account_id]
        if self.account:
            found = find_account(self.account, domain.id if domain is not None else caller.domain_id)
            if not may_operate(caller, found):
                raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to "
                                       f"operate with resource Acct[{found.uuid}-{found.account_name}]")
            return [found.id]
        if self.projectid == -1:
            return [caller.account_id, *_projects_of(context)]
        if caller.is_admin and (chosen == "all" or domain is not None):
            return []
        return [caller.account_id]


def _projects_of(context: Context) -> list[int]:
    from cloudapi.models.database import rows

    return [row[0] for row in rows(
        "SELECT p.project_account_id FROM project p JOIN project_member m ON m.project_id = p.id "
        "WHERE m.account_id = ? AND (m.user_id IS NULL OR m.user_id = ?) AND p.removed IS NULL",
        [context.caller.account_id, context.caller.user_id])]


def wanted_groups(details: list[str] | None) -> Any:
    """Return the groups of fields for the parameter `details`: all, or min for the short form."""
    if not details or "all" in details:
        return None
    if details != ["min"]:
        raise InvalidParameter(f"Invalid value for parameter details: {', '.join(details)}; it is all or min")
    return ()
