"""A place to which images are sent over HTTP, and from which they are fetched."""

from __future__ import annotations

import io
import struct

import requests

from tests.support.infrastructure import add_cluster, add_host, add_pod, add_zone

MIB, GIB = 1 << 20, 1 << 30


def qcow2(size, more=b"data"):
    """Return an image of that size, as far as its header tells, with some bytes of its own."""
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, size, 0, 1, 65536, 131072, 1, 0, 0)
    return head + bytes(1024) + more


class Place:
    """A zone with a host and a store, which is a directory where there is a folder."""

    def __init__(self, cloud, url, folder=None):
        self.cloud, self.admin, self.folder = cloud, cloud.admin, folder
        self.zone = add_zone(cloud.admin)["id"]
        add_host(cloud.admin, add_cluster(cloud.admin, add_pod(cloud.admin, self.zone)),
                 url=f"http://sim/{self.zone[:8]}/h0")
        self.store = cloud.admin("addImageStore", provider="NFS", url=url, zoneid=self.zone)["imagestore"]["id"]
        self.guest_os = cloud.admin.list("listOsTypes")[0]["id"]

    def permit(self, kind="Template", **parameters):
        values = {"name": "sent", "zoneid": self.zone, "format": "ISO" if kind == "Iso" else "QCOW2"}
        if kind == "Template":
            values.update(displaytext="sent", hypervisor="Simulator", ostypeid=self.guest_os)
        if kind == "Iso":
            values.update(bootable=False)
        return self.admin(f"getUploadParamsFor{kind}", **values, **parameters)["getuploadparams"]

    def template(self, permit):
        return self.admin.one("listTemplates", templatefilter="all", id=permit["id"])

    def volume(self, permit):
        return self.admin.one("listVolumes", id=permit["id"], listall=True)

    def files(self, permit):
        """Return what the directory holds of a template or volume, whole or not."""
        return list(self.folder.rglob(f"*{permit['id']}*")) if self.folder else []

    def fetch(self, url, **headers):
        return self.cloud.http.get(path_of(url), headers=headers, buffered=True)

    def sent_template(self, body=b""):
        permit = self.permit()
        assert send(self, permit, body or qcow2(MIB)).status_code == 200
        return permit["id"]

    def extracted(self, template):
        return self.admin.job("extractTemplate", id=template, zoneid=self.zone, mode="HTTP_DOWNLOAD")["url"]


def path_of(url):
    return "/client" + url.partition("/client")[2]


def headers_of(permit):
    return {"X-signature": permit["signature"], "X-metadata": permit["metadata"], "X-expires": permit["expires"]}


def send(place, permit, body, path=None, **changed):
    """Send as CloudStack's clients do: a form with the file, and the permit in headers."""
    form = requests.Request("POST", permit["postURL"], data={"note": "x"},
                            files={"file": ("disk.qcow2", body)}).prepare()
    return place.cloud.http.post(path or path_of(permit["postURL"]), headers={**headers_of(permit), **changed},
                                 input_stream=io.BytesIO(form.body), content_type=form.headers["Content-Type"])


def send_raw(place, permit, body, length=None, content_type="application/octet-stream"):
    """Send without a form. `length` is what the client says that it sends, where it is not so."""
    return place.cloud.http.post(
        path_of(permit["postURL"]), headers=headers_of(permit), content_type=content_type,
        input_stream=io.BytesIO(body) if isinstance(body, bytes) else body,
        environ_overrides={} if length is None else {"CONTENT_LENGTH": str(length)})
