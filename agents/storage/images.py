"""Image formats, told by what is in the file and never by its name."""

import os
import re
import struct
import tarfile
from typing import BinaryIO

from agents.protocol import ErrorCode, Refusal
from agents.storage.base import ImageFormat

SECTOR = 512
QCOW2_MAGIC, VMDK_MAGIC, VHD_COOKIE, ISO_MAGIC = b"QFI\xfb", b"KDMV", b"conectix", b"CD001"
ISO_MAGIC_AT = 0x8001
CLUSTER_BITS = 16


def identify(path: str) -> tuple[ImageFormat, int]:
    """The format and the size that a guest sees. Raises Refusal(failed) where the image is damaged, or not safe to
    use."""
    with open(path, "rb") as file:
        return _read(file, path)


def inspect(path: str, expected: ImageFormat) -> int:
    """As `identify`, and refuses (failed) another format."""
    found, size = identify(path)
    if found != expected:
        raise Refusal(ErrorCode.FAILED, f"the image is {found}, not {expected}")
    return size


def _read(file: BinaryIO, path: str) -> tuple[ImageFormat, int]:
    length = os.fstat(file.fileno()).st_size
    head = file.read(SECTOR)
    if head.startswith(QCOW2_MAGIC):
        return "QCOW2", _qcow2_size(head)
    if head.startswith(VMDK_MAGIC):
        return "VMDK", _vmdk_size(head)
    if head.startswith(VHD_COOKIE) or _at(file, max(0, length - SECTOR), len(VHD_COOKIE)) == VHD_COOKIE:
        return "VHD", _vhd_size(file, length)
    if head[257:262] == b"ustar":
        return "OVA", _ova_size(path)
    if _at(file, ISO_MAGIC_AT, len(ISO_MAGIC)) == ISO_MAGIC:
        return "ISO", length
    if length == 0:
        raise Refusal(ErrorCode.FAILED, "the image is empty")
    return "RAW", length


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _qcow2_size(head: bytes) -> int:
    if len(head) < 72:
        raise Refusal(ErrorCode.FAILED, "the QCOW2 image ends within its header")
    version, backing, _, _, size = struct.unpack(">IQIIQ", head[4:32])
    if version not in (2, 3):
        raise Refusal(ErrorCode.FAILED, f"QCOW2 version {version} is unknown")
    if backing:
        # It would name a file of the host that opens it.
        raise Refusal(ErrorCode.FAILED, "the QCOW2 image has a backing file")
    if version == 3 and len(head) >= 80 and struct.unpack(">Q", head[72:80])[0] & 4:
        raise Refusal(ErrorCode.FAILED, "the QCOW2 image keeps its data in another file")
    return int(size)


def _vmdk_size(head: bytes) -> int:
    if len(head) < 20:
        raise Refusal(ErrorCode.FAILED, "the VMDK image ends within its header")
    return int(struct.unpack("<Q", head[12:20])[0]) * SECTOR


def _vhd_size(file: BinaryIO, length: int) -> int:
    footer = _at(file, max(0, length - SECTOR), SECTOR)
    if not footer.startswith(VHD_COOKIE) or len(footer) < 56:
        raise Refusal(ErrorCode.FAILED, "the VHD image has no footer: it is cut off")
    return int(struct.unpack(">Q", footer[48:56])[0])


def _ova_size(path: str) -> int:
    """The sum of the disks that the OVF descriptor names."""
    units = {"": 1, "byte": 1, "byte * 2^10": 2**10, "byte * 2^20": 2**20, "byte * 2^30": 2**30, "byte * 2^40": 2**40}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                source = archive.extractfile(member) if member.name.lower().endswith(".ovf") else None
                if source is None:
                    continue
                text = source.read(4_000_000).decode("utf-8", "replace")
                total = 0
                for disk in re.findall(r"<(?:\w+:)?Disk\b[^>]*>", text):
                    said = dict(re.findall(r"(?:\w+:)?(capacity|capacityAllocationUnits)=\"([^\"]*)\"", disk))
                    total += int(said.get("capacity", "0")) * units[said.get("capacityAllocationUnits", "")]
                if total > 0:
                    return total
                raise Refusal(ErrorCode.FAILED, "the OVF descriptor names no disk with a size")
    except (tarfile.TarError, ValueError, KeyError, EOFError) as error:
        raise Refusal(ErrorCode.FAILED, f"the OVA cannot be read: {error}") from error
    raise Refusal(ErrorCode.FAILED, "the OVA has no OVF descriptor")


def write_empty(file: BinaryIO, image_format: ImageFormat, size: int) -> None:
    """An image without data of that size, as far as the format has one. Raises Refusal(capability_missing)."""
    if image_format == "RAW":
        file.truncate(size)
    elif image_format == "QCOW2":
        _write_empty_qcow2(file, size)
    else:
        raise Refusal(ErrorCode.CAPABILITY_MISSING, f"no {image_format} image can be made here")


def _write_empty_qcow2(file: BinaryIO, size: int) -> None:
    """Clusters: header, refcount table, refcount block, L1 table."""
    cluster = 1 << CLUSTER_BITS
    l1_entries = -(-size // (cluster * cluster // 8))
    l1_clusters = max(1, -(-l1_entries * 8 // cluster))
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        QCOW2_MAGIC, 3, 0, 0, CLUSTER_BITS, size, 0, l1_entries, 3 * cluster, cluster, 1, 0, 0, 0, 0, 0, 4, 104,
    )  # fmt: skip
    file.write(header)
    file.seek(cluster)
    file.write(struct.pack(">Q", 2 * cluster))
    file.seek(2 * cluster)
    file.write(struct.pack(">H", 1) * (3 + l1_clusters))
    file.truncate((3 + l1_clusters) * cluster)
