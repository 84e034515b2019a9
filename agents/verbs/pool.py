"""Primary storage pools."""

from typing import Optional

from agents.machine import Call
from agents.storage.base import ObjectPage, PoolReport, PoolSpec
from agents.verbs.registry import verb


@verb("repeatable")
def attach(call: Call, pool: PoolSpec) -> PoolReport:
    """Makes a pool usable on this host."""
    return call.primary.attach_pool(pool)


@verb("repeatable")
def detach(call: Call, pool: str) -> None:
    """The host gives the pool up; what is on it stays. Refused (in_use) while an Instance here has a disk there."""
    call.primary.detach_pool(pool)


@verb("read", key="pools")
def statistics(call: Call, pools: list[str]) -> list[PoolReport]:
    """Capacity and use."""
    return call.primary.pool_statistics(pools)


@verb("read")
def list_objects(
    call: Call, pool: str, path: str = "", keyword: Optional[str] = None, offset: int = 0, limit: Optional[int] = None
) -> ObjectPage:
    """A page of what lies under a path of the pool."""
    return call.primary.list_pool(pool, path, keyword, offset, limit)
