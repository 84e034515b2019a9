"""For which domains and in which zones an offering is; the same for service, disk and network offerings.

An offering without a domain is for everybody, one without a zone is in all of them. A domain stands for
those below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cloudapi.context import ADMIN, DOMAIN_ADMIN, SYSTEM_ACCOUNT, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.offering import OfferingScope
from cloudapi.services.account.limit import is_root_admin

TAGGED_SETTING = "allow.domain.admins.to.create.tagged.offerings"


def topmost(domains: Iterable[Domain]) -> list[Domain]:
    """Return the domains without those that lie below another of them."""
    found = {domain.id: domain for domain in domains}
    return [domain for domain in found.values()
            if not any(domain.path.startswith(other.path) for other in found.values() if other.id != domain.id)]


def domains_of(offering: Any) -> list[Domain]:
    return [Domain.get_by_id(row.domain_id) for row in _rows(offering) if row.domain_id is not None]


def zones_of(offering: Any) -> list[Zone]:
    return [Zone.get_by_id(row.zone_id) for row in _rows(offering) if row.zone_id is not None]


def _rows(offering: Any) -> list[OfferingScope]:
    return list(OfferingScope.select().where(
        OfferingScope.offering_type == type(offering).__name__, OfferingScope.offering_id == offering.id)
        .order_by(OfferingScope.id))


def put(offering: Any, domains: Sequence[Domain] | None, zones: Sequence[Zone] | None) -> None:
    """Write the domains and the zones, each where it is given. Within a transaction."""
    mine = ((OfferingScope.offering_type == type(offering).__name__) & (OfferingScope.offering_id == offering.id))
    for column, wanted in ((OfferingScope.domain_id, domains), (OfferingScope.zone_id, zones)):
        if wanted is None:
            continue
        OfferingScope.delete().where(mine, column.is_null(False)).execute()
        for record in wanted:
            OfferingScope.create(offering_type=type(offering).__name__, offering_id=offering.id,
                                 **{column.name: record.id})


def usable_in(offering: Any, domain_path: str, zone_id: int | None = None) -> bool:
    """Whether an account of the domain with this path may use the offering, in the zone where one is given."""
    return _for_domain(offering, domain_path) and (zone_id is None or _in_zone(offering, zone_id))


def _for_domain(offering: Any, domain_path: str) -> bool:
    paths = [row[0] for row in rows(
        "SELECT d.path FROM offering_scope s JOIN domain d ON d.id = s.domain_id WHERE s.offering_type = ? AND "
        "s.offering_id = ?", [type(offering).__name__, offering.id])]
    return not paths or any(domain_path.startswith(path) for path in paths)


def _in_zone(offering: Any, zone_id: int) -> bool:
    zones = [row[0] for row in rows(
        "SELECT zone_id FROM offering_scope WHERE offering_type = ? AND offering_id = ? AND zone_id IS NOT NULL",
        [type(offering).__name__, offering.id])]
    return not zones or zone_id in zones


def check_usable(account: Account, offering: Any, zone: Zone | None = None) -> None:
    """Refuse an offering that is not for the domain of the account that is to own what is made, or not in the zone.

    Root admins may own what is for any domain; zones bind them too.

    :raises PermissionDenied: 531.
    """
    if not _for_domain(offering, Domain.get_by_id(account.domain_id).path) and not (
            account.id == SYSTEM_ACCOUNT or is_root_admin(account)):
        raise PermissionDenied(f"Account {account.account_name} does not have permission to access "
                               f"{type(offering).type_name()} {offering.uuid}: it is not for its domain")
    if zone is not None and not _in_zone(offering, zone.id):
        raise PermissionDenied(f"{type(offering).type_name()} {offering.uuid} is not available in zone {zone.uuid}")


def parse_domains(text: str | None) -> list[Domain] | None:
    """Return the domains of `domainid` in an update: UUIDs, or `public` for everybody; None leaves them.

    :raises InvalidParameter: one does not exist.
    """
    if not text:
        return None
    return [] if text.lower() == "public" else _records(Domain, text, "domainid")


def parse_zones(text: str | None) -> list[Zone] | None:
    """Return the zones of `zoneid` in an update: UUIDs, or `all`; None leaves them.

    :raises InvalidParameter: one does not exist.
    """
    if not text:
        return None
    return [] if text.lower() == "all" else _records(Zone, text, "zoneid")


def _records(kind: Any, text: str, parameter: str) -> list[Any]:
    found = []
    for part in dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))):
        record = kind.alive(kind.uuid == part).first()
        if record is None:
            raise InvalidParameter(f"Invalid value {part[:64]} for parameter {parameter}: an invalid "
                                   f"{kind.__name__.lower()} ID has been specified")
        found.append(record)
    return found


def check_maker(context: Context, what: str, domains: Sequence[Domain], *, tagged: bool) -> None:
    """Refuse to make an offering that the caller may not make: domain admins make untagged ones for their domains.

    :param what: "service offering" or the like, for the text.
    :raises InvalidParameter: 431, as CloudStack answers.
    """
    if not _is_domain_admin(context, f"create {what}"):
        return
    if not domains:
        raise InvalidParameter(f"Unable to create public {what} by admin: {context.caller.username} because it is "
                               "domain-admin; domainid is to name a domain")
    check_tagger(context, what, tagged=tagged)
    for domain in domains:
        if not domain.path.startswith(context.caller.domain_path):
            raise InvalidParameter(f"Unable to create {what} by another domain-admin: {context.caller.username} for "
                                   f"domain: {domain.uuid} (domainid)")


def _is_domain_admin(context: Context, deed: str) -> bool:
    """Whether the caller is a domain admin, whose rights are narrower; False for a root admin.

    :raises InvalidParameter: neither.
    """
    role = context.caller.role_type
    if role not in (ADMIN, DOMAIN_ADMIN):
        raise InvalidParameter(f"Unable to {deed} by user: {context.caller.username} because it is not root-admin or "
                               "domain-admin")
    return role == DOMAIN_ADMIN


def check_tagger(context: Context, what: str, *, tagged: bool) -> None:
    """Refuse tags from a domain admin to whom the setting does not allow them."""
    if tagged and not context.settings.get(TAGGED_SETTING, account=context.caller.account_id):
        raise InvalidParameter(f"User [{context.caller.username}] is unable to set storage tags or host tags of a "
                               f"{what}")


def check_changer(context: Context, offering: Any, domains: Sequence[Domain] | None, zones: Sequence[Zone] | None, *,
                  described: bool, tagged: bool) -> list[Domain] | None:
    """Return the domains that an update gives to the offering; None leaves them.

    Domains of others, which a domain admin did not name, stay.

    :param described: the update changes name, text or order.
    :param tagged: it sets tags.
    :raises InvalidParameter: a domain admin may not change this offering so.
    """
    wanted = None if domains is None else topmost(domains)
    kind = type(offering).type_name()
    if not _is_domain_admin(context, f"update {kind}"):
        return wanted
    user, path = context.caller.username, context.caller.domain_path
    existing = domains_of(offering)
    if zones is not None and {zone.id for zone in zones} != {zone.id for zone in zones_of(offering)}:
        raise InvalidParameter(f"Unable to update zone(s) (zoneid) of {kind} {offering.uuid} by admin {user} as it "
                               "is domain-admin")
    if not existing:
        raise InvalidParameter(f"Unable to update public {kind} {offering.uuid} by user {user} because it is "
                               "domain-admin")
    if wanted is not None and not wanted:
        raise InvalidParameter(f"Unable to update {kind} {offering.uuid} to a public offering by user {user} because "
                               "it is domain-admin")
    check_tagger(context, kind, tagged=tagged)
    foreign = [domain for domain in existing if not domain.path.startswith(path)]
    if foreign and described:
        raise InvalidParameter(f"Unable to update {kind} {offering.uuid} as it has linked domain(s) which are not "
                               f"child domain for domain-admin {user}")
    for domain in wanted or []:
        if not domain.path.startswith(path):
            raise InvalidParameter(f"Unable to update {kind} {offering.uuid} by domain-admin {user} with domain "
                                   f"{domain.uuid} (domainid) which is not a child domain")
    return None if wanted is None else [*wanted, *foreign]


def check_remover(context: Context, offering: Any) -> None:
    """Refuse to delete an offering that is not the caller's domain's own.

    :raises InvalidParameter: 431, as CloudStack answers.
    """
    kind = type(offering).type_name()
    if not _is_domain_admin(context, f"delete {kind}"):
        return
    existing = domains_of(offering)
    if not existing:
        raise InvalidParameter(f"Unable to delete public {kind} {offering.uuid} by admin {context.caller.username} "
                               "because it is domain-admin")
    if any(not domain.path.startswith(context.caller.domain_path) for domain in existing):
        raise InvalidParameter(f"Unable to delete {kind} {offering.uuid} as it has linked domain(s) which are not "
                               f"child domain for domain-admin {context.caller.username}")


def related_domains(path: str, *, below: bool = False) -> list[int]:
    """Return the ids of the domain with this path and of those above it; with `below` of those under it as well."""
    parts = [part for part in path.split("/") if part]
    paths = ["/" + "".join(f"{part}/" for part in parts[:length]) for length in range(len(parts) + 1)]
    marks = ",".join("?" * len(paths))
    found = rows(f"SELECT d.id FROM domain d WHERE d.path IN ({marks})", paths)
    if below:
        found += rows("SELECT d.id FROM domain d WHERE d.path LIKE ?", [path + "%"])
    return list(dict.fromkeys(row[0] for row in found))
