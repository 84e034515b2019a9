"""What is done by the clock: every task with the setting that says how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.services.account import account, count
from cloudapi.services.async_job import job
from cloudapi.services.capacity import capacity
from cloudapi.services.event import event
from cloudapi.services.host import statistics
from cloudapi.services.network import garbage
from cloudapi.services.router import health as router_health
from cloudapi.services.router import router
from cloudapi.services.snapshot import policy, snapshot
from cloudapi.services.storage import image_store
from cloudapi.services.storage import pool as storage_pool
from cloudapi.services.system_vm import system_vm
from cloudapi.services.template import copy as template_copy
from cloudapi.services.template import download as template_download
from cloudapi.services.template import extraction as template_extraction
from cloudapi.services.template import stock as template_stock
from cloudapi.services.template import upload as template_upload
from cloudapi.services.user import key
from cloudapi.services.virtual_machine import expunging, lease, purging
from cloudapi.services.virtual_machine import statistics as machine_statistics
from cloudapi.services.volume import extract, post_upload, removal, upload
from cloudapi.services.volume import statistics as volume_statistics

# Seconds between two looks at work that others do.
FOLLOWED = 2.0
# Seconds between two looks for what is kept for a time: sessions and keys (which do not work meanwhile), statistics.
ENDED = 600.0
# Seconds between two looks for jobs that others keep from beginning; the setting counts in minutes.
BLOCKED = 60.0
# Seconds between two looks for expunged Instances that are to leave the database.
PURGED = 10.0
# Seconds between two looks for zones that lack what every zone has.
SPREAD = 30.0
# Seconds between two looks at routers that missed a change.
LEFT_BEHIND = 30.0
# The interval of a task that its setting switches off, with 0.
OFF = 1e9


@dataclass(frozen=True, slots=True)
class Periodic:
    """:param interval: from the settings to seconds. :param work: does it once; safe to repeat."""

    name: str
    interval: Callable[[Any], float]
    work: Callable[[Context], None]


TASKS: list[Periodic] = [
    Periodic("host statistics", lambda settings: settings.get("host.stats.interval") / 1000, statistics.collect_all),
    Periodic("capacity reservations", lambda settings: settings.get("host.reservation.release.period") / 1000,
             capacity.expire_reservations),
    Periodic("destroyed volumes", lambda settings: settings.get("storage.cleanup.interval"), removal.expunge_destroyed),
    Periodic("volume downloads", lambda settings: FOLLOWED, upload.follow),
    Periodic("volume uploads", lambda settings: settings.get("upload.monitoring.interval"), post_upload.expire),
    Periodic("volume links", lambda settings: settings.get("extract.url.cleanup.interval"), extract.end_links),
    Periodic("template downloads", lambda settings: 1.0, template_download.poll),
    Periodic("template uploads", lambda settings: settings.get("upload.monitoring.interval"), template_upload.give_up),
    Periodic("template links", lambda settings: settings.get("extract.url.cleanup.interval"),
             template_extraction.end_links),
    Periodic("template copies", lambda settings: settings.get("storage.cleanup.interval"), template_copy.clean_up),
    Periodic("image stores", lambda settings: int(settings.get("storage.stats.interval")) / 1000 or OFF,
             image_store.refresh_all),
    Periodic("storage pools", lambda settings: int(settings.get("storage.stats.interval")) / 1000 or OFF,
             storage_pool.refresh_all),
    Periodic("templates of all zones", lambda settings: SPREAD, template_stock.spread),
    Periodic("volume statistics", lambda settings: settings.get("volume.stats.interval") / 1000 or OFF,
             volume_statistics.collect),
    Periodic("snapshot policies", lambda settings: settings.get("snapshot.poll.interval"), policy.run_due),
    Periodic("snapshot backups", lambda settings: FOLLOWED, snapshot.back_up_later),
    Periodic("deleted accounts", lambda settings: settings.get("account.cleanup.interval"), account.clean_up),
    Periodic("resource counts", lambda settings: settings.get("resourcecount.check.interval") or OFF,
             count.recount_all),
    Periodic("unused networks", lambda settings: settings.get("network.gc.interval"), garbage.collect),
    Periodic("routers left behind", lambda settings: LEFT_BEHIND, router.left_behind),
    Periodic("router health", lambda settings: settings.get("router.health.checks.results.fetch.interval") * 60 or OFF,
             router_health.fetch_all),
    Periodic("redundant routers", lambda settings: settings.get("router.check.interval"), router_health.watch_pairs),
    Periodic("system VMs", lambda settings: FOLLOWED, system_vm.keep),
    Periodic("destroyed Instances", lambda settings: settings.get("expunge.interval"), expunging.expunge_destroyed),
    Periodic("Instances to purge", lambda settings: PURGED, purging.purge_due),
    Periodic("expunged Instances", lambda settings: settings.get("expunged.resources.purge.interval")
             if settings.get("expunged.resources.purge.enabled") else OFF, purging.purge_old),
    Periodic("Instance statistics", lambda settings: settings.get("vm.stats.interval") / 1000 or OFF,
             machine_statistics.collect),
    Periodic("old Instance statistics", lambda settings: ENDED, machine_statistics.remove_old),
    Periodic("old disk statistics", lambda settings: ENDED, volume_statistics.remove_old),
    Periodic("ended leases", lambda settings: settings.get("instance.lease.scheduler.interval"), lease.expire),
    Periodic("leases about to end", lambda settings: settings.get("instance.lease.eventscheduler.interval"),
             lease.announce),
    Periodic("old events", lambda settings: settings.get("event.purge.interval"), event.purge),
    Periodic("ended jobs", lambda settings: ENDED, job.purge),
    Periodic("blocked jobs", lambda settings: BLOCKED, job.give_up),
    Periodic("ended sessions", lambda settings: ENDED, lambda context: context.installation.sessions.purge()),
    Periodic("ended keys", lambda settings: ENDED, key.remove_expired),
]
