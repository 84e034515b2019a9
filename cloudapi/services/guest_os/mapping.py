"""What hypervisors call guest operating systems."""

from __future__ import annotations

from typing import NoReturn

from cloudapi.errors import InternalError, InvalidParameter, UnsupportedAction
from cloudapi.models.base import now
from cloudapi.models.infrastructure import GuestOs, GuestOsMapping, Host, HypervisorCapability

MAPPED = {name.lower(): name for name in ("XenServer", "KVM", "VMware")}

# Those whose hosts can be asked for the names that they know.
ASKED = ("VMware", "XenServer")


def _hypervisor(name: str, version: str) -> str:
    kind = MAPPED.get(name.strip().lower())
    if kind is None:
        raise InvalidParameter(f"Please specify a valid hypervisor : XenServer, KVM or VMware; not {name[:64]} "
                               "(parameter hypervisor)")
    known = HypervisorCapability.alive(HypervisorCapability.hypervisor_type == kind,
                                       HypervisorCapability.hypervisor_version == version)
    if not known.exists():
        raise InvalidParameter(f"Please specify a valid hypervisor and supported version: {kind} {version[:64]} is "
                               "not known "
                               "(parameter hypervisorversion)")
    return kind


def add(system: GuestOs | None, display_name: str | None, hypervisor: str, version: str, os_name: str, *,
        check: bool = False, replace: bool = False) -> GuestOsMapping:
    """Say what a hypervisor calls a guest OS. Within a transaction.

    :param system: the guest OS; else the one named `display_name`.
    :param check: ask a host of this hypervisor whether it knows the name.
    :param replace: change the mapping that is there.
    :raises InvalidParameter: the hypervisor or the guest OS is unknown, or the mapping is there already.
    """
    if system is None:
        if not display_name:
            raise InvalidParameter("Please specify either a guest OS name or UUID (osdisplayname, ostypeid)")
        system = GuestOs.alive(GuestOs.display_name == display_name).first()
    kind = _hypervisor(hypervisor, version)
    if system is None:
        raise InvalidParameter(f"Unable to find the guest OS by name or UUID: {str(display_name)[:80]} (osdisplayname)")
    present = GuestOsMapping.alive(
        GuestOsMapping.guest_os == system.id, GuestOsMapping.hypervisor_type == kind,
        GuestOsMapping.hypervisor_version == version, GuestOsMapping.is_user_defined == True).first()  # noqa: E712
    if present is not None and not replace:
        raise InvalidParameter(f"Mapping from hypervisor : {kind}, version : {version} and guest OS : "
                               f"{system.display_name} "
                               "already exists!")
    if check:
        ask(kind, version)
    if present is not None:
        return _rename(present, os_name)
    made: GuestOsMapping = GuestOsMapping.create(guest_os=system, hypervisor_type=kind, hypervisor_version=version,
                                                 os_name=os_name, is_user_defined=True)
    return made


def update(mapping: GuestOsMapping, os_name: str, check: bool) -> GuestOsMapping:
    """Change the name in a mapping that an administrator made. Within a transaction.

    :raises InvalidParameter: it comes with the program.
    """
    if not mapping.is_user_defined:
        raise InvalidParameter(f"Unable to modify system defined Guest OS mapping (id {mapping.uuid})")
    if check:
        ask(mapping.hypervisor_type, mapping.hypervisor_version)
    return _rename(mapping, os_name)


def _rename(mapping: GuestOsMapping, os_name: str) -> GuestOsMapping:
    GuestOsMapping.update(os_name=os_name).where(GuestOsMapping.id == mapping.id).execute()
    return mapping


def remove(mapping: GuestOsMapping) -> None:
    """Remove a mapping that an administrator made. Within a transaction.

    :raises InvalidParameter: it comes with the program.
    """
    if not mapping.is_user_defined:
        raise InvalidParameter(f"Unable to remove system defined Guest OS mapping (id {mapping.uuid})")
    GuestOsMapping.update(removed=now()).where(GuestOsMapping.id == mapping.id).execute()


def ask(hypervisor: str, version: str) -> NoReturn:
    """Ask a host of a hypervisor for its names of guest operating systems; the drivers so far know none.

    :raises InvalidParameter: hosts of this hypervisor cannot be asked.
    :raises InternalError: there is no host of this hypervisor and version.
    :raises UnsupportedAction: there is, and its driver does not know how.
    """
    kind = MAPPED.get(hypervisor.strip().lower())
    if kind not in ASKED:
        raise InvalidParameter(f"Guest OS names cannot be fetched for hypervisor: {hypervisor[:64]}, please specify a "
                               "valid "
                               "hypervisor : VMware, XenServer")
    host = Host.alive(Host.hypervisor_type == kind, Host.hypervisor_version == version, Host.status == "Up").first()
    if host is None:
        raise InternalError(f"No {kind} hypervisor with version: {version[:64]} exists, please specify available "
                            "hypervisor "
                            "and version (parameters hypervisor, hypervisorversion)")
    raise UnsupportedAction(f"The driver of {kind} hosts does not tell the names of guest operating systems")
