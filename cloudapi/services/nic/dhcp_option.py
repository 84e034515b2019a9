"""DHCP options that Instances may be given, by the names that dnsmasq has for them."""

from __future__ import annotations

from collections.abc import Mapping

from cloudapi.errors import InvalidParameter

OPTIONS = {
    1: "netmask", 2: "time-offset", 3: "router", 4: "time-server", 6: "dns-server", 7: "log-server",
    9: "lpr-server", 12: "hostname", 13: "boot-file-size", 15: "domain-name", 16: "swap-server", 17: "root-path",
    18: "extension-path", 19: "ip-forward-enable", 20: "non-local-source-routing", 21: "policy-filter",
    22: "max-datagram-reassembly", 23: "default-ttl", 26: "mtu", 27: "all-subnets-local", 28: "broadcast",
    31: "router-discovery", 32: "router-solicitation", 33: "static-route", 34: "trailer-encapsulation",
    35: "arp-timeout", 36: "ethernet-encap", 37: "tcp-ttl", 38: "tcp-keepalive", 40: "nis-domain", 41: "nis-server",
    42: "ntp-server", 43: "vendor-encap", 44: "netbios-ns", 45: "netbios-dd", 46: "netbios-nodetype",
    47: "netbios-scope", 48: "x-windows-fs", 49: "x-windows-dm", 50: "requested-address", 51: "lease-time",
    52: "option-overload", 53: "message-type", 54: "server-identifier", 55: "parameter-request", 56: "message",
    57: "max-message-size", 58: "T1", 59: "T2", 60: "vendor-class", 61: "client-id", 64: "nis+-domain",
    65: "nis+-server", 66: "tftp-server", 67: "bootfile-name", 68: "mobile-ip-home", 69: "smtp-server",
    70: "pop3-server", 71: "nntp-server", 74: "irc-server", 77: "user-class", 93: "client-arch",
    94: "client-interface-id", 97: "client-machine-id", 114: "url", 119: "domain-search", 120: "sip-server",
    121: "classless-static-route", 125: "vendor-id-encap", 255: "server-ip-address",
}
CODES = {name.lower(): code for code, name in OPTIONS.items()}


def name_of(code: int) -> str:
    return OPTIONS.get(code, str(code))


def code_of(name: str) -> int:
    """Return the number of an option that is given by name or number.

    :raises InvalidParameter: there is no such option.
    """
    text = name.strip().lower()
    if text.isdecimal() and int(text) in OPTIONS:
        return int(text)
    if text in CODES:
        return CODES[text]
    raise InvalidParameter(f"Unknown DHCP option {name[:64]}: it is one of {', '.join(OPTIONS.values())}, or its "
                           "number")


def parse(options: Mapping[str, str]) -> dict[str, str]:
    """Return options with their numbers as keys, as NICs keep them."""
    return {str(code_of(name)): value for name, value in options.items() if value}
