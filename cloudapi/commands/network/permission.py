"""Who else may use a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.listing import Listing
from cloudapi.api.parameters import Entity, EntityList, TextList
from cloudapi.context import Context
from cloudapi.models.identity import Account, Project
from cloudapi.models.network import Network
from cloudapi.services.network import permission
from cloudapi.views.network.network import NetworkPermissionsView


class _ChangePermissions(Command):
    change: ClassVar[Callable[..., None]]

    accounts = TextList(help="accounts of the network's domain, by name")
    accountids = EntityList(Account, access=ANY, help="accounts of the network's domain, by ID")
    networkid = Entity(Network, access=OPERATE, required=True, help="the network")
    projectids = EntityList(Project, access=OPERATE, help="projects of the network's domain")

    def run(self, context: Context) -> None:
        permission.check(self.networkid)
        type(self).change(self.networkid, permission.accounts(self.networkid, self.accounts, self.accountids,
                                                              self.projectids))


class CreateNetworkPermissions(_ChangePermissions):
    """Lets other accounts use a network."""

    roles, since, change = EVERYONE, "4.17.0", staticmethod(permission.grant)


class RemoveNetworkPermissions(_ChangePermissions):
    """Ends the permission of other accounts to use a network."""

    roles, since, change = EVERYONE, "4.17.0", staticmethod(permission.revoke)


class ResetNetworkPermissions(Command):
    """Ends all permissions of other accounts to use a network."""

    roles, since = EVERYONE, "4.17.0"

    networkid = Entity(Network, access=OPERATE, required=True, help="the network")

    def run(self, context: Context) -> None:
        permission.check(self.networkid)
        permission.revoke(self.networkid)


class ListNetworkPermissions(Command):
    """Lists the other accounts that may use a network."""

    roles, response, since = EVERYONE, NetworkPermissionsView, "4.17.0"
    read_only = True

    networkid = Entity(Network, access=OPERATE, required=True, help="the network")

    def run(self, context: Context) -> Listing:
        permission.check(self.networkid)
        return Listing(permission.shown(self.networkid))
