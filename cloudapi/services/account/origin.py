"""From which networks an account's requests are taken."""

from __future__ import annotations

import ipaddress
from typing import Any

from cloudapi.errors import Unauthenticated


def check(settings: Any, account_id: int, address: str) -> None:
    """Refuse a request from outside the account's `api.allowed.source.cidr.list`.

    :raises Unauthenticated: 401.
    """
    if not address or not settings.get("api.source.cidr.checks.enabled"):
        return
    listed = settings.get("api.allowed.source.cidr.list", account=account_id) or ""
    if "0.0.0.0/0" in listed and "::/0" in listed:
        return
    source = ipaddress.ip_address(address)
    if isinstance(source, ipaddress.IPv6Address) and source.ipv4_mapped is not None:
        source = source.ipv4_mapped
    networks = (ipaddress.ip_network(part.strip(), strict=False) for part in listed.split(",") if part.strip())
    if not any(source.version == network.version and source in network for network in networks):
        raise Unauthenticated(f"The account is not allowed to execute commands from ip address '{address}'")
