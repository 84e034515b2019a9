"""The rules of users: who may be called what, and what becomes of them."""

from __future__ import annotations

import uuid as uuids
from typing import Any
from zoneinfo import available_timezones

from cloudapi import events
from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter, PermissionDenied, UnsupportedAction
from cloudapi.models.base import new_uuid, now
from cloudapi.models.identity import Account, ApiKeyPair, Domain, Session, User
from cloudapi.services.account import privilege
from cloudapi.services.user import password as passwords

ENABLED, DISABLED, LOCKED = "enabled", "disabled", "locked"
ACCESS = {"enabled": True, "disabled": False, "inherit": None}


def access_named(text: str) -> bool | None:
    """Return whether API keys may be used: True, False, or None as the owner's owner says.

    :raises InvalidParameter: the text is none of Enabled, Disabled and Inherit.
    """
    if text.strip().lower() not in ACCESS:
        raise InvalidParameter("ApiKeyAccess value can only be Enabled/Disabled/Inherit (parameter apikeyaccess)")
    return ACCESS[text.strip().lower()]


def given_uuid(text: str | None, parameter: str, record: Any) -> str:
    """Return the identifier that the caller chose for a new record, or a new one.

    :raises InvalidParameter: it is no UUID, or taken.
    """
    if not text:
        return new_uuid()
    try:
        chosen = str(uuids.UUID(text))
    except ValueError:
        raise InvalidParameter(f"Invalid value {text[:64]!r} for parameter {parameter}: it is no UUID") from None
    if record.select().where(record.uuid == chosen).exists():
        raise InvalidParameter(f"The value {chosen} of parameter {parameter} is in use already")
    return chosen


def serialise(domain: Domain) -> None:
    """Hold a domain's row, so that two calls cannot both find a name free in it."""
    Domain.update(state=Domain.state).where(Domain.id == domain.id).execute()


def check_username(context: Context, username: str, account: Account | None, domain: Domain,
                   user: User | None = None, *, taken_in_domain: type[ApiError] = InvalidParameter) -> None:
    """Refuse a user name that the account, or the domain, has already.

    :param account: None for an account that is being made.
    :param taken_in_domain: the error where the domain has it: CloudStack's differs by command.
    :raises InvalidParameter: empty, or taken.
    """
    error: type[ApiError] = taken_in_domain
    if not username.strip():
        raise InvalidParameter("Username cannot be empty (parameter username)")
    taken = User.alive(User.username == username, User.domain_id == domain.id)
    if user is not None:
        taken = taken.where(User.id != user.id)
    if context.settings.get("user.allow.multiple.accounts", domain=domain.id):
        if account is None:
            return
        taken, error = taken.where(User.account == account.id), InvalidParameter
    if taken.exists():
        raise error(f"The user {username[:80]} already exists in domain {domain.name} (parameter username)")


def check_timezone(timezone: str | None) -> None:
    if timezone and timezone not in available_timezones():
        raise InvalidParameter(f"Invalid value {timezone[:64]!r} for parameter timezone: it is no time zone")


def check_named(values: dict[str, str | None]) -> None:
    """Refuse names that are there but blank: `{parameter: value}`."""
    for name, value in values.items():
        if value is not None and not value.strip():
            raise InvalidParameter(f"{name.capitalize()} cannot be empty (parameter {name})")


def write(context: Context, account: Account, username: str, password: str, *, first_name: str, last_name: str,
          email: str, timezone: str | None = None, user_id: str | None = None,
          password_change_required: bool = False) -> User:
    """Write a user whose name and account were checked, and the event of it."""
    check_named({"firstname": first_name, "lastname": last_name})
    check_timezone(timezone)
    passwords.check(context, password, username, account.domain_id)
    user = User.create(uuid=given_uuid(user_id, "userid", User), username=username, password=passwords.hashed(password),
                       account=account.id, domain_id=account.domain_id, first_name=first_name, last_name=last_name,
                       email=email, timezone=timezone or None, password_change_required=password_change_required)
    events.completed(context, "USER.CREATE", f"creating user {username} ({user.uuid})", user)
    return user


def create(context: Context, account_name: str, domain: Domain | None, username: str, password: str,
           **about: Any) -> User:
    """Add a user to an account.

    :raises InvalidParameter: no such account.
    :raises InternalError: the name is taken, or the domain is being deleted.
    """
    if domain is None:
        domain = Domain.get_by_id(context.caller.domain_id)
    privilege.check_domain(context, domain)
    if domain.state != "Active":
        raise InternalError(f"The user cannot be created as domain {domain.name} is being deleted")
    serialise(domain)
    account = Account.alive(Account.account_name == account_name, Account.domain == domain.id,
                            Account.account_type != privilege.PROJECT_ACCOUNT).first()
    if account is None:
        raise InvalidParameter(f"Unable to find account {account_name[:80]} in domain {domain.uuid} to create user "
                               "(parameter account)")
    if account.id == SYSTEM_ACCOUNT:
        raise PermissionDenied(f"Account {account.account_name} is a system account, can't add a user to it")
    privilege.check(context, account)
    check_username(context, username, account, domain, taken_in_domain=InternalError)
    if not context.caller.is_admin:
        about["password_change_required"] = False
    return write(context, account, username, password, **about)


def changeable(context: Context, user: User, doing: str, *, default: bool = True) -> Account:
    """Return the account of a user whom the caller may change.

    :param default: whether the users that the installation began with may be changed so.
    :raises PermissionDenied: the system's own user, or one with more rights than the caller.
    """
    account: Account = user.account
    if account.account_type == privilege.PROJECT_ACCOUNT:
        raise InvalidParameter(f"Users of projects cannot be changed: {user.uuid}")
    if account.id == SYSTEM_ACCOUNT:
        raise PermissionDenied(f"user {user.username} is a system user, {doing} is not allowed")
    if user.is_default and not default:
        raise InvalidParameter("The user is default and can't be (re)moved (parameter id)")
    privilege.check(context, account, user)
    return account


def update(context: Context, user: User, values: dict[str, Any]) -> User:
    """Change a user. Those who are no admins change their password by telling the current one.

    :param values: by parameter name, those given.
    """
    account = changeable(context, user, "update")
    check_named({name: values.get(name) for name in ("firstname", "lastname")})
    check_timezone(values.get("timezone"))
    if "username" in values:
        domain = Domain.get_by_id(user.domain_id)
        serialise(domain)
        check_username(context, values["username"], account, domain, user)
        user.username = values["username"]
    if "userapikey" in values or "usersecretkey" in values:
        _replace_keys(context, user, values.get("userapikey"), values.get("usersecretkey"))
    if "password" in values:
        _set_password(context, user, values["password"], values.get("currentpassword"))
    for parameter, field in (("firstname", "first_name"), ("lastname", "last_name"), ("email", "email"),
                             ("timezone", "timezone")):
        if values.get(parameter, "").strip():
            setattr(user, field, values[parameter])
    if "apikeyaccess" in values:
        user.api_key_access = access_named(values["apikeyaccess"])
    if values.get("mandate2fa"):
        raise UnsupportedAction("Parameter mandate2fa: this installation has no provider of a second factor")
    if values.get("passwordchangerequired"):
        _require_password_change(context, user, account)
    user.save()
    return user


def _require_password_change(context: Context, user: User, account: Account) -> None:
    if user.state != ENABLED or account.state != ENABLED:
        raise InvalidParameter("Parameter passwordchangerequired: the user or the account is disabled or locked")
    if context.caller.is_admin and user.id != context.caller.user_id:
        user.password_change_required = True


def _set_password(context: Context, user: User, password: str, current: str | None) -> None:
    passwords.check(context, password, user.username, user.domain_id)
    if not context.caller.is_admin:
        if not (current or "").strip():
            raise InvalidParameter("To set a new password the current password must be provided "
                                   "(parameter currentpassword)")
        if not passwords.verify(user.password, current or ""):
            raise InvalidParameter("Current password is incorrect (parameter currentpassword)")
    user.password = passwords.hashed(password)
    user.password_change_required = False
    end_sessions(user.id, but_of=context)


def end_sessions(user_id: int, but_of: Context | None = None) -> None:
    """End the logins of a user, as after a new password; the caller's own goes on."""
    if but_of is None or but_of.caller.user_id != user_id:
        Session.delete().where(Session.user == user_id).execute()


def _replace_keys(context: Context, user: User, api_key: str | None, secret_key: str | None) -> None:
    """Put a pair that the caller chose in place of the user's newest one."""
    if not (api_key or "").strip() or not (secret_key or "").strip():
        raise InvalidParameter("Please provide a valid API and secret key pair (parameters userapikey, usersecretkey)")
    newest = (ApiKeyPair.alive(ApiKeyPair.user == user.id).order_by(ApiKeyPair.id.desc()).first())
    if newest is None:
        raise InvalidParameter(f"User {user.username} has no active API key pairs to be updated (parameter userapikey)")
    if ApiKeyPair.select().where(ApiKeyPair.api_key == api_key, ApiKeyPair.id != newest.id).exists():
        raise InvalidParameter("The API key already exists in the system. Please provide a unique key "
                               "(parameter userapikey)")
    (ApiKeyPair.update(api_key=api_key, secret_key=context.installation.secrets.seal(secret_key))
     .where(ApiKeyPair.id == newest.id).execute())


def delete(context: Context, user: User) -> None:
    """Remove a user and the user's keys; the account and what it owns stay."""
    if user.id == context.caller.user_id:
        raise InvalidParameter(f"A user cannot delete itself: another user has to delete {user.username} "
                               f"({user.uuid}), parameter id")
    changeable(context, user, "deleting", default=False)
    remove([user.id])


def remove(user_ids: list[int]) -> None:
    """Mark users removed, with their keys; end their sessions."""
    moment = now()
    User.update(removed=moment).where(User.id.in_(user_ids), User.removed.is_null()).execute()
    ApiKeyPair.update(removed=moment).where(ApiKeyPair.user.in_(user_ids), ApiKeyPair.removed.is_null()).execute()
    Session.delete().where(Session.user.in_(user_ids)).execute()


def move(context: Context, user: User, account_name: str | None, account: Account | None) -> None:
    """Give a user to another account of the same domain; the user's keys go along.

    :raises InvalidParameter: no such account, or one of another domain.
    """
    old = changeable(context, user, "moving", default=False)
    if account_name:
        account = Account.alive(Account.account_name == account_name, Account.domain == user.domain_id,
                                Account.state == ENABLED).first()
    if account is None:
        raise InvalidParameter(f"Unable to find account {(account_name or '')[:80]!r} in the user's domain "
                               "(parameters account, accountid)")
    if account.domain_id != old.domain_id:
        raise InvalidParameter("Moving a user from an account in one domain to an account in another domain is not "
                               "supported (parameter accountid)")
    if account.account_type == privilege.PROJECT_ACCOUNT or account.id == SYSTEM_ACCOUNT:
        raise InvalidParameter("Users cannot be moved into this account (parameter accountid)")
    privilege.check(context, account)
    check_username(context, user.username, account, Domain.get_by_id(account.domain_id), user)
    User.update(account=account.id).where(User.id == user.id).execute()
    ApiKeyPair.update(account_id=account.id).where(ApiKeyPair.user == user.id).execute()


def set_state(context: Context, user: User, state: str) -> User:
    """Enable, disable or lock a user.

    Enabling a user enables the account; locking its last enabled user locks the account.

    :raises InvalidParameter: locking a disabled user.
    """
    doing = {ENABLED: "enabling", DISABLED: "disabling", LOCKED: "locking"}[state]
    account = changeable(context, user, doing)
    if state == LOCKED and user.state == DISABLED:
        raise InvalidParameter(f"Unable to lock user {user.username}: it is disabled (parameter id)")
    if state != ENABLED and user.id == context.caller.user_id:
        raise InvalidParameter(f"{doing.capitalize()} the own user is not allowed (parameter id)")
    user.state = state
    if state == ENABLED:
        user.failed_logins = 0
        if account.state != ENABLED:
            Account.update(state=ENABLED).where(Account.id == account.id).execute()
    else:
        end_sessions(user.id)
    user.save()
    if state == LOCKED and not User.alive(User.account == account.id, User.state == ENABLED).exists():
        Account.update(state=LOCKED).where(Account.id == account.id, Account.state == ENABLED).execute()
    return user
