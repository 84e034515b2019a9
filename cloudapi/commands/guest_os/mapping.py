"""What hypervisors call guest operating systems."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Text
from cloudapi.api.query import Query, escape_like
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import GuestOs, GuestOsMapping
from cloudapi.services.guest_os import mapping as mappings
from cloudapi.views.guest_os.guest_os import GuestOsMappingView, HypervisorGuestOsNamesView


class ListGuestOsMapping(ListCommand):
    """Lists what hypervisors call guest operating systems."""

    roles, response, since = ROOT, GuestOsMappingView, "4.4.0"
    keywords = ("os_name",)
    order = "t.hypervisor_type, t.hypervisor_version DESC, t.guest_os_id"

    id = Entity(GuestOsMapping, column="id", minus_one=True, help="the mapping with this ID")
    ostypeid = Entity(GuestOs, column="guest_os_id", minus_one=True, help="mappings of this guest OS")
    osdisplayname = Text(help="mappings of guest operating systems whose name contains this text")
    osnameforhypervisor = Text(help="mappings to names that contain this text")
    hypervisor = Text(help="mappings of this hypervisor")
    hypervisorversion = Text(help="mappings of this version; goes with hypervisor")

    def filter(self, context: Context, query: Query) -> None:
        if self.hypervisorversion is not None and not self.hypervisor:
            raise InvalidParameter("Hypervisor version parameter (hypervisorversion) cannot be used without "
                                   "specifying a "
                                   "hypervisor : XenServer, KVM or VMware")
        for column, text in (("os_name", self.osnameforhypervisor), ("hypervisor_type", self.hypervisor),
                             ("hypervisor_version", self.hypervisorversion)):
            if text:
                query.search((column,), text)
        query.where("t.guest_os_id IN (SELECT g.id FROM guest_os g WHERE g.for_display = ?)", True)
        if self.osdisplayname:
            query.where("t.guest_os_id IN (SELECT g.id FROM guest_os g WHERE LOWER(g.display_name) LIKE ? ESCAPE '!')",
                        f"%{escape_like(self.osdisplayname.lower())}%")


class AddGuestOsMapping(AsyncCreateCommand):
    """Says what a hypervisor calls a guest operating system."""

    action = "adding a mapping of a guest operating system"
    roles, event, response, since = ROOT, "GUEST.OS.MAPPING.ADD", GuestOsMappingView, "4.4.0"
    creates = GuestOsMapping

    ostypeid = Entity(GuestOs, access=ANY, help="the guest OS")
    osdisplayname = Text(help="name of the guest OS; instead of ostypeid")
    hypervisor = Text(required=True, help="the hypervisor: XenServer, KVM or VMware")
    hypervisorversion = Text(required=True, help="its version")
    osnameforhypervisor = Text(required=True, help="what it calls the guest OS")
    osmappingcheckenabled = Flag(default=False, since="4.19.0", help="ask a host whether it knows the name")
    forced = Flag(default=False, since="4.19.0", help="change the mapping that is there")

    def create(self, context: Context) -> Any:
        return mappings.add(self.ostypeid, self.osdisplayname, self.hypervisor, self.hypervisorversion,
                            self.osnameforhypervisor, check=self.osmappingcheckenabled, replace=self.forced)

    def run(self, context: Context) -> Any:
        return self.created


class UpdateGuestOsMapping(AsyncCommand):
    """Changes what a hypervisor calls a guest operating system."""

    action = "updating a mapping of a guest operating system"
    roles, event, response, since = ROOT, "GUEST.OS.MAPPING.UPDATE", GuestOsMappingView, "4.4.0"

    id = Entity(GuestOsMapping, access=ANY, required=True, help="the mapping")
    osnameforhypervisor = Text(required=True, help="what it calls the guest OS")
    osmappingcheckenabled = Flag(default=False, since="4.19.0", help="ask a host whether it knows the name")

    def run(self, context: Context) -> Any:
        context.steps.run("change", lambda: mappings.update(
            self.id, self.osnameforhypervisor, self.osmappingcheckenabled).id)
        return self.id


class RemoveGuestOsMapping(AsyncCommand):
    """Removes a mapping that an administrator made."""

    action = "removing a mapping of a guest operating system"
    roles, event, since = ROOT, "GUEST.OS.MAPPING.REMOVE", "4.4.0"

    id = Entity(GuestOsMapping, access=ANY, required=True, help="the mapping")

    def run(self, context: Context) -> None:
        context.steps.run("remove", lambda: mappings.remove(self.id))


class GetHypervisorGuestOsNames(AsyncCommand):
    """Asks a host which names of guest operating systems it knows."""

    roles, event, response = ROOT, "GUEST.OS.HYPERVISOR.NAME.FETCH", HypervisorGuestOsNamesView
    since = "4.19.0"

    hypervisor = Text(required=True, help="the hypervisor: VMware or XenServer")
    hypervisorversion = Text(required=True, help="its version")
    keyword = Text(help="names that contain this text")

    def run(self, context: Context) -> Any:
        mappings.ask(self.hypervisor, self.hypervisorversion)
