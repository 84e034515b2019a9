"""Image stores: which serve a zone, and how they are spoken to."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.hosts import errors
from cloudapi.hosts.address import HostAddress
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.storage import ImageStore
from cloudapi.services.host import agent

log = logging.getLogger(__name__)

SIMULATOR = "Simulator"
# Directories are served by the management server itself, which is where they are.
LOCAL_SCHEMES = ("file:",)


def image_stores(zone: Zone | int, role: str = "Image") -> list[ImageStore]:
    """Return the stores that serve a zone, those of the region included, oldest first."""
    zone_id = zone if isinstance(zone, int) else zone.id
    return list(ImageStore.alive(ImageStore.role == role, (ImageStore.zone == zone_id) | ImageStore.zone.is_null())
                .order_by(ImageStore.id))


def image_store(zone: Zone | int) -> ImageStore | None:
    """Return the store of a zone that has the most room; one that can be written to where there is one."""
    stores = sorted(image_stores(zone), key=lambda store: (store.readonly, share_used(store), store.id))
    return stores[0] if stores else None


def writable(context: Context, zone: Zone | int, size: int = 0) -> list[ImageStore]:
    """Return the stores of a zone that take `size` bytes more, in the order of image.store.allocation.algorithm."""
    threshold = float(context.settings.get("secondary.storage.capacity.threshold"))
    stores = [store for store in image_stores(zone) if not store.readonly and has_room(store, size, threshold)]
    if context.settings.get("image.store.allocation.algorithm") == "random":
        random.shuffle(stores)
    else:
        stores.sort(key=lambda store: (share_used(store), store.id))
    return stores


def share_used(store: ImageStore) -> float:
    return store.used_bytes / store.capacity_bytes if store.capacity_bytes else 0.0


def has_room(store: ImageStore, size: int, threshold: float) -> bool:
    """Whether the store stays below the threshold with `size` bytes more; one of unknown capacity does."""
    return not store.capacity_bytes or store.used_bytes + size <= store.capacity_bytes * threshold


def reference(store: ImageStore) -> dict[str, str]:
    """Return the store as agents' verbs name it."""
    return {"id": store.uuid, "url": store.url}


def fetches(store: ImageStore) -> bool:
    """Whether downloads to the store go over a network: those of simulated storage do not."""
    return not served_here(store) or store.url.startswith(LOCAL_SCHEMES)


def served_here(store: ImageStore) -> bool:
    """Whether this process serves the store: directories, and where all is simulated."""
    return server_of(store).hypervisor == SIMULATOR


def server_of(store: ImageStore) -> HostAddress:
    """Return who serves a store: a host of its zone; for directories and where all is simulated, this process.

    A region's store is served by any host that is up.
    """
    simulated = HostAddress(uuid=store.uuid, hypervisor=SIMULATOR, url=store.url, zone_id=store.zone_id)
    if store.url.startswith(LOCAL_SCHEMES):
        return simulated
    where = [Host.kind == "Routing", Host.status == "Up", Host.hypervisor_type != SIMULATOR]
    if store.zone_id is not None:
        where.append(Host.zone == store.zone_id)
    host = Host.alive(*where).order_by(Host.id).first()
    return simulated if host is None else agent.address(host)


def call(context: Context, store: ImageStore, verb: str, arguments: Mapping[str, Any] | None = None,
         request_id: str | None = None, timeout: float | None = None) -> dict[str, Any]:
    """Ask whoever serves the store for a verb; `store` is added to the arguments where the verb has one.

    :raises ApiError: as `agent.call` does.
    """
    sent = {"store": reference(store), **(arguments or {})}
    if verb == "secondary.copy":
        del sent["store"]
    try:
        return context.hosts.call(server_of(store), verb, sent, request_id=request_id,
                                  timeout=agent.allowed(context, verb, timeout))
    except errors.HostError as error:
        log.warning("request %s: image store %s: %s (%s)", context.request_id, store.name, error, error.code)
        if error.code == "bad_argument":
            raise InvalidParameter(f"Image store {store.uuid} refused: {error.text}") from error
        raise agent.as_api_error(context, store, error) from error


def refresh(context: Context, store: ImageStore) -> ImageStore:
    """Attach the store to whoever serves it now and take its figures over; a capacity set by hand stays."""
    from cloudapi.models.database import transact
    from cloudapi.services import detail

    report = call(context, store, "secondary.attach")
    fixed = detail.get(store).get("capacityBytes")
    store.capacity_bytes = int(fixed) if fixed else report["capacity_bytes"]
    store.used_bytes = report["used_bytes"]
    transact(lambda: ImageStore.update(capacity_bytes=store.capacity_bytes, used_bytes=store.used_bytes)
             .where(ImageStore.id == store.id).execute())
    return store
