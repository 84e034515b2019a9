"""Accounts, users, domains and projects."""

from __future__ import annotations

from cloudapi.settings_catalogue import checks
from cloudapi.settings_catalogue.declaration import Scope, Setting, ValueType

SETTINGS = (
    Setting(
        "account.cleanup.interval",
        ValueType.INTEGER,
        "86400",
        "Time between two runs that remove what deleted accounts left",
        minimum=1,
        unit="seconds",
    ),
    Setting(
        "allow.operations.on.users.in.same.account",
        ValueType.BOOLEAN,
        "true",
        "Users with the right role may change the other users of their account",
        category="Hidden",
        scopes=(Scope.DOMAIN,),
        dynamic=True,
    ),
    Setting(
        "role.types.allowed.for.operations.on.accounts.of.same.role.type",
        ValueType.STRING,
        "Admin, ResourceAdmin, DomainAdmin",
        "Role types whose accounts may change accounts of the same role type",
        category="Hidden",
        scopes=(Scope.DOMAIN,),
        dynamic=True,
        check=checks.role_types,
    ),
    Setting(
        "user.allow.multiple.accounts",
        ValueType.BOOLEAN,
        "false",
        "The same user name may exist in several accounts of a domain",
        scopes=(Scope.DOMAIN,),
        dynamic=True,
    ),
    Setting(
        "allow.user.view.all.domain.accounts",
        ValueType.BOOLEAN,
        "false",
        "Users see every account of their domain",
        scopes=(Scope.DOMAIN,),
        dynamic=True,
    ),
    Setting(
        "allow.user.view.all.zones",
        ValueType.BOOLEAN,
        "true",
        "Users see zones that are not dedicated to them",
        scopes=(Scope.DOMAIN,),
        dynamic=True,
    ),
    Setting(
        "allow.user.create.projects",
        ValueType.BOOLEAN,
        "true",
        "Users may create projects",
        category="Project Defaults",
    ),
    Setting(
        "project.invite.required",
        ValueType.BOOLEAN,
        "false",
        "Accounts join a project by invitation only",
        category="Project Defaults",
    ),
    Setting(
        "enable.account.settings.for.domain",
        ValueType.BOOLEAN,
        "false",
        "A setting of account scope can be set for a domain too",
        dynamic=True,
    ),
    Setting(
        "enable.domain.settings.for.child.domain",
        ValueType.BOOLEAN,
        "false",
        "A domain without a value of its own takes the nearest ancestor's",
        dynamic=True,
    ),
    Setting(
        "allow.domain.admins.to.create.tagged.offerings",
        ValueType.BOOLEAN,
        "false",
        "Domain administrators may create offerings with host or storage tags",
        scopes=(Scope.ACCOUNT,),
        dynamic=True,
    ),
    Setting(
        "resourcecount.check.interval",
        ValueType.LONG,
        "300",
        "Time between two recounts of what accounts and domains use; 0 switches them off",
        dynamic=True,
        minimum=0,
        unit="seconds",
    ),
    Setting(
        "resource.count.running.vms.only",
        ValueType.BOOLEAN,
        "false",
        "CPU and memory of stopped Instances do not count against limits",
        dynamic=True,
    ),
    Setting(
        "resource.limit.host.tags", ValueType.STRING, "", "Host tags for which limits are kept separately", dynamic=True
    ),
    Setting(
        "resource.limit.storage.tags",
        ValueType.STRING,
        "",
        "Storage tags for which limits are kept separately",
        dynamic=True,
    ),
)
