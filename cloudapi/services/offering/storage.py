"""The storage part of offerings: sizes, IOPS, rates, cache mode; checked the same for root and data disks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement.tag import split, tag_refusal
from cloudapi.services import detail

GIB = 1 << 30

CACHE_MODES = ("none", "writeback", "writethrough", "hypervisor_default")
PROVISIONING_TYPES = ("thin", "sparse", "fat")
DISK_DETAILS = ("bandwidthLimitInMbps", "iopsLimit")

# The API's parameter, and the key under which the offering keeps it.
RATES = {f"{kind}{way}rate{limit}": f"{kind}_{way}_rate{suffix}"
         for kind in ("bytes", "iops") for way in ("read", "write")
         for limit, suffix in (("", ""), ("max", "_max"), ("maxlength", "_max_length"))}


def clean_tags(text: str | None) -> str:
    """Return tags as `a,b`, without blanks and empty ones."""
    return ",".join(split(text))


def is_local(storage_type: str | None) -> bool:
    """Whether `storagetype` says local; shared is the default.

    :raises InvalidParameter: it is neither.
    """
    if storage_type and storage_type.lower() not in ("local", "shared"):
        raise InvalidParameter(f"Invalid storage type {storage_type} specified (storagetype), valid types are: "
                               "'local' and 'shared'")
    return bool(storage_type) and str(storage_type).lower() == "local"


def cache_mode(text: str | None) -> str:
    """Return a cache mode as it is kept; none is the default.

    :raises InvalidParameter: it is unknown.
    """
    if text is not None and text.lower() not in CACHE_MODES:
        raise InvalidParameter(f"Invalid cache mode ({text}) for parameter cachemode. Please specify one of the "
                               f"following valid cache mode parameters: {', '.join(CACHE_MODES)}")
    return (text or "none").lower()


def provisioning_type(text: str | None) -> str:
    """Return how disks are provisioned; thin is the default.

    :raises InvalidParameter: it is unknown.
    """
    if text and text.lower() not in PROVISIONING_TYPES:
        raise InvalidParameter(f"Invalid value {text} for parameter provisioningtype: it is one of "
                               f"{', '.join(PROVISIONING_TYPES)}")
    return (text or "thin").lower()


def size_in_bytes(context: Context, gibibytes: int | None, parameter: str) -> int:
    """Return a size that is given in GiB, 0 for none.

    :raises InvalidParameter: it is not positive, or over the setting `storage.max.volume.size`.
    """
    if gibibytes is None:
        return 0
    most = int(context.settings.get("storage.max.volume.size"))
    if gibibytes <= 0:
        raise InvalidParameter(f"Invalid value {gibibytes} for parameter {parameter}: please specify a disk size of "
                               "at least 1 GB")
    if gibibytes > most:
        raise InvalidParameter(f"Invalid value {gibibytes} for parameter {parameter}: the maximum size for a disk is "
                               f"{most} GB")
    return gibibytes * GIB


def iops(custom: bool | None, least: int | None, most: int | None) -> tuple[int | None, int | None]:
    """Return the least and the most IOPS as they are kept; null where the maker of a disk chooses, or nobody does.

    :raises InvalidParameter: the least is not positive or over the most.
    """
    if custom is None or custom:
        return None, None
    if least is None and most is None:
        return 0, 0
    if least is None or least <= 0:
        raise InvalidParameter(f"Invalid value {least} for parameter miniops: the min IOPS must be greater than 0")
    if least > (most or 0):
        raise InvalidParameter(f"Invalid value {least} for parameter miniops: the min IOPS must be less than or "
                               "equal to the max IOPS (maxiops)")
    return least, most


def rates(context: Context, asked: Mapping[str, Any]) -> dict[str, int]:
    """Return the positive rates among the parameters, by the keys under which an offering keeps them.

    :raises InvalidParameter: a rate is over its own maximum, or a burst longer than its setting allows.
    """
    for kind in ("bytes", "iops"):
        for way in ("read", "write"):
            _check_rate(context, asked, f"{kind}{way}rate", f"vm.disk.{kind}.maximum.{way}.length")
    return {key: asked[name] for name, key in RATES.items() if asked.get(name) is not None and asked[name] > 0}


def _check_rate(context: Context, asked: Mapping[str, Any], name: str, setting: str) -> None:
    normal, most, length = asked.get(name), asked.get(f"{name}max"), asked.get(f"{name}maxlength")
    if normal is not None and most is not None and most < normal:
        raise InvalidParameter(f"Invalid value {normal} for parameter {name}: it cannot be greater than {name}max "
                               f"({most})")
    bound = int(context.settings.get(setting) or 0)
    if bound and length is not None and length > bound:
        raise InvalidParameter(f"Invalid value {length} for parameter {name}maxlength: it cannot be greater than "
                               f"{setting} ({bound} seconds)")


def check_reserve(percent: int | None) -> int | None:
    """Return the hypervisor's snapshot reserve.

    :raises InvalidParameter: it is negative.
    """
    if percent is not None and percent < 0:
        raise InvalidParameter(f"Invalid value {percent} for parameter hypervisorsnapshotreserve: it must be greater "
                               "than or equal to 0")
    return percent


def columns(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a disk offering that the parameters of both kinds of offering name, checked."""
    least, most = iops(asked.get("customizediops"), asked.get("miniops"), asked.get("maxiops"))
    return {
        "use_local_storage": is_local(asked.get("storagetype")),
        "provisioning_type": provisioning_type(asked.get("provisioningtype")),
        "tags": clean_tags(asked.get("tags")), "is_custom_iops": asked.get("customizediops"),
        "min_iops": least, "max_iops": most, "cache_mode": cache_mode(asked.get("cachemode")),
        "hypervisor_snapshot_reserve": check_reserve(asked.get("hypervisorsnapshotreserve")),
        "rates": rates(context, asked) or None,
    }


def put_disk_details(offering: DiskOffering, details: Mapping[str, str]) -> None:
    """Keep those details of an offering that are the disk's, unseen by users."""
    detail.put(offering, {name: details[name] for name in DISK_DETAILS if name in details}, display=False)


def check_new_tags(offering: DiskOffering, tags: str) -> None:
    """Refuse tags which a pool that has volumes of the offering does not bear.

    :raises InvalidParameter: names the pool.
    """
    wanted = split(tags)
    if not wanted:
        return
    used = (StoragePool.select().join(Volume, on=(Volume.pool == StoragePool.id))
            .where(Volume.disk_offering == offering.id, Volume.removed.is_null(), StoragePool.removed.is_null(),
                   Volume.state.not_in(("Destroy", "Expunging", "Expunged"))).distinct())
    for pool in used:
        if tag_refusal(wanted, split(pool.tags), bool(pool.is_tag_a_rule), "storage") is not None:
            raise InvalidParameter(f"There are active volumes using the disk offering {offering.uuid}, and the pool "
                                   f"{pool.name} ({pool.uuid}) doesn't have the new tags {tags}. Please first add "
                                   "them to the pool")


def asked_of(offering: DiskOffering) -> dict[str, Any]:
    """Return the parameters of both kinds of offering with which the storage part is made like this one."""
    kept: dict[str, int] = offering.rates or {}
    return {"storagetype": "local" if offering.use_local_storage else "shared",
            "provisioningtype": offering.provisioning_type, "tags": offering.tags, "cachemode": offering.cache_mode,
            "customizediops": offering.is_custom_iops, "miniops": offering.min_iops or None,
            "maxiops": offering.max_iops or None, "hypervisorsnapshotreserve": offering.hypervisor_snapshot_reserve,
            **{name: kept[key] for name, key in RATES.items() if key in kept}}
