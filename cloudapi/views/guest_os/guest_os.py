"""What the API shows of guest operating systems."""

from __future__ import annotations

from cloudapi.api.view import Column, Given, View
from cloudapi.models.infrastructure import GuestOs, GuestOsCategory, GuestOsMapping


class GuestOsView(View):
    record, name = GuestOs, "ostype"

    id = Column("uuid", "ID of the guest OS")
    oscategoryid = Column("category.uuid", "ID of its category")
    oscategoryname = Column("category.name", "name of its category")
    name_ = Column("display_name", "name of the guest OS")
    description = Column("display_name", "name of the guest OS")
    isuserdefined = Column("is_user_defined", "whether an administrator made it")
    fordisplay = Column("for_display", "whether users see it")


class GuestOsCategoryView(View):
    record, name = GuestOsCategory, "oscategory"

    id = Column("uuid", "ID of the category")
    name_ = Column("name", "name of the category")
    isfeatured = Column("featured", "whether it is shown first", since="4.21.0")
    icon = Given("icon of the category", type="resourceiconresponse", since="4.21.0")
    created = Column("created", "when it was made")


class GuestOsMappingView(View):
    record, name = GuestOsMapping, "guestosmapping"

    id = Column("uuid", "ID of the mapping")
    hypervisor = Column("hypervisor_type", "the hypervisor")
    hypervisorversion = Column("hypervisor_version", "version of the hypervisor")
    ostypeid = Column("guest_os.uuid", "ID of the guest OS")
    osdisplayname = Column("guest_os.display_name", "name of the guest OS")
    osnameforhypervisor = Column("os_name", "what the hypervisor calls it")
    isuserdefined = Column("is_user_defined", "whether an administrator made it", type="string",
                           convert=lambda value: str(bool(value)).lower())


class HypervisorGuestOsView(View):
    """A name that a host knows."""

    name = "guestoslist"

    osdisplayname = Given("name of the guest OS", type="string")
    osnameforhypervisor = Given("what the hypervisor calls it", type="string")


class HypervisorGuestOsNamesView(View):
    """The names that a host knows."""

    name = "hypervisorguestosnames"

    hypervisor = Given("the hypervisor", type="string")
    hypervisorversion = Given("version of the hypervisor", type="string")
    guestoslist = Given("the names", type="list", nested=HypervisorGuestOsView)
    guestoscount = Given("how many there are", type="integer")
