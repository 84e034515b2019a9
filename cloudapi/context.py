"""Who calls, with which role, at what time: the first argument of every service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloudapi.models.base import new_uuid, now

if TYPE_CHECKING:
    from cloudapi.hosts.client import HostClient
    from cloudapi.jobs.steps import Steps
    from cloudapi.models.identity import Account

ADMIN, RESOURCE_ADMIN, DOMAIN_ADMIN, USER = "Admin", "ResourceAdmin", "DomainAdmin", "User"

# Fixed ids that CloudStack's own tables use and its tools rely on.
ROOT_DOMAIN, SYSTEM_ACCOUNT, ADMIN_ACCOUNT, SYSTEM_USER, ADMIN_USER = 1, 1, 2, 1, 2


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user: ids are those inside the database."""

    user_id: int
    user_uuid: str
    username: str
    account_id: int
    account_uuid: str
    account_name: str
    role_id: int
    role_type: str
    domain_id: int
    domain_uuid: str
    domain_path: str
    key_pair_id: int | None = None

    @property
    def is_root_admin(self) -> bool:
        return self.role_type == ADMIN

    @property
    def is_admin(self) -> bool:
        """Whether the caller administers others: root, resource or domain admin."""
        return self.role_type != USER

    @property
    def is_domain_admin(self) -> bool:
        return self.role_type in (DOMAIN_ADMIN, RESOURCE_ADMIN)


@dataclass(slots=True)
class Context:
    """One call, or one job.

    :ivar installation: the parts that `cloudapi.app` wired together (hosts, settings, jobs, secrets, paths).
    :ivar steps: how a job records what it has done; outside a job a plain runner.
    :ivar owner: the account for which something is made, where that is not the caller (set by `Owner` fields).
    :ivar after: what to do once the call's transaction is committed (wake a worker, tell a host).
    """

    caller: Caller
    installation: Any
    steps: Steps
    request_id: str = field(default_factory=new_uuid)
    job_id: int | None = None
    start_event_id: int | None = None
    owner: Account | None = None
    event_text: str | None = None
    after: list[Callable[[], Any]] = field(default_factory=list)

    @property
    def hosts(self) -> HostClient:
        return self.installation.hosts

    @property
    def settings(self) -> Any:
        return self.installation.settings

    def now(self) -> int:
        """Return the installation's clock, in milliseconds since 1970."""
        return now()
