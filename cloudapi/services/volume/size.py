"""How large a volume may be, and how fast: what offerings fix, what callers choose. Sizes in bytes unless named GiB."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.offering import DiskOffering

GIB = 1 << 30


def check_maximum(context: Context, size: int) -> None:
    """Refuse a size beyond the setting `storage.max.volume.size`.

    :raises InvalidParameter: so, or not positive.
    """
    most = context.settings.get("storage.max.volume.size")
    if size <= 0 or size > most * GIB:
        raise InvalidParameter(f"Invalid size for custom volume creation: {size / GIB:g} GB, "
                               f"max volume size is: {most} GB")


def check_custom(context: Context, gib: int) -> None:
    """Refuse a size outside of the settings `custom.diskoffering.size.min` and `.max`."""
    least = context.settings.get("custom.diskoffering.size.min")
    most = context.settings.get("custom.diskoffering.size.max")
    if not least <= gib <= most:
        raise InvalidParameter(f"Volume size: {gib} GB is out of allowed range. Min: {least} GB, Max: {most} GB")


def data_size(context: Context, offering: DiskOffering, gib: int | None) -> int:
    """Return the bytes of a new data volume.

    :param gib: the size that the caller chose; only where the offering leaves it open.
    :raises InvalidParameter: a size is missing, not allowed or out of range.
    """
    if gib is not None and gib <= 0:
        raise InvalidParameter("Disk size must be larger than 0")
    if offering.is_custom and not offering.disk_size:
        if gib is None:
            raise InvalidParameter("This disk offering requires a custom size specified")
        check_custom(context, gib)
        size = gib * GIB
    elif gib is not None:
        raise InvalidParameter("This disk offering does not allow custom size")
    else:
        size = int(offering.disk_size)
    check_maximum(context, size)
    return size


def iops(offering: DiskOffering, minimum: int | None, maximum: int | None) -> tuple[int | None, int | None]:
    """Return the least and most operations a second: the caller's where the offering leaves them open, else its own.

    :raises InvalidParameter: a minimum that is not positive or beyond the maximum.
    """
    if not offering.is_custom_iops:
        return offering.min_iops, offering.max_iops
    if minimum is None and maximum is None:
        return 0, 0
    check_iops(minimum, maximum)
    return minimum, maximum or 0


def check_iops(minimum: int | None, maximum: int | None) -> None:
    if minimum is None or minimum <= 0:
        raise InvalidParameter("The min IOPS must be greater than 0: miniops")
    if minimum > (maximum or 0):
        raise InvalidParameter("The min IOPS must be less than or equal to the max IOPS: maxiops")
