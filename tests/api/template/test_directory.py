"""Templates that really are downloaded: from a web server into a directory that serves as secondary storage."""

import hashlib
import io
import struct

import pytest

from cloudapi.services.template import download
from tests.support.cloud import ApiFailure
from tests.support.web import serve

MIB = 1 << 20


def qcow2(size):
    """Return an image of that size without data, as far as its header tells."""
    return struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, size, 0, 1, 65536, 131072, 1, 0, 0) + bytes(1024)


@pytest.fixture(scope="module")
def zone(bare_cloud, tmp_path_factory):
    zone = bare_cloud.admin("createZone", name="z", networktype="Advanced", dns1="8.8.8.8",
                            internaldns1="8.8.8.8")["zone"]["id"]
    bare_cloud.admin("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
    folder = tmp_path_factory.mktemp("secondary")
    bare_cloud.admin("addImageStore", provider="NFS", name="directory", url=f"file://{folder}", zoneid=zone)
    return zone, folder


@pytest.fixture(scope="module")
def register(bare_cloud, zone):
    guest_os = bare_cloud.admin.list("listOsTypes")[0]["id"]

    def call(url, **parameters):
        return bare_cloud.admin.list("registerIso", **{
            "name": "image", "displaytext": "image", "url": url, "zoneid": zone[0], "ostypeid": guest_os,
            "isextractable": True, **parameters})[0]

    return call


def iso():
    return bytes(0x8001) + b"CD001" + bytes(4096)


def outcome(cloud, image):
    def look():
        download.poll(cloud.installation.context())
        found = cloud.admin.one("listIsos", isofilter="all", id=image["id"])
        under_way = found["status"] == "Processing" or "Downloaded" in found["status"]
        return None if under_way else found

    return cloud.until(look, "the download ends")


def test_what_arrives_is_the_file(bare_cloud, zone, register):
    body = iso()
    with serve({"/a.iso": body}) as base:
        image = outcome(bare_cloud, register(f"{base}/a.iso", checksum="{SHA-256}" + hashlib.sha256(body).hexdigest()))
    assert (image["status"], image["size"]) == ("Successfully Installed", len(body))
    (path,) = zone[1].glob("template/tmpl/*/*/*.iso")
    assert path.read_bytes() == body
    link = bare_cloud.admin.job("extractIso", id=image["id"], mode="HTTP_DOWNLOAD")
    assert (zone[1] / "links" / link["url"].rpartition("/")[2]).read_bytes() == body
    response = bare_cloud.http.get("/client" + link["url"].partition("/client")[2], buffered=True)
    assert (response.status_code, response.data) == (200, body)
    assert bare_cloud.http.get("/client/userdata/no-such-link.iso").status_code == 404
    bare_cloud.admin.job("deleteIso", id=image["id"])
    assert list(zone[1].glob("template/tmpl/*/*/*.iso")) == []


@pytest.mark.parametrize(("body", "parameters", "text"), [
    (iso(), {"checksum": "ab" * 16}, "checksum"),
    (qcow2(MIB), {}, "not ISO"),
    (None, {}, "404"),
])
def test_what_is_wrong_is_said(bare_cloud, register, body, parameters, text):
    with serve({"/b.iso": body} if body else {}) as base:
        image = outcome(bare_cloud, register(f"{base}/b.iso", **parameters))
    assert image["isready"] is False and text in image["status"]
    with pytest.raises(ApiFailure, match="not been downloaded"):
        bare_cloud.admin.job("extractIso", id=image["id"], mode="HTTP_DOWNLOAD")
    bare_cloud.admin.job("deleteIso", id=image["id"])


def send(cloud, permit, body, **changed):
    headers = {"X-Signature": permit["signature"], "X-Metadata": permit["metadata"], "X-Expires": permit["expires"]}
    path = "/client" + permit["postURL"].partition("/client")[2]
    return cloud.http.post(path, headers={**headers, **changed}, data={"file": (io.BytesIO(body), "a.iso")})


def permit_for(cloud, zone, **parameters):
    return cloud.admin("getUploadParamsForIso", name="sent", format="ISO", zoneid=zone[0], bootable=False,
                       **parameters)["getuploadparams"]


def test_an_upload_arrives(bare_cloud, zone):
    body = iso()
    permit = permit_for(bare_cloud, zone, checksum="{SHA-256}" + hashlib.sha256(body).hexdigest())
    assert send(bare_cloud, permit, body, **{"X-Signature": "forged"}).status_code == 400
    assert send(bare_cloud, permit, body).status_code == 200
    image = bare_cloud.admin.one("listIsos", isofilter="all", id=permit["id"])
    assert (image["isready"], image["size"]) == (True, len(body))
    assert send(bare_cloud, permit, body).status_code == 400
    bare_cloud.admin.job("deleteIso", id=permit["id"])


def test_an_upload_that_is_no_iso_fails_and_says_why(bare_cloud, zone):
    permit = permit_for(bare_cloud, zone)
    answer = send(bare_cloud, permit, b"no image at all")
    assert answer.status_code == 500 and "RAW, not ISO" in answer.text
    image = bare_cloud.admin.one("listIsos", isofilter="all", id=permit["id"])
    assert image["isready"] is False and "not ISO" in image["status"]
    bare_cloud.admin.job("deleteIso", id=permit["id"])


def test_a_host_that_does_not_resolve_is_refused(bare_cloud, register):
    with pytest.raises(ApiFailure, match="Unable to resolve"):
        register("http://no-such-host.invalid/a.iso")
    with pytest.raises(ApiFailure, match="private network"):
        register("http://10.1.2.3/a.iso")
