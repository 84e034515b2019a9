"""Images over HTTP: sent with a permit, fetched by a link; from a real directory and from simulated storage."""

from __future__ import annotations

import contextlib
import hashlib
import tracemalloc

import pytest

import cloudapi.context
from cloudapi.http import transfer
from cloudapi.http.endpoint import make_wsgi
from cloudapi.http.transfer import Zeros
from cloudapi.models.base import now
from cloudapi.services.storage import upload as uploads
from cloudapi.services.template import download, extraction
from cloudapi.services.template import upload as template_upload
from cloudapi.services.volume import post_upload
from tests.support.cloud import ApiFailure
from tests.support.transfer import GIB, MIB, Place, path_of, qcow2, send, send_raw
from tests.support.web import serve

HOURS = 3_600_000


@pytest.fixture(scope="module")
def directory(bare_cloud, tmp_path_factory):
    bare_cloud.admin("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
    folder = tmp_path_factory.mktemp("secondary")
    return Place(bare_cloud, f"file://{folder}", folder)


@pytest.fixture(scope="module")
def simulated(bare_cloud):
    return Place(bare_cloud, "nfs://10.0.0.9/secondary")


@pytest.fixture(params=["directory", "simulated"])
def place(request, directory, simulated):
    return directory if request.param == "directory" else simulated


@pytest.fixture
def at(monkeypatch):
    """`at(ms)` sets the clock of services that many milliseconds ahead."""
    return lambda ahead: monkeypatch.setattr(cloudapi.context, "now", lambda: now() + ahead)


def test_a_template_comes_and_goes_as_it_is(directory):
    body = qcow2(3 * MIB, bytes(range(256)) * 20_000)  # larger than a request to the API may be
    permit = directory.permit(checksum="{SHA-256}" + hashlib.sha256(body).hexdigest())
    answer = send(directory, permit, body)
    assert (answer.status_code, answer.text) == (200, "upload successful.")
    found = directory.template(permit)
    assert (found["isready"], found["size"]) == (True, 3 * MIB)
    (stored,) = directory.files(permit)
    assert stored.read_bytes() == body
    url = directory.extracted(permit["id"])
    answer = directory.fetch(url)
    assert (answer.status_code, answer.data, answer.content_length) == (200, body, len(body))
    assert answer.headers["Content-Disposition"] == f"attachment; filename={url.rpartition('/')[2]}"
    part = directory.fetch(url, Range="bytes=1000000-1000009")
    assert (part.status_code, part.data) == (206, body[1_000_000:1_000_010])
    assert part.headers["Content-Range"] == f"bytes 1000000-1000009/{len(body)}"
    assert directory.fetch(url, Range="bytes=-3").data == body[-3:]
    assert directory.fetch(url, Range=f"bytes={len(body)}-").status_code == 416
    head = directory.cloud.http.head(path_of(url), buffered=True)
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(body))
    directory.admin.job("deleteTemplate", id=permit["id"])
    assert directory.fetch(url).status_code == 404
    assert directory.files(permit) == [] and list(directory.folder.glob("links/*")) == []


def test_a_registered_template_is_handed_out_as_it_was_downloaded(directory):
    body = qcow2(2 * MIB, b"from the web")
    with serve({"/t.qcow2": body}) as base:
        template = directory.admin.list(
            "registerTemplate", name="web", displaytext="web", url=f"{base}/t.qcow2", zoneid=directory.zone,
            format="QCOW2", hypervisor="Simulator", ostypeid=directory.guest_os, isextractable=True,
            checksum="{MD5}" + hashlib.md5(body).hexdigest())[0]

        def ready():
            download.poll(directory.cloud.installation.context())
            return directory.template(template)["isready"]

        directory.cloud.until(ready, "the download ends")
    assert directory.fetch(directory.extracted(template["id"])).data == body
    directory.admin.job("deleteTemplate", id=template["id"])


def test_a_volume_and_an_iso_are_sent_as_plain_bodies(directory):
    iso, disk = bytes(0x8001) + b"CD001" + bytes(4096), qcow2(GIB)
    permit = directory.permit("Iso")
    assert send_raw(directory, permit, iso).status_code == 200
    assert directory.admin.one("listIsos", isofilter="all", id=permit["id"])["size"] == len(iso)
    directory.admin.job("deleteIso", id=permit["id"])
    permit = directory.permit("Volume")
    assert send_raw(directory, permit, disk).status_code == 200
    found = directory.volume(permit)
    assert (found["state"], found["size"]) == ("Uploaded", GIB)
    assert [path.read_bytes() for path in directory.files(permit)] == [disk]
    directory.admin("deleteVolume", id=permit["id"])
    assert directory.files(permit) == []


def test_simulated_storage_counts_what_comes_and_sends_as_much(simulated):
    permit = simulated.permit()
    tracemalloc.start()
    answer = send_raw(simulated, permit, Zeros(200 * MIB))
    kept = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 200, answer.text
    assert kept < 16 * MIB
    assert simulated.template(permit)["size"] == 200 * MIB
    url = simulated.extracted(permit["id"])
    part = simulated.fetch(url, Range=f"bytes={200 * MIB - 1000}-")
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (
        206, bytes(1000), f"bytes {200 * MIB - 1000}-{200 * MIB - 1}/{200 * MIB}")
    with simulated.cloud.http.get(path_of(url)) as answer:
        assert answer.content_length == 200 * MIB
        assert sum(map(len, answer.response)) == 200 * MIB
    simulated.admin.job("deleteTemplate", id=permit["id"])


def test_a_volume_is_handed_out(simulated):
    permit = simulated.permit("Volume")
    assert send(simulated, permit, qcow2(GIB)).status_code == 200
    assert simulated.volume(permit)["size"] == len(qcow2(GIB))


@pytest.mark.parametrize("changed", [
    {"X-signature": "forged"}, {"X-signature": "f\u00f6rged"}, {"X-signature": ""}, {"X-metadata": ""},
    {"X-expires": ""}, {"X-metadata": "gAAAAA"}, {"X-expires": "2999-01-01T00:00:00.000Z"}, {"X-expires": "never"},
])
def test_a_permit_that_was_changed_is_refused(place, changed):
    permit = place.permit("Volume")
    assert send(place, permit, qcow2(MIB), **changed).status_code == 400
    # Whoever shows a wrong permit does not spoil the right one.
    assert place.volume(permit)["state"] == "NotUploaded"
    assert send(place, permit, qcow2(MIB)).status_code == 200
    place.admin("deleteVolume", id=permit["id"])


def test_a_permit_is_for_one_upload_of_one_thing(place):
    mine, other = place.permit("Volume"), place.permit("Volume")
    assert send(place, mine, qcow2(MIB), path=path_of(other["postURL"])).status_code == 400
    for path in ("/client/upload/..%2f..%2fetc", "/client/upload/" + "x" * 300, "/client/upload/%00"):
        assert send(place, mine, qcow2(MIB), path=path).status_code in (400, 404)
    assert send(place, mine, qcow2(MIB)).status_code == 200
    again = send(place, mine, qcow2(MIB))
    assert (again.status_code, "not waiting" in again.text) == (400, True)
    assert [place.volume(permit)["state"] for permit in (mine, other)] == ["Uploaded", "NotUploaded"]
    assert place.cloud.http.get(path_of(other["postURL"])).status_code == 405


def test_of_two_who_send_at_the_same_time_one_is_refused(directory):
    permit = directory.permit("Volume")
    admission = uploads.admit(directory.cloud.installation.context(), permit["id"], permit["metadata"],
                              permit["expires"], permit["signature"])

    def pieces():
        assert send(directory, permit, qcow2(MIB, b"another")).status_code == 400
        yield qcow2(MIB)

    uploads.receive(directory.cloud.installation.context(), admission, pieces(), 0)
    assert [path.read_bytes() for path in directory.files(permit)] == [qcow2(MIB)]
    directory.admin("deleteVolume", id=permit["id"])


def test_an_upload_after_its_time_is_refused(place, at):
    permit = place.permit()
    at(61 * 60_000)
    answer = send(place, permit, qcow2(MIB))
    assert (answer.status_code, "expires" in answer.text) == (400, True)


def test_an_upload_that_lasts_longer_than_its_time_has_failed(directory, at):
    permit = directory.permit("Volume")
    context = directory.cloud.installation.context()
    admission = uploads.admit(context, permit["id"], permit["metadata"], permit["expires"], permit["signature"])

    def pieces():
        yield qcow2(MIB)
        at(61 * 60_000)
        yield b"late"

    with pytest.raises(uploads.InvalidRequest, match="expires"):
        uploads.receive(context, admission, pieces(), 0)
    assert directory.volume(permit)["state"] == "UploadError"
    assert directory.files(permit) == []


def failed(place, permit):
    """The template is in its error state, nothing is on the store, and it can be deleted."""
    found = place.template(permit)
    assert (found["isready"], place.template(permit).get("size")) in ((False, 0), (False, None))
    with contextlib.suppress(ApiFailure):
        place.extracted(permit["id"])
        pytest.fail("what has not arrived was handed out")
    assert place.files(permit) == []
    place.admin.job("deleteTemplate", id=permit["id"])
    return found["status"]


def test_an_upload_that_breaks_off_leaves_nothing(place):
    body, permit = qcow2(MIB), place.permit()
    answer = send_raw(place, permit, body, len(body) + 100)
    assert (answer.status_code, "100 bytes are missing" in answer.text) == (400, True)
    assert "100 bytes are missing" in failed(place, permit)


def test_a_form_that_breaks_off_leaves_nothing(place):
    permit = place.permit()
    form = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + qcow2(MIB)
    answer = send_raw(place, permit, form, content_type="multipart/form-data; boundary=limit")
    assert (answer.status_code, "damaged" in answer.text) == (400, True)
    assert "damaged" in failed(place, permit)


@pytest.mark.parametrize(("body", "content_type", "status"), [
    (b'--limit\r\nContent-Disposition: form-data; name="x"\r\n\r\nno file\r\n--limit--\r\n',
     "multipart/form-data; boundary=limit", 422),
    (b"a=1&b=2", "application/x-www-form-urlencoded", 422),
    (b"", "application/octet-stream", 400),
    (b"x" * 100, "multipart/form-data", 400),
    (b"--limit\r\n" + b"y" * 2 * MIB, "multipart/form-data; boundary=limit", 400),
])
def test_a_request_without_a_file_changes_nothing(simulated, body, content_type, status):
    permit = simulated.permit("Volume")
    assert send_raw(simulated, permit, body, content_type=content_type).status_code == status
    assert simulated.volume(permit)["state"] == "NotUploaded"


def test_more_than_allowed_is_refused(place, monkeypatch):
    permit = place.permit()
    answer = send_raw(place, permit, qcow2(MIB), 51 * GIB)  # nobody waits for the rest
    assert (answer.status_code, "allowed" in answer.text) == (400, True)
    assert "allowed" in failed(place, permit)
    begin = template_upload.begin
    monkeypatch.setattr(template_upload, "begin", lambda *given: {**begin(*given), "maximum_bytes": 2000})
    permit = place.permit()
    assert send(place, permit, qcow2(MIB, bytes(2000))).status_code == 400
    assert "more than the 2000" in failed(place, permit)


@pytest.mark.parametrize(("body", "parameters", "text"), [
    (b"no image at all", {}, "RAW, not QCOW2"),
    (qcow2(MIB), {"checksum": "ab" * 16}, "checksum"),
])
def test_what_was_not_announced_is_refused(directory, body, parameters, text):
    permit = directory.permit(**parameters)
    answer = send(directory, permit, body)
    assert (answer.status_code, text in answer.text) == (500, True)
    assert text in failed(directory, permit)


def test_who_has_no_room_keeps_nothing(directory):
    alice = directory.cloud.new_account()
    directory.admin("updateResourceLimit", resourcetype=11, max=0, account=alice.account, domainid=alice.domain_id)
    for kind in ("Template", "Volume"):
        permit = directory.permit(kind, account=alice.account, domainid=alice.domain_id)
        assert send(directory, permit, qcow2(MIB)).status_code == 400
        assert directory.files(permit) == []
    assert alice.one("listVolumes")["state"] == "UploadError"


def test_what_stays_away_is_given_up_with_what_had_come(directory, monkeypatch):
    context = directory.cloud.installation.context()
    permits = {kind: directory.permit(kind) for kind in ("Template", "Volume")}
    for receiver, permit in zip((template_upload, post_upload), permits.values(), strict=True):
        with open(receiver.begin(context, permit["id"])["inbox"], "wb") as inbox:
            inbox.write(b"half")
    for module in (template_upload, post_upload):
        monkeypatch.setattr(module, "now", lambda: now() + 61 * 60_000)
    template_upload.give_up(context)
    post_upload.expire(context)
    assert [directory.files(permit) for permit in permits.values()] == [[], []]
    assert directory.volume(permits["Volume"])["state"] == "UploadError"
    directory.admin.job("deleteTemplate", id=permits["Template"]["id"])


def test_a_link_ends(place, at, monkeypatch):
    template = place.sent_template()
    first = place.extracted(template)
    assert place.extracted(template) == first
    assert place.fetch(first).status_code == 200
    at(5 * HOURS)
    assert place.fetch(first).status_code == 404
    again = place.extracted(template)
    assert again != first
    at(0)
    assert [place.fetch(url).status_code for url in (first, again)] == [404, 200]
    monkeypatch.setattr(extraction, "now", lambda: now() + 5 * HOURS)
    extraction.end_links(place.cloud.installation.context())
    assert place.fetch(again).status_code == 404
    place.admin.job("deleteTemplate", id=template)


def test_a_link_cannot_be_bent(place):
    template = place.sent_template()
    url = place.extracted(template)
    name = url.rpartition("/")[2]
    link = name.partition(".")[0]
    for bent in (link, f"{link}.raw", f"{link}.qcow2.", f"..%2f{name}", f"..%2flinks%2f{name}", f"{name}%00",
                 "..%2f.cloudapi%2fstore", "%2e%2e/%2e%2e/secret.key", f"{link[:-1]}.qcow2", "%25.qcow2",
                 f"{'0' * len(link)}.qcow2", f"{link.upper()}.qcow2"):
        assert place.cloud.http.get(f"/client/userdata/{bent}").status_code == 404, bent
    assert place.fetch(url).status_code == 200
    place.admin.job("deleteTemplate", id=template)


def test_a_link_to_any_file_of_a_store(directory):
    template = directory.sent_template()
    (path,) = directory.files({"id": template})
    inside = str(path.relative_to(directory.folder))
    made = directory.admin.job("downloadImageStoreObject", id=directory.store, path=inside)
    assert directory.fetch(made["url"]).data == path.read_bytes()
    directory.admin.job("deleteTemplate", id=template)


def test_transfers_leave_threads_to_the_api(simulated):
    template = simulated.sent_template(qcow2(MIB, bytes(MIB)))
    path, waiting = path_of(simulated.extracted(template)), simulated.permit("Volume")
    most = simulated.cloud.configuration.request_threads // 2
    with contextlib.ExitStack() as under_way:
        for _ in range(most):
            assert under_way.enter_context(simulated.cloud.http.get(path)).status_code == 200
        assert simulated.cloud.http.get(path).status_code == 503
        assert send(simulated, waiting, qcow2(MIB)).status_code == 503
        assert simulated.admin("listCapabilities")
    for _ in range(most + 1):
        assert simulated.cloud.http.get(path, headers={"Range": "bytes=9999999-"}, buffered=True).status_code == 416
    assert send(simulated, waiting, qcow2(MIB)).status_code == 200


def test_pages_from_elsewhere_may_send(simulated):
    permit = simulated.permit("Volume")
    asked = simulated.cloud.http.options(path_of(permit["postURL"]), headers={"Origin": "https://ui.example.org"})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "x-signature" in asked.headers["Access-Control-Allow-Headers"]
    assert send(simulated, permit, qcow2(MIB)).headers["Access-Control-Allow-Origin"] == "*"


def test_the_address_outside_counts_where_the_admin_tells_it(simulated):
    assert simulated.permit()["postURL"].startswith("http://127.0.0.1:8080/client/upload/")
    simulated.admin("updateConfiguration", name="endpoint.url", value="https://cloud.example.org/client/api")
    try:
        permit = simulated.permit("Volume")
        assert permit["postURL"] == f"https://cloud.example.org/client/upload/{permit['id']}"
        assert send(simulated, permit, qcow2(MIB)).status_code == 200
    finally:
        simulated.admin("resetConfiguration", name="endpoint.url")


def test_the_api_still_takes_no_large_bodies(simulated):
    assert simulated.cloud.http.post("/client/api", data={"x": "y" * 5 * MIB}).status_code == 413


def test_the_integration_port_has_no_transfers(simulated):
    client = make_wsgi(simulated.cloud.installation, integration=True).test_client()
    for path in (path_of(simulated.permit()["postURL"]), path_of(simulated.extracted(simulated.sent_template()))):
        assert client.get(path).status_code == 404


def test_the_file_of_a_form_may_be_cut_anywhere():
    """However a form's pieces fall, its first file comes out whole, and nothing else."""
    content = b"\r\n--lim\r\n--limi" * 5 + b"\r"
    form = (b'pre\r\n--limit\r\nContent-Disposition: form-data; name="a"\r\n\r\nfield\r\n'
            b'--limit\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + content +
            b'\r\n--limit\r\nContent-Disposition: form-data; name="g"; filename="g"\r\n\r\nother\r\n--limit--\r\n')
    for size in (1, 2, 3, 7, 50, len(form)):
        pieces = (form[at:at + size] for at in range(0, len(form), size))
        assert b"".join(transfer._file_of_form(pieces, "limit")) == content
