"""Copies of templates on primary pools: given up when nothing uses them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.storage import StoragePool, Template, TemplatePool, Volume
from cloudapi.services.host import agent
from cloudapi.services.storage import pool as pools
from cloudapi.services.template.image import READY, release_pool_copy

log = logging.getLogger(__name__)


def used(copy: TemplatePool) -> bool:
    """Whether a volume on the pool is, or will be, a clone of the template."""
    return bool(Volume.alive(Volume.template == copy.template_id, Volume.pool == copy.pool_id).exists())


def evict(context: Context, copy: TemplatePool, hosts: Sequence[Host]) -> None:
    """Remove a copy from its pool, through one of these hosts. Outside transactions.

    :raises HostRefused: a volume is a clone of it.
    """
    template, pool = Template.get_by_id(copy.template_id), StoragePool.get_by_id(copy.pool_id)
    if hosts:
        agent.call(context, hosts[0], "template.evict", {"template": template.uuid, "pool": pool.uuid})
    transact(lambda: release_pool_copy(copy))


def collect(context: Context) -> None:
    """Give up what nobody uses: copies that no volume was cloned from, marked in one run and removed in a later one."""
    settings = context.settings
    if not (settings.get("storage.cleanup.enabled") and settings.get("storage.template.cleanup.enabled")):
        return
    for copy in list(TemplatePool.select().where(TemplatePool.state == READY)):
        if used(copy):
            if copy.marked_for_gc:
                _mark(copy, False)
            continue
        if not copy.marked_for_gc:
            _mark(copy, True)
            continue
        try:
            evict(context, copy, pools.hosts_of(StoragePool.get_by_id(copy.pool_id)))
        except ApiError as error:
            log.warning("template copy %d stays on its pool: %s", copy.id, error.text)


def evict_removed(context: Context) -> None:
    """Remove the copies of deleted templates that no volume needs any more."""
    if not context.settings.get("template.delete.from.primary.storage"):
        return
    gone = Template.select(Template.id).where(Template.removed <= now())
    for copy in list(TemplatePool.select().where(TemplatePool.template.in_(gone), TemplatePool.state == READY)):
        hosts = pools.hosts_of(StoragePool.get_by_id(copy.pool_id))
        if not used(copy) and hosts:
            try:
                evict(context, copy, hosts)
            except ApiError as error:
                log.warning("template copy %d stays on its pool: %s", copy.id, error.text)


def _mark(copy: TemplatePool, marked: bool) -> None:
    transact(lambda: TemplatePool.update(marked_for_gc=marked).where(TemplatePool.id == copy.id).execute())


def clean_up(context: Context) -> None:
    """Give up the copies that nobody uses any more. By the clock."""
    evict_removed(context)
    collect(context)
