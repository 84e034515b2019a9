"""Real downloads into a directory, from servers that lie, stall and break off."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler

import pytest

from agents.protocol import Refusal
from agents.storage import images
from agents.storage.base import DownloadSpec, StoreReference
from agents.storage.directory import DirectorySecondaryStorage
from tests.contracts.conftest import new_id
from tests.contracts.test_secondary_storage import IMAGE, qcow2, serving, worked_off

MIB = 1 << 20


def vhd(size):
    return bytes(4096) + b"conectix" + bytes(40) + struct.pack(">Q", size) + bytes(456)


def vmdk(size):
    return b"KDMV" + bytes(8) + struct.pack("<Q", size // 512) + bytes(492)


def iso():
    return bytes(0x8001) + b"CD001" + bytes(2048)


def ova(descriptor):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("machine.ovf")
        member.size = len(descriptor)
        archive.addfile(member, io.BytesIO(descriptor))
    return file.getvalue()


DISK = b'<Disk ovf:capacity="2" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="d"/>'
BACKED = bytearray(IMAGE)
BACKED[8:20] = struct.pack(">QI", 512, 11)


def zipped(*contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"disk{number}", content)
    return file.getvalue()


class Liar(BaseHTTPRequestHandler):
    """What it does is in the path."""

    bodies: dict[str, bytes] = {}
    released = threading.Event()

    def do_GET(self):
        name = self.path.strip("/")
        if name == "redirected":
            self.send_response(302)
            self.send_header("Location", "/image")
            self.end_headers()
            return
        if name == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        if name not in self.bodies:
            self.send_error(404)
            return
        body = self.bodies[name]
        length = {"short": len(body) + 1000, "huge": 1 << 60}.get(name, len(body))
        self.send_response(200)
        if name != "unsized":
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if name == "stalled":
            self.wfile.write(body[:1000])
            self.wfile.flush()
            self.released.wait(30)
            return
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    Liar.released = threading.Event()
    Liar.bodies = dict.fromkeys(("image", "short", "huge", "unsized", "stalled"), IMAGE)
    with serving(Liar) as url:
        yield url
        Liar.released.set()


@pytest.fixture
def store(tmp_path):
    return StoreReference("s", (tmp_path / "store").as_uri())


@pytest.fixture
def directory(store):
    directory = DirectorySecondaryStorage(stall_seconds=0.2)
    directory.attach(store)
    return directory


def wanted(server, name="image", image_format="QCOW2", **more):
    return DownloadSpec(new_id(), f"{server}/{name}", "template/image", image_format, **more)


def ended(directory, store, transfer):
    worked_off(store.url, transfer)
    return directory.status(store, transfer)


def run(directory, store, download):
    directory.download(store, download)
    return ended(directory, store, download.id)


def nothing_remains(store):
    root = store.url.removeprefix("file://")
    left = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
    return [path for path in left if not path.endswith((".json", ".lock", "/store"))] == []


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_the_right_checksum_passes_in_every_notation(directory, store, server, algorithm):
    digits = hashlib.new(algorithm, IMAGE).hexdigest()
    notation = digits if algorithm == "md5" else f"{{{algorithm.upper().replace('SHA', 'SHA-')}}}{digits.upper()}"
    report = run(directory, store, wanted(server, checksum=notation))
    assert report.state == "DOWNLOADED", report.error
    assert report.checksum is not None and report.checksum.endswith(digits)
    assert (report.size_bytes, report.physical_bytes) == (1 << 30, len(IMAGE))


@pytest.mark.parametrize(
    ("name", "more", "text"),
    [
        ("image", {"checksum": "0" * 32}, "checksum is"),
        ("short", {}, "broke off after"),
        ("huge", {}, "no space"),
        ("huge", {"maximum_bytes": 10 * MIB}, "more than the"),
        ("unsized", {"maximum_bytes": 1000}, "more than the 1000"),
        ("stalled", {}, "broke off"),
        ("missing", {}, "answered 404"),
        ("redirected", {"follow_redirects": False}, "answered 302"),
        ("elsewhere", {}, "not allowed"),
        ("image", {"image_format": "ISO"}, "QCOW2, not ISO"),
    ],
)
def test_what_is_not_right_is_an_error_and_leaves_nothing(directory, store, server, name, more, text):
    report = run(directory, store, wanted(server, name, **more))
    assert report.state == "DOWNLOAD_ERROR"
    assert text in report.error
    assert nothing_remains(store)


def test_a_server_that_cannot_be_reached_is_an_error(directory, store, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    report = run(directory, store, wanted("http://127.0.0.1:1"))
    assert (report.state, "refused" in report.error) == ("DOWNLOAD_ERROR", True)


def test_an_error_can_be_tried_again_under_the_same_id(directory, store, server):
    body = Liar.bodies.pop("image")
    download = wanted(server)
    assert run(directory, store, download).state == "DOWNLOAD_ERROR"
    Liar.bodies["image"] = body
    assert run(directory, store, download).state == "DOWNLOADED"


@pytest.mark.parametrize("name", ["redirected", "unsized"])
def test_redirects_and_bodies_without_a_length_are_fine(directory, store, server, name):
    assert run(directory, store, wanted(server, name)).state == "DOWNLOADED"


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zipped], ids=["gzip", "bzip2", "xz", "zip"]
)
def test_compressed_images_are_unpacked(directory, store, server, pack):
    Liar.bodies["image"] = pack(IMAGE)
    # The checksum is that of what was downloaded.
    checksum = hashlib.md5(Liar.bodies["image"]).hexdigest()
    report = run(directory, store, wanted(server, checksum=checksum))
    assert (report.state, report.physical_bytes) == ("DOWNLOADED", len(IMAGE)), report.error


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (gzip.compress(bytes(20 * MIB)), "more than the"),
        (gzip.compress(IMAGE)[:-20], "cannot be unpacked"),
        (zipped(IMAGE, IMAGE), "2 files"),
    ],
    ids=["bomb", "cut", "two"],
)
def test_archives_that_are_bad_are_errors(directory, store, server, body, text):
    Liar.bodies["image"] = body
    report = run(directory, store, wanted(server, maximum_bytes=10 * MIB))
    assert report.state == "DOWNLOAD_ERROR"
    assert text in report.error
    assert nothing_remains(store)


@pytest.mark.parametrize(
    ("body", "image_format", "size"),
    [
        (qcow2(5 << 30), "QCOW2", 5 << 30),
        (bytes(MIB), "RAW", MIB),
        (vhd(7 << 30), "VHD", 7 << 30),
        (vmdk(8 << 30), "VMDK", 8 << 30),
        (iso(), "ISO", len(iso())),
        (ova(b"<Envelope>" + DISK + DISK + b"</Envelope>"), "OVA", 4 << 30),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_formats_are_told_by_content(directory, store, server, body, image_format, size):
    Liar.bodies["image"] = body
    report = run(directory, store, wanted(server, image_format=image_format))
    assert (report.state, report.size_bytes) == ("DOWNLOADED", size), report.error
    found = directory.describe(store, "template/image", None)
    assert (found.format, found.size_bytes) == (image_format, size)


@pytest.mark.parametrize(
    ("body", "image_format", "text"),
    [
        (bytes(BACKED), "QCOW2", "backing file"),
        (IMAGE[:40], "QCOW2", "within its header"),
        (b"conectix" + bytes(4096), "VHD", "no footer"),
        (ova(b"<Envelope/>"), "OVA", "names no disk"),
        (b"", "RAW", "empty"),
    ],
    ids=["backed", "cut", "vhd", "ova", "empty"],
)
def test_images_that_are_damaged_or_dangerous_are_refused(directory, store, server, body, image_format, text):
    Liar.bodies["image"] = body
    report = run(directory, store, wanted(server, image_format=image_format))
    assert report.state == "DOWNLOAD_ERROR"
    assert text in report.error


def test_an_empty_qcow2_is_one_that_other_programs_read(tmp_path):
    path = tmp_path / "empty.qcow2"
    with path.open("wb") as file:
        images.write_empty(file, "QCOW2", 3 << 30)
    version, backing, cluster_bits, size, _, l1_entries, l1_at, refcounts_at, refcount_clusters = struct.unpack(
        ">IQ4xIQIIQQI", path.read_bytes()[4:60]
    )
    assert (version, backing, cluster_bits, size, refcount_clusters) == (3, 0, 16, 3 << 30, 1)
    assert l1_entries * (1 << 29) >= size
    assert max(l1_at, refcounts_at) < path.stat().st_size
    with pytest.raises(Refusal):
        images.write_empty(io.BytesIO(), "VHD", 1 << 30)


def test_a_deletion_ends_a_download_on_its_way(directory, store, server):
    slow = DirectorySecondaryStorage(stall_seconds=30)
    download = wanted(server, "stalled")
    assert slow.download(store, download).state == "DOWNLOAD_IN_PROGRESS"
    assert slow.download(store, download).state == "DOWNLOAD_IN_PROGRESS"
    directory.delete(store, download.path)
    assert directory.status(store, download.id).state == "NOT_DOWNLOADED"
    Liar.released.set()
    worked_off(store.url, download.id)
    assert nothing_remains(store)
    assert directory.status(store, download.id).state == "NOT_DOWNLOADED"


def test_a_download_whose_process_died_is_seen_and_begun_again(directory, store, server):
    download = wanted(server, "stalled")
    program = f"""
from agents.storage.base import DownloadSpec, StoreReference
from agents.storage.directory import DirectorySecondaryStorage
download = DownloadSpec({download.id!r}, {download.url!r}, {download.path!r}, "QCOW2")
print(DirectorySecondaryStorage(30).download(StoreReference("s", {store.url!r}), download).state, flush=True)
import time; time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == "DOWNLOAD_IN_PROGRESS"
        # Another process sees that it is being worked on, and begins nothing beside it.
        assert directory.download(store, download).state == "DOWNLOAD_IN_PROGRESS"
        process.kill()
        process.wait(10)
    assert directory.status(store, download.id).state == "ABANDONED"
    Liar.bodies["image"] = IMAGE
    again = DownloadSpec(download.id, f"{server}/image", download.path, "QCOW2")
    assert run(directory, store, again).state == "DOWNLOADED"


def test_two_downloads_to_one_path_leave_one_image(directory, store, server):
    downloads = [wanted(server), wanted(server, "redirected")]
    for download in downloads:
        try:
            directory.download(store, download)
        except Refusal as refusal:
            assert refusal.code == "already_exists"
    states = sorted(ended(directory, store, download.id).state for download in downloads)
    assert states in (["DOWNLOADED", "DOWNLOAD_ERROR"], ["DOWNLOADED", "NOT_DOWNLOADED"])


def test_a_directory_belongs_to_one_store(directory, store):
    with pytest.raises(Refusal, match="belongs to"):
        directory.attach(StoreReference("other", store.url))


@pytest.mark.parametrize("url", ["file://host/srv", "file:relative", "nfs://host/srv", "file:"])
def test_a_directory_needs_a_whole_path(url):
    with pytest.raises(Refusal, match=r"store\.url"):
        DirectorySecondaryStorage().attach(StoreReference("s", url))


def test_links_on_the_path_do_not_lead_out_of_the_store(directory, store, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "image").write_bytes(IMAGE)
    (tmp_path / "store" / "out").symlink_to(secret)
    for attempt in (
        lambda: directory.describe(store, "out/image", None),
        lambda: directory.delete(store, "out/image"),
        lambda: directory.create_link(store, "out/image", "l"),
        lambda: directory.list_objects(store, "out", None, 0, None),
    ):
        with pytest.raises(Refusal, match="not within the store"):
            attempt()
    assert (secret / "image").exists()


def test_the_private_folder_is_no_part_of_the_store(directory, store):
    assert directory.list_objects(store, "", None, 0, None).objects == []
    with pytest.raises(Refusal, match="not within the store"):
        directory.delete(store, ".cloudapi/store")


def test_an_upload_that_is_not_right_leaves_nothing(directory, store):
    for upload, content, checksum, counted, text in (
        ("u1", b"", None, 5, "of 5 bytes"),
        ("u2", IMAGE, "0" * 32, None, "checksum"),
        ("u3", bytes(4096), None, None, "RAW, not QCOW2"),
        ("u4", None, None, None, "nothing was uploaded"),
    ):
        slot = directory.open_upload(store, upload, f"volumes/{upload}", "QCOW2", None)
        if content is not None:
            with open(slot.inbox, "wb") as file:
                file.write(content)
        with pytest.raises(Refusal, match=text):
            directory.finish_upload(store, upload, checksum, counted)
        assert nothing_remains(store)
    with pytest.raises(Refusal, match="id"):
        directory.open_upload(store, "../../etc", "volumes/x", "QCOW2", None)


def test_a_storage_host_is_a_program(tmp_path, server):
    store = {"id": "s", "url": (tmp_path / "store").as_uri()}
    requests = [
        {"v": 1, "id": "1", "verb": "secondary.attach", "arguments": {"store": store}},
        {"v": 1, "id": "2", "verb": "host.ping"},
    ]
    done = subprocess.run(
        [sys.executable, "-m", "agents.main", "storage"],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert answers["1"]["result"]["capacity_bytes"] > 0
    assert answers["2"]["error"]["code"] == "capability_missing"
