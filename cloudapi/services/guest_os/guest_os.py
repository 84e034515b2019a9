"""Guest operating systems and their categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.infrastructure import GuestOs, GuestOsCategory, GuestOsMapping, Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Template
from cloudapi.services import detail


def add_category(name: str, featured: bool) -> GuestOsCategory:
    """Make a category. Within a transaction.

    :raises InvalidParameter: the name is empty, or there is a category of this name.
    """
    _check_category_name(name)
    made: GuestOsCategory = GuestOsCategory.create(name=name, featured=featured)
    return made


def _check_category_name(name: str, own_id: int | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("Invalid value for parameter name: an OS category needs a name")
    same = GuestOsCategory.alive(GuestOsCategory.name == name).first()
    if same is not None and same.id != own_id:
        raise InvalidParameter(f"An OS category named {name} (parameter name) exists already")


def update_category(category: GuestOsCategory, name: str | None, featured: bool | None,
                    sort_key: int | None) -> GuestOsCategory:
    """Change what is given of a category. Within a transaction."""
    changes: dict[str, Any] = {}
    if name is not None:
        _check_category_name(name, category.id)
        changes["name"] = name
    if featured is not None:
        changes["featured"] = featured
    if sort_key is not None:
        changes["sort_key"] = sort_key
    if changes:
        GuestOsCategory.update(changes).where(GuestOsCategory.id == category.id).execute()
    return category


def delete_category(category: GuestOsCategory) -> None:
    """Delete a category without operating systems. Within a transaction.

    :raises InvalidParameter: it has some.
    """
    count = GuestOs.alive(GuestOs.category == category.id).count()
    if count:
        raise InvalidParameter(f"Unable to delete the OS category (id {category.uuid}). {count} guest OS exist for it.")
    Host.update(os_category_id=None).where(Host.os_category_id == category.id).execute()
    GuestOsCategory.update(removed=now()).where(GuestOsCategory.id == category.id).execute()


def _check_name(display_name: str) -> None:
    if not display_name.strip():
        raise InvalidParameter("Invalid value for parameter osdisplayname: a guest OS needs a name")
    if GuestOs.alive(GuestOs.display_name == display_name).exists():
        raise InvalidParameter(f"The specified Guest OS name (osdisplayname): {display_name} already exists. "
                               "Please specify a unique name")


def add(category: GuestOsCategory, display_name: str, name: str | None, details: Mapping[str, str] | None,
        display: bool | None) -> GuestOs:
    """Make a guest OS. Within a transaction.

    :param name: a second name, kept among the details.
    :raises InvalidParameter: there is one of this name.
    """
    _check_name(display_name)
    made: GuestOs = GuestOs.create(category=category, display_name=display_name, is_user_defined=True,
                                   for_display=display is not False)
    detail.put(made, {**({"name": name} if name else {}), **(details or {})}, display=False)
    return made


def update(system: GuestOs, display_name: str | None, details: Mapping[str, str] | None, display: bool | None,
           category: GuestOsCategory | None) -> GuestOs:
    """Change what is given of a guest OS; of those that come with the program only the category. In a transaction.

    :raises InvalidParameter: the name is taken, or it comes with the program.
    """
    if not system.is_user_defined and (display_name or details or display is not None):
        raise InvalidParameter(f"Unable to modify system defined guest OS (id {system.uuid})")
    changes: dict[str, Any] = {}
    if display_name and display_name != system.display_name:
        _check_name(display_name)
        changes["display_name"] = display_name
    if display is not None:
        changes["for_display"] = display
    if category is not None:
        changes["category"] = category
    if changes:
        GuestOs.update(changes).where(GuestOs.id == system.id).execute()
    detail.put(system, details or {}, display=False)
    return system


def remove(system: GuestOs) -> None:
    """Remove a guest OS that an administrator made, with its mappings. Within a transaction.

    :raises InvalidParameter: it comes with the program.
    :raises InternalError: templates or Instances have it.
    """
    if not system.is_user_defined:
        raise InvalidParameter(f"Unable to remove system defined guest OS (id {system.uuid})")
    for query, what in ((Template.alive(Template.guest_os == system.id), "templates"),
                        (Machine.alive(Machine.guest_os == system.id), "Instances")):
        if query.exists():
            raise InternalError(f"Unable to remove guest OS {system.display_name}: there are {what} of it")
    moment = now()
    GuestOsMapping.update(removed=moment).where(GuestOsMapping.guest_os == system.id,
                                                GuestOsMapping.removed.is_null()).execute()
    detail.remove(system)
    GuestOs.update(removed=moment).where(GuestOs.id == system.id).execute()
