"""Secondary storage: templates, ISOs, uploaded and extracted volumes. The store is named in every call."""

from typing import Optional

from agents.machine import Call
from agents.storage.base import (
    DownloadSpec,
    ImageFormat,
    ImageReport,
    Link,
    ObjectPage,
    StoreReference,
    StoreReport,
    TransferReport,
    UploadSlot,
)
from agents.verbs.registry import verb


@verb("repeatable")
def attach(call: Call, store: StoreReference) -> StoreReport:
    """Makes a store usable."""
    return call.secondary.attach(store)


@verb("repeatable")
def detach(call: Call, store: StoreReference) -> None:
    """Forgets the store; what it holds stays."""
    call.secondary.detach(store)


@verb("read")
def statistics(call: Call, store: StoreReference) -> StoreReport:
    """Capacity and use."""
    return call.secondary.statistics(store)


@verb("read")
def list_objects(
    call: Call,
    store: StoreReference,
    path: str = "",
    keyword: Optional[str] = None,
    offset: int = 0,
    limit: Optional[int] = None,
) -> ObjectPage:
    """A page of what lies under a path of the store."""
    return call.secondary.list_objects(store, path, keyword, offset, limit)


@verb("read")
def describe(call: Call, store: StoreReference, path: str, checksum_algorithm: Optional[str] = None) -> ImageReport:
    """One image. With `checksum_algorithm` (MD5, SHA-256, SHA-512 …) its checksum is computed now."""
    return call.secondary.describe(store, path, checksum_algorithm)


@verb("repeatable")
def download(call: Call, store: StoreReference, download: DownloadSpec) -> TransferReport:
    """Begins a download and answers at once; `secondary.status` follows it by `download.id`."""
    return call.secondary.download(store, download)


@verb("read")
def status(call: Call, store: StoreReference, transfer: str) -> TransferReport:
    """How far a download or copy has come. ABANDONED: nobody works on it any more; begin it again."""
    return call.secondary.status(store, transfer)


@verb("repeatable")
def delete(call: Call, store: StoreReference, path: str) -> None:
    """Deletes an image with the links to it, and ends a transfer or an upload that is to arrive there. Not there:
    deleted already."""
    call.secondary.delete(store, path)


@verb("repeatable")
def copy(
    call: Call, source: StoreReference, source_path: str, target: StoreReference, target_path: str, transfer: str
) -> TransferReport:
    """Begins a copy under the id `transfer`, between stores or within one; `secondary.status` of the target follows
    it."""
    return call.secondary.copy(source, source_path, target, target_path, transfer)


@verb("repeatable")
def create_link(call: Call, store: StoreReference, path: str, link: str) -> Link:
    """A name under which an image can be fetched (extract), until it is deleted. `secondary.describe` takes its path
    too."""
    return call.secondary.create_link(store, path, link)


@verb("repeatable")
def delete_link(call: Call, store: StoreReference, link: str) -> None:
    """Not there: deleted already."""
    call.secondary.delete_link(store, link)


@verb("repeatable")
def open_upload(
    call: Call, store: StoreReference, upload: str, path: str, format: ImageFormat, maximum_bytes: Optional[int] = None
) -> UploadSlot:
    """A place for an image that its owner sends himself."""
    return call.secondary.open_upload(store, upload, path, format, maximum_bytes)


@verb("repeatable")
def finish_upload(
    call: Call, store: StoreReference, upload: str, checksum: Optional[str] = None, physical_bytes: Optional[int] = None
) -> ImageReport:
    """Checks what has been received and puts it in its place. `physical_bytes`: what the receiver counted."""
    return call.secondary.finish_upload(store, upload, checksum, physical_bytes)
