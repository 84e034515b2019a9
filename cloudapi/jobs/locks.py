"""Locks on resources that hold across threads, processes and machines: rows with a lease.

Within a process a thread asks the database for a lock only once no other thread of the process has it, so that the
usual case costs one insert and one delete however many wait; another process's lock is polled for.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import peewee

from cloudapi.errors import ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.common import ResourceLock
from cloudapi.models.database import rows, transact

log = logging.getLogger(__name__)

LEASE = 15_000
POLL = 0.05
_changed = threading.Condition()
# What threads of this process hold, or are asking the database for; guarded by `_changed`.
_here: set[str] = set()


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
def hold(names: Sequence[str], holder: str, timeout: float = 600.0,
         unless: Callable[[], bool] | None = None) -> Iterator[bool]:
    """Hold locks for a block, beside those that the job holds anyway.

    :param holder: the job or call; what it holds already stays its own after the block.
    :param unless: asked each time before the locks are tried; where it answers True (another holder has done the
        work in the meantime) the block runs without them.
    :returns: whether the locks are held.
    :raises ResourceUnavailable: not had within `timeout` seconds.
    """
    mine = {row[0] for row in rows("SELECT name FROM resource_lock WHERE holder = ?", (holder,))}
    wanted = [name for name in names if name not in mine]
    if not _acquire(wanted, holder, time.monotonic() + timeout, unless):
        yield False
        return
    try:
        yield True
    finally:
        if wanted:
            try:
                transact(lambda: ResourceLock.delete().where(
                    ResourceLock.name.in_(wanted), ResourceLock.holder == holder).execute())
            finally:
                _leave(wanted)


def _acquire(names: Sequence[str], holder: str, deadline: float, unless: Callable[[], bool] | None) -> bool:
    """Wait for locks and take them; False where `unless` made that needless."""
    while True:
        _enter(names, deadline)
        taken = False
        try:
            if unless is not None and unless():
                return False
            taken = try_take(names, holder)
            if taken:
                return True
        finally:
            if not taken:
                _leave(names)
        if time.monotonic() > deadline:
            raise _late(names)
        with _changed:
            _changed.wait(POLL)


def _enter(names: Sequence[str], deadline: float) -> None:
    """Wait until no other thread of this process has the locks or asks for them."""
    with _changed:
        while not _here.isdisjoint(names):
            if not _changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() > deadline:
                raise _late(names)
        _here.update(names)


def _leave(names: Sequence[str]) -> None:
    with _changed:
        _here.difference_update(names)
        _changed.notify_all()


def _late(names: Sequence[str]) -> ResourceUnavailable:
    return ResourceUnavailable(f"Unable to lock {', '.join(names)}: another operation holds it")
