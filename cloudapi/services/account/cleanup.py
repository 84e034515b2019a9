"""What goes with an account: every area registers how it removes what an account owns.

    @cleanup.register(30, "volumes")
    def remove_volumes(context: Context, account: Account) -> None: ...

and what a domain itself has, beside its accounts (shared networks, dedicated ranges):

    @cleanup.register_domain(60, "networks", count_networks)
    def remove_networks(context: Context, domain: Domain) -> None: ...

Lower orders run first: 10 Instances, 20 snapshots, 30 volumes, 40 templates, 50 rules and addresses, 60 networks,
70 SSH keys and user data, 80 the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.identity import Account, Domain

log = logging.getLogger(__name__)

Owner = TypeVar("Owner", Account, Domain)
Removal = Callable[[Context, Account], None]
DomainRemoval = Callable[[Context, Domain], None]

_removals: dict[str, tuple[int, Removal]] = {}
_domain_removals: dict[str, tuple[int, DomainRemoval]] = {}
_domain_counts: dict[str, Callable[[Domain], int]] = {}


def register(order: int, name: str) -> Callable[[Removal], Removal]:
    """Register a removal, which is called outside of any transaction and is safe to repeat."""

    def keep(removal: Removal) -> Removal:
        _removals[name] = (order, removal)
        return removal

    return keep


def register_domain(order: int, name: str,
                    count: Callable[[Domain], int]) -> Callable[[DomainRemoval], DomainRemoval]:
    """Register the removal of what a domain itself has; `count` says how much that is."""

    def keep(removal: DomainRemoval) -> DomainRemoval:
        _domain_removals[name], _domain_counts[name] = (order, removal), count
        return removal

    return keep


def run(context: Context, account: Account) -> list[str]:
    """Remove everything that an account owns. Returns what could not be removed, as `name: reason`.

    One area's failure does not keep the others; the periodic cleanup tries again what is left.
    """
    return _run(context, account, _removals)


def run_domain(context: Context, domain: Domain) -> list[str]:
    """Remove what a domain has beside its accounts. Returns what could not be removed."""
    return _run(context, domain, _domain_removals)


def left_in_domain(domain: Domain) -> list[str]:
    """Return what a domain has beside its accounts, as `2 networks`."""
    counted = {name: count(domain) for name, count in _domain_counts.items()}
    return [f"{number} {name}" for name, number in counted.items() if number]


def _run(context: Context, owner: Owner,
         removals: Mapping[str, tuple[int, Callable[[Context, Owner], None]]]) -> list[str]:
    left: list[str] = []
    kind = type(owner).__name__.lower()
    for name, (_, removal) in sorted(removals.items(), key=lambda item: (item[1][0], item[0])):
        try:
            removal(context, owner)
        except ApiError as error:
            log.warning("%s %s: %s are not removed: %s", kind, owner.uuid, name, error.text)
            left.append(f"{name}: {error.text}")
        except Exception:
            log.exception("%s %s: %s are not removed", kind, owner.uuid, name)
            left.append(f"{name}: an internal error")
    return left
