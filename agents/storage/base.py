"""The storage contracts: primary storage holds the disks of Instances, secondary storage templates, ISOs and copies.

Ids are the server's UUIDs, sizes bytes. `size_bytes` is what a guest sees, `allocated_bytes` or `physical_bytes` what
it takes up. Every method raises `Refusal`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import BinaryIO, Callable, Literal, Optional

ImageFormat = Literal["QCOW2", "RAW", "VHD", "OVA", "VMDK", "ISO"]
TransferState = Literal["NOT_DOWNLOADED", "DOWNLOAD_IN_PROGRESS", "DOWNLOADED", "DOWNLOAD_ERROR", "ABANDONED"]
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class StoreReference:
    """A secondary storage. The scheme of its URL decides which implementation serves it; `file:` is a directory."""

    id: str
    url: str


@dataclass(frozen=True)
class PoolSpec:
    """`kind` is CloudStack's storage pool type, such as NetworkFilesystem, Filesystem, SharedMountPoint, RBD."""

    id: str
    kind: str
    url: str
    capacity_bytes: Optional[int] = None
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PoolReport:
    """`used_bytes` is what the volumes, templates and snapshots take up now; `provisioned_bytes` what they may grow
    to."""

    id: str
    capacity_bytes: int
    used_bytes: int
    provisioned_bytes: int
    used_iops: int = 0


@dataclass(frozen=True)
class StoredObject:
    """An entry of a listing. `path` is relative to the pool or store; `id` is that of the volume, template or
    snapshot it belongs to."""

    name: str
    path: str
    directory: bool
    size_bytes: int
    modified_at: float
    format: Optional[str] = None
    id: Optional[str] = None


@dataclass(frozen=True)
class ObjectPage:
    objects: list[StoredObject]
    count: int
    path_exists: bool


@dataclass(frozen=True)
class VolumeSpec:
    id: str
    pool: str
    size_bytes: int
    format: ImageFormat = "QCOW2"
    provisioning: Literal["thin", "sparse", "fat"] = "thin"
    minimum_iops: Optional[int] = None
    maximum_iops: Optional[int] = None


@dataclass(frozen=True)
class VolumeSource:
    """What a new volume begins with: a template on the same pool, a volume, or a snapshot of a volume, on any
    attached pool."""

    kind: Literal["template", "volume", "snapshot"]
    id: str
    pool: str


@dataclass(frozen=True)
class VolumeReport:
    id: str
    pool: str
    path: str
    format: ImageFormat
    size_bytes: int
    allocated_bytes: int
    instance: Optional[str] = None


@dataclass(frozen=True)
class SnapshotReport:
    id: str
    volume: str
    pool: str
    path: str
    size_bytes: int
    physical_bytes: int
    created_at: float


@dataclass(frozen=True)
class TemplateReport:
    """A template on primary storage, where volumes are cloned from it."""

    id: str
    pool: str
    path: str
    format: ImageFormat
    size_bytes: int
    allocated_bytes: int


@dataclass(frozen=True)
class StoreReport:
    id: str
    capacity_bytes: int
    used_bytes: int


@dataclass(frozen=True)
class ImageReport:
    """An image on secondary storage. `checksum` is `{MD5}hex`, or in the algorithm of the checksum that was asked
    for."""

    path: str
    format: ImageFormat
    size_bytes: int
    physical_bytes: int
    checksum: Optional[str] = None


@dataclass(frozen=True)
class DownloadSpec:
    """`checksum` in CloudStack's notation: `{SHA-256}hex`, `{SHA-512}hex`, `{MD5}hex` and so on, or a bare MD5.
    `maximum_bytes` bounds what may arrive. `kind` says what it is for; only the storage's own figures differ."""

    id: str
    url: str
    path: str
    format: ImageFormat
    kind: Literal["TEMPLATE", "ISO", "VOLUME", "SNAPSHOT"] = "TEMPLATE"
    checksum: Optional[str] = None
    maximum_bytes: Optional[int] = None
    follow_redirects: bool = True


@dataclass(frozen=True)
class TransferReport:
    """A download or copy on its way. `error` says why it ended in DOWNLOAD_ERROR. `path` is where the image lies once
    DOWNLOADED."""

    id: str
    state: TransferState
    percent: float
    path: str
    size_bytes: int = 0
    physical_bytes: int = 0
    checksum: Optional[str] = None
    error: str = ""


@dataclass(frozen=True)
class UploadSlot:
    """`inbox` is where the receiver of the HTTP body writes it, before `finish_upload`; the simulator has none."""

    id: str
    path: str
    inbox: Optional[str] = None


@dataclass(frozen=True)
class Link:
    """A name under which an image can be fetched until it is deleted: `path` is relative to the store's root."""

    id: str
    path: str
    size_bytes: int


class PrimaryStorage(ABC):
    """The pools of one host."""

    @abstractmethod
    def attach_pool(self, pool: PoolSpec) -> PoolReport:
        """Makes the pool usable on this host. Attaching it again is no error; other figures than before are taken
        over."""

    @abstractmethod
    def detach_pool(self, pool: str) -> None:
        """Refuses (in_use) while an Instance on this host has a disk there. Not attached is no error."""

    @abstractmethod
    def pool_statistics(self, pools: list[str]) -> list[PoolReport]: ...

    @abstractmethod
    def list_pool(
        self, pool: str, path: str, keyword: Optional[str], offset: int, limit: Optional[int]
    ) -> ObjectPage: ...

    @abstractmethod
    def create_volume(self, volume: VolumeSpec, source: Optional[VolumeSource]) -> VolumeReport:
        """Blank, or a copy of `source`, grown to `size_bytes` where that is more. Refuses: already_exists, not_found,
        insufficient_capacity."""

    @abstractmethod
    def delete_volume(self, pool: str, volume: str) -> None:
        """With its snapshots. Refuses (in_use) while attached. Not there is no error."""

    @abstractmethod
    def describe_volume(self, pool: str, volume: str) -> VolumeReport: ...

    @abstractmethod
    def volume_statistics(self, pool: str, volumes: list[str]) -> list[VolumeReport]:
        """Of those that exist."""

    @abstractmethod
    def resize_volume(self, pool: str, volume: str, size_bytes: int, shrink: bool) -> VolumeReport:
        """Smaller only where `shrink` says that data may be lost. A running Instance sees the new size."""

    @abstractmethod
    def copy_volume(self, pool: str, volume: str, target_pool: str, target: str) -> VolumeReport:
        """A full copy under the id `target`. Refuses (in_use) while an Instance runs on it."""

    @abstractmethod
    def create_snapshot(self, pool: str, volume: str, snapshot: str) -> SnapshotReport: ...

    @abstractmethod
    def revert_snapshot(self, pool: str, volume: str, snapshot: str) -> VolumeReport:
        """Refuses (in_use) while an Instance runs on the volume."""

    @abstractmethod
    def delete_snapshot(self, pool: str, volume: str, snapshot: str) -> None: ...

    @abstractmethod
    def copy_to_secondary(
        self,
        pool: str,
        volume: str,
        snapshot: Optional[str],
        store: StoreReference,
        path: str,
        image_format: ImageFormat,
        report: Report,
    ) -> ImageReport:
        """The volume, or a snapshot of it, as an image on secondary storage."""

    @abstractmethod
    def copy_from_secondary(self, store: StoreReference, path: str, volume: VolumeSpec, report: Report) -> VolumeReport:
        """A new volume from an image, grown to the volume's `size_bytes` where that is more."""

    @abstractmethod
    def prepare_template(
        self, template: str, pool: str, store: StoreReference, path: str, report: Report
    ) -> TemplateReport:
        """Copies the template to the pool, once: prepared again, it is only described."""

    @abstractmethod
    def evict_template(self, template: str, pool: str) -> None:
        """Not there is no error. Refuses (in_use) while volumes are clones of it."""

    @abstractmethod
    def list_templates(self, pool: str) -> list[TemplateReport]: ...


class SecondaryStorage(ABC):
    """One kind of secondary storage; the store is named in every call. Paths are relative, and may not leave the
    store."""

    @abstractmethod
    def attach(self, store: StoreReference) -> StoreReport:
        """Makes the store usable. Attaching it again is no error."""

    @abstractmethod
    def detach(self, store: StoreReference) -> None:
        """Forgets the store; what it holds stays. Not attached is no error."""

    @abstractmethod
    def statistics(self, store: StoreReference) -> StoreReport: ...

    @abstractmethod
    def list_objects(
        self, store: StoreReference, path: str, keyword: Optional[str], offset: int, limit: Optional[int]
    ) -> ObjectPage: ...

    @abstractmethod
    def describe(self, store: StoreReference, path: str, checksum_algorithm: Optional[str]) -> ImageReport: ...

    @abstractmethod
    def download(self, store: StoreReference, download: DownloadSpec) -> TransferReport:
        """Begins it and returns at once; `status` follows it. The same download begun again is only reported."""

    @abstractmethod
    def status(self, store: StoreReference, transfer: str) -> TransferReport: ...

    @abstractmethod
    def delete(self, store: StoreReference, path: str) -> None:
        """Also ends a transfer that is to arrive there. Not there is no error."""

    @abstractmethod
    def copy(
        self, source: StoreReference, source_path: str, target: StoreReference, target_path: str, transfer: str
    ) -> TransferReport:
        """Begins a copy, between stores or within one; `status` of the target store follows it."""

    @abstractmethod
    def receive(
        self,
        store: StoreReference,
        path: str,
        image_format: ImageFormat,
        size_bytes: int,
        physical_bytes: int,
        write: Callable[[BinaryIO], None],
    ) -> ImageReport:
        """Takes an image from primary storage: calls `write` with an open file, unless the store keeps no bytes."""

    @abstractmethod
    def create_link(self, store: StoreReference, path: str, link: str) -> Link: ...

    @abstractmethod
    def delete_link(self, store: StoreReference, link: str) -> None: ...

    @abstractmethod
    def open_upload(
        self, store: StoreReference, upload: str, path: str, image_format: ImageFormat, maximum_bytes: Optional[int]
    ) -> UploadSlot: ...

    @abstractmethod
    def finish_upload(
        self, store: StoreReference, upload: str, checksum: Optional[str], physical_bytes: Optional[int]
    ) -> ImageReport:
        """Checks what came into the slot and puts it in its place. On refusal nothing remains of it.
        `physical_bytes`: what the receiver counted, for stores that keep no bytes."""
