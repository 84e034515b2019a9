"""Changing the values of settings."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.common import SettingValue
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Cluster, Zone
from cloudapi.models.storage import ImageStore, StoragePool
from cloudapi.settings import REGISTRY, Scope, Setting

SCOPES: dict[type, Scope] = {
    Zone: Scope.ZONE, Cluster: Scope.CLUSTER, StoragePool: Scope.STORAGE_POOL, Account: Scope.ACCOUNT,
    Domain: Scope.DOMAIN, ImageStore: Scope.IMAGE_STORE}
# Switching the role checker off would leave every account without rules.
FIXED = ("dynamic.apichecker.enabled",)


def place(*resources: Any) -> tuple[Scope, Any]:
    """Return the scope and the resource that a call names; the global scope where it names none.

    :raises InvalidParameter: it names several.
    """
    named = [resource for resource in resources if resource is not None]
    if len(named) > 1:
        raise InvalidParameter("cannot handle multiple IDs, provide only one ID corresponding to the scope: zoneid, "
                               "clusterid, storageid, imagestoreuuid, accountid or domainid")
    if not named:
        return Scope.GLOBAL, None
    return SCOPES[type(named[0])], named[0]


def chosen(context: Context, name: str, scope: Scope) -> Setting:
    """Return the setting of this name.

    :raises InvalidParameter: there is none, it cannot be changed, or not at this scope.
    """
    setting = REGISTRY.named(name)
    if setting.name in FIXED:
        raise InvalidParameter("Restricted configuration update not allowed")
    applies = setting.applies_to(scope) or (
        scope is Scope.DOMAIN and setting.applies_to(Scope.ACCOUNT)
        and context.settings.get("enable.account.settings.for.domain"))
    if not applies:
        raise InvalidParameter(f"Invalid scope id provided for the parameter {setting.name}: "
                               f"it has no value per {scope.value.lower()}")
    return setting


def update(context: Context, name: str, value: str | None, scope: Scope, resource: Any) -> Setting:
    """Set a value at one scope; it takes effect at once.

    :raises InvalidParameter: the name, the scope or the value is wrong.
    """
    setting = chosen(context, name, scope)
    stored = setting.validated(value)
    scope_id = resource.id if resource is not None else 0
    changed = (SettingValue.update(value=stored, updated=now())
               .where(SettingValue.name == setting.name, SettingValue.scope == scope.value,
                      SettingValue.scope_id == scope_id).execute())
    if not changed:
        SettingValue.create(name=setting.name, scope=scope.value, scope_id=scope_id, value=stored, updated=now())
    _changed(context)
    shown = "******" if setting.secret else f"{stored or ''}"
    context.event_text = f"updating configuration. Name: {setting.name}; new value: {shown}"
    return setting


def reset(context: Context, name: str, scope: Scope, resource: Any) -> Setting:
    """Take a value back: to that of the wider scope, or globally to the default."""
    setting = chosen(context, name, scope)
    SettingValue.delete().where(
        SettingValue.name == setting.name, SettingValue.scope == scope.value,
        SettingValue.scope_id == (resource.id if resource is not None else 0)).execute()
    _changed(context)
    context.event_text = f"resetting configuration. Name: {setting.name}"
    return setting


def _changed(context: Context) -> None:
    """Make the new value visible in this process, now for this call and after the commit for the others."""
    context.settings.changed()
    context.after.append(context.settings.changed)


def value_at(context: Context, setting: Setting, scope: Scope, resource: Any) -> str | None:
    """Return the text in force at a scope, as clients read it."""
    if scope is Scope.GLOBAL:
        return context.settings.text(setting.name)
    parameter = {Scope.ZONE: "zone", Scope.CLUSTER: "cluster", Scope.STORAGE_POOL: "pool", Scope.ACCOUNT: "account",
                 Scope.DOMAIN: "domain", Scope.IMAGE_STORE: "image_store"}[scope]
    ids = {parameter: resource.id}
    if scope is Scope.ACCOUNT:
        ids["domain"] = resource.domain_id
    value = context.settings.get(setting.name, **ids)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
