"""API keys of users: pairs with a time to live and rules of their own."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.context import SYSTEM_USER, Caller, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.base import new_uuid, now
from cloudapi.models.identity import Account, ApiKeyPair, ApiKeyPermission, User
from cloudapi.services.account import privilege
from cloudapi.services.role import permission as permissions
from cloudapi.services.role import role as roles

KEY_BYTES = 64  # 86 characters, as long as CloudStack's


def register(context: Context, user: User, *, name: str | None, description: str | None, start: int | None,
             end: int | None, rules: Sequence[Mapping[str, str]]) -> ApiKeyPair:
    """Make a key pair for a user. Within a transaction.

    :param start: when it begins to work, ms UTC; None for now. :param end: None for never.
    :param rules: what it allows, within what the user's role allows; empty for all of that.
    :raises InvalidParameter: an end in the past or before the start, a rule that is none, more rights than the role's.
    """
    if user.id == SYSTEM_USER:
        raise PermissionDenied(f"User {user.username} is a system account and, thus, the operation is not allowed")
    privilege.check(context, user.account, user)
    if end is not None and end <= now():
        raise InvalidParameter("Keypair cannot be created with expired date, please input a date in the future "
                               "(parameter enddate)")
    if start is not None and end is not None and start >= end:
        raise InvalidParameter("Please specify an end date that is after the start date (parameter enddate)")
    written = _checked(rules)
    _check_within_role(context, user, [(row["rule"].lower(), row["permission"] == roles.ALLOW) for row in written])
    pair = ApiKeyPair.create(
        name=name or f"{user.username}-{new_uuid()[:8]}", description=description, user=user.id,
        account_id=user.account_id, domain_id=user.domain_id, api_key=randomness.token_urlsafe(KEY_BYTES),
        secret_key=context.installation.secrets.seal(randomness.token_urlsafe(KEY_BYTES)),
        start_date=start, end_date=end)
    for index, row in enumerate(written):
        ApiKeyPermission.create(uuid=new_uuid(), key_pair=pair.id, sort_order=index, **row)
    roles.changed(context)
    return pair


def _checked(rules: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    checked = []
    for row in rules:
        if not row.get("rule") or not row.get("permission"):
            raise InvalidParameter("Each of the parameter rules has a rule and a permission")
        checked.append({"rule": roles.rule_checked(row["rule"]), "description": row.get("description"),
                        "permission": roles.permission_named(row["permission"])})
    return checked


def _check_within_role(context: Context, user: User, rules: permissions.Rules) -> None:
    installation = context.installation
    role_id = Account.get_by_id(user.account_id).role_id
    caller = context.caller
    for command in installation.registry if rules else ():
        name = command.api_name()
        if permissions.decide(rules, name, default=False) and not (
                installation.permissions.role_allows(role_id, command)
                and (caller.key_pair_id is None or installation.permissions.allowed(caller, command))):
            raise InvalidParameter(f"The rules allow {name}, which the user's role does not: a key pair has no more "
                                   "permissions than the account that owns it (parameter rules)")


def newest(user: User) -> ApiKeyPair | None:
    """Return the user's latest key pair that can be used."""
    found: ApiKeyPair | None = (
        ApiKeyPair.alive(ApiKeyPair.user == user.id,
                         ApiKeyPair.end_date.is_null() | (ApiKeyPair.end_date > now()))
        .order_by(ApiKeyPair.id.desc()).first())
    return found


def current(context: Context, user: User) -> dict[str, Any]:
    """Return a user's keys as `apikey`, `secretkey` and `apikeyaccess`: the pair of the call itself, else the newest.

    :raises PermissionDenied: a user of another account, a domain outside the caller's, a user with more rights.
    """
    account = user.account
    privilege.check(context, account, user)
    pair = newest(user)
    if user.id == context.caller.user_id and context.caller.key_pair_id is not None:
        pair = ApiKeyPair.get_by_id(context.caller.key_pair_id)
    access = user.api_key_access if user.api_key_access is not None else account.api_key_access
    if access is None:
        access = context.settings.get("api.key.access", domain=user.domain_id)
    shown: dict[str, Any] = {"apikeyaccess": bool(access)}
    if pair is not None and may_see(context, pair):
        shown.update(apikey=pair.api_key, secretkey=context.installation.secrets.open(pair.secret_key))
    return shown


def may_see(context: Context, pair: ApiKeyPair) -> bool:
    """Whether the key that the call is signed with allows all that this pair allows."""
    caller: Caller = context.caller
    if caller.key_pair_id is None or caller.key_pair_id == pair.id:
        return True
    mine = ApiKeyPermission.select().where(ApiKeyPermission.key_pair == caller.key_pair_id).exists()
    if not mine:
        return True  # a key without rules has all of its role, which `privilege.check` compared
    permissions: Any = context.installation.permissions
    role_id = Account.get_by_id(pair.account_id).role_id
    return not any(permissions.key_allows(pair.id, role_id, command) and not permissions.allowed(caller, command)
                   for command in context.installation.registry)


def check_visible(context: Context, pair: ApiKeyPair) -> None:
    """Refuse a pair of a user beyond the caller's rights.

    :raises PermissionDenied: 531.
    """
    user = User.get_by_id(pair.user_id)
    privilege.check(context, user.account, user)
    if not may_see(context, pair):
        raise PermissionDenied("The key of this call allows less than the key pair that is asked for")


def delete(context: Context, pair: ApiKeyPair) -> None:
    check_visible(context, pair)
    ApiKeyPermission.delete().where(ApiKeyPermission.key_pair == pair.id).execute()
    ApiKeyPair.update(removed=now()).where(ApiKeyPair.id == pair.id).execute()
    roles.changed(context)


def rules_of(pair: ApiKeyPair) -> list[dict[str, Any]]:
    """Return the rules of a key pair as `rule`, `permission`, `description`."""
    rows = (ApiKeyPermission.select().where(ApiKeyPermission.key_pair == pair.id)
            .order_by(ApiKeyPermission.sort_order, ApiKeyPermission.id))
    return [{"rule": row.rule, "permission": row.permission, "description": row.description} for row in rows]


def remove_expired(context: Context) -> None:
    """Remove the pairs whose time is over; done by the clock."""
    ended = [pair.id for pair in ApiKeyPair.alive(ApiKeyPair.end_date <= now())]
    if ended:
        ApiKeyPermission.delete().where(ApiKeyPermission.key_pair.in_(ended)).execute()
        ApiKeyPair.update(removed=now()).where(ApiKeyPair.id.in_(ended)).execute()
