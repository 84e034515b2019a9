"""Whether a role allows a command: its ordered rules first, then the command's own default roles."""

from __future__ import annotations

import fnmatch
import time
from typing import Any

from cloudapi.context import ADMIN, Caller
from cloudapi.models.identity import ApiKeyPermission, Role, RolePermission

# How long another process may go on with rules that were changed here, in seconds.
FRESHNESS = 2.0


class Permissions:
    def __init__(self) -> None:
        self._rules: dict[tuple[str, int], tuple[float, list[tuple[str, bool]]]] = {}

    def allowed(self, caller: Caller, command: Any) -> bool:
        """:param command: the command's class."""
        name = command.api_name()
        if caller.key_pair_id is not None:
            rules = self._of("key", caller.key_pair_id)
            if rules and not self._decide(rules, name, default=False):
                return False
        if caller.role_type == ADMIN and caller.role_id <= 1:
            return True
        return self._decide(self._of("role", caller.role_id), name, default=caller.role_type in command.roles)

    def changed(self) -> None:
        """Forget what was read: a rule, a role or a key was changed."""
        self._rules.clear()

    @staticmethod
    def _decide(rules: list[tuple[str, bool]], name: str, default: bool) -> bool:
        lowered = name.lower()
        for rule, allow in rules:
            if fnmatch.fnmatchcase(lowered, rule):
                return allow
        return default

    def _of(self, kind: str, identifier: int) -> list[tuple[str, bool]]:
        found = self._rules.get((kind, identifier))
        moment = time.monotonic()
        if found is not None and moment - found[0] < FRESHNESS:
            return found[1]
        if kind == "role":
            role = Role.get_or_none(Role.id == identifier)
            if role is None or role.removed is not None or role.state != "enabled":
                rules = [("*", False)]
            else:
                rows = (RolePermission.select().where(RolePermission.role == identifier)
                        .order_by(RolePermission.sort_order, RolePermission.id))
                rules = [(row.rule.lower(), row.permission.lower() == "allow") for row in rows]
        else:
            rows = (ApiKeyPermission.select().where(ApiKeyPermission.key_pair == identifier)
                    .order_by(ApiKeyPermission.sort_order, ApiKeyPermission.id))
            rules = [(row.rule.lower(), row.permission.lower() == "allow") for row in rows]
        self._rules[kind, identifier] = (moment, rules)
        return rules
