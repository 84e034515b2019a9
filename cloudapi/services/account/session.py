"""Sessions: a login by password, kept by a cookie and a session key.

Both are random and kept as digests, so that whoever reads the table cannot use them. The table outlives the
process: a restart logs nobody out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness
from dataclasses import dataclass
from typing import Any

from cloudapi import events
from cloudapi.context import ADMIN, SYSTEM_ACCOUNT, Caller, Context
from cloudapi.errors import PermissionDenied, Unauthenticated
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Domain, Session, User
from cloudapi.services.account import origin
from cloudapi.services.account.caller import Callers
from cloudapi.services.user import password as passwords

TOKEN_BYTES = 32
# A session's time is written at most this often: a read need not become a write.
TOUCH_EVERY = 10_000


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Login:
    """A new session: `token` for the cookie, `session_key` for the requests."""

    user: User
    token: str
    session_key: str


class Sessions:
    """:param minutes: after which an unused session ends."""

    def __init__(self, callers: Callers, settings: Any, minutes: int = 30) -> None:
        self._callers, self._settings = callers, settings
        self.timeout = minutes * 60  # seconds

    def caller(self, token: str, parameter_key: str | None, cookie_key: str | None) -> Caller:
        """Return who is logged in with this cookie and the session key of a parameter, of a cookie, or of both.

        :raises Unauthenticated: no such session, another key, one idle for too long, or the user may not log in.
        """
        session = Session.get_or_none(Session.token == digest(token))
        if session is None or not self._key_fits(session.session_key, parameter_key, cookie_key):
            raise Unauthenticated
        moment = now()
        if session.last_used < moment - self.timeout * 1000:
            self.end(token)
            raise Unauthenticated
        user = User.get_or_none(User.id == session.user_id)
        if user is None or user.removed is not None or not _enabled(user):
            self.end(token)
            raise Unauthenticated
        if session.last_used < moment - TOUCH_EVERY:
            transact(lambda: Session.update(last_used=moment).where(Session.id == session.id).execute())
        return self._callers.by_user(user.id)

    def _key_fits(self, stored: str, parameter_key: str | None, cookie_key: str | None) -> bool:
        """Hold the session key where `api.sessionkey.check.locations` says."""
        def fits(key: str | None) -> bool:
            return key is not None and hmac.compare_digest(digest(key), stored)

        if any(key is not None and not fits(key) for key in (parameter_key, cookie_key)):
            return False
        where = self._settings.get("api.sessionkey.check.locations")
        if where == "ParameterOnly":
            return parameter_key is not None
        if where == "CookieAndParameter":
            return parameter_key is not None and cookie_key is not None
        return parameter_key is not None or cookie_key is not None

    def begin(self, user: User, remote_address: str) -> Login:
        """Write a session for a user who has proved who they are. Within a transaction."""
        token, session_key = randomness.token_urlsafe(TOKEN_BYTES), randomness.token_urlsafe(20)
        moment = now()
        Session.create(token=digest(token), session_key=digest(session_key), user=user.id, created=moment,
                       last_used=moment, remote_address=remote_address[:64] or None)
        return Login(user, token, session_key)

    def end(self, token: str | None) -> User | None:
        """End a session. Returns whose it was."""
        if not token:
            return None
        session = Session.get_or_none(Session.token == digest(token))
        if session is None:
            return None
        transact(lambda: Session.delete().where(Session.id == session.id).execute())
        return User.get_or_none(User.id == session.user_id)

    def purge(self) -> None:
        """Remove the sessions that were idle for too long; done by the clock."""
        Session.delete().where(Session.last_used < now() - self.timeout * 1000).execute()


def _enabled(user: User) -> bool:
    return user.state == "enabled" and user.account.state == "enabled" and user.account.removed is None


def find_domain(domain_id: str | None, path: str | None) -> Domain:
    """Return the domain of a login: by its ID (or number), by its path (`a/b`, `/a/b/`), else the root.

    :raises PermissionDenied: there is none.
    """
    if domain_id:
        numeric = domain_id.isascii() and domain_id.isdigit() and len(domain_id) < 19
        found = Domain.alive(Domain.id == int(domain_id) if numeric else Domain.uuid == domain_id).first()
    else:
        parts = [part for part in (path or "").strip().split("/") if part]
        found = Domain.alive(Domain.path == "/" + "".join(f"{part}/" for part in parts)).first()
    if found is None:
        raise PermissionDenied(f"Unable to find the domain from the path {(path or domain_id or '')[:80]}")
    return found


def login(context: Context, username: str, password: str, domain: Domain, remote_address: str) -> Login:
    """Check a password and begin a session.

    A wrong one is counted; at `incorrect.login.attempts.allowed` of them the user is disabled (root admins are not).

    :raises PermissionDenied: 531, with the same text whether the user or the password is unknown.
    """
    refused = PermissionDenied(f"Failed to authenticate user {username[:80]} in domain {domain.uuid}; "
                               "please provide valid credentials")
    user = User.alive(User.username == username, User.domain_id == domain.id).order_by(User.id).first()
    right = passwords.verify(user.password if user is not None else "", password)
    if user is None or user.account_id == SYSTEM_ACCOUNT:
        raise refused
    if not right:
        transact(lambda: _count_failure(context, user))
        raise refused
    account = Account.get_by_id(user.account_id)
    if not _enabled(user):
        raise PermissionDenied(f"User {user.username} (or their account) in domain {domain.name} is disabled/locked. "
                               "Please contact the administrator.")
    try:
        origin.check(context.settings, account.id, remote_address)
    except Unauthenticated:
        raise refused from None

    def begin() -> Login:
        User.update(failed_logins=0).where(User.id == user.id).execute()
        events.noted(_own(context, user), "USER.LOGIN", f"user has logged in from IP Address {remote_address}", user)
        begun: Login = context.installation.sessions.begin(user, remote_address)
        return begun

    return transact(begin)


def _count_failure(context: Context, user: User) -> None:
    account = Account.get_by_id(user.account_id)
    if account.role.role_type == ADMIN or user.state != "enabled":
        return
    allowed = int(context.settings.get("incorrect.login.attempts.allowed"))
    User.update(failed_logins=User.failed_logins + 1).where(User.id == user.id).execute()
    if allowed and User.get_by_id(user.id).failed_logins >= allowed:
        User.update(state="disabled").where(User.id == user.id).execute()
        events.completed(_own(context, user), "USER.DISABLE",
                         f"disabling user {user.username} ({user.uuid}) after {allowed} wrong passwords", user)


def _own(context: Context, user: User) -> Context:
    """Return the context in which a user leaves an event: at a login the caller is not known yet."""
    return Context(context.installation.callers.by_user(user.id), context.installation, context.steps,
                   context.request_id)


def logout(context: Context, token: str | None) -> None:
    """End a session, if there is one."""
    user = context.installation.sessions.end(token)
    if user is not None:
        transact(lambda: events.noted(_own(context, user), "USER.LOGOUT", "user has logged out", user))
