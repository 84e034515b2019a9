"""Downloads over HTTP: what arrives is bounded, counted and hashed on the way."""

import bz2
import gzip
import http.client
import lzma
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, BinaryIO, Callable, Optional
from urllib.parse import urlsplit

from agents import AGENT_VERSION
from agents.protocol import ErrorCode, Refusal
from agents.storage import checksum as checksums

CHUNK = 1 << 20
ZIP_MAGIC = b"PK\x03\x04"
# Each gives a context manager that can be read.
OPENERS: dict[bytes, Callable[[str], Any]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": partial(bz2.open, mode="rb"),
    b"\xfd7zXZ\x00": partial(lzma.open, mode="rb"),
}


@dataclass(frozen=True)
class Wanted:
    url: str
    algorithm: str
    digits: Optional[str]
    maximum_bytes: Optional[int]
    follow_redirects: bool
    stall_seconds: float


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        """Leaves the redirection as the error that its status is."""
        return


def check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'url' must be http or https with a host, not {url!r:.200}")


def fetch(wanted: Wanted, file: BinaryIO, report: Callable[[int, Optional[int]], None]) -> str:
    """Writes the body to `file` and returns its checksum; `report` gets the bytes so far and, where it is known,
    their number.

    Raises Refusal(failed).
    """
    check_url(wanted.url)
    opener = urllib.request.build_opener(*([] if wanted.follow_redirects else [_NoRedirects()]))
    request = urllib.request.Request(wanted.url, headers={"User-Agent": f"cloudapi-agent/{AGENT_VERSION}"})
    try:
        with opener.open(request, timeout=wanted.stall_seconds) as response:
            digits = _receive(response, wanted, file, report)
    except urllib.error.HTTPError as error:
        raise Refusal(ErrorCode.FAILED, f"the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(ErrorCode.FAILED, f"the download broke off: {getattr(error, 'reason', None) or error}") from error
    if wanted.digits is not None and digits != wanted.digits:
        raise Refusal(ErrorCode.FAILED, f"the {wanted.algorithm} checksum is {digits}, not {wanted.digits}")
    return checksums.written(wanted.algorithm, digits)


def _receive(
    response: http.client.HTTPResponse, wanted: Wanted, file: BinaryIO, report: Callable[[int, Optional[int]], None]
) -> str:
    said = response.headers.get("Content-Length", "")
    length = int(said) if said.isdecimal() else None
    _check_size(length or 0, wanted.maximum_bytes)
    disk = os.fstatvfs(file.fileno())
    if length is not None and length > disk.f_bavail * disk.f_frsize:
        raise Refusal(ErrorCode.FAILED, f"there is no space for {length} bytes")
    digest, received = checksums.new(wanted.algorithm), 0
    while True:
        # At most what has arrived, so that progress is seen and a deletion noticed on slow lines too.
        chunk = response.read1(CHUNK)
        if not chunk:
            break
        received += len(chunk)
        _check_size(received, wanted.maximum_bytes)
        digest.update(chunk)
        file.write(chunk)
        report(received, length)
    if length is not None and received != length:
        raise Refusal(ErrorCode.FAILED, f"the download broke off after {received} of {length} bytes")
    return digest.hexdigest()


def _check_size(size: int, maximum: Optional[int]) -> None:
    if maximum is not None and size > maximum:
        raise Refusal(ErrorCode.FAILED, f"the image has more than the {maximum} bytes allowed")


def unpack(path: str, maximum_bytes: Optional[int], check: Callable[[], None]) -> None:
    """Replaces a file that is compressed by gzip, bzip2, xz or zip with what is in it; `check` is called between
    chunks."""
    with open(path, "rb") as file:
        head = file.read(8)
    opener = next((opener for magic, opener in OPENERS.items() if head.startswith(magic)), None)
    if head.startswith(ZIP_MAGIC):
        opener = _open_zip
    if opener is None:
        return
    unpacked = path + ".unpacked"
    try:
        with opener(path) as source, open(unpacked, "wb") as target:
            size = 0
            while True:
                chunk = source.read(CHUNK)
                if not chunk:
                    break
                size += len(chunk)
                _check_size(size, maximum_bytes)
                check()
                target.write(chunk)
        os.replace(unpacked, path)
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise Refusal(ErrorCode.FAILED, f"the image cannot be unpacked: {error}") from error
    finally:
        remove(unpacked)


def _open_zip(path: str) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise Refusal(ErrorCode.FAILED, f"the zip archive holds {len(members)} files, not one")
    return archive.open(members[0])


def copy_file(source: str, file: BinaryIO, report: Callable[[int, Optional[int]], None]) -> None:
    length, copied = os.path.getsize(source), 0
    with open(source, "rb") as origin:
        while True:
            chunk = origin.read(CHUNK)
            if not chunk:
                return
            copied += len(chunk)
            file.write(chunk)
            report(copied, length)


def checksum_of(path: str, algorithm: str) -> str:
    digest = checksums.new(algorithm)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return checksums.written(algorithm, digest.hexdigest())


def remove(path: str) -> None:
    """Removes a file or a tree, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
