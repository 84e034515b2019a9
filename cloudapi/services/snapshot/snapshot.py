"""Snapshots of volumes."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.storage import Snapshot
from cloudapi.services.account import limit


def forget(context: Context, snapshot: Snapshot) -> None:
    """Mark a snapshot as removed and count it no longer; what it was is gone already. Within a transaction."""
    if Snapshot.update(state="Destroyed", removed=now()).where(
            Snapshot.id == snapshot.id, Snapshot.removed.is_null()).execute():
        owner = Account.get_by_id(snapshot.account_id)
        limit.give_back(owner, "snapshot", 1)
        limit.give_back(owner, "secondary_storage" if snapshot.image_store_id else "primary_storage",
                        snapshot.physical_size)
