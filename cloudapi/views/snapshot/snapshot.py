"""What the API shows of snapshots."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, fetch
from cloudapi.models.identity import Account, Domain
from cloudapi.models.storage import ImageStore, Snapshot, StoragePool
from cloudapi.views.common import ProjectOwnedView, Tags, pretty_path
from cloudapi.views.zone.place import HasAnnotations


def load_guest_os(page: Page) -> dict[int, dict[str, Any]]:
    """The guest OS of the Instance whose root disk the snapshot is of."""
    wanted = sorted(set(page.values("volume_id").values()))
    volumes = {row[0]: row[2] for row in fetch("volume", ("kind", "vm_id"), wanted)
               if row[1] == "ROOT" and row[2] is not None}
    systems = {row[0]: row[1] for row in fetch("machine", ("guest_os_id",), sorted(set(volumes.values()))) if row[1]}
    names = {row[0]: {"id": row[1], "name": row[2]} for row in fetch(
        "guest_os", ("uuid", "display_name"), sorted(set(systems.values())))}
    return {key: names[systems[volumes[volume]]] for key, volume in page.values("volume_id").items()
            if volume in volumes and volumes[volume] in systems and systems[volumes[volume]] in names}


def load_chains(page: Page) -> dict[int, int]:
    """What a snapshot takes up with those it builds upon: itself, as each is whole."""
    return page.values("physical_size") if page.context.settings.get("snapshot.show.chain.size") else {}


def revertable(state: str, pool_id: int | None, store_id: int | None) -> bool:
    return state == "BackedUp" and (pool_id is not None or store_id is not None)


def downloaded(state: str, store_id: int | None) -> dict[str, str]:
    done = state == "BackedUp" and store_id is not None
    return {"downloadPercent": "100" if done else "0", "downloadState": "DOWNLOADED" if done else ""}


def either(first: str | None, second: str | None) -> str | None:
    return first or second


class SnapshotView(ProjectOwnedView, View):
    record, name = Snapshot, "snapshot"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain),
             "store": ("image_store_id", ImageStore), "pool": ("pool_id", StoragePool)}

    id = Column("uuid", "ID of the snapshot")
    name_ = Column("name", "name of the snapshot")
    account = Column("account_.account_name", "account that owns it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    snapshottype = Column("kind", "MANUAL, or the interval of its policy")
    intervaltype = Column("kind", "MANUAL, or the interval of its policy")
    volumeid = Column("volume.uuid", "ID of its volume")
    volumename = Column("volume.name", "name of its volume")
    volumetype = Column("volume.kind", "ROOT or DATADISK")
    volumestate = Column("volume.state", "state of its volume")
    created = Column("created", "when it was taken", type="date")
    locationtype = Column("location", "PRIMARY or SECONDARY")
    state = Column("state", "BackedUp once it is finished")
    status = Column("state", "how far it is")
    physicalsize = Column("physical_size", "bytes that it takes up")
    chainsize = Batch(load_chains, "bytes with those it builds upon", type="long", since="4.21.0",
                      needs=("physical_size",))
    virtualsize = Column("size", "size of its volume then, in bytes")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    revertable = Computed(revertable, "state", "pool_id", "image_store_id", type="boolean",
                          help="whether its volume can be put back to it")
    ostypeid = Batch(load_guest_os, "ID of the Instance's guest OS", key="id", type="string", since="4.10",
                     needs=("volume_id",))
    osdisplayname = Batch(load_guest_os, "name of the Instance's guest OS", key="name", type="string")
    datastoreid = Computed(either, "store.uuid", "pool.uuid", type="string", since="4.19.0", admin=True,
                           help="ID of the image store, else of the pool, that it lies on")
    datastorename = Computed(either, "store.name", "pool.name", type="string", since="4.19.0", admin=True,
                             help="name of that store or pool")
    datastorestate = Computed(lambda state: "Ready" if state == "BackedUp" else "Creating", "state", type="string",
                              since="4.19.0", help="whether it is whole there")
    datastoretype = Computed(lambda store: "Primary" if store is None else "Image", "image_store_id", type="string",
                             since="4.19.0", admin=True, help="Image or Primary")
    downloaddetails = Computed(downloaded, "state", "image_store_id", type="map", since="4.19.0",
                               help="how far its copy to secondary storage is")
    tags = Tags("Snapshot")
    hasannotations = HasAnnotations()
    parent = Given("ID of the snapshot that it builds upon", type="string", since="4.22.1")
    parentname = Given("name of the snapshot that it builds upon", type="string", since="4.22.1")
