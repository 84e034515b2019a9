"""What every secondary storage does, the simulated one and a directory alike."""

import contextlib
import fcntl
import hashlib
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agents.storage.images import write_empty
from cloudapi.hosts.errors import VerbRefused
from tests.contracts.conftest import GIB, HostUnderTest, new_id


def qcow2(size=GIB):
    from io import BytesIO

    file = BytesIO()
    write_empty(file, "QCOW2", size)
    return file.getvalue()


IMAGE = qcow2()


class Images(BaseHTTPRequestHandler):
    """Serves one small image, whatever is asked for."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(IMAGE)))
        self.end_headers()
        self.wfile.write(IMAGE)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def worked_off(url, transfer):
    """Waits until the thread that works on the transfer has given its lock back."""
    lock = Path(url.removeprefix("file://")) / ".cloudapi/transfers" / f"{transfer}.lock"
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)


@dataclass
class Store:
    host: HostUnderTest
    reference: dict
    images: str
    clock: object
    folder: Path

    def __call__(self, verb, **arguments):
        return self.host(f"secondary.{verb}", store=self.reference, **arguments)

    def refuses(self, code, verb, **arguments):
        return self.host.refuses(code, f"secondary.{verb}", store=self.reference, **arguments)

    def begin(self, path="template/1/2/image.qcow2", **more):
        wanted = {"id": new_id(), "url": f"{self.images}/image.qcow2", "path": path, "format": "QCOW2", **more}
        return wanted, self("download", download=wanted)

    def ended(self, transfer):
        """The report once the transfer has ended."""
        self.clock.pass_(3600)
        if self.reference["url"].startswith("file:"):
            worked_off(self.reference["url"], transfer)
        return self("status", transfer=transfer)

    def downloaded(self, path="template/1/2/image.qcow2", **more):
        wanted, _ = self.begin(path, **more)
        report = self.ended(wanted["id"])
        assert report["state"] == "DOWNLOADED", report
        return report


@pytest.fixture(params=["simulated", "directory"])
def store(request, cloud, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    url = {"simulated": "nfs://10.0.0.1/other", "directory": (tmp_path / "secondary").as_uri()}[request.param]
    with serving(Images) as images:
        reference = {"id": new_id(), "url": url}
        store = Store(cloud.first, reference, images, cloud.clock, tmp_path / "secondary")
        store("attach")
        yield store


def test_a_store_must_be_attached(store):
    assert store("attach")["capacity_bytes"] > store("statistics")["used_bytes"] >= 0
    for _ in range(2):
        store("detach")
    store.refuses("not_found", "statistics")
    store.refuses("not_found", "list_objects")
    store("attach")
    store("statistics")


def test_a_download_arrives_and_is_described(store):
    wanted, begun = store.begin()
    assert begun["state"] in ("DOWNLOAD_IN_PROGRESS", "DOWNLOADED")
    report = store.ended(wanted["id"])
    assert (report["state"], report["percent"], report["path"]) == ("DOWNLOADED", 100.0, "template/1/2/image.qcow2")
    image = store("describe", path=wanted["path"])
    assert (image["format"], image["size_bytes"]) == ("QCOW2", report["size_bytes"])
    assert image["physical_bytes"] == report["physical_bytes"]
    assert store("download", download=wanted) == report
    store.refuses("not_found", "describe", path="template/missing")
    assert store("status", transfer="unknown")["state"] == "NOT_DOWNLOADED"


def test_one_path_holds_one_image(store):
    store.downloaded()
    with pytest.raises(VerbRefused, match="already"):
        store.begin()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/image", "file:///etc/passwd", "image.qcow2"])
def test_only_http_is_downloaded(store, url):
    with pytest.raises(VerbRefused, match="http or https"):
        store.begin(url=url)


@pytest.mark.parametrize("checksum", ["abc", "{SHA-256}abc", "{CRC}0123", "xyz", ""])
def test_a_checksum_must_be_one(store, checksum):
    with pytest.raises(VerbRefused, match="'checksum'"):
        store.begin(checksum=checksum)
    assert store("list_objects")["count"] == 0


@pytest.mark.parametrize("path", ["../outside", "/../outside", "a/../../outside", "", "/", ".."])
def test_a_path_cannot_leave_the_store(store, path):
    with pytest.raises(VerbRefused, match="not within the store"):
        store.begin(path=path)
    store.refuses("bad_argument", "delete", path=path)


def test_the_size_allowed_is_kept(store):
    with contextlib.suppress(VerbRefused):
        wanted, _ = store.begin(maximum_bytes=1000)
        assert "more than the 1000" in store.ended(wanted["id"])["error"]
    assert store("list_objects")["count"] == 0


def test_deleting_ends_everything_about_an_image(store):
    report = store.downloaded()
    for _ in range(2):
        store("delete", path=report["path"])
    store.refuses("not_found", "describe", path=report["path"])
    assert store("status", transfer=report["id"])["state"] == "NOT_DOWNLOADED"
    assert store("list_objects")["count"] == 0
    store.downloaded()


def test_copies_within_and_between_stores(store, tmp_path):
    report = store.downloaded()
    scheme = store.reference["url"].partition(":")[0]
    other = {"id": new_id(), "url": f"{scheme}://{'10.0.0.9' if scheme == 'nfs' else ''}{tmp_path / 'another'}"}
    store.host("secondary.attach", store=other)
    for target in (store.reference, other):
        transfer = new_id()
        arguments = {"source": store.reference, "source_path": report["path"], "target": target, "transfer": transfer}
        store.host("secondary.copy", **arguments, target_path="copies/image")
        copied = Store(store.host, target, "", store.clock, tmp_path)
        assert copied.ended(transfer)["state"] == "DOWNLOADED"
        assert copied("describe", path="copies/image")["size_bytes"] == report["size_bytes"]
    missing = {**arguments, "source_path": "missing", "transfer": new_id(), "target_path": "x"}
    store.host.refuses("not_found", "secondary.copy", **missing)


def test_links_come_and_go(store):
    report = store.downloaded()
    link = store("create_link", path=report["path"], link="l1")
    assert link["path"].startswith("links/l1") and link["path"].endswith(".qcow2")
    assert link["size_bytes"] == report["physical_bytes"]
    shown = store("describe", path=link["path"])
    assert (shown["path"], shown["physical_bytes"]) == (link["path"], report["physical_bytes"])
    for _ in range(2):
        store("delete_link", link="l1")
    store.refuses("not_found", "describe", path=link["path"])
    again = store("create_link", path=report["path"], link="l3")
    store("delete", path=report["path"])
    store.refuses("not_found", "describe", path=again["path"])
    store.refuses("not_found", "create_link", path="missing", link="l2")


def test_a_store_is_browsed_in_pages(store):
    for name in ("a", "b", "c"):
        store.downloaded(f"template/{name}")
    root = store("list_objects")
    assert [(each["name"], each["directory"]) for each in root["objects"]] == [("template", True)]
    page = store("list_objects", path="template", offset=1, limit=1)
    assert ([each["path"] for each in page["objects"]], page["count"]) == (["template/b"], 3)
    assert page["objects"][0]["format"] == "QCOW2"
    assert store("list_objects", path="template", keyword="C")["count"] == 1
    assert store("list_objects", path="nowhere")["path_exists"] is False


def test_an_upload_is_checked_before_it_counts(store):
    slot = store("open_upload", upload="u1", path="volumes/1", format="QCOW2")
    if slot["inbox"]:
        Path(slot["inbox"]).write_bytes(IMAGE)
    report = store("finish_upload", upload="u1", physical_bytes=len(IMAGE))
    assert report["physical_bytes"] == len(IMAGE)
    assert store("describe", path="volumes/1")["physical_bytes"] == len(IMAGE)
    store.refuses("not_found", "finish_upload", upload="u1")
    slot = store("open_upload", upload="u2", path="volumes/2", format="QCOW2", maximum_bytes=10)
    if slot["inbox"]:
        Path(slot["inbox"]).write_bytes(IMAGE)
    store.refuses("failed", "finish_upload", upload="u2", physical_bytes=len(IMAGE))
    store.refuses("not_found", "describe", path="volumes/2")


def test_an_upload_ends_with_its_place(store):
    slot = store("open_upload", upload="u3", path="volumes/3", format="QCOW2")
    if slot["inbox"]:
        Path(slot["inbox"]).write_bytes(IMAGE[:100])
    store("open_upload", upload="u4", path="volumes/4", format="QCOW2")
    store("delete", path="volumes/3")
    store.refuses("not_found", "finish_upload", upload="u3", physical_bytes=100)
    assert slot["inbox"] is None or not Path(slot["inbox"]).exists()
    slot = store("open_upload", upload="u4", path="volumes/4", format="QCOW2")
    if slot["inbox"]:
        Path(slot["inbox"]).write_bytes(IMAGE)
    assert store("finish_upload", upload="u4", physical_bytes=len(IMAGE))["physical_bytes"] == len(IMAGE)


def test_volumes_can_be_exported_and_imported(store, cloud):
    volume, path = cloud.volume(3 * GIB), "volumes/9/export.qcow2"
    arguments = {"pool": cloud.pool, "volume": volume, "store": store.reference, "path": path}
    assert cloud.first("volume.copy_to_secondary", **arguments)["size_bytes"] == 3 * GIB
    back = {"id": new_id(), "pool": cloud.pool, "size_bytes": 1}
    imported = cloud.first("volume.copy_from_secondary", store=store.reference, path=path, volume=back)
    assert imported["size_bytes"] == 3 * GIB


def test_checksums_are_computed_on_request(store):
    report = store.downloaded()
    told = store("describe", path=report["path"], checksum_algorithm="SHA-256")["checksum"]
    assert told.startswith("{SHA-256}") and len(told) == len("{SHA-256}") + 64
    store.refuses("bad_argument", "describe", path=report["path"], checksum_algorithm="CRC")
    if store.folder.exists():
        assert told == "{SHA-256}" + hashlib.sha256(IMAGE).hexdigest()
