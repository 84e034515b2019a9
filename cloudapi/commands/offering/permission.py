"""Who may make tagged offerings."""

from __future__ import annotations

from cloudapi.api.access import OPERATE
from cloudapi.api.command import ROOT, Command
from cloudapi.api.parameters import Entity
from cloudapi.context import Context
from cloudapi.models.identity import Account
from cloudapi.services.offering.scope import TAGGED_SETTING
from cloudapi.views.offering.permission import TaggedOfferingsView


class IsAccountAllowedToCreateOfferingsWithTags(Command):
    """Says whether a domain admin's account may make offerings with tags."""

    roles, response, read_only = ROOT, TaggedOfferingsView, True

    id = Entity(Account, access=OPERATE, required=True, help="the account")

    def run(self, context: Context) -> dict[str, bool]:
        return {"isallowed": bool(context.settings.get(TAGGED_SETTING, account=self.id.id))}
