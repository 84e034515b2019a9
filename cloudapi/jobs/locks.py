"""Locks on resources that hold across threads, processes and machines: rows with a lease.

Within a process threads wait on a condition, so that the usual case costs one insert and one delete; another
process's lock is polled for.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence

import peewee

from cloudapi.errors import ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.common import ResourceLock
from cloudapi.models.database import transact

log = logging.getLogger(__name__)

LEASE = 15_000
POLL = 0.05
_changed = threading.Condition()


class Contended(Exception):
    """Another process changed the same row in the same moment: roll the transaction back and try again later."""


def key(record: object) -> str:
    """Return the name of a record's lock."""
    return f"{type(record).__name__}:{getattr(record, 'id')}"  # noqa: B009 - peewee records are untyped


def take(names: Sequence[str], holder: str, lease: int = LEASE) -> bool:
    """Take all of the locks, or none. To be called within a transaction.

    Names that this holder has already are kept.

    :raises Contended: another process was faster with one of them; the transaction has to be rolled back.
    """
    if not names:
        return True
    moment = now()
    ordered = sorted(set(names))
    held = {row.name: row for row in ResourceLock.select().where(ResourceLock.name.in_(ordered))}
    for row in held.values():
        if row.holder != holder and row.lease_until > moment:
            return False
    for name in ordered:
        row = held.get(name)
        if row is None:
            try:
                ResourceLock.create(name=name, holder=holder, lease_until=moment + lease)
            except peewee.IntegrityError as error:
                raise Contended(name) from error
        elif not (ResourceLock.update(holder=holder, lease_until=moment + lease)
                  .where(ResourceLock.name == name, ResourceLock.holder == row.holder,
                         ResourceLock.lease_until == row.lease_until).execute()):
            raise Contended(name)
    return True


def release(holder: str) -> None:
    ResourceLock.delete().where(ResourceLock.holder == holder).execute()


def announce() -> None:
    """Wake those that wait, after the transaction that let locks go."""
    with _changed:
        _changed.notify_all()


def renew(holder: str, lease: int = LEASE) -> None:
    ResourceLock.update(lease_until=now() + lease).where(ResourceLock.holder == holder).execute()


def try_take(names: Sequence[str], holder: str) -> bool:
    """Take the locks in a transaction of their own."""
    try:
        return transact(lambda: take(names, holder))
    except Contended:
        return False


@contextlib.contextmanager
def hold(names: Sequence[str], holder: str, timeout: float = 600.0) -> Iterator[None]:
    """Hold locks for a block, beside those that the job holds anyway.

    :param holder: the job or call; what it holds already stays its own after the block.
    :raises ResourceUnavailable: not had within `timeout` seconds.
    """
    mine = {row.name for row in ResourceLock.select(ResourceLock.name).where(ResourceLock.holder == holder)}
    wanted = [name for name in names if name not in mine]
    deadline = time.monotonic() + timeout
    with _changed:
        while not try_take(wanted, holder):
            if time.monotonic() > deadline:
                raise ResourceUnavailable(f"Unable to lock {', '.join(wanted)}: another operation holds it")
            _changed.wait(POLL)
    try:
        yield
    finally:
        if wanted:
            transact(lambda: ResourceLock.delete().where(
                ResourceLock.name.in_(wanted), ResourceLock.holder == holder).execute())
            announce()
