"""Names of Instances: host names by RFC 1123, their uniqueness, and the names that hosts know."""

from __future__ import annotations

import re

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain
from cloudapi.models.network import Network

_LABEL = re.compile(r"^[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")


def check(name: str) -> None:
    """Refuse what cannot be a guest's host name.

    :raises InvalidParameter: it is not a label of 1 to 63 letters, digits and hyphens that begins with a letter.
    """
    if not _LABEL.match(name):
        raise InvalidParameter(
            f"Invalid name {name[:80]}. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', "
            "and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with \"-\" and "
            "can't start with digit")


def default(context: Context, uuid: str) -> str:
    """Return the host name of an Instance that was given none."""
    return f"{context.settings.get('instance.name')}-{uuid}"[:63].rstrip("-")


def instance_name(context: Context, account_id: int, machine_id: int, name: str | None) -> str:
    """Return the name on hosts: `i-<account>-<id>-<instance.name>`; with vm.instancename.flag the Instance's own."""
    suffix = name if context.settings.get("vm.instancename.flag") and name else context.settings.get("instance.name")
    return f"i-{account_id}-{machine_id}-{suffix}"


def check_unique(context: Context, name: str, owner: Account, networks: list[Network], but: int | None = None) -> None:
    """Refuse a host name that is taken where `vm.distinct.hostname.scope` looks.

    :param but: the id of the Instance itself, where it is renamed.
    :raises InvalidParameter: it is taken.
    """
    condition, values = _scope(context, owner, networks)
    if condition is None:
        return
    if but is not None:
        condition, values = f"{condition} AND m.id <> ?", [*values, but]
    found = rows("SELECT m.id FROM machine m WHERE m.kind = 'User' AND m.removed IS NULL AND m.name = ? "
                 f"AND m.state NOT IN ('Destroyed', 'Expunging') AND {condition} LIMIT 1", [name, *values])
    if found:
        place = ", ".join(network.name or network.uuid for network in networks)
        raise InvalidParameter(f"The vm with hostName {name} already exists in the network domain: "
                               f"{networks[0].network_domain if networks else ''}; network={place}")


def _scope(context: Context, owner: Account, networks: list[Network]) -> tuple[str | None, list[object]]:
    scope = context.settings.get("vm.distinct.hostname.scope")
    if scope == "account":
        return "m.account_id = ?", [owner.id]
    if scope == "domain":
        return "m.domain_id = ?", [owner.domain_id]
    if scope == "subdomain":
        path = Domain.get_by_id(owner.domain_id).path
        return "m.domain_id IN (SELECT d.id FROM domain d WHERE d.path LIKE ?)", [path + "%"]
    if scope == "global":
        return "1 = 1", []
    if not networks:
        return None, []
    ids = [network.id for network in networks]
    marks = ",".join("?" * len(ids))
    return (f"m.id IN (SELECT n.vm_id FROM nic n WHERE n.removed IS NULL AND n.network_id IN ({marks}))", list(ids))
