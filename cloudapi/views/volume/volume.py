"""What the API shows of volumes."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, fetch
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Snapshot, Template, Volume
from cloudapi.views.common import ProjectOwnedView, Tags, pretty_path
from cloudapi.views.zone.place import HasAnnotations

DOWNLOADED, IN_PROGRESS, NOT_BEGUN = "DOWNLOADED", "DOWNLOAD_IN_PROGRESS", "NOT_DOWNLOADED"


def load_states(page: Page) -> dict[int, dict[str, Any]]:
    """The state as clients know it, and for uploads how far they are."""
    states = page.values("state")
    found: dict[int, dict[str, Any]] = {key: {"state": state} for key, state in states.items()}
    uploads = [key for key, state in states.items() if state == "UploadOp"]
    for volume_id, state, percent, error in _copies(uploads):
        found[volume_id] = upload_state(state, percent, error)
    return found


def _copies(uploads: list[int]) -> list[tuple[Any, ...]]:
    if not uploads:
        return []
    marks = ",".join("?" * len(uploads))
    return rows("SELECT volume_id, download_state, download_percent, error_text FROM volume_store "
                f"WHERE volume_id IN ({marks})", uploads)


def upload_state(state: str, percent: int, error: str | None) -> dict[str, Any]:
    if state == DOWNLOADED:
        return {"state": "Uploaded", "status": "Upload Complete"}
    if state == IN_PROGRESS:
        return {"state": "Uploading", "status": "Checking Volume" if percent == 100 else f"{percent}% Uploaded"}
    return {"state": "UploadNotStarted" if state == NOT_BEGUN else "UploadError", "status": error}


def load_machines(page: Page) -> dict[int, dict[str, Any]]:
    """The machine that a volume is attached to; a destroyed volume is attached to none."""
    states = page.values("state")
    attached = {key: vm for key, vm in page.values("vm_id").items() if vm is not None and states[key] != "Destroy"}
    machines = {row[0]: row for row in fetch(
        "machine", ("uuid", "name", "display_name", "state"), sorted(set(attached.values())))}
    return {key: {"id": machines[vm][1], "name": machines[vm][2], "display": machines[vm][3] or machines[vm][2],
                  "state": machines[vm][4]} for key, vm in attached.items() if vm in machines}


def load_offerings(page: Page) -> dict[int, dict[str, Any]]:
    """The service offering where the volume's disk offering is only the storage part of one, else the disk offering."""
    chosen = page.values("disk_offering_id")
    disks = {row[0]: row for row in fetch(
        "disk_offering", ("uuid", "name", "display_text", "compute_only"), sorted(set(chosen.values())))}
    hidden = sorted(key for key, row in disks.items() if row[4])
    services: dict[int, tuple[Any, ...]] = {}
    by_disk: dict[int, tuple[Any, ...]] = {}
    for row in fetch("service_offering", ("id", "uuid", "name", "display_text"), hidden, key="disk_offering_id"):
        services[row[1]] = row
        by_disk.setdefault(row[0], row)
    attached = page.values("vm_id")
    machines = sorted({vm for vm in attached.values() if vm}) if hidden else []
    of_machine = {row[0]: row[1] for row in fetch("machine", ("service_offering_id",), machines)}
    found = {}
    for key, offering in chosen.items():
        disk = disks.get(offering)
        if disk is None:
            continue
        if not disk[4]:
            found[key] = {"disk_id": disk[1], "disk_name": disk[2], "disk_text": disk[3]}
            continue
        service = services.get(of_machine.get(attached[key], 0))
        if service is None or service[0] != offering:
            service = by_disk.get(offering)
        if service is not None:
            found[key] = {"id": service[2], "name": service[3], "text": service[4]}
    return found


def load_statistics(page: Page) -> dict[int, dict[str, Any]]:
    """What hosts reported last; input and output only while the volume is attached."""
    attached = page.values("vm_id")
    found: dict[int, dict[str, Any]] = {}
    for row in fetch("volume_statistics", ("physical_size", "virtual_size", "read_bytes", "write_bytes", "reads",
                                           "writes"), page.ids, key="volume_id"):
        volume_id, physical, virtual, read, written, reads, writes = row
        found[volume_id] = {"physical": physical, "virtual": virtual,
                            "share": f"{100 * physical / virtual:.2f}%" if virtual else None}
        if attached[volume_id] is not None:
            found[volume_id] |= {"read": read >> 10, "write": written >> 10, "reads": reads, "writes": writes}
    return found


def rate(name: str) -> Any:
    """The offering's rate of this name; absent where it has none."""
    return Computed(lambda rates: (rates or {}).get(name), "disk_offering.rates", type="long",
                    help=f"{name.replace('_', ' ')} of the offering, a second")


def extractable(kind: str, template_id: int | None, allowed: bool | None, template_type: str | None) -> bool:
    """Whether the volume may be downloaded: data disks always, root disks as their template says."""
    return kind == "DATADISK" or template_id is None or (bool(allowed) and template_type != "SYSTEM")


def capability(name: str) -> Any:
    return lambda known: None if known is None else str(known.get(name, "false")).lower() == "true"


def storage_type(local_offering: bool | None, pool_scope: str | None) -> str:
    local = local_offering if pool_scope is None else pool_scope == "HOST"
    return "local" if local else "shared"


class VolumeView(ProjectOwnedView, View):
    record, name = Volume, "volume"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain), "iso": ("iso_id", Template),
             "vm": ("vm_id", Machine), "snapshot": ("snapshot_id", Snapshot)}

    id = Column("uuid", "ID of the volume")
    name_ = Column("name", "name of the volume")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    type = Column("kind", "ROOT or DATADISK")
    deviceid = Column("device_id", "its place on the Instance", type="long")
    virtualmachineid = Batch(load_machines, "ID of the Instance that it is attached to", key="id",
                             needs=("state", "vm_id"))
    vmname = Batch(load_machines, "name of the Instance", key="name")
    vmdisplayname = Batch(load_machines, "display name of the Instance", key="display")
    vmstate = Batch(load_machines, "state of the Instance", key="state")
    vmtype = Column("vm.kind", "kind of the machine")
    isoid = Column("iso.uuid", "ID of the ISO that its Instance was deployed from")
    isoname = Column("iso.name", "name of that ISO")
    isodisplaytext = Column("iso.display_text", "display text of that ISO")
    templateid = Column("template.uuid", "ID of the template that it was made from")
    templatename = Column("template.name", "name of that template")
    templatedisplaytext = Column("template.display_text", "display text of that template")
    provisioningtype = Column("provisioning_type", "thin, sparse or fat")
    size = Column("size", "size in bytes")
    miniops = Column("min_iops", "least operations a second")
    maxiops = Column("max_iops", "most operations a second")
    created = Column("created", "when it was made", type="date")
    attached = Column("attached", "when it was attached", type="date")
    state = Batch(load_states, "state of the volume", key="state", type="string")
    status = Batch(load_states, "how far an upload is", key="status", type="string")
    account = Column("account_.account_name", "account that owns it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    storagetype = Computed(storage_type, "disk_offering.use_local_storage", "pool.scope", admin=True,
                           help="shared or local", type="string")
    diskBytesReadRate = rate("bytes_read_rate")
    diskBytesWriteRate = rate("bytes_write_rate")
    diskIopsReadRate = rate("iops_read_rate")
    diskIopsWriteRate = rate("iops_write_rate")
    diskkbsread = Batch(load_statistics, "KiB read", key="read", type="long")
    diskkbswrite = Batch(load_statistics, "KiB written", key="write", type="long")
    diskioread = Batch(load_statistics, "reads", key="reads", type="long")
    diskiowrite = Batch(load_statistics, "writes", key="writes", type="long")
    hypervisor = Column("hypervisor_type", "hypervisor that it was made by", admin=True)
    diskofferingid = Batch(load_offerings, "ID of its disk offering", key="disk_id", needs=("disk_offering_id",))
    diskofferingname = Batch(load_offerings, "name of its disk offering", key="disk_name")
    diskofferingdisplaytext = Batch(load_offerings, "display text of its disk offering", key="disk_text")
    serviceofferingid = Batch(load_offerings, "ID of the service offering of a root disk", key="id")
    serviceofferingname = Batch(load_offerings, "name of that service offering", key="name")
    serviceofferingdisplaytext = Batch(load_offerings, "display text of that service offering", key="text")
    storage = Computed(lambda name: name or "none", "pool.name", admin=True, type="string",
                       help="name of the storage pool that it lies on")
    storageid = Column("pool.uuid", "ID of the storage pool that it lies on", since="4.3", admin=True)
    clusterid = Column("pool.cluster.uuid", "ID of the pool's cluster", admin=True)
    clustername = Column("pool.cluster.name", "name of the pool's cluster", admin=True)
    podid = Column("pool.pod.uuid", "ID of the pool's pod", admin=True)
    podname = Column("pool.pod.name", "name of the pool's pod", admin=True)
    snapshotid = Column("snapshot.uuid", "ID of the snapshot that it was made from")
    destroyed = Computed(lambda state: state == "Destroy", "state", type="boolean", help="whether it was destroyed")
    isextractable = Computed(extractable, "kind", "template_id", "template.extractable", "template.template_type",
                             type="boolean", help="whether it may be downloaded")
    displayvolume = Column("display", "whether users see it", admin=True)
    path = Column("path", "path on the storage pool", admin=True)
    chaininfo = Column("chain_info", "chain of its files", since="4.4")
    quiescevm = Computed(capability("VOLUME_SNAPSHOT_QUIESCEVM"), "pool.capabilities", type="boolean", since="4.3",
                         help="whether its storage can quiesce the Instance for a snapshot")
    supportsstoragesnapshot = Computed(capability("STORAGE_SYSTEM_SNAPSHOT"), "pool.capabilities", type="boolean",
                                       since="4.16", help="whether its storage makes snapshots by itself")
    deleteprotection = Column("delete_protection", "whether it is protected from deletion", since="4.20.0")
    physicalsize = Batch(load_statistics, "bytes that it takes up", key="physical", type="long")
    virtualsize = Batch(load_statistics, "bytes that its Instance sees", key="virtual", type="long")
    utilization = Batch(load_statistics, "share of its size that it takes up", key="share", type="string")
    externaluuid = Column("external_uuid", "ID that an external system gave it")
    encryptformat = Column("encrypt_format", "format of its encryption", since="4.19.1", admin=True)
    tags = Tags("Volume")
    hasannotations = HasAnnotations()
    volumecheckresult = Given("what a check of the volume found", type="map", since="4.19.1")
    volumerepairresult = Given("what a repair of the volume did", type="map", since="4.19.1")
    kmskey = Given("name of the key that encrypts it", type="string", since="4.23.0")
    kmskeyid = Given("ID of the key that encrypts it", type="string", since="4.23.0")
    kmskeyversion = Given("version of the key that encrypts it", type="integer", since="4.23.0")
