"""The zone that an account uses where it names none."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import ROOT, AsyncCommand
from cloudapi.api.ownership import find_account
from cloudapi.api.parameters import Entity, Text
from cloudapi.context import Context
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.services.zone import zone as zones
from cloudapi.views.account.account import AccountView


class MarkDefaultZoneForAccount(AsyncCommand):
    """Makes a zone the one that an account uses where it names none."""

    action = "marking a zone as the default of an account"
    roles, event, response = ROOT, "ACCOUNT.MARK.DEFAULT.ZONE", AccountView
    since, subject = "4.0", "zoneid"

    account = Text(required=True, help="name of the account")
    domainid = Entity(Domain, access=OPERATE, required=True, help="the account's domain")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")

    def run(self, context: Context) -> Any:
        account = find_account(self.account, self.domainid.id)
        context.steps.run("mark the zone", lambda: zones.mark_default(context, account, self.zoneid).id)
        return account
