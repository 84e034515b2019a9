"""What the commands of offerings share: the rates' parameters, and which offerings a list shows to whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from cloudapi.api.access import may_operate
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.ownership import find_account
from cloudapi.api.parameters import Long, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, Domain
from cloudapi.services.account.limit import is_root_admin
from cloudapi.services.offering import scope

STATES = ("Active", "Inactive")


class RateParameters:
    """How much a disk may read and write: always, and in bursts of some seconds."""

    bytesreadrate = Long(help="bytes read a second")
    bytesreadratemax = Long(help="bytes read a second in a burst")
    bytesreadratemaxlength = Long(help="length of such a burst in seconds")
    byteswriterate = Long(help="bytes written a second")
    byteswriteratemax = Long(help="bytes written a second in a burst")
    byteswriteratemaxlength = Long(help="length of such a burst in seconds")
    iopsreadrate = Long(help="reads a second")
    iopsreadratemax = Long(help="reads a second in a burst")
    iopsreadratemaxlength = Long(help="length of such a burst in seconds")
    iopswriterate = Long(help="writes a second")
    iopswriteratemax = Long(help="writes a second in a burst")
    iopswriteratemaxlength = Long(help="length of such a burst in seconds")


class Asked:
    """A command whose service takes the parameters as a mapping."""

    parameters: ClassVar[dict[str, Any]]
    given: frozenset[str]

    def asked(self, *besides: str) -> dict[str, Any]:
        """Return the parameters that the client sent, but for those besides."""
        return {name: getattr(self, name) for name in self.given if name not in besides}


def one_of(text: str | None, choices: Sequence[str], parameter: str) -> str | None:
    """Return the choice that the text means, in any case; None where there is no text.

    :raises InvalidParameter: it is none of them.
    """
    if not text:
        return None
    for choice in choices:
        if choice.lower() == text.lower():
            return choice
    raise InvalidParameter(f"Invalid state value: {text[:64]} for parameter {parameter}; it is one of "
                           f"{', '.join(choices)}")


class _OfferingList(OwnedListCommand):
    """A list of offerings.

    Users and domain admins see those without a domain, of their own domain and of those above it; with
    `isrecursive` a domain admin also those of the domains below. A root admin sees all, and with `domainid`
    exactly those of that domain.
    """

    state = Text(since="4.19", help="Active (by default), Inactive, or all")
    storagetype = Text(since="4.19", help="offerings with shared or local storage")

    def restrict(self, context: Context, query: Query) -> None:
        """Add the conditions of domains; not those of ownership, as offerings have no owner."""
        kind = query_kind(self)
        owner = self.list_owner(context)
        if self.domainid is not None and not self.account and is_root_admin(owner):
            query.where("t.id IN (SELECT s.offering_id FROM offering_scope s WHERE s.offering_type = ? AND "
                        "s.domain_id = ?)", kind, self.domainid.id)
        elif not is_root_admin(owner):
            path = Domain.get_by_id(owner.domain_id).path
            among_domains(query, kind, scope.related_domains(path, below=bool(self.isrecursive)))

    def list_owner(self, context: Context) -> Account:
        """Return the account with whose eyes the list is read.

        :raises InvalidParameter: both account and project.
        :raises PermissionDenied: an account or a domain that is not the caller's business.
        """
        caller = context.caller
        if self.account and self.projectid is not None:
            raise InvalidParameter("projectid and account can't be specified together")
        if self.projectid is not None and self.projectid != -1:
            return Account.get_by_id(self.projectid.project_account_id)
        if self.account:
            found = find_account(self.account, self.domainid.id if self.domainid is not None else caller.domain_id)
            if not may_operate(caller, found):
                raise PermissionDenied(f"Can't list resources for account {self.account} in domain "
                                       f"{found.domain_id}: permission denied")
            return found
        if self.domainid is not None and not caller.is_root_admin \
                and not caller.domain_path.startswith(self.domainid.path) \
                and not (caller.is_domain_admin and self.domainid.path.startswith(caller.domain_path)):
            raise PermissionDenied(f"The account {caller.account_name} does not fall in the same domain hierarchy as "
                                   f"the offerings of domain {self.domainid.uuid} (domainid)")
        if self.isrecursive and not caller.is_admin:
            raise InvalidParameter("Only ROOT admins and Domain admins can list offerings with isrecursive=true")
        return Account.get_by_id(caller.account_id)

    def filter(self, context: Context, query: Query) -> None:
        state = one_of(self.state, (*STATES, "all"), "state") or "Active"
        if state != "all":
            query.equals("state", state)
        order_by_key(context, query)

    def local_storage(self) -> bool | None:
        """Return what `storagetype` says: True for local, False for shared."""
        wanted = one_of(self.storagetype, ("local", "shared"), "storagetype")
        return None if wanted is None else wanted == "local"


def query_kind(command: Any) -> str:
    return str(command.response.record.__name__)


def order_by_key(context: Context, query: Query) -> None:
    """Sort by the sort key, in the direction of the setting."""
    query.order = "t.sort_key" if context.settings.get("sortkey.algorithm") else "t.sort_key DESC"


def among_domains(query: Query, kind: str, domains: Sequence[int]) -> None:
    """Keep offerings without a domain, and those of these domains."""
    marks = ",".join("?" * len(domains))
    query.where("(t.id NOT IN (SELECT s.offering_id FROM offering_scope s WHERE s.offering_type = ? AND s.domain_id "
                "IS NOT NULL) OR t.id IN (SELECT s.offering_id FROM offering_scope s WHERE s.offering_type = ? AND "
                f"s.domain_id IN ({marks})))", kind, kind, *domains)


def in_zone(query: Query, kind: str, zone_id: int) -> None:
    """Keep offerings that are in all zones, and those in this one."""
    query.where("(t.id NOT IN (SELECT s.offering_id FROM offering_scope s WHERE s.offering_type = ? AND s.zone_id "
                "IS NOT NULL) OR t.id IN (SELECT s.offering_id FROM offering_scope s WHERE s.offering_type = ? AND "
                "s.zone_id = ?))", kind, kind, zone_id)

