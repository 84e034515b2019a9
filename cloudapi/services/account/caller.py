"""From an API key, a user id or nothing to a caller."""

from __future__ import annotations

from typing import Any

from cloudapi.context import ADMIN_USER, SYSTEM_USER, USER, Caller
from cloudapi.models.base import now
from cloudapi.models.database import rows
from cloudapi.secrets import Secrets

_SELECT = """SELECT u.id, u.uuid, u.username, a.id, a.uuid, a.account_name, r.id, r.role_type, d.id, d.uuid, d.path,
 u.state, a.state, u.api_key_access, a.api_key_access"""
_JOINS = """ JOIN account a ON a.id = u.account_id JOIN domain d ON d.id = a.domain_id
 LEFT JOIN role r ON r.id = a.role_id"""
_FROM = f"{_JOINS} WHERE u.removed IS NULL AND a.removed IS NULL"


def _caller(row: tuple[Any, ...], key_pair_id: int | None = None) -> Caller:
    return Caller(user_id=row[0], user_uuid=row[1], username=row[2], account_id=row[3], account_uuid=row[4],
                  account_name=row[5], role_id=row[6] or 0, role_type=row[7] or USER, domain_id=row[8],
                  domain_uuid=row[9], domain_path=row[10], key_pair_id=key_pair_id)


class Callers:
    def __init__(self, secrets: Secrets, settings: Any) -> None:
        self._secrets, self._settings = secrets, settings

    def by_api_key(self, api_key: str) -> tuple[Caller, str] | None:
        """Return the caller of an API key and its secret key; None where it may not be used (now)."""
        found = rows(f"{_SELECT}, k.secret_key, k.id, k.start_date, k.end_date FROM api_key_pair k JOIN cloud_user u "
                     f"ON u.id = k.user_id{_FROM} AND k.api_key = ? AND k.removed IS NULL", (api_key,))
        if not found:
            return None
        row = found[0]
        secret, key_id, start, end = row[15:19]
        moment = now()
        if row[11] != "enabled" or row[12] != "enabled" or (start and start > moment) or (end and end < moment):
            return None
        access = row[13] if row[13] is not None else row[14]
        if access is None:
            access = self._settings.get("api.key.access", domain=row[8])
        if not access:
            return None
        return _caller(row, key_id), self._secrets.open(secret)

    def by_user(self, user_id: int) -> Caller:
        """Return the caller for a user, whatever the user's state: jobs go on when their user is disabled."""
        found = rows(f"{_SELECT} FROM cloud_user u{_JOINS} WHERE u.id = ?", (user_id,))
        if not found:
            raise LookupError(f"user {user_id} does not exist")
        return _caller(found[0])

    def root(self) -> Caller:
        """Return the admin, for the integration port."""
        return self.by_user(ADMIN_USER)

    def system(self) -> Caller:
        """Return the system's own user, for periodic work."""
        return self.by_user(SYSTEM_USER)
