"""Disk offerings: made, cloned, changed, taken from sale; asked for as service offerings are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.offering import DiskOffering
from cloudapi.services import detail
from cloudapi.services.offering import scope, storage


def create(context: Context, asked: Mapping[str, Any]) -> DiskOffering:
    """Make a disk offering. Within a transaction.

    :raises InvalidParameter: names the parameter and its fault.
    """
    size, custom = asked.get("disksize"), bool(asked.get("customized"))
    if not custom and size is None:
        raise InvalidParameter("Disksize (disksize) is required for a non-customized disk offering")
    if custom and size is not None:
        raise InvalidParameter("Disksize (disksize) is not allowed for a customized disk offering")
    domains = scope.topmost(asked.get("domainid") or [])
    columns = storage.columns(context, asked)
    scope.check_maker(context, "disk offering", domains, tagged=bool(columns["tags"]))
    display = asked.get("displayoffering")
    made = DiskOffering.create(
        name=asked["name"], display_text=asked.get("displaytext") or asked["name"],
        disk_size=storage.size_in_bytes(context, size, "disksize"), is_custom=custom,
        display=True if display is None else display, disk_size_strictness=bool(asked.get("disksizestrictness")),
        encrypt=bool(asked.get("encrypt")), **columns)
    details = asked.get("details") or {}
    detail.put(made, {name: value for name, value in details.items() if name not in storage.DISK_DETAILS})
    storage.put_disk_details(made, details)
    scope.put(made, domains, asked.get("zoneid") or [])
    return made


def clone(context: Context, source: DiskOffering, asked: Mapping[str, Any]) -> DiskOffering:
    """Make an offering like the source, but for what is asked for. Within a transaction.

    :raises InvalidParameter: the source is the root disks' of a service offering.
    """
    if source.compute_only:
        raise InvalidParameter(f"Unable to clone disk offering {source.uuid} (sourceofferingid): it is that of a "
                               "service offering")
    own = {**storage.asked_of(source), "displaytext": source.display_text, "customized": source.is_custom,
           "disksize": None if source.is_custom else source.disk_size // storage.GIB, "encrypt": source.encrypt,
           "displayoffering": source.display, "disksizestrictness": source.disk_size_strictness,
           "domainid": scope.domains_of(source), "zoneid": scope.zones_of(source)}
    if asked.get("customized"):
        own["disksize"] = None
    elif asked.get("disksize") is not None:
        own["customized"] = False
    details = {**detail.get(source), **(asked.get("details") or {})}
    return create(context, {**own, **asked, "details": details})


def update(context: Context, offering: DiskOffering, asked: Mapping[str, Any]) -> DiskOffering:
    """Change an offering. Within a transaction.

    :param asked: `name`, `displaytext`, `sortkey`, `displayoffering`, `state`, `tags`, `cachemode`, the rates,
        `domainid`, `zoneid`; those that are None stay, and of the rates those that are not positive.
    """
    domains, zones = scope.parse_domains(asked.get("domainid")), scope.parse_zones(asked.get("zoneid"))
    described = any(asked.get(name) is not None for name in ("name", "displaytext", "sortkey"))
    domains = scope.check_changer(context, offering, domains, zones, described=described,
                                  tagged=bool(asked.get("tags")))
    changes = {column: asked[name] for name, column in (
        ("name", "name"), ("displaytext", "display_text"), ("sortkey", "sort_key"), ("displayoffering", "display"),
        ("state", "state")) if asked.get(name) is not None}
    if asked.get("tags") is not None:
        changes["tags"] = storage.clean_tags(asked["tags"])
        storage.check_new_tags(offering, changes["tags"])
    if asked.get("cachemode"):
        changes["cache_mode"] = storage.cache_mode(asked["cachemode"])
    rates = storage.rates(context, asked)
    if rates:
        changes["rates"] = {**(offering.rates or {}), **rates}
    if changes:
        DiskOffering.update(**changes).where(DiskOffering.id == offering.id).execute()
    scope.put(offering, domains, zones)
    return DiskOffering.get_by_id(offering.id)


def delete(context: Context, offering: DiskOffering) -> None:
    """Take an offering from sale; disks that have it keep it. Within a transaction."""
    scope.check_remover(context, offering)
    DiskOffering.update(state="Inactive").where(DiskOffering.id == offering.id).execute()
