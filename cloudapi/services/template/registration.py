"""Templates and ISOs that come from a URL: checked, written down, begun to be fetched."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import GuestOs, Zone
from cloudapi.models.storage import ImageStore, Template, TemplateStore, TemplateZone
from cloudapi.services import detail
from cloudapi.services.account import limit
from cloudapi.services.storage import store as stores
from cloudapi.services.template import download, stock

FORMATS = ("QCOW2", "RAW", "VHD", "OVA", "VMDK")
HYPERVISORS = ("KVM", "XenServer", "VMware", "Simulator", "LXC", "Hyperv", "BareMetal", "Ovm3", "Any")
# Which images the hypervisors boot from; those not named take any.
READS = {"KVM": ("QCOW2", "RAW", "VMDK"), "XenServer": ("VHD",), "VMware": ("OVA",), "Hyperv": ("VHD",),
         "LXC": ("RAW",), "Ovm3": ("RAW",)}
TYPES = ("ROUTING", "SYSTEM", "BUILTIN", "PERHOST", "USER", "VNF", "DATADISK", "ISODISK")
ARCHITECTURES = {"x86_64": "x86_64", "i686": "i686", "aarch64": "aarch64", "s390x": "s390x"}
PACKINGS = ("", ".zip", ".bz2", ".gz", ".xz")
ENDINGS = {"RAW": (".img", ".raw")}
DIGITS = {"MD5": 32, "SHA-1": 40, "SHA-224": 56, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128}
CHECKSUM = re.compile(r"(?:\{([^{}]*)\})?([0-9a-fA-F]+)")
BOOT_MODES = ("LEGACY", "SECURE")
NO_GUEST_OS = "None"


@dataclass(frozen=True, slots=True)
class Image:
    """A template or ISO to be registered. `zones` None stands for all; `url` None for an upload by its owner."""

    name: str
    format: str
    zones: Sequence[Zone] | None
    display_text: str | None = None
    url: str | None = None
    hypervisor: str | None = None
    guest_os: GuestOs | None = None
    checksum: str | None = None
    template_type: str | None = None
    is_routing: bool | None = None
    template_tag: str | None = None
    arch: str | None = None
    is_public: bool = False
    featured: bool = False
    extractable: bool = False
    bootable: bool = True
    bits: int = 64
    details: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    """Further columns: password_enabled, ssh_key_enabled, requires_hvm, dynamically_scalable, for_cks."""


def register(context: Context, owner: Account, image: Image, store: ImageStore | None = None) -> list[TemplateZone]:
    """Write a template or ISO and begin to fetch it. Within a transaction; the transfer begins after it.

    :param store: the one that it goes to, where the caller chooses.
    :returns: the template in each of its zones.
    :raises InvalidParameter: a value cannot be; PermissionDenied: the owner or caller may not have it so.
    """
    zones = _zones(context, owner, image)
    if image.url is not None:
        check_url(context, image.url, image.format, zones)
    template = write(context, owner, image)
    places = [stock.join_zone(template, zone) for zone in zones]
    copies = []
    for zone in zones:
        targets = stock.targets(context, template, zone) if store is None else [_chosen(store, zone)]
        if not targets and not _held(template, zone):
            raise InvalidParameter(f"Failed to find a secondary storage in the specified zone. (zone {zone.uuid})")
        copies += [download.allot(template, store) for store in targets]
    events.completed(context, download.creation_event(template),
                     f"registering {template.name} ({template.uuid})", template)
    if image.url is not None:
        context.after.append(lambda: _begin(context, copies))
    return places


def _chosen(store: ImageStore, zone: Zone) -> ImageStore:
    if store.readonly or store.zone_id not in (None, zone.id):
        raise InvalidParameter(f"imagestoreuuid: image store {store.uuid} takes nothing for zone {zone.uuid}")
    return store


def _held(template: Template, zone: Zone) -> bool:
    served = [store.id for store in stores.image_stores(zone)]
    return bool(TemplateStore.select().where(TemplateStore.template == template.id,
                                             TemplateStore.image_store.in_(served)).exists())


def _begin(context: Context, copies: Sequence[TemplateStore]) -> None:
    for copy in copies:
        download.begin(context, copy)


def _zones(context: Context, owner: Account, image: Image) -> list[Zone]:
    if image.zones is None:
        if not limit.is_root_admin(owner):
            raise InvalidParameter("Template registered for 'All zones' can only be owned a Root Admin account. "
                                   "Please select specific zone(s).")
        found = [zone for zone in Zone.alive().order_by(Zone.id) if stores.image_stores(zone)]
        if not found:
            raise InvalidParameter("zoneid: no zone has secondary storage, can't add Template")
        return found
    for zone in image.zones:
        check_zone(context, zone)
    return list(image.zones)


def check_zone(context: Context, zone: Zone) -> None:
    """Refuse a zone that is disabled, or another domain's, to all but root admins."""
    if context.caller.is_root_admin:
        return
    if zone.allocation_state == "Disabled":
        raise PermissionDenied(f"Cannot perform this operation, Zone {zone.uuid} is currently disabled")
    if zone.domain_id is not None and not context.caller.domain_path.startswith(Domain.get_by_id(zone.domain_id).path):
        raise PermissionDenied(f"Zone {zone.uuid} belongs to another domain")


def write(context: Context, owner: Account, image: Image, state: str = "Active") -> Template:
    """Check what does not depend on where it comes from, and write it. Within a transaction."""
    admin = context.caller.is_root_admin
    _check_name(image)
    kind = checked_type(context, image.template_type, image.is_routing, image.zones is None)
    if image.template_tag is not None and not admin:
        raise PermissionDenied("Parameter templatetag can only be specified by a Root Admin, permission denied")
    may_publish = limit.is_root_admin(owner) or context.settings.get("allow.public.user.templates", account=owner.id)
    if image.is_public and not may_publish:
        raise InvalidParameter("Only private Templates/ISO can be created.")
    limit.take(context, owner, "template")
    template: Template = Template.create(
        name=image.name, unique_name="", display_text=image.display_text or image.name, url=image.url,
        format=image.format, hypervisor_type=checked_hypervisor(image), template_type=kind,
        guest_os=image.guest_os.id if image.guest_os else None, bits=image.bits, bootable=image.bootable,
        is_public=image.is_public, featured=image.featured and admin, extractable=image.extractable,
        cross_zones=image.zones is None, checksum=checked_checksum(image.checksum), state=state,
        template_tag=image.template_tag or None, arch=checked_arch(image.arch), account_id=owner.id,
        domain_id=owner.domain_id, **image.flags)
    template.unique_name = f"{template.id}-{owner.id}-{template.uuid}"
    Template.update(unique_name=template.unique_name).where(Template.id == template.id).execute()
    detail.put(template, checked_details(image.details))
    return template


def _check_name(image: Image) -> None:
    if not image.name.strip() or len(image.name) > 255:
        raise InvalidParameter("Template name cannot be null and cannot be more 255 characters")
    reserved = Template.alive(Template.template_type == "SYSTEM", (Template.name == image.name)
                              | (Template.display_text == (image.display_text or image.name)))
    if reserved.exists():
        raise InvalidParameter("Cannot use reserved names for Templates")


def checked_type(context: Context, wanted: str | None, is_routing: bool | None, cross_zones: bool,
                 verb: str = "register") -> str:
    """Return the type of a template.

    :raises InvalidParameter: there is none of that name, or the caller may not have it.
    """
    if is_routing and not context.caller.is_root_admin:
        raise PermissionDenied("Parameter isrouting can only be specified by a Root Admin, permission denied")
    if wanted is None:
        kind = "ROUTING" if is_routing else "USER"
    else:
        kind = wanted.strip().upper()
        if kind not in TYPES:
            raise InvalidParameter(f"Please specify a valid templatetype: {', '.join(TYPES)}")
        if is_routing is not None and (kind == "ROUTING") != is_routing:
            raise InvalidParameter("Please specify a valid templatetype (consistent with isrouting parameter).")
        if kind in download.STOCK and not cross_zones:
            raise InvalidParameter("System and Builtin templates must be cross zone.")
    if kind not in ("USER", "VNF") and not context.caller.is_admin:
        raise InvalidParameter(f"Users can not {verb} Template with template type {kind}.")
    return kind


def checked_hypervisor(image: Image) -> str | None:
    """Return the hypervisor's name; None for an ISO, which any takes."""
    if image.format == "ISO":
        return None
    known = {name.lower(): name for name in HYPERVISORS}
    found = known.get((image.hypervisor or "").strip().lower())
    if found is None:
        raise InvalidParameter(f"Hypervisor Type: {image.hypervisor} is invalid. Supported Hypervisor types are: "
                               f"{', '.join(HYPERVISORS)}")
    if image.format not in READS.get(found, FORMATS):
        raise InvalidParameter(f"Image format {image.format} is not of use for hypervisor {found}: it takes "
                               f"{', '.join(READS[found])}")
    return found


def checked_format(name: str, known: Sequence[str] = FORMATS) -> str:
    found = name.strip().upper()
    if found not in known:
        raise InvalidParameter(f"Image format: {name} is incorrect. Supported formats are {', '.join(known)}")
    return found


def checked_arch(name: str | None) -> str:
    if not name:
        return "x86_64"
    if name.strip().lower() not in ARCHITECTURES:
        raise InvalidParameter(f"Invalid value for parameter arch: {name[:40]} is none of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name.strip().lower()]


def checked_checksum(text: str | None) -> str | None:
    """Return a checksum as `{ALGORITHM}digits`; without an algorithm it is MD5.

    :raises InvalidParameter: the algorithm is unknown, or the digits are not as many as it has.
    """
    if not text:
        return None
    match = CHECKSUM.fullmatch(text.strip())
    names = {name.replace("-", ""): name for name in DIGITS}
    algorithm = names.get((match[1] or "MD5").upper().replace("-", "")) if match else None
    if match is None or algorithm is None or len(match[2]) != DIGITS[algorithm]:
        raise InvalidParameter(f"Invalid value for parameter checksum: {text[:160]!r} is not the hexadecimal digits of "
                               f"MD5, or {{ALGORITHM}} with those of one of {', '.join(DIGITS)}")
    return f"{{{algorithm}}}{match[2].lower()}"


def checked_details(details: Mapping[str, str]) -> dict[str, str]:
    """Return the details; the boot mode in capitals."""
    found = dict(details)
    if "UEFI" in found:
        found["UEFI"] = found["UEFI"].strip().upper()
        if found["UEFI"] not in BOOT_MODES:
            raise InvalidParameter(f"Invalid bootmode: {details['UEFI']} specified. Valid values are: LEGACY, SECURE")
    return found


def check_url(context: Context, url: str, image_format: str, zones: Sequence[Zone],
              resolved: str = "validate.url.is.resolvable.before.registering.template") -> None:
    """Refuse a URL that is not HTTP, does not end as the format does, or leads where nobody may fetch from.

    :param resolved: the setting that says whether the host is resolved; it is only where a store of the zones really
        goes there.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise InvalidParameter(f"Invalid URL: {url[:200]}") from None
    if parts.scheme.lower() == "file":
        raise InvalidParameter("File:// type urls are currently unsupported")
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise InvalidParameter(f"Unsupported scheme for url: {url[:200]}")
    endings = tuple(ending + packing for ending in ENDINGS.get(image_format, (f".{image_format.lower()}",))
                    for packing in PACKINGS)
    if not parts.path.lower().endswith(endings):
        raise InvalidParameter(f"Please specify a valid {image_format.lower()}: url does not end in "
                               f"{', '.join(endings[:4])}")
    fetched = any(stores.fetches(store) for zone in zones for store in stores.image_stores(zone))
    _check_host(context, host, fetched, resolved)


def _check_host(context: Context, host: str, fetched: bool, resolved: str) -> None:
    try:
        found = [ipaddress.ip_address(host)]
    except ValueError:
        if host.lower() == "localhost":
            raise InvalidParameter("Illegal host specified in URL.") from None
        if not fetched or not context.settings.get(resolved):
            return
        try:
            found = [ipaddress.ip_address(entry[4][0]) for entry in socket.getaddrinfo(host, None)]
        except OSError:
            raise InvalidParameter(f"Unable to resolve {host}.") from None
    allowed = [ipaddress.ip_network(part.strip(), strict=False) for part in
               (context.settings.get("secstorage.allowed.internal.sites") or "").split(",") if part.strip()]
    for address in found:
        if any(address in network for network in allowed if network.version == address.version):
            continue
        if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
            raise InvalidParameter("Illegal host specified in URL.")
        if address.version == 6:
            raise InvalidParameter(f"IPv6 addresses are not supported ({address}).")
        if fetched and address.is_private:
            raise InvalidParameter(f"url: {address} is in a private network; the setting "
                                   "secstorage.allowed.internal.sites names those from which downloads are allowed")


def iso_guest_os(guest_os: GuestOs | None, bootable: bool) -> GuestOs | None:
    """Return the guest OS of an ISO: bootable ones need one, others have none."""
    if not bootable:
        return GuestOs.alive(GuestOs.display_name == NO_GUEST_OS).first()
    if guest_os is None or guest_os.display_name == NO_GUEST_OS:
        raise InvalidParameter("Please pass a valid GuestOS ID: parameter ostypeid, for an ISO that is bootable")
    return guest_os
