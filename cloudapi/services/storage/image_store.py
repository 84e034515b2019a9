"""Image stores as admins manage them: secondary storage and the staging stores before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, Snapshot, Template, TemplateStore, VolumeStore
from cloudapi.services import detail
from cloudapi.services.storage import address
from cloudapi.services.storage import store as stores

PROVIDERS = {"nfs": "NFS", "s3": "S3", "swift": "Swift"}
SCHEMES = {"NFS": ("nfs", "file"), "S3": ("s3", "http", "https"), "Swift": ("swift", "http", "https")}
# Credentials: kept sealed, never shown.
SECRETS = ("accesskey", "secretkey", "key", "password")
CAPACITY = "capacityBytes"


def add(context: Context, name: str | None, url: str | None, zone: Zone | None, provider: str,
        details: Mapping[str, str] | None) -> ImageStore:
    """Add secondary storage to a zone, or with S3 and Swift to the region. Outside transactions.

    What every zone has (system and built-in templates) begins to arrive on it at once.

    :raises InvalidParameter: the URL or the name cannot be, or there are stores of another provider.
    """
    from cloudapi.services.template import stock

    kind = PROVIDERS.get(provider.strip().lower(), "NFS")
    given = dict(details or {})
    if kind == "S3":
        url = url or s3_url(given)
    if not url:
        raise InvalidParameter(f"Unable to add image store due to missing parameter url: {kind} needs it")
    where = address.parse(url)
    if where.scheme not in SCHEMES[kind]:
        raise InvalidParameter(f"Invalid value for parameter url: {kind} is at {' or '.join(SCHEMES[kind])}, not at "
                               f"{where.scheme}")
    if kind == "NFS" and zone is None:
        raise InvalidParameter("Image store provider NFS does not support scope REGION: parameter zoneid is needed")
    if zone is not None and zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied("Cannot perform this operation, Zone with specified id is currently disabled: "
                               f"{zone.uuid}")
    store = transact(lambda: _write(context, {
        "name": (name or "").strip() or url[:255], "url": url, "zone": zone.id if zone else None, "provider": kind,
        "protocol": where.scheme, "scope": "ZONE" if zone else "REGION", "role": "Image"}, given))
    _reach(context, store)
    stock.arrive(context, store)
    return store


def s3_url(details: Mapping[str, str]) -> str:
    """Return the URL of an S3 bucket; checks what `details` must name.

    :raises InvalidParameter: something is missing, or the endpoint is none.
    """
    for key in ("accesskey", "secretkey", "endpoint", "bucket"):
        if not (details.get(key) or "").strip():
            raise InvalidParameter(f"details: {key} is missing, which S3 needs")
    endpoint = details["endpoint"].strip()
    host = address.parse(endpoint + "/bucket", "endpoint").host if "://" in endpoint else endpoint.rstrip("/")
    if not host or "/" in host or " " in host:
        raise InvalidParameter(f"Invalid value for parameter endpoint: {endpoint[:80]!r} is no host name")
    return f"s3://{host}/{details['bucket'].strip()}"


def _write(context: Context, values: Mapping[str, Any], details: Mapping[str, str]) -> ImageStore:
    role = values["role"]
    if ImageStore.alive(ImageStore.name == values["name"], ImageStore.role == role).exists():
        raise InvalidParameter(f"The image store with name {values['name']} already exists, try creating with another "
                               "name")
    other = ImageStore.alive(ImageStore.role == role, ImageStore.provider != values["provider"]).first()
    if other is not None:
        raise InvalidParameter("You can only add new image stores from the same provider "
                               f"{other.provider} already added")
    if ImageStore.alive(ImageStore.url == values["url"], ImageStore.role == role).exists():
        raise InvalidParameter(f"Invalid value for parameter url: there is an image store at {values['url']} already")
    store: ImageStore = ImageStore.create(**values)
    detail.put(store, {key: value for key, value in details.items() if key not in SECRETS})
    sealed = {key: context.installation.secrets.seal(value) for key, value in details.items() if key in SECRETS}
    detail.put(store, sealed, display=False)
    return store


def _reach(context: Context, store: ImageStore) -> None:
    """Attach a new store; where that fails it is not added."""
    try:
        stores.refresh(context, store)
    except ApiError as error:
        transact(lambda: _forget(store))
        raise InternalError(f"Failed to add data store: {error.text}") from error


def _forget(store: ImageStore) -> None:
    detail.remove(store)
    for table in (TemplateStore, VolumeStore):
        table.delete().where(table.image_store == store.id).execute()
    ImageStore.update(removed=now()).where(ImageStore.id == store.id).execute()


def add_staging(context: Context, url: str, zone: Zone | None, scope: str | None, provider: str | None,
                details: Mapping[str, str] | None) -> ImageStore:
    """Add a store where data of object storage is put while hosts work on it. Outside transactions."""
    if provider is not None and PROVIDERS.get(provider.strip().lower()) != "NFS":
        raise InvalidParameter(f"can't find cache store provider: {provider}")
    if scope is not None and scope.strip().upper() != "ZONE":
        raise InvalidParameter(f"Only zone wide cache storage is supported, not scope {scope}")
    if zone is None:
        raise InvalidParameter("zone id can't be null, if scope is zone")
    where = address.parse(url)
    if where.scheme not in SCHEMES["NFS"]:
        raise InvalidParameter(f"Invalid value for parameter url: a staging store is at nfs, not at {where.scheme}")
    store = transact(lambda: _write(context, {
        "name": url[:255], "url": url, "zone": zone.id, "provider": "NFS", "protocol": where.scheme, "scope": "ZONE",
        "role": "ImageCache"}, dict(details or {})))
    _reach(context, store)
    return store


def update(context: Context, store: ImageStore, name: str | None, readonly: bool | None,
           capacity_bytes: int | None) -> ImageStore:
    """Change a store. Within a transaction.

    :raises InvalidParameter: the name is taken, or the capacity is none.
    """
    changes: dict[str, Any] = {}
    if name is not None:
        taken = ImageStore.alive(ImageStore.name == name, ImageStore.id != store.id).exists()
        if taken:
            raise InvalidParameter(f"The image store with name {name} already exists, try another name")
        changes["name"] = name
    if readonly is not None:
        changes["readonly"] = readonly
    if capacity_bytes is not None:
        if capacity_bytes <= 0:
            raise InvalidParameter(f"Invalid value for parameter capacitybytes: {capacity_bytes} is not positive")
        changes["capacity_bytes"] = capacity_bytes
        detail.put(store, {CAPACITY: capacity_bytes})
    if changes:
        ImageStore.update(changes).where(ImageStore.id == store.id).execute()
    return ImageStore.get_by_id(store.id)


def check_unused(store: ImageStore) -> None:
    """Refuse to delete a store that holds what users have."""
    what = "cache store" if store.role == "ImageCache" else "image store"
    if Snapshot.alive(Snapshot.image_store_id == store.id).exists():
        raise InvalidParameter(f"Cannot delete {what} with active snapshots backup!")
    if VolumeStore.select().where(VolumeStore.image_store == store.id, VolumeStore.state != "Destroyed").exists():
        raise InvalidParameter(f"Cannot delete {what} with active volumes backup!")
    users = (TemplateStore.select().join(Template, on=(TemplateStore.template == Template.id))
             .where(TemplateStore.image_store == store.id, TemplateStore.state != "Destroyed",
                    Template.removed.is_null(), Template.template_type.not_in(("SYSTEM", "BUILTIN"))))
    if users.exists():
        raise InvalidParameter(f"Cannot delete {what} with active Templates backup!")


def delete(context: Context, store: ImageStore, role: str) -> None:
    """Delete a store that holds only what every zone has. Outside transactions; what lies on it stays there.

    :raises InvalidParameter: snapshots, volumes or templates of users are on it, or it is of another role.
    """
    if store.role != role:
        raise InvalidParameter(f"Invalid value for parameter id: {store.uuid} is a store of role {store.role}")

    def work() -> None:
        check_unused(store)
        _forget(store)

    transact(work)
    try:
        stores.call(context, store, "secondary.detach")
    except ApiError as error:
        # Nobody serves it any more: then nobody has it attached either.
        stores.log.info("image store %s is forgotten without being detached: %s", store.name, error.text)


def refresh_all(context: Context) -> None:
    """Take the figures of all stores over, by the clock."""
    for store in list(ImageStore.alive()):
        try:
            stores.refresh(context, store)
        except ApiError as error:
            stores.log.warning("image store %s has no figures: %s", store.name, error.text)
