"""Checks of single text settings. Each takes the value and answers what is wrong with it, or None."""

from __future__ import annotations

import datetime
import ipaddress
import re

_HYPERVISORS = frozenset(
    {
        "xenserver",
        "kvm",
        "vmware",
        "hyperv",
        "virtualbox",
        "parralels",
        "baremetal",
        "simulator",
        "ovm",
        "ovm3",
        "lxc",
        "custom",
        "external",
    }
)
_DOMAIN_NAME = re.compile(
    r"(?=.{1,237}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.I
)
_TIMEOUT = re.compile(r"0*[1-9][0-9]{0,8}")
_ROLE_TYPES = frozenset({"Admin", "ResourceAdmin", "DomainAdmin", "User"})


def command_timeouts(text: str) -> str | None:
    """`Command=seconds`, several separated by commas."""
    for pair in text.split(","):
        command, equals, seconds = (part.strip() for part in pair.partition("="))
        if not equals or not command:
            return f"Validation failed: [{pair.strip()}] is not of the form command=seconds"
        if not _TIMEOUT.fullmatch(seconds):
            return f"Validation failed: the timeout [{seconds}] of {command} is not a positive number of seconds"
    return None


def date(text: str) -> str | None:
    """A date, or a date with a time."""
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
        try:
            datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        return None
    return f"[{text}] is not a date of the form yyyy-MM-dd or yyyy-MM-dd HH:mm:ss"


def networks(text: str) -> str | None:
    """IPv4 and IPv6 addresses and networks, separated by commas; a network's host bits are zero."""
    for word in text.split(","):
        try:
            ipaddress.ip_network(word.strip())
        except ValueError:
            return f"[{word.strip()}] is neither an IP address nor a network in CIDR notation"
    return None


def ipv4_network(text: str) -> str | None:
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        return f"[{text}] is not an IPv4 network in CIDR notation"
    return None


def ipv4_address(text: str) -> str | None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return f"[{text}] is not an IPv4 address"
    return None


def hypervisors(text: str) -> str | None:
    for word in text.split(","):
        if word.strip().lower() not in _HYPERVISORS:
            return f"[{word.strip()}] is not a hypervisor type"
    return None


def hypervisor_or_any(text: str) -> str | None:
    return None if text.lower() == "any" else hypervisors(text)


def instance_name(text: str) -> str | None:
    if re.search(r"[-\s+]", text):
        return f"[{text}] is not an instance name: it has a hyphen, a space or a plus sign"
    return None


def domain_name(text: str) -> str | None:
    if not _DOMAIN_NAME.fullmatch(text.removeprefix("*.")):
        return f"[{text}] is not a domain name"
    return None


def regular_expression(text: str) -> str | None:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"[{text}] is not a regular expression: {error}"
    return None


def role_types(text: str) -> str | None:
    for word in text.split(","):
        if word.strip() not in _ROLE_TYPES:
            return f"[{word.strip()}] is not a role type; valid ones are {', '.join(sorted(_ROLE_TYPES))}"
    return None
