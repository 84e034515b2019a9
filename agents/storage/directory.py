"""Secondary storage in a directory: `file:///srv/secondary`, be it a disk of its own or a mounted share.

Images lie at their paths; `.cloudapi/` holds what is on its way, `links/` the names under which images can be fetched.
"""

import contextlib
import json
import os
import re
from typing import BinaryIO, Callable, Optional
from urllib.parse import unquote, urlsplit

from agents.protocol import ErrorCode, Refusal
from agents.storage import checksum as checksums
from agents.storage import fetch, images, listing
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
    UploadSlot,
)
from agents.storage.transfers import Transfers

PRIVATE = ".cloudapi"
LINKS = "links"
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class DirectorySecondaryStorage(SecondaryStorage):
    """A download that brings no byte for `stall_seconds` has failed."""

    def __init__(self, stall_seconds: float = 60.0) -> None:
        self._stall_seconds = stall_seconds

    def attach(self, store: StoreReference) -> StoreReport:
        root = _root(store)
        try:
            os.makedirs(os.path.join(root, PRIVATE), exist_ok=True)
            owner = _owner(root)
            if owner not in (None, store.id):
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"{root} belongs to secondary storage {owner}")
            with open(os.path.join(root, PRIVATE, "store"), "w", encoding="utf-8") as file:
                file.write(store.id)
        except OSError as error:
            raise Refusal(ErrorCode.FAILED, f"{root} cannot be used: {error.strerror}") from error
        return self.statistics(store)

    def detach(self, store: StoreReference) -> None:
        root = _root(store)
        if _owner(root) == store.id:
            fetch.remove(os.path.join(root, PRIVATE, "store"))

    def statistics(self, store: StoreReference) -> StoreReport:
        disk = os.statvfs(_attached(store))
        return StoreReport(store.id, disk.f_blocks * disk.f_frsize, (disk.f_blocks - disk.f_bfree) * disk.f_frsize)

    def list_objects(
        self, store: StoreReference, path: str, keyword: Optional[str], offset: int, limit: Optional[int]
    ) -> ObjectPage:
        root = _attached(store)
        place = _place(store, path) if path.strip("/") else root
        if not os.path.exists(place):
            return ObjectPage([], 0, False)
        names = sorted(os.listdir(place)) if os.path.isdir(place) else [""]
        found = [_stored(root, os.path.join(place, name).rstrip("/")) for name in names if name != PRIVATE]
        return listing.page(found, keyword, offset, limit, True)

    def describe(self, store: StoreReference, path: str, checksum_algorithm: Optional[str]) -> ImageReport:
        place = _image(store, path)
        image_format, size = images.identify(place)
        checksum = None
        if checksum_algorithm is not None:
            checksum = fetch.checksum_of(place, checksums.algorithm_called(checksum_algorithm))
        return ImageReport(listing.inside(path), image_format, size, os.path.getsize(place), checksum)

    def download(self, store: StoreReference, download: DownloadSpec) -> TransferReport:
        fetch.check_url(download.url)
        algorithm, digits = ("MD5", None) if download.checksum is None else checksums.read(download.checksum)
        wanted = fetch.Wanted(
            download.url, algorithm, digits, download.maximum_bytes, download.follow_redirects, self._stall_seconds
        )

        def check(part: str, wanted_still: Callable[[], None]) -> int:
            fetch.unpack(part, download.maximum_bytes, wanted_still)
            return images.inspect(part, download.format)

        return _transfers(store).begin(
            _identifier(download.id),
            listing.inside(download.path),
            _place(store, download.path),
            lambda file, report: fetch.fetch(wanted, file, report),
            check,
        )

    def status(self, store: StoreReference, transfer: str) -> TransferReport:
        return _transfers(store).status(_identifier(transfer))

    def delete(self, store: StoreReference, path: str) -> None:
        root, place = _attached(store), _place(store, path)
        inside = listing.inside(path)
        _transfers(store).end_for(inside)
        _end_uploads(root, inside)
        for shown in _links_to(root, place):
            fetch.remove(shown)
        fetch.remove(place)
        # Folders that held nothing else go too, up to the root.
        folder = os.path.dirname(place)
        with contextlib.suppress(OSError):
            while folder != root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)

    def copy(
        self, source: StoreReference, source_path: str, target: StoreReference, target_path: str, transfer: str
    ) -> TransferReport:
        origin = _image(source, source_path)

        def fill(file: BinaryIO, report: Callable[[int, Optional[int]], None]) -> None:
            fetch.copy_file(origin, file, report)

        return _transfers(target).begin(
            _identifier(transfer),
            listing.inside(target_path),
            _place(target, target_path),
            fill,
            lambda part, wanted_still: images.identify(part)[1],
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
        place = _place(store, path)
        part = os.path.join(_attached(store), PRIVATE, f"received-{os.getpid()}-{os.urandom(8).hex()}")
        try:
            with open(part, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            size = images.inspect(part, image_format)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.replace(part, place)
        except OSError as error:
            raise Refusal(ErrorCode.FAILED, f"{path} cannot be written: {error.strerror}") from error
        finally:
            fetch.remove(part)
        return ImageReport(listing.inside(path), image_format, size, os.path.getsize(place))

    def create_link(self, store: StoreReference, path: str, link: str) -> Link:
        place = _image(store, path)
        name = f"{LINKS}/{_identifier(link)}.{images.identify(place)[0].lower()}"
        shown = os.path.join(_attached(store), name)
        os.makedirs(os.path.dirname(shown), exist_ok=True)
        fetch.remove(shown)
        os.link(place, shown)
        return Link(link, name, os.path.getsize(place))

    def delete_link(self, store: StoreReference, link: str) -> None:
        folder, prefix = os.path.join(_attached(store), LINKS), f"{_identifier(link)}."
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name.startswith(prefix):
                fetch.remove(os.path.join(folder, name))

    def open_upload(
        self, store: StoreReference, upload: str, path: str, image_format: ImageFormat, maximum_bytes: Optional[int]
    ) -> UploadSlot:
        _place(store, path)
        inside = listing.inside(path)
        inbox = _inbox(store, upload)
        os.makedirs(os.path.dirname(inbox), exist_ok=True)
        with open(inbox + ".json", "w", encoding="utf-8") as file:
            json.dump({"path": inside, "format": image_format, "maximum_bytes": maximum_bytes}, file)
        return UploadSlot(upload, inside, inbox)

    def finish_upload(
        self, store: StoreReference, upload: str, checksum: Optional[str], physical_bytes: Optional[int]
    ) -> ImageReport:
        inbox = _inbox(store, upload)
        algorithm, digits = ("MD5", None) if checksum is None else checksums.read(checksum)
        try:
            with open(inbox + ".json", encoding="utf-8") as file:
                slot = json.load(file)
        except FileNotFoundError as error:
            raise Refusal(ErrorCode.NOT_FOUND, f"upload {upload} is not open") from error
        try:
            found = self._accept(store, inbox, slot, algorithm, digits, physical_bytes)
        finally:
            fetch.remove(inbox)
            fetch.remove(inbox + ".json")
        return found

    @staticmethod
    def _accept(
        store: StoreReference,
        inbox: str,
        slot: "dict[str, object]",
        algorithm: str,
        digits: Optional[str],
        counted: Optional[int],
    ) -> ImageReport:
        if not os.path.exists(inbox):
            raise Refusal(ErrorCode.FAILED, "nothing was uploaded")
        physical, maximum = os.path.getsize(inbox), slot["maximum_bytes"]
        if isinstance(maximum, int) and physical > maximum:
            raise Refusal(ErrorCode.FAILED, f"the image has more than the {maximum} bytes allowed")
        if counted is not None and counted != physical:
            raise Refusal(ErrorCode.FAILED, f"{physical} of {counted} bytes have arrived")
        found = fetch.checksum_of(inbox, algorithm)
        if digits is not None and found != checksums.written(algorithm, digits):
            raise Refusal(ErrorCode.FAILED, f"the checksum is {found}, not {digits}")
        maximum_unpacked = maximum if isinstance(maximum, int) else None
        fetch.unpack(inbox, maximum_unpacked, lambda: None)
        image_format, size = images.identify(inbox)
        if image_format != slot["format"]:
            raise Refusal(ErrorCode.FAILED, f"the image is {image_format}, not {slot['format']}")
        path = str(slot["path"])
        place = _place(store, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        try:
            os.link(inbox, place)
        except FileExistsError as error:
            raise Refusal(ErrorCode.ALREADY_EXISTS, f"there is an image at {path} already") from error
        return ImageReport(path, image_format, size, os.path.getsize(place), found)


def _root(store: StoreReference) -> str:
    parts = urlsplit(store.url)
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not os.path.isabs(path):
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'store.url' must be file:///PATH, not {store.url!r:.200}")
    return os.path.realpath(path)


def _owner(root: str) -> Optional[str]:
    try:
        with open(os.path.join(root, PRIVATE, "store"), encoding="utf-8") as file:
            return file.read().strip() or None
    except FileNotFoundError:
        return None


def _attached(store: StoreReference) -> str:
    root = _root(store)
    if _owner(root) != store.id:
        raise Refusal(ErrorCode.NOT_FOUND, f"secondary storage {store.id} is not attached")
    return root


def _place(store: StoreReference, path: str) -> str:
    """Where a path of the store lies. Raises Refusal(bad_argument) where it, or a symbolic link on it, leads out of
    the store."""
    root = _attached(store)
    place = os.path.join(root, listing.inside(path))
    real = os.path.realpath(place)
    if real != place or real == os.path.join(root, PRIVATE) or real.startswith(os.path.join(root, PRIVATE) + os.sep):
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'path' {path!r:.200} is not within the store")
    return place


def _image(store: StoreReference, path: str) -> str:
    place = _place(store, path)
    if not os.path.isfile(place):
        raise Refusal(ErrorCode.NOT_FOUND, f"there is no image at {path} on store {store.id}")
    return place


def _identifier(text: str) -> str:
    if not IDENTIFIER.fullmatch(text):
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"{text!r:.150} cannot be used as an id")
    return text


def _inbox(store: StoreReference, upload: str) -> str:
    return os.path.join(_attached(store), PRIVATE, "uploads", _identifier(upload))


def _end_uploads(root: str, path: str) -> None:
    """Closes the uploads that are to arrive at `path`, with what they have received."""
    folder = os.path.join(root, PRIVATE, "uploads")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if not name.endswith(".json"):
            continue
        slot = os.path.join(folder, name)
        with contextlib.suppress(FileNotFoundError, ValueError), open(slot, encoding="utf-8") as file:
            if json.load(file)["path"] == path:
                fetch.remove(slot)
                fetch.remove(slot[: -len(".json")])


def _links_to(root: str, place: str) -> list[str]:
    """The names in `links/` that are the image at `place`."""
    folder = os.path.join(root, LINKS)
    if not os.path.isfile(place) or not os.path.isdir(folder):
        return []
    return [entry.path for entry in os.scandir(folder) if entry.is_file() and os.path.samefile(entry.path, place)]


def _transfers(store: StoreReference) -> Transfers:
    return Transfers(os.path.join(_attached(store), PRIVATE, "transfers"))


def _stored(root: str, place: str) -> StoredObject:
    status = os.stat(place, follow_symlinks=False)
    folder = os.path.isdir(place)
    image_format = None
    if os.path.isfile(place) and not os.path.islink(place):
        with contextlib.suppress(Refusal):
            image_format = images.identify(place)[0]
    return StoredObject(
        os.path.basename(place),
        os.path.relpath(place, root),
        folder,
        0 if folder else status.st_size,
        status.st_mtime,
        image_format,
    )
