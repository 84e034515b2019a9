"""What a session leaves in the browser, and where a request comes from."""

from __future__ import annotations

import ipaddress
from typing import Any

from flask import Response
from werkzeug import Request

TOKEN, SESSION_KEY = "JSESSIONID", "sessionkey"
_SAME_SITE = {"Lax": "Lax", "Strict": "Strict", "NoneAndSecure": "None", "Null": None}


def set_cookies(response: Response, settings: Any, token: str, session_key: str) -> None:
    """Hand out the cookies of a session; an empty token takes them back.

    The token's cookie is never readable for scripts; the session key's attributes follow the settings.
    """
    secure = bool(settings.get("enable.secure.session.cookie"))
    choice = settings.get("api.sessionkey.cookie.samesite")
    age = None if token else 0
    response.set_cookie(TOKEN, token, max_age=age, httponly=True, samesite="Lax", secure=secure, path="/client")
    response.set_cookie(SESSION_KEY, session_key, max_age=age, httponly=True, samesite=_SAME_SITE.get(choice, "Lax"),
                        secure=secure or choice == "NoneAndSecure", path="/client")


def remote_address(request: Request, settings: Any) -> str:
    """Return the client's address; from a proxy's header only where the proxy is one of `proxy.cidr`."""
    address = request.remote_addr or ""
    if not settings.get("proxy.header.verify") or not address:
        return address
    trusted = [part.strip() for part in (settings.get("proxy.cidr") or "").split(",") if part.strip()]
    if not any(_within(address, network) for network in trusted):
        return address
    for header in (settings.get("proxy.header.names") or "").split(","):
        named = request.headers.get(header.strip().removeprefix("HTTP_").replace("_", "-"), "").split(",")[0].strip()
        if named and _is_address(named):
            return named
    return address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
