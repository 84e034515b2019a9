"""Settings."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command
from cloudapi.api.listing import ListCommand, Listing, page_limits
from cloudapi.api.parameters import Entity, Text
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Cluster, Zone
from cloudapi.models.storage import ImageStore, StoragePool
from cloudapi.services.configuration import value as values
from cloudapi.settings import GROUPS, REGISTRY, SUBGROUPS, Scope, Setting, subgroups_of
from cloudapi.views.configuration.setting import ConfigurationGroupView, ConfigurationView, show


class _Scoped:
    """The resource whose value is meant; none means the global value."""

    zoneid = Entity(Zone, access=ANY, help="the value for this zone")
    clusterid = Entity(Cluster, access=ANY, help="the value for this cluster")
    storageid = Entity(StoragePool, access=ANY, help="the value for this storage pool")
    accountid = Entity(Account, access=ANY, help="the value for this account")
    domainid = Entity(Domain, access=ANY, help="the value for this domain")
    managementserverid = Entity(access=ANY, since="4.23.0", help="the value for this management server")

    image_store_parameter = "imagestoreuuid"

    def place(self) -> tuple[Scope, Any]:
        return values.place(self.zoneid, self.clusterid, self.storageid, self.accountid, self.domainid,
                            getattr(self, self.image_store_parameter))


class ListConfigurations(_Scoped, ListCommand):
    """Lists settings with their values."""

    roles, response = ROOT, ConfigurationView

    category = Text(help="settings of this category")
    name = Text(help="settings whose name contains this")
    imagestoreuuid = Entity(ImageStore, help="the value for this image store")
    group = Text(since="4.18.0", help="settings of this group; all of them, whatever the page")
    subgroup = Text(since="4.18.0", help="settings of this subgroup; goes with group")
    parent = Text(since="4.18.0", help="settings that this one switches on")

    def matches(self, setting: Setting, value: str | None) -> bool:
        if self.category is not None and setting.category.lower() != self.category.lower():
            return False
        if self.name is not None and self.name.lower() not in setting.name.lower():
            return False
        if self.parent is not None and setting.parent != self.parent:
            return False
        if self.group is not None and setting.group.lower() != self.group.lower():
            return False
        if self.subgroup is not None and setting.subgroup.name.lower() != self.subgroup.lower():
            return False
        if self.keyword is None:
            return True
        texts = (setting.name, setting.description, setting.category, "" if setting.secret else value or "")
        return any(self.keyword.lower() in text.lower() for text in texts)

    def run(self, context: Context) -> Listing:
        if self.subgroup is not None and self.group is None:
            raise InvalidParameter("Configuration group name must be specified with the subgroup name")
        if self.group is not None and self.group.lower() not in {group.name.lower() for group in GROUPS}:
            raise InvalidParameter(f"Invalid configuration group: {self.group}")
        if self.subgroup is not None and self.subgroup.lower() not in {one.name.lower() for one in SUBGROUPS}:
            raise InvalidParameter(f"Invalid configuration subgroup: {self.subgroup}")
        scope, resource = self.place()
        listed = REGISTRY.listed(None if scope is Scope.GLOBAL else scope)
        if scope is Scope.DOMAIN and context.settings.get("enable.account.settings.for.domain"):
            listed = sorted({*listed, *REGISTRY.listed(Scope.ACCOUNT)}, key=lambda setting: setting.name)
        found = [(setting, value) for setting in listed
                 if self.matches(setting, value := values.value_at(context, setting, scope, resource))]
        offset, limit = page_limits(context, self.page, self.pagesize)
        if self.group is not None or limit is None:
            offset, limit = 0, len(found)
        return Listing([show(setting, value, scope, resource) for setting, value in found[offset:offset + limit]],
                       len(found))


class UpdateConfiguration(_Scoped, Command):
    """Sets the value of a setting, which takes effect at once."""

    roles, event, response = ROOT, "CONFIGURATION.VALUE.EDIT", ConfigurationView
    subject = "name"

    name = Text(required=True, help="the setting")
    value = Text(length=4096, help="its new value")
    imagestoreuuid = Entity(ImageStore, access=ANY, help="the value for this image store")

    def run(self, context: Context) -> dict[str, Any]:
        scope, resource = self.place()
        setting = values.update(context, self.name, self.value, scope, resource)
        return show(setting, values.value_at(context, setting, scope, resource), scope, resource)


class ResetConfiguration(_Scoped, Command):
    """Takes the value of a setting back to the wider scope's, or to the default."""

    roles, event, response = ROOT, "CONFIGURATION.VALUE.EDIT", ConfigurationView
    since, subject = "4.16.0", "name"
    image_store_parameter = "imagestoreid"

    name = Text(required=True, help="the setting")
    imagestoreid = Entity(ImageStore, access=ANY, help="the value for this image store")

    def run(self, context: Context) -> dict[str, Any]:
        scope, resource = self.place()
        setting = values.reset(context, self.name, scope, resource)
        return show(setting, values.value_at(context, setting, scope, resource), scope, resource)


class ListConfigurationGroups(ListCommand):
    """Lists the groups of settings with their subgroups."""

    roles, response = ROOT, ConfigurationGroupView
    since = "4.18.0"

    group = Text(help="only the group of this name")

    def run(self, context: Context) -> Listing:
        found = [{"name": group.name, "description": group.description, "precedence": group.precedence,
                  "subgroup": [{"name": one.name, "precedence": one.precedence} for one in subgroups_of(group)]}
                 for group in sorted(GROUPS, key=lambda group: group.precedence)
                 if (self.group is None or group.name.lower() == self.group.lower())
                 and (self.keyword is None or self.keyword.lower() in group.name.lower())]
        offset, limit = page_limits(context, self.page, self.pagesize)
        return Listing(found[offset:None if limit is None else offset + limit], len(found))
