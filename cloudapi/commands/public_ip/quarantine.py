"""The quarantine of released public addresses."""

from __future__ import annotations

from typing import Any

from cloudapi.api import access
from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import DOMAIN_ADMINS, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Date, Entity, Flag, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.network import QuarantinedIp
from cloudapi.services.public_ip import association
from cloudapi.views.public_ip.public_ip import IpQuarantineView


class ListQuarantinedIps(ListCommand):
    """Lists public addresses that are kept for their last owners."""

    roles, response, since = DOMAIN_ADMINS, IpQuarantineView, "4.19"
    keywords, keep_removed = (), True

    showremoved = Flag(default=False, help="those that an admin removed as well")
    showinactive = Flag(default=False, help="those that have ended as well")

    def filter(self, context: Context, query: Query) -> None:
        if not self.showremoved:
            query.where("t.removed IS NULL")
        if not self.showinactive:
            query.where("t.end_date > ?", now())
        if not context.caller.is_root_admin:
            query.where("t.previous_owner_id IN (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id "
                        "WHERE d.path LIKE ?)", context.caller.domain_path + "%")
        if self.keyword:
            query.where("t.ip_address_id IN (SELECT i.id FROM ip_address i WHERE i.ip LIKE ?)", f"%{self.keyword}%")


def find(context: Context, record: QuarantinedIp | None, ip: str | None) -> QuarantinedIp:
    """Return the quarantine, where the caller administers the account that had the address."""
    found = association.quarantine_of(context, record, ip)
    access.check(context, Account.get_by_id(found.previous_owner_id), OPERATE)
    return found


class UpdateQuarantinedIp(Command):
    """Changes when a quarantine ends."""

    roles, response, since = DOMAIN_ADMINS, IpQuarantineView, "4.19"

    id = Entity(QuarantinedIp, access=ANY, help="the quarantine")
    ipaddress = Text(help="the address, where id is not given")
    enddate = Date(required=True, help="when it ends")

    def run(self, context: Context) -> Any:
        found = find(context, self.id, self.ipaddress)
        return association.change_quarantine(found, self.enddate)


class RemoveQuarantinedIp(Command):
    """Ends a quarantine."""

    roles, response, since = DOMAIN_ADMINS, IpQuarantineView, "4.19"

    id = Entity(QuarantinedIp, access=ANY, help="the quarantine")
    ipaddress = Text(help="the address, where id is not given")
    removalreason = Text(required=True, help="why it is removed")

    def run(self, context: Context) -> Any:
        found = find(context, self.id, self.ipaddress)
        return association.end_quarantine(context, found, self.removalreason)
