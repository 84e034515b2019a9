"""Whether a role, and the API key that a call is signed with, allow a command.

A role that users made has ordered rules; the first that matches the command decides, and none means no. A default
role has none: it allows what the commands' declarations say. The rules of a key only narrow what its role allows.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Sequence
from typing import Any

from cloudapi.context import ADMIN, Caller
from cloudapi.models.identity import ApiKeyPermission, Role, RolePermission

# How long another process may go on with rules that were changed here, in seconds, where the setting
# dynamic.apichecker.cache.period does not ask for longer.
FRESHNESS = 2.0
ROOT_ADMIN_ROLE = 1

Rules = Sequence[tuple[str, bool]]


class Permissions:
    """Reads are from memory; `changed()` after a write makes rules visible in this process at once."""

    def __init__(self, settings: Any) -> None:
        """:param settings: how long rules are remembered."""
        self._settings = settings
        self._roles: dict[int, tuple[float, str | None, Rules]] = {}
        self._keys: dict[int, tuple[float, Rules]] = {}

    def allowed(self, caller: Caller, command: Any) -> bool:
        """:param command: the command's class."""
        if caller.key_pair_id is not None:
            rules = self._of_key(caller.key_pair_id)
            if rules and not decide(rules, command.api_name(), default=False):
                return False
        return self.role_allows(caller.role_id, command)

    def role_allows(self, role_id: int, command: Any) -> bool:
        if role_id == ROOT_ADMIN_ROLE:
            return True
        declared, rules = self._of_role(role_id)
        return decide(rules, command.api_name(), default=declared is not None and declared in command.roles)

    def key_allows(self, key_pair_id: int, role_id: int, command: Any) -> bool:
        """Whether a key pair of a user with this role allows the command."""
        rules = self._of_key(key_pair_id)
        if rules and not decide(rules, command.api_name(), default=False):
            return False
        return self.role_allows(role_id, command)

    def changed(self) -> None:
        """Forget what was read: a rule, a role or a key was changed."""
        self._roles.clear()
        self._keys.clear()

    def _fresh(self, read: float, moment: float) -> bool:
        return moment - read < max(FRESHNESS, self._settings.get("dynamic.apichecker.cache.period"))

    def _of_role(self, role_id: int) -> tuple[str | None, Rules]:
        """Return the role type whose declarations hold (None for a role that users made) and the rules."""
        found = self._roles.get(role_id)
        moment = time.monotonic()
        if found is not None and self._fresh(found[0], moment):
            return found[1], found[2]
        role = Role.get_or_none(Role.id == role_id)
        declared, rules = None, []
        if role is not None and role.removed is None and role.state == "enabled":
            declared = role.role_type if role.is_default else None
            rules = [(row.rule.lower(), row.permission == "allow") for row in ordered(role_id)]
        self._roles[role_id] = (moment, declared, rules)
        return declared, rules

    def _of_key(self, key_pair_id: int) -> Rules:
        found = self._keys.get(key_pair_id)
        moment = time.monotonic()
        if found is not None and self._fresh(found[0], moment):
            return found[1]
        rows = (ApiKeyPermission.select().where(ApiKeyPermission.key_pair == key_pair_id)
                .order_by(ApiKeyPermission.sort_order, ApiKeyPermission.id))
        rules = [(row.rule.lower(), row.permission == "allow") for row in rows]
        self._keys[key_pair_id] = (moment, rules)
        return rules


def decide(rules: Rules, name: str, default: bool) -> bool:
    """Return what the first rule that matches says. Rules are in lower case, with `*` for any letters."""
    lowered = name.lower()
    return next((allow for rule, allow in rules if fnmatch.fnmatchcase(lowered, rule)), default)


def ordered(role_id: int) -> list[RolePermission]:
    """Return the stored rules of a role, in their order."""
    return list(RolePermission.select().where(RolePermission.role == role_id)
                .order_by(RolePermission.sort_order, RolePermission.id))


def declared_rules(registry: Any, role: Role) -> list[tuple[str, str]]:
    """Return the rules of a default role as its declarations mean them: `(rule, allow or deny)`."""
    if role.role_type == ADMIN and role.id == ROOT_ADMIN_ROLE:
        return [("*", "allow")]
    names = sorted(command.api_name() for command in registry if role.role_type in command.roles)
    return [(name, "allow") for name in names] + [("*", "deny")]
