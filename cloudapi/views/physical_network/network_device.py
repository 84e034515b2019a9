"""What the API shows of a network device."""

from __future__ import annotations

from cloudapi.api.view import Column, View
from cloudapi.models.infrastructure import Host


class NetworkDeviceView(View):
    record, name = Host, "networkdevice"

    id = Column("uuid", "ID of the network device")
