"""Devices of the network that are driven from outside of hosts.

Such a device is a host of its own kind. This program brings no driver for one yet, so that none can be added.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Host

# The kinds that CloudStack's clients ask for; they are hosts of this kind in the database.
KINDS = ("ExternalDhcp", "PxeServer", "NetscalerMPXLoadBalancer", "NetscalerVPXLoadBalancer",
         "NetscalerSDXLoadBalancer", "F5BigIpLoadBalancer", "JuniperSRXFirewall", "PaloAltoFirewall")


def kind(text: str | None) -> str | None:
    """Return the kind of device as it is written; None where none is asked for.

    :raises InvalidParameter: there is no such kind.
    """
    if not text:
        return None
    found = next((name for name in KINDS if name.lower() == text.lower()), None)
    if found is None:
        raise InvalidParameter(f"Unknown network device type {text[:64]} (networkdevicetype); there are "
                               f"{', '.join(KINDS)}")
    return found


def add(context: Context, device: str | None, parameters: Mapping[str, str]) -> Host:
    """Add a device.

    :raises InvalidParameter: always: the kind is missing, unknown, or has no driver here.
    """
    found = kind(device)
    if found is None:
        raise InvalidParameter("parameter networkdevicetype is missing: it names the kind of device to add")
    raise InvalidParameter(f"Network devices of type {found} (networkdevicetype) are not supported by this "
                           "installation: there is no driver for them")


def delete(context: Context, host: Host) -> None:
    """Delete a device. Within a transaction.

    :raises InvalidParameter: the host is no such device.
    """
    if host.kind not in KINDS:
        raise InvalidParameter(f"Unable to find network device by id {host.uuid}: the host is of type {host.kind}")
    Host.update(removed=now(), status="Removed").where(Host.id == host.id).execute()
