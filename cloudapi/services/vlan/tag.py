"""The VLAN of a range or a network, as its URI: `vlan://100`, `vlan://untagged`, `vxlan://5000`."""

from __future__ import annotations

from cloudapi.errors import InvalidParameter

UNTAGGED = "vlan://untagged"
SCHEMES = ("vlan", "vxlan", "pvlan", "storage")


def uri(text: str | None, parameter: str = "vlan") -> str:
    """Return the URI of what a client sent; none means untagged.

    :raises InvalidParameter: it is neither a number nor untagged nor such a URI.
    """
    if not text or not text.strip():
        return UNTAGGED
    scheme, separator, value = text.strip().partition("://")
    if not separator:
        scheme, value = "vlan", text.strip()
    value = value.lower()
    known = scheme.lower() in SCHEMES and (value == "untagged" or all(
        (part[1:] if scheme.lower() == "pvlan" and number and part[:1] in "ipc" else part).isdecimal()
        for number, part in enumerate(value.split("-"))))
    if not known or (scheme.lower() == "vlan" and value.isdecimal() and int(value) > 4095):
        raise InvalidParameter(f"Invalid value {text!r} for parameter {parameter}: it is a VLAN id, vlan://id or "
                               "untagged")
    return f"{scheme.lower()}://{value}"


def number(tag: str | None) -> int | None:
    """Return the id in a URI; None where it is untagged."""
    value = (tag or UNTAGGED).rpartition("://")[2].partition("-")[0]
    return int(value) if value.isdecimal() else None


def same(first: str | None, second: str | None) -> bool:
    """Whether two tags mean the same VLAN, in whichever form they are written."""
    return number(first) == number(second)
