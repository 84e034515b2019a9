"""Names of the DNS."""

from __future__ import annotations

import re

from cloudapi.errors import InvalidParameter

MAXIMUM = 190
_LABEL = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")


def check_domain_name(name: str, parameter: str) -> str:
    """Return a DNS domain of networks (`cs1.example.org`), as it was given.

    :raises InvalidParameter: it is too long, or a label in it is none.
    """
    if len(name) > MAXIMUM or not all(_LABEL.match(label) for label in name.split(".")):
        raise InvalidParameter(
            f"Invalid network domain {name[:80]!r} for parameter {parameter}: at most {MAXIMUM} characters, in labels "
            "of 1 to 63, of ASCII letters, digits and hyphens, without a hyphen at either end")
    return name
