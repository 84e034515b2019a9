"""Secondary storage by the scheme of its URL."""

from collections.abc import Mapping
from typing import BinaryIO, Callable, Optional
from urllib.parse import urlsplit

from agents.protocol import ErrorCode, Refusal
from agents.storage.base import (
    DownloadSpec,
    ImageFormat,
    ImageReport,
    Link,
    ObjectPage,
    SecondaryStorage,
    StoreReference,
    StoreReport,
    TransferReport,
    UploadSlot,
)


class SecondaryStores(SecondaryStorage):
    """Hands each call to the implementation for its store's scheme; `others` takes those that no scheme names."""

    def __init__(self, by_scheme: Mapping[str, SecondaryStorage], others: Optional[SecondaryStorage] = None) -> None:
        self._by_scheme = by_scheme
        self._others = others

    def _of(self, store: StoreReference) -> SecondaryStorage:
        scheme = urlsplit(store.url).scheme
        found = self._by_scheme.get(scheme, self._others)
        if found is None:
            raise Refusal(
                ErrorCode.CAPABILITY_MISSING, f"there is no secondary storage for {scheme or 'no scheme'!r} here"
            )
        return found

    def attach(self, store: StoreReference) -> StoreReport:
        return self._of(store).attach(store)

    def detach(self, store: StoreReference) -> None:
        self._of(store).detach(store)

    def statistics(self, store: StoreReference) -> StoreReport:
        return self._of(store).statistics(store)

    def list_objects(
        self, store: StoreReference, path: str, keyword: Optional[str], offset: int, limit: Optional[int]
    ) -> ObjectPage:
        return self._of(store).list_objects(store, path, keyword, offset, limit)

    def describe(self, store: StoreReference, path: str, checksum_algorithm: Optional[str]) -> ImageReport:
        return self._of(store).describe(store, path, checksum_algorithm)

    def download(self, store: StoreReference, download: DownloadSpec) -> TransferReport:
        return self._of(store).download(store, download)

    def status(self, store: StoreReference, transfer: str) -> TransferReport:
        return self._of(store).status(store, transfer)

    def delete(self, store: StoreReference, path: str) -> None:
        self._of(store).delete(store, path)

    def copy(
        self, source: StoreReference, source_path: str, target: StoreReference, target_path: str, transfer: str
    ) -> TransferReport:
        if self._of(source) is not self._of(target):
            raise Refusal(ErrorCode.CAPABILITY_MISSING, f"images cannot be copied from {source.url} to {target.url}")
        return self._of(target).copy(source, source_path, target, target_path, transfer)

    def receive(
        self,
        store: StoreReference,
        path: str,
        image_format: ImageFormat,
        size_bytes: int,
        physical_bytes: int,
        write: Callable[[BinaryIO], None],
    ) -> ImageReport:
        return self._of(store).receive(store, path, image_format, size_bytes, physical_bytes, write)

    def create_link(self, store: StoreReference, path: str, link: str) -> Link:
        return self._of(store).create_link(store, path, link)

    def delete_link(self, store: StoreReference, link: str) -> None:
        self._of(store).delete_link(store, link)

    def open_upload(
        self, store: StoreReference, upload: str, path: str, image_format: ImageFormat, maximum_bytes: Optional[int]
    ) -> UploadSlot:
        return self._of(store).open_upload(store, upload, path, image_format, maximum_bytes)

    def finish_upload(
        self, store: StoreReference, upload: str, checksum: Optional[str], physical_bytes: Optional[int]
    ) -> ImageReport:
        return self._of(store).finish_upload(store, upload, checksum, physical_bytes)
