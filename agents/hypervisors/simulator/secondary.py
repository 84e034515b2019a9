"""Simulated secondary storage: no network and no bytes; images have a size, and downloads a duration, of their own."""

import posixpath
import sqlite3
from typing import BinaryIO, Callable, Optional
from urllib.parse import urlsplit

from agents.hypervisors.simulator.hardware import GIB
from agents.hypervisors.simulator.store import Store
from agents.protocol import ErrorCode, Refusal
from agents.storage import checksum as checksums
from agents.storage import listing
from agents.storage.base import (
    DownloadSpec,
    ImageFormat,
    ImageReport,
    Link,
    ObjectPage,
    SecondaryStorage,
    StoredObject,
    StoreReference,
    StoreReport,
    TransferReport,
    TransferState,
    UploadSlot,
)

CAPACITY = 1024 * GIB
DOWNLOADED_BYTES = 1_000_000_000
COPY_SECONDS = 0.0
LINKS = "links"


class SimulatedSecondaryStorage(SecondaryStorage):
    def __init__(self, store: Store, download_seconds: float) -> None:
        self._store = store
        self._download_seconds = download_seconds

    def attach(self, store: StoreReference) -> StoreReport:
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO store (id, url, capacity_bytes) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET url = excluded.url",
                store.id,
                store.url,
                CAPACITY,
            )
            return self.statistics(store)

    def detach(self, store: StoreReference) -> None:
        self._store.execute("DELETE FROM store WHERE id = ?", store.id)

    def statistics(self, store: StoreReference) -> StoreReport:
        row = self._attached(store)
        use = self._store.row("SELECT total(physical_bytes) AS used FROM image WHERE store = ?", store.id)
        assert use is not None
        return StoreReport(store.id, row["capacity_bytes"], int(use["used"]))

    def list_objects(
        self, store: StoreReference, path: str, keyword: Optional[str], offset: int, limit: Optional[int]
    ) -> ObjectPage:
        self._attached(store)
        rows = [
            row
            for row in self._store.rows("SELECT * FROM image WHERE store = ?", store.id)
            if self._percent(row) == 100
        ]
        files = [
            StoredObject(
                posixpath.basename(row["path"]),
                row["path"],
                False,
                row["physical_bytes"],
                row["began_at"],
                row["format"],
                row["transfer"],
            )
            for row in rows
        ]
        found = listing.folder(files, path)
        return listing.page(found, keyword, offset, limit, bool(found) or not path.strip("/"))

    def describe(self, store: StoreReference, path: str, checksum_algorithm: Optional[str]) -> ImageReport:
        row = self._image(store, self._behind(store, path))
        checksum = row["checksum"]
        if checksum_algorithm is not None:
            algorithm = checksums.algorithm_called(checksum_algorithm)
            if checksum is None or checksums.read(checksum)[0] != algorithm:
                checksum = _made_up(algorithm, path)
        return ImageReport(listing.inside(path), row["format"], row["size_bytes"], row["physical_bytes"], checksum)

    def download(self, store: StoreReference, download: DownloadSpec) -> TransferReport:
        if urlsplit(download.url).scheme not in ("http", "https"):
            raise Refusal(ErrorCode.BAD_ARGUMENT, f"'download.url' must be http or https, not {download.url!r:.200}")
        size = DOWNLOADED_BYTES
        if download.maximum_bytes is not None and size > download.maximum_bytes:
            raise Refusal(ErrorCode.FAILED, f"{size} bytes are more than the {download.maximum_bytes} allowed")
        checksum = (
            _made_up("MD5", download.url)
            if download.checksum is None
            else checksums.written(*checksums.read(download.checksum))
        )
        return self._begin(
            store, download.path, download.format, size, size, checksum, download.id, self._download_seconds
        )

    def status(self, store: StoreReference, transfer: str) -> TransferReport:
        self._attached(store)
        row = self._store.row("SELECT * FROM image WHERE store = ? AND transfer = ?", store.id, transfer)
        if row is None:
            return TransferReport(transfer, "NOT_DOWNLOADED", 0.0, "")
        return self._report(row)

    def delete(self, store: StoreReference, path: str) -> None:
        with self._store.transaction():
            self._attached(store)
            for table in ("image", "link", "upload"):
                self._store.execute(f"DELETE FROM {table} WHERE store = ? AND path = ?", store.id, listing.inside(path))

    def copy(
        self, source: StoreReference, source_path: str, target: StoreReference, target_path: str, transfer: str
    ) -> TransferReport:
        row = self._image(source, source_path)
        return self._begin(
            target,
            target_path,
            row["format"],
            row["size_bytes"],
            row["physical_bytes"],
            row["checksum"],
            transfer,
            COPY_SECONDS,
        )

    def receive(
        self,
        store: StoreReference,
        path: str,
        image_format: ImageFormat,
        size_bytes: int,
        physical_bytes: int,
        write: Callable[[BinaryIO], None],
    ) -> ImageReport:
        with self._store.transaction():
            self._store.execute("DELETE FROM image WHERE store = ? AND path = ?", store.id, listing.inside(path))
            self._begin(store, path, image_format, size_bytes, physical_bytes, _made_up("MD5", path), None, 0.0)
            return self.describe(store, path, None)

    def create_link(self, store: StoreReference, path: str, link: str) -> Link:
        row = self._image(store, path)
        self._store.execute(
            "INSERT OR REPLACE INTO link (store, id, path) VALUES (?, ?, ?)", store.id, link, row["path"]
        )
        return Link(link, f"{LINKS}/{link}.{row['format'].lower()}", row["physical_bytes"])

    def delete_link(self, store: StoreReference, link: str) -> None:
        self._attached(store)
        self._store.execute("DELETE FROM link WHERE store = ? AND id = ?", store.id, link)

    def open_upload(
        self, store: StoreReference, upload: str, path: str, image_format: ImageFormat, maximum_bytes: Optional[int]
    ) -> UploadSlot:
        self._attached(store)
        self._store.execute(
            "INSERT OR REPLACE INTO upload (store, id, path, format, maximum_bytes) VALUES (?, ?, ?, ?, ?)",
            store.id,
            upload,
            listing.inside(path),
            image_format,
            maximum_bytes,
        )
        return UploadSlot(upload, listing.inside(path))

    def finish_upload(
        self, store: StoreReference, upload: str, checksum: Optional[str], physical_bytes: Optional[int]
    ) -> ImageReport:
        with self._store.transaction():
            self._attached(store)
            row = self._store.row("SELECT * FROM upload WHERE store = ? AND id = ?", store.id, upload)
            if row is None:
                raise Refusal(ErrorCode.NOT_FOUND, f"upload {upload} is not open")
            size = DOWNLOADED_BYTES if physical_bytes is None else physical_bytes
            if row["maximum_bytes"] is not None and size > row["maximum_bytes"]:
                raise Refusal(ErrorCode.FAILED, f"{size} bytes are more than the {row['maximum_bytes']} allowed")
            given = _made_up("MD5", row["path"]) if checksum is None else checksums.written(*checksums.read(checksum))
            self._store.execute("DELETE FROM upload WHERE store = ? AND id = ?", store.id, upload)
            self._begin(store, row["path"], row["format"], size, size, given, upload, 0.0)
            return self.describe(store, row["path"], None)

    def _begin(
        self,
        store: StoreReference,
        path: str,
        image_format: str,
        size: int,
        physical: int,
        checksum: Optional[str],
        transfer: Optional[str],
        seconds: float,
    ) -> TransferReport:
        inside = listing.inside(path)
        with self._store.transaction():
            statistics = self.statistics(store)
            known = self._store.row("SELECT * FROM image WHERE store = ? AND path = ?", store.id, inside)
            if known is not None:
                if transfer is None or known["transfer"] != transfer:
                    raise Refusal(ErrorCode.ALREADY_EXISTS, f"there is an image at {inside} already")
                return self._report(known)
            if physical > statistics.capacity_bytes - statistics.used_bytes:
                raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY, f"{physical} bytes do not fit on store {store.id}")
            self._store.insert(
                "image",
                store=store.id,
                path=inside,
                format=image_format,
                size_bytes=size,
                physical_bytes=physical,
                checksum=checksum,
                transfer=transfer,
                began_at=self._store.clock(),
                seconds=seconds,
            )
            row = self._store.row("SELECT * FROM image WHERE store = ? AND path = ?", store.id, inside)
            assert row is not None
            return self._report(row)

    def _attached(self, store: StoreReference) -> sqlite3.Row:
        row = self._store.row("SELECT * FROM store WHERE id = ?", store.id)
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"secondary storage {store.id} is not attached")
        return row

    def _image(self, store: StoreReference, path: str) -> sqlite3.Row:
        self._attached(store)
        row = self._store.row("SELECT * FROM image WHERE store = ? AND path = ?", store.id, listing.inside(path))
        if row is None or self._percent(row) < 100:
            raise Refusal(ErrorCode.NOT_FOUND, f"there is no image at {path} on store {store.id}")
        return row

    def _behind(self, store: StoreReference, path: str) -> str:
        """Where the image lies that `path`, a link's perhaps, stands for."""
        folder, _, name = listing.inside(path).rpartition("/")
        link = self._store.row("SELECT path FROM link WHERE store = ? AND id = ?", store.id, name.rpartition(".")[0])
        return path if folder != LINKS or link is None else str(link["path"])

    def _percent(self, row: sqlite3.Row) -> float:
        if row["seconds"] <= 0:
            return 100.0
        passed: float = (self._store.clock() - row["began_at"]) / row["seconds"]
        return 100.0 * max(0.0, min(1.0, passed))

    def _report(self, row: sqlite3.Row) -> TransferReport:
        percent = self._percent(row)
        done = percent == 100
        state: TransferState = "DOWNLOADED" if done else "DOWNLOAD_IN_PROGRESS"
        arrived = int(row["physical_bytes"] * percent / 100)
        return TransferReport(
            row["transfer"] or "",
            state,
            round(percent, 1),
            row["path"],
            row["size_bytes"] if done else 0,
            arrived,
            row["checksum"] if done else None,
        )


def _made_up(algorithm: str, key: str) -> str:
    digest = checksums.new(algorithm)
    digest.update(key.encode())
    return checksums.written(algorithm, digest.hexdigest())
