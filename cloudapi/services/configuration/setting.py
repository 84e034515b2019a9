"""The values of settings, with their scopes: a value of a narrower scope wins over the global one."""

from __future__ import annotations

import time
from typing import Any

from cloudapi.models.common import SettingValue
from cloudapi.models.database import in_transaction, mark, marked
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Cluster
from cloudapi.models.storage import StoragePool
from cloudapi.settings import REGISTRY, Scope, Setting

# How long another process may go on with values that were changed here, in seconds.
FRESHNESS = 2.0

# The mark of a transaction that has changed values, which nobody else may see yet.
WRITTEN = "settings"

# Lets the values of a domain stand for those of its accounts.
FOR_DOMAINS = "enable.account.settings.for.domain"

Values = dict[str, dict[tuple[str, int], str | None]]


class Settings:
    """Reads are from memory; `changed()` makes a write visible in this process.

    It is called twice: within the transaction, for what follows in it, and after the commit, for all.
    """

    def __init__(self) -> None:
        self._values: Values = {}
        self._read = -FRESHNESS
        self._generation = 0

    def changed(self) -> None:
        if in_transaction():
            mark(WRITTEN)
        else:
            self._generation += 1
            self._read = -FRESHNESS

    def get(self, name: str, *, zone: int | None = None, cluster: int | None = None, pool: int | None = None,
            account: int | None = None, domain: int | None = None, image_store: int | None = None) -> Any:
        """Return the value in force, parsed to its type; ids name the place for which it is asked.

        A cluster's zone, a pool's cluster and an account's domain chain are found here.
        """
        setting = REGISTRY[name]
        values = self._of(setting.name)
        if not values:
            return setting.parse(setting.default)
        for scope, scope_id in self._chain(setting, zone, cluster, pool, account, domain, image_store):
            if (scope, scope_id) in values:
                return setting.parse(values[scope, scope_id])
        return setting.parse(values.get(("Global", 0), setting.default))

    def text(self, name: str, scope: str = "Global", scope_id: int = 0) -> str | None:
        """Return the text stored at exactly one scope; the default where the global one is not stored."""
        setting = REGISTRY[name]
        values = self._of(setting.name)
        if (scope, scope_id) in values:
            return values[scope, scope_id]
        return setting.default if scope == "Global" else None

    def _of(self, name: str) -> dict[tuple[str, int], str | None]:
        if marked(WRITTEN):
            return _stored().get(name, {})
        moment, generation = time.monotonic(), self._generation
        if moment - self._read > FRESHNESS:
            found = _stored()
            if generation == self._generation:  # nothing was committed while we read
                self._values, self._read = found, moment
            return found.get(name, {})
        return self._values.get(name, {})

    def _chain(self, setting: Setting, zone: int | None, cluster: int | None, pool: int | None, account: int | None,
               domain: int | None, image_store: int | None) -> list[tuple[str, int]]:
        """Return the scopes to ask, narrowest first."""
        chain: list[tuple[str, int]] = []
        if pool is not None:
            chain.append(("StoragePool", pool))
            if cluster is None:
                cluster = StoragePool.get_by_id(pool).cluster_id
        if image_store is not None:
            chain.append(("ImageStore", image_store))
        if cluster is not None:
            chain.append(("Cluster", cluster))
            if zone is None:
                zone = Cluster.get_by_id(cluster).zone_id
        if zone is not None:
            chain.append(("Zone", zone))
        if account is not None:
            chain.append(("Account", account))
            if domain is None:
                domain = Account.get_by_id(account).domain_id
        chain = [(scope, scope_id) for scope, scope_id in chain if setting.applies_to(Scope(scope))]
        by_domain = setting.applies_to(Scope.DOMAIN) or (setting.applies_to(Scope.ACCOUNT) and self.get(FOR_DOMAINS))
        while by_domain and domain is not None:
            chain.append(("Domain", domain))
            domain = Domain.get_by_id(domain).parent_id if self.get("enable.domain.settings.for.child.domain") else None
        return chain


def _stored() -> Values:
    found: Values = {}
    for row in SettingValue.select().tuples():
        found.setdefault(row[1], {})[row[2], row[3]] = row[4]
    return found

