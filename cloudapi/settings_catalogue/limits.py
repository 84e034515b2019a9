"""Default resource limits of accounts, domains and projects; -1 means no limit."""

from __future__ import annotations

from collections.abc import Iterator

from cloudapi.settings_catalogue.declaration import Setting, ValueType

# Word of the setting's name: what is counted, its unit, and the limits of an account, a domain and a project.
_LIMITS: dict[str, tuple[str, str | None, tuple[str, str, str | None]]] = {
    "user.vms": ("Instances", None, ("20", "40", "20")),
    "public.ips": ("public IP addresses", None, ("20", "40", "20")),
    "volumes": ("volumes", None, ("20", "40", "20")),
    "snapshots": ("snapshots", None, ("20", "40", "20")),
    "templates": ("templates and ISOs", None, ("20", "40", "20")),
    "projects": ("projects", None, ("10", "50", None)),
    "networks": ("networks", None, ("20", "40", "20")),
    "vpcs": ("VPCs", None, ("20", "40", "20")),
    "cpus": ("CPU cores", None, ("40", "80", "40")),
    "memory": ("memory", "MB", ("40960", "81920", "40960")),
    "primary.storage": ("primary storage", "GB", ("200", "400", "200")),
    "secondary.storage": ("secondary storage", "GB", ("400", "800", "400")),
    "backups": ("backups", None, ("20", "40", "20")),
    "backup.storage": ("backup storage", "GB", ("400", "800", "400")),
    "buckets": ("buckets", None, ("20", "20", "20")),
    "object.storage": ("object storage", "GB", ("400", "400", "400")),
    "gpus": ("GPUs", None, ("20", "20", "20")),
}


def _declare() -> Iterator[Setting]:
    for word, (counted, unit, defaults) in _LIMITS.items():
        for owner, default in zip(("account", "domain", "project"), defaults, strict=True):
            if default is not None:
                yield Setting(
                    f"max.{owner}.{word}",
                    ValueType.LONG,
                    default,
                    f"Most {counted} of one {owner}",
                    category=f"{owner.capitalize()} Defaults",
                    minimum=-1,
                    unit=unit,
                )


SETTINGS = tuple(_declare())
