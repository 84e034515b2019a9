"""Links to secondary storage from outside: to fetch an image, and to send one.

This server answers those of the stores that it serves itself; for others they lead to their zone's secondary
storage VM.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import logging
import re
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
from cloudapi.services.host import agent
from cloudapi.services.storage import store as stores
from cloudapi.settings import REGISTRY

log = logging.getLogger(__name__)

KEY = "upload.post.secret.key"
ENDPOINT = "endpoint.url"
LIFETIME = "extract.url.expiration.interval"
LINK_NAME = re.compile(r"([A-Za-z0-9-]{1,64})\.[a-z0-9]{1,8}")
LIVING = """
SELECT image_store_id, download_url FROM template_store WHERE download_link = ? AND download_url_created > ?
UNION ALL SELECT image_store_id, download_url FROM volume_store WHERE link = ? AND download_url_created > ?
UNION ALL SELECT image_store_id, url FROM stored_link WHERE link = ? AND created > ?"""
PUBLIC_IP = """
SELECT n.ip4 FROM machine m JOIN nic n ON n.vm_id = m.id AND n.removed IS NULL
WHERE m.kind = ? AND m.zone_id = ? AND m.state = ? AND m.removed IS NULL AND n.traffic_type = ? AND n.ip4 IS NOT NULL
ORDER BY m.id LIMIT 1"""


def base(context: Context, store: ImageStore) -> str:
    """Return where the store is reached from outside: its zone's secondary storage VM, else this server."""
    if store.zone_id is not None and not stores.served_here(store):
        found = rows(PUBLIC_IP, ["SecondaryStorageVm", store.zone_id, "Running", "Public"])
        if found:
            scheme = "https" if context.settings.get("use.https.to.upload", zone=store.zone_id) else "http"
            return f"{scheme}://{found[0][0]}"
    endpoint = str(context.settings.get(ENDPOINT)).strip()
    if endpoint == REGISTRY[ENDPOINT].default:  # nobody has said under which address the server is known outside
        endpoint = context.installation.configuration.endpoint
    return endpoint.rstrip("/").removesuffix("/api")


def url(context: Context, store: ImageStore, path: str) -> str:
    """Return the address at which what `secondary.create_link` made can be fetched.

    :param path: the link's, `links/<id>.<format>`.
    """
    return f"{base(context, store)}/userdata/{path.rpartition('/')[2]}"


def post_url(context: Context, store: ImageStore, uuid: str) -> str:
    """Return the address to which the image of a template or volume is sent."""
    return f"{base(context, store)}/upload/{uuid}"


@dataclass(frozen=True, slots=True)
class UploadPermit:
    """What somebody needs to send an image: the form's address and what it must carry along."""

    id: str
    post_url: str
    metadata: str
    expires: str
    signature: str

    @property
    def ends(self) -> int:
        """The moment after which it is worth nothing."""
        return int(datetime.datetime.fromisoformat(self.expires).timestamp() * 1000)

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
    address = post_url(context, store, uuid)
    metadata = context.installation.secrets.seal(json.dumps({"id": uuid, **content}))
    return UploadPermit(uuid, address, metadata, expires, _signature(context, metadata, address, expires))


def _signature(context: Context, metadata: str, address: str, expires: str) -> str:
    digest = hmac.new(secret_key(context), (metadata + address + expires).encode(), hashlib.sha512).digest()
    return base64.b64encode(digest).decode()


def check(context: Context, given: UploadPermit) -> dict[str, Any]:
    """Return the content of a permit that somebody shows.

    :raises Unauthenticated: it is not one of ours.
    :raises InvalidParameter: its time is over.
    """
    expected = _signature(context, given.metadata, given.post_url, given.expires)
    if not hmac.compare_digest(expected.encode(), given.signature.encode()):
        raise Unauthenticated("signature does not match: the upload was not permitted in this form")
    content: dict[str, Any] = json.loads(context.installation.secrets.open(given.metadata))
    if content["id"] != given.id or given.ends < context.now():
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


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link leads to: a file of this machine, or None where the store keeps no bytes."""

    file: str | None
    size_bytes: int


def alive(context: Context, created: int | None) -> bool:
    """Whether a link that was made then still leads somewhere (`extract.url.expiration.interval`)."""
    return created is not None and created > _oldest(context)


def _oldest(context: Context) -> int:
    return context.now() - int(context.settings.get(LIFETIME)) * 1000


def follow(context: Context, name: str) -> Linked | None:
    """Return what a link's name, `<id>.<format>`, leads to; None where there is no such link, or not any more."""
    matched = LINK_NAME.fullmatch(name)
    if matched is None:
        return None
    found = rows(LIVING, [matched[1], _oldest(context)] * 3)
    if not found or found[0][1].rpartition("/")[2] != name:
        return None
    store = ImageStore.alive(ImageStore.id == found[0][0]).first()
    if store is None or not stores.served_here(store):
        return None
    path = f"links/{name}"
    try:
        size = stores.call(context, store, "secondary.describe", {"path": path})["physical_bytes"]
    except agent.HostRefused as error:
        log.warning("request %s: a link leads nowhere on image store %s: %s", context.request_id, store.name,
                    error.reason)
        return None
    parts = urlsplit(store.url)
    return Linked(f"{unquote(parts.path).rstrip('/')}/{path}" if parts.scheme == "file" else None, size)
