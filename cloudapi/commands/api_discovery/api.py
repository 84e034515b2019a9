"""What the caller may call."""

from __future__ import annotations

from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.discovery import Discovery
from cloudapi.api.listing import Listing
from cloudapi.api.parameters import Text
from cloudapi.context import Context
from cloudapi.errors import UnsupportedAction
from cloudapi.views.api_discovery.api import ApiView


class ListApis(Command):
    """Lists the commands that the caller may call, with their parameters and response fields."""

    roles, response = EVERYONE, ApiView
    read_only, atomic = True, False

    name = Text(help="only the command of this name")

    def run(self, context: Context) -> Listing:
        installation = context.installation
        discovery: Discovery = installation.discovery
        if self.name is not None:
            command = installation.registry.get(self.name)
            if command is None or not installation.permissions.allowed(context.caller, command):
                raise UnsupportedAction(
                    f"The API name '{self.name}' does not exist or is not available for the account")
            return Listing([discovery.describe(command, context.caller)])
        allowed = [command for command in installation.registry
                   if installation.permissions.allowed(context.caller, command)]
        return Listing([discovery.describe(command, context.caller)
                        for command in sorted(allowed, key=lambda item: item.api_name())])
