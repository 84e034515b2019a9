"""Settings that clients and suites read and set, and that nothing in this server is behind yet."""

from __future__ import annotations

from cloudapi.settings_catalogue.declaration import Scope, Setting, ValueType

SETTINGS = (
    Setting(
        "ldap.basedn", ValueType.STRING, None, "LDAP: where users are looked for", scopes=(Scope.DOMAIN,), dynamic=True
    ),
    Setting("cloud.kubernetes.service.enabled", ValueType.BOOLEAN, "true", "Kubernetes: clusters can be created"),
    Setting(
        "cloud.kubernetes.cluster.experimental.features.enabled",
        ValueType.BOOLEAN,
        "false",
        "Kubernetes: experimental features are offered",
        dynamic=True,
        parent="cloud.kubernetes.service.enabled",
    ),
    Setting(
        "cloud.kubernetes.cluster.max.size",
        ValueType.INTEGER,
        "10",
        "Kubernetes: most nodes of a cluster",
        scopes=(Scope.ACCOUNT,),
        dynamic=True,
        minimum=1,
        parent="cloud.kubernetes.service.enabled",
    ),
    Setting(
        "storage.cache.replacement.enabled",
        ValueType.BOOLEAN,
        "true",
        "Staging storage: unused data is removed",
        category="Storage",
    ),
    Setting(
        "storage.cache.replacement.interval",
        ValueType.INTEGER,
        "86400",
        "Staging storage: time between two runs that remove unused data",
        category="Storage",
        minimum=1,
        parent="storage.cache.replacement.enabled",
        unit="seconds",
    ),
    Setting(
        "vmware.create.full.clone",
        ValueType.BOOLEAN,
        "false",
        "VMware: root disks are full copies of their template",
        category="Storage",
        scopes=(Scope.STORAGE_POOL,),
        dynamic=True,
    ),
    Setting(
        "sharedfsvm.min.cpu.count",
        ValueType.INTEGER,
        "2",
        "Shared file systems: least CPUs of their Instance",
        scopes=(Scope.ZONE,),
        dynamic=True,
        minimum=1,
    ),
    Setting(
        "sharedfsvm.min.ram.size",
        ValueType.INTEGER,
        "1024",
        "Shared file systems: least memory of their Instance",
        scopes=(Scope.ZONE,),
        dynamic=True,
        minimum=1,
        unit="MB",
    ),
)
