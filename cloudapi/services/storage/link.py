"""Links to secondary storage from outside: to fetch an image, and to send one."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, Unauthenticated
from cloudapi.models.common import SettingValue
from cloudapi.models.database import rows, transact
from cloudapi.models.storage import ImageStore

KEY = "upload.post.secret.key"
PUBLIC_IP = """
SELECT n.ip4 FROM machine m JOIN nic n ON n.vm_id = m.id AND n.removed IS NULL
WHERE m.kind = ? AND m.zone_id = ? AND m.state = ? AND m.removed IS NULL AND n.traffic_type = ? AND n.ip4 IS NOT NULL
ORDER BY m.id LIMIT 1"""


def base(context: Context, store: ImageStore) -> str:
    """Return where the store is reached from outside: its zone's secondary storage VM, else this server."""
    scheme = "https" if context.settings.get("use.https.to.upload", zone=store.zone_id) else "http"
    if store.zone_id is not None and not store.url.startswith("file:"):
        found = rows(PUBLIC_IP, ["SecondaryStorageVm", store.zone_id, "Running", "Public"])
        if found:
            return f"{scheme}://{found[0][0]}"
    server = urlsplit(context.installation.configuration.endpoint)
    return f"{server.scheme}://{server.netloc}/client"


def url(context: Context, store: ImageStore, path: str) -> str:
    """Return the address at which what `secondary.create_link` made can be fetched.

    :param path: the link's, `links/<id>.<format>`.
    """
    return f"{base(context, store)}/userdata/{path.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True)
class UploadPermit:
    """What somebody needs to send an image: the form's address and what it must carry along."""

    id: str
    post_url: str
    metadata: str
    expires: str
    signature: str

    def shown(self) -> dict[str, str]:
        return {"id": self.id, "postURL": self.post_url, "metadata": self.metadata, "expires": self.expires,
                "signature": self.signature}


def secret_key(context: Context) -> bytes:
    """Return the key that signs upload links; made when it is first needed, and sealed in the settings."""
    found = context.settings.text(KEY)
    if not found:
        made = context.installation.secrets.seal(secrets.token_hex(32))

        def keep() -> str:
            row = SettingValue.get_or_none(SettingValue.name == KEY, SettingValue.scope == "Global")
            if row is None:
                row = SettingValue.create(name=KEY, value=made)
            elif not row.value:
                SettingValue.update(value=made).where(SettingValue.id == row.id).execute()
                row.value = made
            return str(row.value)

        found = transact(keep)
        context.settings.changed()
    return str(context.installation.secrets.open(found)).encode()


def permit(context: Context, store: ImageStore, uuid: str, content: Mapping[str, Any]) -> UploadPermit:
    """Return the permit to upload the image of `uuid`, for as long as `upload.operation.timeout` says.

    :param content: what the receiver needs to know; it travels sealed.
    """
    minutes = int(context.settings.get("upload.operation.timeout"))
    end = datetime.datetime.fromtimestamp(context.now() / 1000, datetime.UTC) + datetime.timedelta(minutes=minutes)
    expires = end.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    post_url = f"{base(context, store)}/upload/{uuid}"
    metadata = context.installation.secrets.seal(json.dumps({"id": uuid, **content}))
    return UploadPermit(uuid, post_url, metadata, expires, _signature(context, metadata, post_url, expires))


def _signature(context: Context, metadata: str, post_url: str, expires: str) -> str:
    digest = hmac.new(secret_key(context), (metadata + post_url + expires).encode(), hashlib.sha512).digest()
    return base64.b64encode(digest).decode()


def check(context: Context, given: UploadPermit) -> dict[str, Any]:
    """Return the content of a permit that somebody shows.

    :raises Unauthenticated: it is not one of ours.
    :raises InvalidParameter: its time is over.
    """
    expected = _signature(context, given.metadata, given.post_url, given.expires)
    if not hmac.compare_digest(expected, given.signature):
        raise Unauthenticated("signature does not match: the upload was not permitted in this form")
    content: dict[str, Any] = json.loads(context.installation.secrets.open(given.metadata))
    end = datetime.datetime.fromisoformat(given.expires.replace("Z", "+00:00"))
    if content["id"] != given.id or end.timestamp() * 1000 < context.now():
        raise InvalidParameter("expires: the time for this upload is over; ask for a new one")
    return content


def store_of_upload(uuid: str) -> ImageStore | None:
    """Return the store that a template or volume is to be uploaded to."""
    for table, copies, name in (("template", "template_store", "template_id"), ("volume", "volume_store", "volume_id")):
        found = rows(f"SELECT c.image_store_id FROM {table} t JOIN {copies} c ON c.{name} = t.id "
                     "WHERE t.uuid = ? AND t.removed IS NULL", [uuid])
        if found:
            return ImageStore.get_by_id(found[0][0])
    return None


def local_path(name: str) -> str | None:
    """Return the file behind a link's name, `<id>.<format>`, where its store is a directory of this machine."""
    link = name.partition(".")[0]
    for table, column in (("template_store", "download_link"), ("volume_store", "link"), ("stored_link", "link")):
        found = rows(f"SELECT image_store_id FROM {table} WHERE {column} = ?", [link])
        if found:
            parts = urlsplit(ImageStore.get_by_id(found[0][0]).url)
            return f"{unquote(parts.path).rstrip('/')}/links/{name}" if parts.scheme == "file" else None
    return None
