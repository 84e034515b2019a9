"""Groups and subgroups that settings are listed under, and the rule by which a setting finds its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Group:
    """:param precedence: groups are listed by it, least first."""

    name: str
    description: str
    precedence: int


@dataclass(frozen=True)
class Subgroup:
    """:param keywords: words of a setting's name that place it here, besides the subgroup's own name."""

    name: str
    group: str
    precedence: int
    keywords: tuple[str, ...] = ()


GROUPS = (
    Group("Access", "Identity and Access management configuration", 1),
    Group("Compute", "Compute configuration", 2),
    Group("Storage", "Storage configuration", 3),
    Group("Network", "Network configuration", 4),
    Group("Hypervisor", "Hypervisor specific configuration", 5),
    Group("Management Server", "Management Server configuration", 6),
    Group("System VMs", "System VMs related configuration", 7),
    Group("Infrastructure", "Infrastructure configuration", 8),
    Group("Usage Server", "Usage Server related configuration", 9),
    Group("Miscellaneous", "Miscellaneous configuration", 999),
)

OTHERS = Subgroup("Others", "Miscellaneous", 999)

# The order decides where two subgroups would take the same word.
SUBGROUPS = (
    OTHERS,
    Subgroup("Account", "Access", 1),
    Subgroup("Domain", "Access", 2),
    Subgroup("Project", "Access", 3),
    Subgroup("LDAP", "Access", 4),
    Subgroup("SAML", "Access", 5, ("saml2",)),
    Subgroup("Virtual Machine", "Compute", 1, ("vm", "instance", "cpu", "ssh", "affinity")),
    Subgroup("Kubernetes", "Compute", 2, ("kubernetes",)),
    Subgroup("High Availability", "Compute", 3, ("ha",)),
    Subgroup("Images", "Storage", 1, ("template", "iso")),
    Subgroup("Volume", "Storage", 2, ("disk", "diskoffering")),
    Subgroup("Snapshot", "Storage", 3),
    Subgroup("VM Snapshot", "Storage", 4, ("vmsnapshot",)),
    Subgroup("Network", "Network", 1, ("firewall", "vlan", "dns", "globodns", "ipaddress", "cidr")),
    Subgroup("DHCP", "Network", 2, ("externaldhcp",)),
    Subgroup("VPC", "Network", 3),
    Subgroup("LoadBalancer", "Network", 4, ("lb", "gslb")),
    Subgroup("API", "Management Server", 1),
    Subgroup("Alerts", "Management Server", 2, ("alert",)),
    Subgroup("Events", "Management Server", 3, ("event",)),
    Subgroup("Security", "Management Server", 4, ("secure", "password", "authenticators")),
    Subgroup("Usage", "Usage Server", 1),
    Subgroup("Limits", "Management Server", 6, ("capacity", "delay", "interval", "workers")),
    Subgroup("Jobs", "Management Server", 7, ("job",)),
    Subgroup("Agent", "Management Server", 8),
    Subgroup("Hypervisor", "Hypervisor", 1, ("host",)),
    Subgroup("KVM", "Hypervisor", 2, ("libvirt",)),
    Subgroup("VMware", "Hypervisor", 3, ("vcenter",)),
    Subgroup("XenServer", "Hypervisor", 4, ("xen", "xapi", "xcp")),
    Subgroup("OVM", "Hypervisor", 5, ("ovm3",)),
    Subgroup("Baremetal", "Hypervisor", 6),
    Subgroup("ConsoleProxyVM", "System VMs", 1, ("cpvm", "consoleproxy", "novnc")),
    Subgroup("SecStorageVM", "System VMs", 2, ("ssvm", "secondary")),
    Subgroup("VirtualRouter", "System VMs", 3, ("vr", "router", "vrouter")),
    Subgroup("Diagnostics", "System VMs", 4),
    Subgroup("Primary Storage", "Infrastructure", 1, ("storage", "pool", "primary")),
    Subgroup("Secondary Storage", "Infrastructure", 2, ("image", "secstorage")),
    Subgroup("Backup & Recovery", "Miscellaneous", 1, ("backup", "recovery", "veeam")),
    Subgroup("Certificate Authority", "Miscellaneous", 2, ("ca",)),
    Subgroup("Quota", "Miscellaneous", 3),
    Subgroup("Cloudian", "Miscellaneous", 4),
    Subgroup("DRS", "Miscellaneous", 4, ("drs",)),
)


@cache
def subgroup_for(setting_name: str, placed_in: str | None = None) -> Subgroup:
    """Return the subgroup named `placed_in`, else that of the first word of the setting's name that has one.

    A word belongs where it is the subgroup's name, else one of its keywords, else begins with one of its keywords.
    """
    if placed_in is not None:
        return next(subgroup for subgroup in SUBGROUPS if subgroup.name == placed_in)
    for word in setting_name.lower().split("."):
        for belongs in (_is_name, _is_keyword, _begins_with_keyword):
            for subgroup in SUBGROUPS:
                if belongs(word, subgroup):
                    return subgroup
    return OTHERS


def _is_name(word: str, subgroup: Subgroup) -> bool:
    return word == subgroup.name.lower()


def _is_keyword(word: str, subgroup: Subgroup) -> bool:
    return word in subgroup.keywords


def _begins_with_keyword(word: str, subgroup: Subgroup) -> bool:
    return word.startswith(subgroup.keywords) if subgroup.keywords else False
