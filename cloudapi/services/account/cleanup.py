"""What goes with an account: every area registers how it removes what an account owns.

    @cleanup.register(30, "volumes")
    def remove_volumes(context: Context, account: Account) -> None: ...

Lower orders run first: 10 Instances, 20 snapshots, 30 volumes, 40 templates, 50 rules and addresses, 60 networks,
70 SSH keys and user data, 80 the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.identity import Account

log = logging.getLogger(__name__)

Removal = Callable[[Context, Account], None]

_removals: dict[str, tuple[int, Removal]] = {}


def register(order: int, name: str) -> Callable[[Removal], Removal]:
    """Register a removal, which is called outside of any transaction and is safe to repeat."""

    def keep(removal: Removal) -> Removal:
        _removals[name] = (order, removal)
        return removal

    return keep


def run(context: Context, account: Account) -> list[str]:
    """Remove everything that an account owns. Returns what could not be removed, as `name: reason`.

    One area's failure does not keep the others; the periodic cleanup tries again what is left.
    """
    left: list[str] = []
    for name, (_, removal) in sorted(_removals.items(), key=lambda item: (item[1][0], item[0])):
        try:
            removal(context, account)
        except ApiError as error:
            log.warning("account %s: %s are not removed: %s", account.uuid, name, error.text)
            left.append(f"{name}: {error.text}")
        except Exception:
            log.exception("account %s: %s are not removed", account.uuid, name)
            left.append(f"{name}: an internal error")
    return left
