"""User data and CNI configurations, registered to be used by Instances."""

from __future__ import annotations

from typing import ClassVar

from cloudapi.api.access import OPERATE
from cloudapi.api.command import EVERYONE, Command, OwnerParameters
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import LONG_TEXT, Entity, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.identity import UserData
from cloudapi.services.user_data import user_data as data
from cloudapi.views.user_data.user_data import RegisteredUserDataView, UserDataView


class RegisterUserData(OwnerParameters, Command):
    """Registers user data."""

    roles, event, response = EVERYONE, "REGISTER.USER.DATA", RegisteredUserDataView
    since = "4.18"

    name = Text(required=True, help="its name, unique in the account")
    userdata = Text(required=True, length=LONG_TEXT, help="the user data, in base64")
    params = Text(help="the names of its variables, comma separated")

    def run(self, context: Context) -> UserData:
        return data.register(context, self.owner(context), data.USER_DATA, self.name, self.userdata, self.params)


class RegisterCniConfiguration(OwnerParameters, Command):
    """Registers a CNI configuration for Kubernetes clusters."""

    roles, event, response, wrapper = EVERYONE, "REGISTER.CNI.CONFIG", RegisteredUserDataView, "cniconfig"
    since = "4.21.0"

    name = Text(required=True, help="its name, unique in the account")
    cniconfig = Text(length=LONG_TEXT, help="the configuration, in base64")
    params = Text(help="the names of its variables, comma separated")

    def run(self, context: Context) -> UserData:
        return data.register(context, self.owner(context), data.CNI, self.name, self.cniconfig or "", self.params)


class DeleteUserData(OwnerParameters, Command):
    """Deletes user data that nothing uses."""

    roles, event = EVERYONE, "DELETE.USER.DATA"
    since = "4.18"

    id = Entity(UserData, access=OPERATE, required=True, since="4.18", help="the user data")

    kind: ClassVar[str] = data.USER_DATA

    def run(self, context: Context) -> None:
        owner = self.owner(context) if self.account or self.projectid else None
        data.delete(self.id, owner, self.kind)


class DeleteCniConfiguration(DeleteUserData):
    """Deletes a CNI configuration that nothing uses."""

    event, since, kind = "DELETE.CNI.CONFIG", "4.21.0", data.CNI


class _ListUserData(OwnedListCommand):
    id = Entity(UserData, access=OPERATE, column="id", minus_one=True, help="the one with this ID")
    name = Text(column="name", help="the one of this name")

    kind: ClassVar[str]

    def filter(self, context: Context, query: Query) -> None:
        query.equals("kind", self.kind)


class ListUserData(_ListUserData):
    """Lists registered user data."""

    roles, response, since, kind = EVERYONE, UserDataView, "4.18", data.USER_DATA


class ListCniConfiguration(_ListUserData):
    """Lists registered CNI configurations."""

    roles, response, wrapper, since, kind = EVERYONE, UserDataView, "cniconfig", "4.21.0", data.CNI
